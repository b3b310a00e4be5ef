/**
 * The stack on raw Ethernet frames, with the real thing at the other end: Linux 6.1 in a virtual machine, over a good wire
 * and a bad one (loss, delay, reordering and duplication by netem on its side, by ours on the way to it). Wireshark judges
 * the traces.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, before } from "node:test";
import { crc32 } from "node:zlib";
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { ethernet, L3L4, L3L4Error, type L3L4Socket } from "../../src/l3l4/mod.ts";
import { stateOfEnds } from "./l3l4/ends.ts";
import { RawLink } from "./l3l4/raw_link.ts";
import { judge } from "./l3l4/trace_judge.ts";
import { onlyProbes, type TcpFrame } from "./l3l4/trace_rules.ts";
import { LimitedTests } from "./linux_vm/limited.ts";
import { type ControlClient, LinuxVm } from "./linux_vm/linux_vm.ts";

const GUEST = "192.168.77.2";
const OURS = "192.168.77.1";
const GUEST6 = "2001:db8:77::2";
const OURS6 = "2001:db8:77::1";
/** Addresses that are nobody's, beyond the network. */
const ANY = "203.0.113.9";
const ANY6 = "2001:db8:99::1";
const MEGABYTE = 1 << 20;

/** Traces are kept where this says. */
const keptIn = process.env.LEAT_TRACES;
const folder = keptIn ?? mkdtempSync(join(tmpdir(), "leat-ethernet-"));
const MAC = "02:00:5e:10:00:01";
const medium = ethernet({ mac: MAC, networks: [`${OURS}/24`, `${OURS6}/64`], answersFor: "any" });
let vm: LinuxVm;
let tcpd: ControlClient;
let shell: ControlClient;
let link: RawLink;
let stack: L3L4;
let port = 20_000;
/** Connections that are not closed. */
const flows = new Set<L3L4Socket>();

/** The slowest needs 10 s on a quiet machine. */
const TEST_LIMIT_MS = 120_000;
const limited = new LimitedTests(
  TEST_LIMIT_MS,
  () => stateOfEnds({ vm, clients: { tcpd, shell }, stack, medium, link, flows }),
);
const test = (name: string, body: () => Promise<void>): void => limited.test(name, body);

before(async () => {
  const { link: opened, settings } = await RawLink.open();
  link = opened;
  vm = await LinuxVm.start("ethernet", 19_000, settings);
  [tcpd, shell] = await Promise.all([vm.client("tcpd"), vm.client("shd")]);
  // the sockets at the ends of the wire hold about 90 frames each: what they have no room for is lost
  stack = new L3L4({ addresses: [OURS, OURS6], medium, sendBufferBytes: 65_536, receiveBufferBytes: 131_072 });
  link.readable.pipeThrough(stack).pipeTo(link.writable).catch(() => {});
  await sh("echo 0 > /proc/sys/net/ipv6/conf/eth1/dad_transmits");
  await sh(`ip -6 addr add ${GUEST6}/64 dev eth1`);
  await sh("ip route add 203.0.113.0/24 dev eth1");
  await sh("ip -6 route add 2001:db8::/32 dev eth1");
  serve(7, (flow) => void flow.readable.pipeTo(flow.writable).catch(() => {}));
}, { timeout: 240_000 });

after(async () => {
  try {
    await stack?.close();
    await vm?.stop();
  } finally {
    // open, it would keep this process alive
    link?.close();
    if (keptIn === undefined) rmSync(folder, { recursive: true });
  }
}, { timeout: 60_000 });

/** Runs a command in the guest. */
async function sh(command: string): Promise<string> {
  const lines = await shell.ask(`sh ${command}`);
  assert(lines.at(-1) === "rc=0", `${command}\n${lines.join("\n")}`);
  return lines.slice(0, -1).join("\n");
}

/** Asks tcpd, which says "ok" and more. */
async function ask(line: string): Promise<string> {
  const [answer = ""] = await tcpd.ask(line);
  assertMatch(answer, /^ok/, line);
  return answer.slice(3);
}

