/** The small parts between the pipeline and the reports. */
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { plain } from "../../src/cli/format/color.ts";
import { LimitedView } from "../../src/cli/limited_view.ts";
import { linkName } from "../../src/cli/link_names.ts";
import { problemLine, ProblemLog } from "../../src/cli/problem_log.ts";
import { tcpFlags } from "../../src/cli/text_rows.ts";
import { flowLegend, flowState } from "../../src/cli/text_flows.ts";
import type { ShowKind, TraceFlow, TraceProblem, TraceView } from "../../src/cli/trace_view.ts";
import { IpProtocol, LinkType } from "../../src/packet/mod.ts";
import { formatEndpoint, pairKey, protocolName } from "../../src/cli/filter_subject.ts";

function flow(id: number, parser: string | undefined, why = ""): TraceFlow {
  const record = { id, endedBy: undefined };
  return { record, parser, why, decidedAt: undefined, clientMessages: 0, serverMessages: 0, failures: [] } as unknown as
    & TraceFlow
    & { failures: string[] };
}

function problem(fields: Partial<TraceProblem>): TraceProblem {
  const rest = { offset: undefined, flow: undefined, direction: undefined, isExpected: false };
  return { layer: "flow", code: "EGAP", message: "bytes are missing", ...rest, ...fields };
}

/** A view that notes the names of its calls. */
function recorder(): { view: TraceView; calls: string[] } {
  const calls: string[] = [];
  const note = (name: string) => (): void => {
    calls.push(name);
  };
  const view: TraceView = {
    packet: note("packet"),
    segment: note("segment"),
    flowOpened: note("flowOpened"),
    flowDecided: note("flowDecided"),
    call: note("call"),
    message: note("message"),
    data: note("data"),
    flowClosed: note("flowClosed"),
    problem: note("problem"),
  };
  return { view, calls };
}

const anything = {} as never;

test("a limit counts one kind, passes on the others until then, and after it what ends", () => {
  const { view, calls } = recorder();
  let reached = 0;
  const limited = new LimitedView(view, new Set<ShowKind>(["messages", "flows"]), 2, () => reached++);
  limited.flowOpened(anything);
  limited.packet(anything);
  limited.message(anything);
  assertEquals([limited.isFull, reached], [false, 0]);
  limited.data(anything);
  assertEquals([limited.isFull, reached], [true, 1]);
  for (const name of ["message", "data", "packet", "segment", "flowOpened", "problem"] as const) {
    limited[name](anything);
  }
  limited.flowDecided(anything);
  limited.flowClosed(anything);
  assertEquals(calls, ["flowOpened", "packet", "message", "data", "flowDecided", "flowClosed"]);
  assertEquals(reached, 1);
});

test("without a limit everything is passed on", () => {
  const { view, calls } = recorder();
  const limited = new LimitedView(view, new Set<ShowKind>(["messages"]), Infinity, () => calls.push("reached"));
  for (let i = 0; i < 1000; i++) limited.message(anything);
  assertEquals([calls.length, limited.isFull], [1000, false]);
});

test("a problem of a flow names flow, direction, code and place; one of the capture does not", () => {
  const log = new ProblemLog("a.pcap", false, plain);
  log.add(problem({ flow: flow(7, "resp"), direction: "server", offset: 12 }));
  log.add(problem({ flow: flow(8, "resp"), direction: "client" }));
  log.add(problem({ layer: "pcap", message: "the capture is cut" }));
  assertEquals(log.take().split("\n"), [
    "leat: a.pcap: flow 7, server: bytes are missing (EGAP at byte 12)",
    "leat: a.pcap: flow 8, client: bytes are missing (EGAP)",
    "leat: a.pcap: the capture is cut",
    "",
  ]);
  assertEquals([log.take(), log.isFailure], ["", true]);
});

test("what was to be expected is no problem", () => {
  const log = new ProblemLog("a.pcap", false, plain);
  log.add(problem({ flow: flow(1, "resp"), direction: "client", isExpected: true }));
  log.end();
  assertEquals([log.take(), log.isFailure], ["", false]);
});

test("a quiet log keeps the exit code, and tells what ends the work", () => {
  const log = new ProblemLog("-", true, plain);
  for (let i = 0; i < 30; i++) log.add(problem({ flow: flow(1, "resp"), direction: "client" }));
  log.end();
  assertEquals([log.take(), log.isFailure], ["", true]);
  log.fail("the device failed");
  assertEquals(log.take(), "leat: standard input: the device failed\n");
});

test("a line about a file is one line", () => {
  assertEquals(problemLine("a\nb", "c\r\nd\x1b", plain), "leat: a?b: c??d?\n");
  assertEquals(problemLine(undefined, "what", plain), "leat: what\n");
});

test("flows with one reason share a line, which is broken at the width", () => {
  const flows = [
    flow(1, "resp", "it said so"),
    flow(2, undefined),
    flow(3, "resp", "it said so"),
    flow(4, "dns", "why"),
  ];
  assertEquals(flowLegend(flows, plain, 80), ["resp: it said so (flows 1, 3)", "dns: why (flow 4)"]);
  assertEquals(flowLegend(flows.slice(0, 1), plain, 20), ["resp: it said so", "  (flow 1)"]);
  assertEquals(flowLegend([], plain, 80), []);
});

test("the state of a flow has each code once behind it", () => {
  const one = flow(1, "resp");
  one.failures.push("EGAP", "EGAP", "EPROTO");
  assertEquals(flowState(one), "open EGAP EPROTO");
  const states = ["fin", "reset", "reuse", "idle", "evicted", "capture-end"].map((endedBy) =>
    flowState({ ...flow(1, "resp"), record: { endedBy } as never })
  );
  assertEquals(states, ["fin", "reset", "reuse", "idle", "evicted", "open"]);
});

test("names of protocols, links, flags and ends", () => {
  assertEquals([6, 17, 1, 58, 132].map(protocolName), ["tcp", "udp", "icmp", "icmp6", "ip 132"]);
  assertEquals(protocolName(IpProtocol.TCP), "tcp");
  assertEquals(Object.values(LinkType).filter((one) => linkName(one).startsWith("link type")), []);
  assertEquals(linkName(147), "link type 147");
  const header = new Uint8Array(20);
  for (
    const [bits, names] of [[0, ""], [2, "SYN"], [0x12, "SYN ACK"], [0xff, "FIN SYN RST PSH ACK URG ECE CWR"]] as const
  ) {
    header[13] = bits;
    assertEquals(tcpFlags(header), names);
  }
  assertEquals(tcpFlags(new Uint8Array(0)), "");
  const [a, b] = [{ address: "10.0.0.1", port: 1 }, { address: "::1", port: 2 }];
  assertEquals([formatEndpoint(a), formatEndpoint(b)], ["10.0.0.1:1", "[::1]:2"]);
  const subject = { protocol: "tcp", id: 0 };
  assertEquals(pairKey({ ...subject, ends: [a, b] }), pairKey({ ...subject, ends: [b, a] }));
});
