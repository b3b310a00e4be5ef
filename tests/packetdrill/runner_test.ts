import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { SeededRandom } from "../../src/sim/mod.ts";
import type { PacketAction, TcpSpec } from "./ast.ts";
import { OracleHost } from "./oracle_host.ts";
import { parseScript } from "./parser.ts";
import { runScript, ScriptFailure } from "./runner.ts";
import { folders, scriptsBelow } from "./script_files.ts";
import type { TcpPacket } from "./tcp_packet.ts";

const scripts = folders.flatMap(scriptsBelow).map(({ name, text }) => ({
  name,
  text,
  script: parseScript(text, { file: name, defines: new Set(["FreeBSD"]) }),
}));

const changes: readonly [RegExp, (packet: TcpPacket) => TcpPacket][] = [
  [/flags/, (packet) => ({ ...packet, flags: packet.flags.includes("P") ? `${packet.flags}U` : `${packet.flags}P` })],
  [/ack:/, (packet) => ({ ...packet, ack: packet.ack + 1 })],
  [/win:/, (packet) => ({ ...packet, window: packet.window ^ 1 })],
  [/length:/, (packet) => ({ ...packet, length: packet.length + 1 })],
  [/options:/, (packet) => ({ ...packet, options: [...packet.options, ...noOptions] })],
  [/destination:/, (packet) => ({ ...packet, destination: packet.destination.map((byte) => byte ^ 1) })],
  [/destination port:/, (packet) => ({ ...packet, destinationPort: 9 })],
];
const noOptions: TcpPacket["options"] = [1, 2, 3, 4].map(() => ({ kind: "nop" }));

test("every script passes with a host that does as it says", () => {
  for (const { name, text, script } of scripts) {
    runScript(script, (options) => new OracleHost(script, options), text, name);
  }
  assert(scripts.length >= 442);
});

test("whatever is changed in a packet is noticed, at its line", () => {
  const random = new SeededRandom(3);
  let count = 0;
  for (const { name, text, script } of scripts) {
    for (const { place, action } of script.events) {
      if (action.kind !== "packet" || action.direction === "in") continue;
      const spec = (action as PacketAction).packet as TcpSpec;
      const [pattern, packet] = random.pick(changes);
      if (pattern.source === "ack:" && spec.ack === undefined) continue;
      if (pattern.source === "win:" && spec.window === undefined) continue;
      if (pattern.source === "options:" && spec.options === "any") continue;
      const change = { line: place.line, packet };
      const failure = assertThrows(
        () => runScript(script, (options) => new OracleHost(script, options, change), text, name),
        ScriptFailure,
        `${name}:${place.line}:`,
      ) as ScriptFailure;
      assert(pattern.test(failure.message), failure.message);
      count++;
    }
  }
  assert(count > 1500, `${count}`);
});

test("a packet that comes too late or not at all is noticed", () => {
  let count = 0;
  for (const { name, text, script } of scripts) {
    const event = script.events.findLast(({ time, action }) => {
      return time.kind === "relative" && action.kind === "packet" && action.direction === "out";
    });
    if (event === undefined) continue;
    const change = { line: event.place.line, lateUs: 700_000 };
    assertThrows(
      () => runScript(script, (options) => new OracleHost(script, options, change), text, name),
      ScriptFailure,
      `${name}:${event.place.line}:`,
    );
    count++;
  }
  assert(count > 400, `${count}`);
});

test("a failure tells the line as it is written, what was expected and what came", () => {
  const text = "0 < S 0:0(0) win 10 <mss 1460>\n+0 > S. 0:0(0) ack 1 win 65535 <mss 1460>\n";
  const script = parseScript(text);
  const change = { line: 2, packet: (packet: TcpPacket) => ({ ...packet, window: 5, ack: 3 }) };
  const run = () => runScript(script, (options) => new OracleHost(script, options, change), text, "a.pkt");
  assertEquals(
    (assertThrows(run, ScriptFailure) as ScriptFailure).message,
    `a.pkt:2: +0 > S. 0:0(0) ack 1 win 65535 <mss 1460>
    got S. 0:0(0) ack 3 win 5 <mss 1460> at 0.000000
    ack: expected 1, got 3
    win: expected 65535, got 5`,
  );
});

test("a host that gives no value of an option, or another, has not passed", () => {
  const text = "0 getsockopt(3, SOL_SOCKET, SO_ERROR, [7], [4]) = 0\n";
  const script = parseScript(text);
  const run = (change: (host: OracleHost) => void) => () =>
    runScript(
      script,
      (options) => {
        const host = new OracleHost(script, options);
        change(host);
        return host;
      },
      text,
      "a.pkt",
    );
  run(() => {})();
  const silent = assertThrows(run((host) => host.isSilent = true), ScriptFailure) as ScriptFailure;
  assert(/^a\.pkt:1: .*\n +expected \[7\], and nothing came out$/.test(silent.message), silent.message);
  const wrong = assertThrows(
    run((host) => host.call = () => ({ result: 0, outputs: [{ argument: 3, value: 8 }] })),
    ScriptFailure,
  ) as ScriptFailure;
  assert(/expected \[7\], got \[8\]$/.test(wrong.message), wrong.message);
});
