import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../src/cli/io.ts";
import { muxSettings } from "../../src/cli/mux/mux_settings.ts";
import { MUX_OPTIONS } from "../../src/cli/mux/mux_options.ts";
import { sparkline } from "../../src/cli/mux/watch_view.ts";
import { unescaped } from "../../src/cli/mux/unescaped.ts";
import { parseOptions } from "../../src/cli/options.ts";

const settings = (line: string) => muxSettings(parseOptions(line.split(" "), MUX_OPTIONS).values);
const BASE = "--listen 127.0.0.1:0 --to 127.0.0.1:1 --parser";

for (
  const [line, says] of [
    ["--to 127.0.0.1:1 --parser resp", "--listen is missing"],
    ["--listen 127.0.0.1:0 --parser resp", "--to is missing"],
    ["--listen 127.0.0.1:0 --to 127.0.0.1:1", "--parser is missing"],
    [`${BASE} nonsense`, "no parser is named"],
    [`${BASE} mysql`, "a MySQL connection is a session"],
    [`${BASE} http2`, "compresses headers"],
    [`${BASE} tls`, "TLS binds all bytes"],
    [`${BASE} bgp`, "not known here"],
    [`${BASE} resp --id 0:4`, "--id is for framings"],
    [`${BASE} len32 --id 4`, "--id must be OFFSET:2 or OFFSET:4"],
    [`${BASE} len32 --id 4:4 --replies none`, "--id is for --replies correlate"],
    [`${BASE} resp --unordered`, "carry no number"],
    [`${BASE} resp --tls-cert x`, "--tls-cert x: no such file"],
    [`${BASE} resp --to-name x`, "need --to-tls"],
    [`${BASE} resp --max-pending 0`, "at least 1"],
    [`${BASE} resp --metrics unix:/tmp/x`, "--metrics must be HOST:PORT"],
    [`${BASE} resp --probe \\q`, "stands for nothing"],
    ["--listen 127.0.0.1:0 --to a:1,a:1 --parser resp", "named twice"],
    ["--listen 127.0.0.1:0 --to a:1*0 --parser resp", "at least 1"],
    ["--listen 127.0.0.1:0 --to a --parser resp", '--to: bad address "a": it has no port'],
  ] as const
) {
  test(`refused: ${line}`, () => {
    assertThrows(() => settings(line), UsageError, says);
  });
}

test("sessions take any parser", () => {
  assertEquals(settings(`${BASE} postgres --replies sticky`).balancer.replies, "sticky");
});

test("shares, policies and numbers are taken over", () => {
  const { to, balancer } = settings(
    "--listen 127.0.0.1:0 --to a:1*3,b:2 --parser dns --policy key --retries 5 --unordered",
  );
  assertEquals(to.map(({ name, weight }) => [name, weight]), [["a:1", 3], ["b:2", 1]]);
  assertEquals([balancer.policy, balancer.retries, balancer.isOrdered], ["key", 5, false]);
});

test("a probe as it is typed", () => {
  assertEquals(unescaped("a\\r\\n\\x00\\\\é"), Uint8Array.of(97, 13, 10, 0, 92, 0xc3, 0xa9));
});

test("bars: the highest is full, nothing is the lowest", () => {
  assertEquals(sparkline([0, 5, 10]), "▁▄█");
  assertEquals(sparkline([]), "");
});
