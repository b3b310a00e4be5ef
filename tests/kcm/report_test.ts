import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { addConnectionTotals } from "../../src/kcm/report.ts";
import { newCounts } from "../../src/strparser/statistics.ts";
import { KcmNamespace, kcmStatsText, MultiplexorEngine } from "../../src/kcm/mod.ts";
import { drain, Kernel } from "./linux.ts";
import { reset } from "./sending.ts";
import { wire } from "./support.ts";

test("K86 the text of /proc/net/kcm", () => {
  const kernel = new Kernel();
  const namespace = new KcmNamespace();
  namespace.add(kernel.engine);
  const k0 = kernel.socket({ receiveBufferBytes: 5 });
  const t = kernel.attach({}, 3);
  t.arrive("abc", "de", "fghi");
  k0.sendmsg(wire("abcdef"));
  assertEquals(namespace.kcmText().split("\n").map((line) => line.trimEnd()), [
    "*** KCM statistics (1 MUX) ****",
    "Object         RX-Msgs    RX-Bytes         TX-Msgs    TX-Bytes         Recv-Q   Rmem     Send-Q   Smem     Status",
    "mux            2          0                0          0                -        -        -        -        KCMs: 1, Psocks 1",
    "   kcm-0       0          0                1          8                1        5        1        -        Psck-0",
    "   psock-0     2          9                0          3                6        6        1        5        Rsvd-0 RxPause RdyRx",
    "",
  ]);
});

test("K86 the text of /proc/net/kcm_stats, with every value in its column", () => {
  const kernel = new Kernel();
  const k0 = kernel.socket();
  const [t, u] = [kernel.attach({}, 3), kernel.attach()];
  k0.sendmsg(wire("abcdef"));
  t.port.unattach();
  u.arrive("in");
  drain(k0);
  const { multiplexor, totals } = kernel.engine.report();
  const [names, values, psockNames, psockValues] = kcmStatsText(multiplexor, totals).split("\n");
  const read = (titles: string, numbers: string): [string, number][] => {
    const columns = numbers.trim().split(/\s+/).map(Number);
    return titles.trim().split(/\s+/).slice(1).map((title, i) => [title, columns[i]!]);
  };
  const mux = new Map(read(names!, values!));
  assertEquals([...mux], [
    ["RX-Msgs", 1],
    ["RX-Bytes", 0],
    ["TX-Msgs", 1],
    ["TX-Bytes", 11],
    ["TX-Retries", 1],
    ["Attach", 2],
    ["Unattach", 1],
    ["UnattchRsvd", 1],
    ["RX-RdyDrops", 0],
  ]);
  const psock = new Map(read(psockNames!, psockValues!));
  const shown = ["RX-Msgs", "RX-Bytes", "TX-Msgs", "TX-Bytes", "Reserved", "Unreserved", "TX-Aborts"];
  assertEquals(shown.map((name) => psock.get(name)), [1, 4, 1, 11, 2, 2, 1]);
});

test("K85 a namespace keeps the sums of multiplexors that are finished", () => {
  const namespace = new KcmNamespace();
  const [one, two] = [new Kernel(), new Kernel()];
  for (const { engine } of [one, two]) namespace.add(engine);
  for (const kernel of [one, two]) {
    kernel.socket();
    kernel.attach().arrive("abc");
  }
  const before = namespace.totals();
  const last = new MultiplexorEngine();
  namespace.add(last);
  last.close();
  one.engine.abort();
  const after = namespace.totals();
  assertEquals(after.connections, before.connections);
  assertEquals([after.multiplexors.attached, after.multiplexors.unattached], [2, 1]);
  assertEquals(namespace.kcmText().split("\n")[0], "*** KCM statistics (1 MUX) ****");
});

test("K87 status words", () => {
  const kernel = new Kernel();
  const k0 = kernel.socket();
  const [t, u] = [kernel.attach({ maxMessageLength: 10 }, 0), kernel.attach()];
  k0.sendmsg(wire("a"));
  assertEquals(kernel.status("connections", 0), ["Rsvd-0"]);
  t.port.failSending(reset());
  t.arrive("x".repeat(20));
  assertEquals(kernel.status("connections", 0), ["TxStop", "RxStop", "RxWait"]);
  assertEquals([u.bodies, kernel.status("connections", 1)], [["a"], []]);
});

test("a report has the sums of connections that are gone", () => {
  const engine = new MultiplexorEngine();
  const sums = (): number => engine.report().totals.parser.messages;
  engine.socket({ message: () => {}, end: () => {} });
  const port = engine.attach({ parser: { name: "one", parse: () => 1 } });
  port.push(new Uint8Array(3), 0);
  assertEquals([sums(), engine.report().connections.length], [3, 1]);
  port.abort();
  assertEquals([sums(), engine.report().connections.length], [3, 0]);
});

test("totals of connections are the sums of all counters that there are", () => {
  const parser = newCounts();
  Object.keys(parser).forEach((name, i) => parser[name as keyof typeof parser] = i + 1);
  const transmit = { txMessages: 1, txBytes: 2, reserved: 3, unreserved: 4, aborts: 5 };
  const sum = addConnectionTotals({ parser, transmit }, { parser, transmit });
  assertEquals(Object.values(sum.parser), Object.values(parser).map((count) => 2 * count));
  assertEquals(Object.values(sum.transmit), Object.values(transmit).map((count) => 2 * count));
});