/** Byte i is 7 i, as the guest's programs have it. */
const pattern = (length: number): Uint8Array<ArrayBuffer> => Uint8Array.from({ length }, (_, i) => i * 7);
const hex = (value: number): string => value.toString(16).padStart(8, "0");
const patternCrc = (length: number): string => hex(crc32(pattern(length)));

/** Connections to a port of any address. */
function serve(port: number, each: (flow: L3L4Socket) => void): void {
  (async () => {
    for await (const flow of stack.listen({ port })) each(noted(flow));
  })().catch(() => {});
}

/** A connection to the guest, or to what it asks for. */
const connect = (to: string): L3L4Socket => noted(stack.connect(to));

function noted(flow: L3L4Socket): L3L4Socket {
  flows.add(flow);
  const isOver = (): void => void flows.delete(flow);
  flow.closed.then(isOver, isOver);
  return flow;
}

async function readAll(flow: L3L4Socket): Promise<{ length: number; crc: string }> {
  let length = 0;
  let crc = 0;
  for await (const bytes of flow.readable) {
    length += bytes.length;
    crc = crc32(bytes, crc);
  }
  return { length, crc: hex(crc) };
}

async function writeAll(flow: L3L4Socket, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const writer = flow.writable.getWriter();
  for (let at = 0; at < bytes.length; at += 16_384) await writer.write(bytes.subarray(at, at + 16_384));
  await writer.close();
}

/** A port of the guest's that does this with connections. */
async function guestPort(mode: string): Promise<number> {
  await ask(`listen ${++port} mode=${mode}`);
  return port;
}

