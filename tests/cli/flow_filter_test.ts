import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { type FilterSubject, parseFlowFilter } from "../../src/cli/flow_filter.ts";
import { UsageError } from "../../src/cli/io.ts";

const REDIS: FilterSubject = {
  protocol: "tcp",
  ends: [{ address: "10.0.0.1", port: 40000 }, { address: "10.0.0.2", port: 6379 }],
  id: 3,
};
const DNS: FilterSubject = {
  protocol: "udp",
  ends: [{ address: "2001:db8::1", port: 50000 }, { address: "2001:db8::53", port: 53 }],
  id: 4,
};

const CASES: readonly (readonly [filter: string, redis: boolean, dns: boolean])[] = [
  ["tcp", true, false],
  ["udp", false, true],
  ["port 6379", true, false],
  ["port 40000", true, false],
  ["port 0", false, false],
  ["host 10.0.0.1", true, false],
  ["host 10.0.0.2", true, false],
  ["host 10.0.0.3", false, false],
  ["host 2001:DB8:0::53", false, true],
  ["10.0.0.2:6379", true, false],
  ["10.0.0.2:40000", false, false],
  ["[2001:db8::53]:53", false, true],
  ["[2001:db8::53]:50000", false, false],
  ["id 3", true, false],
  ["id 4", false, true],
  ["not tcp", false, true],
  ["not not tcp", true, false],
  ["tcp and port 6379", true, false],
  ["tcp and udp", false, false],
  ["tcp or udp", true, true],
  ["udp or tcp and port 1", false, true],
  ["(udp or tcp) and port 1", false, false],
  ["not (tcp or udp)", false, false],
  ["not tcp or port 6379", true, true],
  ["not udp and not id 4", true, false],
  ["  ( (tcp) )  ", true, false],
];

for (const [filter, redis, dns] of CASES) {
  test(`"${filter}" fits what it says`, () => {
    const { matches } = parseFlowFilter(filter);
    assertEquals([matches(REDIS), matches(DNS)], [redis, dns]);
  });
}

test("the numbers that a filter names are known", () => {
  assertEquals([...parseFlowFilter("id 3 or (not id 17 and port 5)").ids], [3, 17]);
  assertEquals([...parseFlowFilter("tcp").ids], []);
});

const WRONG: readonly (readonly [filter: string, message: string])[] = [
  ["", "expected a test at the end"],
  ["tcp and", "expected a test at the end"],
  ["port", "expected a port at the end"],
  ["port http", 'expected a port (0 to 65535), got "http" at column 6'],
  ["port 65536", 'expected a port (0 to 65535), got "65536" at column 6'],
  ["port -1", 'expected a port (0 to 65535), got "-1" at column 6'],
  ["host 10.0.0", '"10.0.0" is not an IP address at column 6'],
  ["host example.org", '"example.org" is not an IP address at column 6'],
  ["tcp udp", 'expected "and", "or" or the end, got "udp" at column 5'],
  ["(tcp", 'expected ")" for the "(" at column 1 at the end'],
  ["tcp)", 'expected "and", "or" or the end, got ")" at column 4'],
  ["()", 'expected tcp, udp, port N, host ADDRESS, id N or ADDRESS:PORT, got ")" at column 2'],
  ["icmp", 'expected tcp, udp, port N, host ADDRESS, id N or ADDRESS:PORT, got "icmp" at column 1'],
  ["10.0.0.1", 'expected tcp, udp, port N, host ADDRESS, id N or ADDRESS:PORT, got "10.0.0.1" at column 1'],
  ["10.0.0.1:99999", "expected tcp, udp, port N"],
  ["300.0.0.1:80", '"300.0.0.1" is not an IP address at column 1'],
  ["id 0", "expected a flow number (1 to 9007199254740991), got"],
  ["tcp or or udp", 'got "or" at column 8'],
];

for (const [filter, message] of WRONG) {
  test(`"${filter}" is an error that says where`, () => {
    const error = assertThrows(() => parseFlowFilter(filter), UsageError, message);
    assertEquals(error.message.startsWith(`--flow "${filter}": `), true);
  });
}

test("nesting is limited", () => {
  parseFlowFilter(`${"not ".repeat(100)}tcp`);
  assertThrows(() => parseFlowFilter(`${"not ".repeat(101)}tcp`), UsageError, "nested deeper than 100");
  assertThrows(() => parseFlowFilter("(".repeat(100_000)), UsageError, "nested deeper than 100");
});

test("filters of any shape agree with what they mean", () => {
  interface Shape {
    readonly text: string;
    readonly value: boolean;
  }
  const leaf = fc.constantFrom<Shape>(
    { text: "tcp", value: true },
    { text: "udp", value: false },
    { text: "port 6379", value: true },
    { text: "id 9", value: false },
  );
  const { shape } = fc.letrec<{ shape: Shape }>((tie) => ({
    shape: fc.oneof(
      { maxDepth: 4 },
      leaf,
      tie("shape").map((a) => ({ text: `not (${a.text})`, value: !a.value })),
      fc.tuple(tie("shape"), tie("shape")).map(([a, b]) => ({
        text: `(${a.text}) and (${b.text})`,
        value: a.value && b.value,
      })),
      fc.tuple(tie("shape"), tie("shape")).map(([a, b]) => ({
        text: `(${a.text}) or (${b.text})`,
        value: a.value || b.value,
      })),
    ),
  }));
  fc.assert(fc.property(shape, ({ text, value }) => parseFlowFilter(text).matches(REDIS) === value));
});

test("no text makes it throw anything but a usage error", () => {
  const words = fc.constantFrom(
    "tcp",
    "and",
    "or",
    "not",
    "(",
    ")",
    "port",
    "host",
    "id",
    "1",
    "::1",
    "[::1]:5",
    "x:1",
  );
  fc.assert(fc.property(fc.oneof(fc.array(words).map((all) => all.join(" ")), fc.string()), (text) => {
    try {
      parseFlowFilter(text);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
    }
  }));
});
