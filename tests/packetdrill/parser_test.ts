import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { type PacketAction, ScriptError, type TcpSpec } from "./ast.ts";
import { parseScript } from "./parser.ts";
import { folders, scriptsBelow } from "./script_files.ts";

const only = (text: string) => parseScript(text).events[0]!;
const packet = (text: string): PacketAction => only(text).action as PacketAction;
const tcp = (text: string): TcpSpec => packet(text).packet as TcpSpec;

test("every script of the folders is read, and has packets or calls", () => {
  let count = 0;
  for (const { name, text } of folders.flatMap(scriptsBelow)) {
    for (const define of ["FreeBSD", "STANDARD"]) {
      const script = parseScript(text, { file: name, defines: new Set([define]) });
      assert(script.events.some(({ action }) => action.kind === "packet" || action.kind === "call"), name);
    }
    count++;
  }
  assert(count >= 442, `${count} scripts`);
});

test("times: absolute, relative, any, ranges", () => {
  const times = ["1.5 < . 1:1(0)", "+0.25 < . 1:1(0)", "+.1 < . 1:1(0)", "* > . 1:1(0)", "+0~+.5 > . 1:1(0)"];
  assertEquals(times.map((text) => only(text).time), [
    { kind: "absolute", at: 1_500_000 },
    { kind: "relative", at: 250_000 },
    { kind: "relative", at: 100_000 },
    { kind: "any" },
    { kind: "relative", at: 0, to: 500_000 },
  ]);
});

test("a call with its arguments, result, errno and note; one that blocks", () => {
  const event = only("+0 setsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=1, linger=2}, 8) = -1 EINVAL (Invalid argument)");
  assertEquals(event.action, {
    kind: "call",
    name: "setsockopt",
    args: [
      { kind: "number", value: 3 },
      { kind: "name", name: "SOL_SOCKET" },
      { kind: "name", name: "SO_LINGER" },
      {
        kind: "struct",
        fields: [{ name: "onoff", value: { kind: "number", value: 1 } }, {
          name: "linger",
          value: { kind: "number", value: 2 },
        }],
      },
      { kind: "number", value: 8 },
    ],
    until: undefined,
    result: { kind: "number", value: -1 },
    errno: "EINVAL",
    note: "Invalid argument",
  });
  const blocking = only("1.00...6.00 connect(3, ..., ...) = -1 ETIMEDOUT (Operation timed out)");
  assert(blocking.action.kind === "call");
  assertEquals(blocking.time, { kind: "absolute", at: 1e6 });
  assertEquals(blocking.action.until, { kind: "absolute", at: 6e6 });
  const flags = only('+0 open("a\\"b", O_RDWR | O_NONBLOCK, [ENOENT], [], {}) = ?').action;
  assert(flags.kind === "call");
  assertEquals(flags.args.map(({ kind }) => kind), ["string", "or", "list", "list", "struct"]);
  assertEquals(flags.args[0], { kind: "string", value: 'a"b' });
  assertEquals(flags.result, undefined);
});

test("TCP packets: flags, sequence, ack, window, urgent pointer, options", () => {
  assertEquals(tcp("+0 > SEW 0:0(0) win 65535 <mss 1460,nop,wscale 6,sackOK,TS val 100 ecr 0>"), {
    kind: "tcp",
    flags: "SEW",
    sequence: { start: 0, length: 0, isAbsolute: false },
    ack: undefined,
    window: 65535,
    urgent: undefined,
    options: [
      { kind: "mss", value: 1460 },
      { kind: "nop" },
      { kind: "wscale", value: 6 },
      { kind: "sackOK" },
      { kind: "TS", value: 100, echo: 0 },
    ],
  });
  const all = tcp("+0 < FP. 4294967290:4(10)! ack 7 win 5 urg 3 <nop,nop,sack 1:2 5:9,eol,md5 valid,FO 0ab1>");
  assertEquals(all.flags, "FP.");
  assertEquals(all.sequence, { start: 4294967290, length: 10, isAbsolute: true });
  assertEquals([all.ack, all.window, all.urgent], [7, 5, 3]);
  assertEquals(all.options, [
    { kind: "nop" },
    { kind: "nop" },
    { kind: "sack", blocks: [{ start: 1, end: 2 }, { start: 5, end: 9 }] },
    { kind: "eol" },
    { kind: "md5", value: "valid" },
    { kind: "fastOpen", isExperimental: false, cookie: "0ab1" },
  ]);
  assertEquals(tcp("+0 > S. ...(0) ack 1 <...>").sequence.start, undefined);
  assertEquals(tcp("+0 > S. ...(0) ack 1 <...>").options, "any");
  assertEquals([tcp("+0 > . 1:1(0) <>").options, tcp("+0 > . 1:1(0)").options], [[], []]);
  assertEquals(tcp("+0 < - 1:1(0)").flags, "");
});