/** Asks until the answer fits. */
async function until(what: () => Promise<boolean> | boolean): Promise<void> {
  for (const end = performance.now() + 60_000; !await what();) {
    if (performance.now() > end) throw new Error("nothing came in a minute");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/**
 * Nothing is under way any more. What the guest sends again because it has not heard the last acknowledgment, while nobody
 * here has the time to say it, would be in the next trace, where it answers nothing.
 */
async function isQuiet(): Promise<boolean> {
  const rows = (await sh("cat /proc/net/tcp /proc/net/tcp6")).split("\n").map((row) => row.trim().split(/ +/));
  // neither listens, nor is the host's own, nor waits for no more than time
  const isOpen = ([, , remote = "", state]: string[]): boolean => !/:0000$|^0202000A|_/.test(remote) && state !== "06";
  return (stack.stats as unknown as { connections: number }).connections === 0 && !rows.some(isOpen);
}

/** The connections that the traces so far have. */
const begun = new Set<string>();

/** Ends a part: its trace is written and judged. */
async function judged(name: string, expected: RegExp): Promise<TcpFrame[]> {
  await until(isQuiet);
  const path = join(folder, `${name}.pcap`);
  link.capture(path);
  return judge(path, expected, begun);
}

/**
 * What the ends do that is no fault of the wire: readers that are slow, connections that end, probes of tails whose
 * acknowledgment was on its way (machine and test share two processors), and what the peer says to these.
 */
const ENDS =
  /window (update|specified by the receiver is now completely full)|zero window|the connection closing|connection (reset|finish|establish)|keep-alive|(suspected\) |spurious )retransmission|duplicate ack|d-sack/i;

/** What a bad wire makes of it. */
const WIRE = new RegExp(`${ENDS.source}|fast retransmission|out-of-order|previous segment\\(s\\) not captured`, "i");

/** A megabyte each way, in turn and at once, both sides asking for connections. */
async function exchange(length: number): Promise<void> {
  const flow = connect(`${GUEST}:${await guestPort("echo")}`);
  const echoed = readAll(flow);
  await writeAll(flow, pattern(length));
  assertEquals(await echoed, { length, crc: patternCrc(length) });
  await flow.closed;
  const source = connect(`${GUEST}:${await guestPort(`source:${length}`)}`);
  assertEquals(await readAll(source), { length, crc: patternCrc(length) });
  await source.writable.close();
  const sinkPort = await guestPort("sink");
  const sink = connect(`${GUEST}:${sinkPort}`);
  await writeAll(sink, pattern(length));
  await readAll(sink);
  await sink.closed;
  const log = (await tcpd.ask("log")).join("\n");
  assertMatch(log, new RegExp(`closed \\(eof\\) rx=${length} tx=0 crc=${patternCrc(length)}`));
  // busybox sends a file and prints what comes back
  for (const to of [OURS, ANY]) {
    const sums = await sh(`nc ${to} 7 < /tmp/data | md5sum; md5sum < /tmp/data`);
    const [back, there] = sums.split("\n");
    assertEquals(back, there, `echo of ${to}`);
  }
}

test("ping: the guest finds us by ARP and by neighbour discovery, and any address that it asks for", async () => {
  for (const [ping, to] of [["ping", OURS], ["ping", ANY], ["ping6", OURS6], ["ping6", ANY6]]) {
    assertMatch(
      await sh(`${ping} -c 5 -i 0.2 -W 5 ${to}`),
      /5 packets transmitted, 5 packets received, 0% packet loss/,
    );
  }
  for (const [ping, to] of [["ping", OURS], ["ping6", OURS6]]) {
    assertMatch(await sh(`${ping} -c 3 -i 0.2 -W 5 -s 6000 ${to}`), /3 packets received, 0% packet loss/);
  }
  const known = await sh("ip neigh show dev eth1");
  for (const one of [OURS, OURS6, ANY]) assertMatch(known, new RegExp(`^${one} lladdr `, "m"));
});

test("we ping the guest, in fragments", async () => {
  for (const to of [GUEST, GUEST6]) {
    const data = pattern(3000);
    assertEquals((await stack.ping(to, { data })).data, data);
  }
  assert(medium.neighbors().filter(({ state }) => state !== "incomplete").length >= 2);
});

test("traceroute: one hop, which says that the port cannot be reached", async () => {
  const trace = await sh(`traceroute -n -q 1 -w 5 ${ANY}`);
  assertMatch(trace, /^ 1 {2}203\.0\.113\.9/m);
  assertEquals(/^ 2 /m.test(trace), false, trace);
});

test("TCP over a good wire: bytes both ways, whoever asks, by both versions; Wireshark finds no fault", async () => {
  await sh("dd if=/dev/urandom of=/tmp/data bs=65536 count=16 2>/dev/null");
  link.capture(join(folder, "before.pcap"));
  await exchange(MEGABYTE);
  const sums = await sh(`nc ${OURS6} 7 < /tmp/data | md5sum; nc ${ANY6} 7 < /tmp/data | md5sum; md5sum < /tmp/data`);
  assertEquals(new Set(sums.split("\n")).size, 1, sums);
  await sh("httpd -p [::]:8080 -h /tmp");
  const web = connect(`[${GUEST6}]:8080`);
  const page = new Response(web.readable).bytes();
  await writeAll(web, new TextEncoder().encode("GET /data HTTP/1.0\r\n\r\n") as Uint8Array<ArrayBuffer>);
  const sum = (await sh("tail -c 1000 /tmp/data | md5sum")).slice(0, 32);
  const { createHash } = await import("node:crypto");
  assertEquals(createHash("md5").update((await page).slice(-1000)).digest("hex"), sum);
  assertEquals(onlyProbes(await judged("good", ENDS), MAC), []);
});

test("half-close: after our end the guest still sends, after its end we do", async () => {
  const flow = connect(`${GUEST}:${await guestPort("manual")}`);
  await flow.opened;
  const conn = await accepted();
  await flow.writable.close();
  assertMatch(await ask(`recv ${conn} n=10 timeout=5000`), /^0 .*end=eof/);
  await ask(`send ${conn} len=5000`);
  await ask(`shut ${conn}`);
  assertEquals(await readAll(flow), { length: 5000, crc: patternCrc(5000) });
  await flow.closed;

  const other = connect(`${GUEST}:${await guestPort("manual")}`);
  await other.opened;
  const second = await accepted();
  await ask(`shut ${second}`);
  assertEquals((await readAll(other)).length, 0);
  await writeAll(other, pattern(5000));
  assertMatch(await ask(`recv ${second} n=5000 timeout=5000`), new RegExp(`^5000 crc=${patternCrc(5000)}`));
  await ask(`close ${second}`);
  await other.closed;
});

/** Number of the connection that the guest has accepted last. */
async function accepted(): Promise<string> {
  let conn = "";
  await until(async () => {
    const log = (await tcpd.ask("log")).join("\n");
    conn = [...log.matchAll(/accept conn=(\d+)/g)].at(-1)?.[1] ?? "";
    return conn !== "";
  });
  return conn;
}

test("resets both ways, and ports that are closed", async () => {
  const flow = connect(`${GUEST}:${await guestPort("manual")}`);
  await flow.opened;
  await ask(`rst ${await accepted()}`);
  assertEquals((await assertRejects(() => flow.closed, L3L4Error)).code, "ECONNRESET");

  const other = connect(`${GUEST}:${await guestPort("manual")}`);
  await other.opened;
  const conn = await accepted();
  other.abort();
  other.closed.catch(() => {});
  await until(async () => /so_error=ECONNRESET/.test((await tcpd.ask("log")).join("\n")));
  assertMatch((await tcpd.ask(`info ${conn}`)).join(), /state=CLOSE/);

  assertEquals((await assertRejects(() => connect(`${GUEST}:9`).opened, L3L4Error)).code, "ECONNREFUSED");
  assertEquals(await tcpd.ask(`connect ${OURS} 9`), ["ERR ECONNREFUSED"]);
});

test("a hundred connections at once", async () => {
  const to = await guestPort("echo");
  await Promise.all(Array.from({ length: 100 }, async () => {
    const flow = connect(`${GUEST}:${to}`);
    const echoed = readAll(flow);
    await writeAll(flow, pattern(10_000));
    assertEquals(await echoed, { length: 10_000, crc: patternCrc(10_000) });
    await flow.closed;
  }));
  await judged("connections", WIRE);
});

// what netem does to frames from the guest; what ours does to those to it
const wires = {
  loss: ["loss 3%", { loss: 0.03, seed: 1 }],
  delay: ["delay 40ms 10ms", { delayMs: 40, jitterMs: 10, seed: 2 }],
  reordering: ["delay 10ms reorder 25% 50%", { delayMs: 10, reordering: 0.05, reorderMs: 8, seed: 3 }],
  duplication: ["duplicate 5%", { duplication: 0.05, seed: 4 }],
  all: ["delay 15ms 5ms loss 1% duplicate 1% reorder 10%", {
    ...{ delayMs: 15, loss: 0.01, duplication: 0.01, reordering: 0.02, corruption: 0.005, seed: 5 },
  }],
} as const;

for (const [name, [netem, bad]] of Object.entries(wires)) {
  test(`TCP over a bad wire: ${name}`, async () => {
    await sh(`/sbin/tc qdisc add dev eth1 root netem ${netem}`);
    link.impair(bad);
    try {
      await exchange(MEGABYTE / 4);
    } finally {
      await sh("/sbin/tc qdisc del dev eth1 root");
      link.impair(undefined);
    }
    await judged(name, WIRE);
  });
}

test("at the end nothing is left", async () => {
  await sh("ping -c 1 -W 5 192.168.77.1");
  assertEquals(medium.stats.controlDropped, 0);
  assertEquals(medium.stats.badPackets, 0);
  const { connections, bufferBytes, segmentsMalformed = 0 } = stack.stats as unknown as Record<string, number>;
  assertEquals([connections, bufferBytes, segmentsMalformed], [0, 0, 0]);
});