test("packets on consecutive lines do not run into each other", () => {
  const { events } = parseScript("+0 < . 1:1(0) ack 1 win 9\n+0 > . 1:1(0)\n* > S 0:0(0) win 5\n+0 close(3) = 0//\n");
  assertEquals(events.map(({ action }) => action.kind), ["packet", "packet", "packet", "call"]);
});

test("IP fields, ECN, ICMP with the quoted segment, UDP, UDP encapsulation", () => {
  assertEquals(packet("+0 < (ttl 3, tos 0x28) [ce] . 1:1(0)").ip, [{ name: "ttl", value: 3 }, {
    name: "tos",
    value: 40,
  }]);
  assertEquals(packet("+0 < [ect0] . 1:1(0)").ecn, "ect0");
  assertEquals(packet("+0 <icmp unreachable frag_needed mtu 1234 [0:0(0)]").packet, {
    kind: "icmp",
    type: "unreachable",
    code: "frag_needed",
    mtu: 1234,
    quoted: { start: 0, length: 0, isAbsolute: false },
  });
  assertEquals(packet("+0 < icmp source_quench [1:11(10)]").packet, {
    kind: "icmp",
    type: "source_quench",
    code: undefined,
    mtu: undefined,
    quoted: { start: 1, length: 10, isAbsolute: false },
  });
  assertEquals(packet("+0 < udp (10)").packet, { kind: "udp", length: 10 });
  assertEquals(packet("+0 > R. 0:0(0)! ack 1 win 0/udp(9811 > 1)").encapsulation, { source: 9811, destination: 1 });
});

test("options, shell commands, code, comments and #ifdef", () => {
  const script = parseScript(
    `// a comment
--ip_version=ipv6
--mtu=9000 // another
/* and one
   over lines */
 0.00 \`sysctl -w a=1\`
+0.00 %{ assert tcpi_state == 1 }%
#ifdef A
+0 < . 1:1(0)
#else
+0 < . 2:2(0)
#endif
#ifndef A
+0 close(3) = 0
#endif
`,
    { defines: new Set(["A"]) },
  );
  assertEquals(script.options.map(({ name, value }) => [name, value]), [["ip_version", "ipv6"], ["mtu", "9000"]]);
  assertEquals(script.events.map(({ action, place }) => [action.kind, place.line]), [["shell", 6], ["code", 7], [
    "packet",
    9,
  ]]);
});

test("an error tells file, line and column, and what was wanted", () => {
  const cases: [string, string][] = [
    ["+0 < X 0:0(0)", 'x.pkt:1:6: expected TCP flags, icmp or udp, got "X"'],
    ["\n+0 close(3 = 0", 'x.pkt:2:12: expected ")", got "="'],
    ["+0 < . 1:5(3)", 'x.pkt:1:8: expected a range of 3 bytes, got "1:5"'],
    ["+0 < . 1:1(0) <mss>", 'x.pkt:1:19: expected a segment size, got ">"'],
    ["+0 < . 1:1(0) <foo 1>", 'x.pkt:1:16: expected a TCP option, got "foo"'],
    ["+0 < . 1:1(0) <constructor 1>", 'x.pkt:1:16: expected a TCP option, got "constructor"'],
    ["+0 < . 1:1(0) <mss 1460", 'x.pkt:1:24: expected ">", got the end of the script'],
    ["+0 close(3) = 0 +0 close(4) = 0", 'x.pkt:1:17: expected a new line, got "+"'],
    ["+0 < . 1:1(0) @", 'x.pkt:1:15: unexpected "@"'],
    ["close(3) = 0", 'x.pkt:1:1: expected a time in seconds, got "close"'],
    ["#ifdef A\n+0 close(3) = 0", "x.pkt:1:1: #ifdef without #endif"],
    ["#endif", "x.pkt:1:1: #endif without #ifdef"],
    ["#pragma", "x.pkt:1:1: unknown directive #pragma"],
    ["--=1", 'x.pkt:1:1: expected a time in seconds, got "-"'],
    ["+0 f() = 1 EAGAIN (no end\n+1 close(3) = 0", 'x.pkt:2:1: expected ")", got "+"'],
  ];
  for (const [text, message] of cases) {
    const error = assertThrows(() => parseScript(text, { file: "x.pkt" }), ScriptError) as ScriptError;
    assertEquals(error.message, message);
  }
});
