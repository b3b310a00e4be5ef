/** The example programs for sockets, as child processes of the runtime that the tests run in. */
import { createSocket } from "node:dgram";
import { connect } from "node:net";
import { test } from "node:test";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { assertEquals } from "@std/assert";
import { Child } from "../cli/support/child.ts";

const example = (name: string): string => fileURLToPath(new URL(`../../examples/${name}.ts`, import.meta.url));
const { deno, bun } = process.versions as Record<string, string | undefined>;
const runtime = deno !== undefined ? "deno" : bun !== undefined ? "bun" : "node";

/** Starts a server that prints where it listens. */
async function started(name: string): Promise<{ child: Child; port: number }> {
  const child = new Child(["0"], example(name));
  await child.until("\n");
  const port = Number(/listening on 127\.0\.0\.1:(\d+)/.exec(child.stdout)?.[1]);
  return { child, port };
}

async function stop(child: Child): Promise<void> {
  child.process.kill();
  await child.done;
}

test("the echo server of this runtime echoes, also after its client has ended its side", async () => {
  const { child, port } = await started(`echo_server_${runtime}`);
  try {
    const echoed = await new Promise<string>((resolve, reject) => {
      const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
      let text = "";
      socket.on("data", (data) => text += String(data));
      socket.on("end", () => resolve(text));
      socket.on("error", reject);
      socket.end("hello leat");
    });
    assertEquals(echoed, "hello leat");
  } finally {
    await stop(child);
  }
});

test("the client for PDUs gets them back from an echo server of its own", async () => {
  const { code, stdout } = await new Child([], example("pdu_client")).done;
  assertEquals(code, 0);
  assertEquals(stdout.split("\n"), ["7 bytes: packets", "8 bytes: segments", "0 bytes: ", "7 bytes: streams", ""]);
});

test("the client for PDUs talks to the echo server of this runtime", async () => {
  const { child, port } = await started(`echo_server_${runtime}`);
  try {
    const { code, stdout } = await new Child([`127.0.0.1:${port}`], example("pdu_client")).done;
    assertEquals([code, stdout.split("\n").length], [0, 5]);
  } finally {
    await stop(child);
  }
});

test("the UDP echo server answers each datagram to its sender", async () => {
  const { child, port } = await started("udp_echo");
  const socket = createSocket("udp4");
  try {
    const answers = new Promise<string[]>((resolve) => {
      const texts: string[] = [];
      socket.on("message", (data) => {
        texts.push(String(data));
        if (texts.length === 2) resolve(texts.sort());
      });
    });
    socket.send("one", port, "127.0.0.1");
    socket.send("two", port, "127.0.0.1");
    assertEquals(await answers, ["one", "two"]);
  } finally {
    socket.close();
    await stop(child);
  }
});

const CALLED = [
  "a request as a whole: 100000 bytes came",
  "a call as a stage: CALLS ARE PAIRS OF STREAMS",
  "with rxkad: the server knows alice.admin",
  "without: the peer aborted the call with -2 (RX_INVALID_OPERATION)",
  "",
];

test("RxRPC over UDP: server and client in one program of this runtime, with and without rxkad", async () => {
  const { code, stdout, stderr } = await new Child([], example("rx_calls")).done;
  const [first, ...lines] = stdout.split("\n");
  assertEquals([code, lines, stderr], [0, CALLED, ""]);
  assertEquals(first!.replace(/\d+$/, "N"), "listening on 127.0.0.1:N");
});

test("RxRPC over UDP: server and client each a program", async () => {
  const server = new Child(["serve", "0"], example("rx_calls"));
  try {
    await server.until("\n");
    const port = /listening on 127\.0\.0\.1:(\d+)/.exec(server.stdout)![1]!;
    const { code, stdout } = await new Child(["call", port], example("rx_calls")).done;
    assertEquals([code, stdout.split("\n")], [0, CALLED]);
  } finally {
    await stop(server);
  }
});

test("the metrics of a multiplexor come as events and in OpenTelemetry's JSON", async () => {
  const { code, stdout } = await new Child([], example("kcm_metrics")).done;
  const [first, second, json, third, fourth] = stdout.split("\n");
  assertEquals([code, first, second], [0, "attached a", "attached b"]);
  assertEquals([third, fourth].toSorted(), ["unattached a", "unattached b"]);
  const { resourceMetrics: [{ scopeMetrics: [{ metrics }] }] } = JSON.parse(json!);
  const sums = metrics.slice(0, 4).map((metric: { name: string; sum: { dataPoints: { asInt: string }[] } }) => [
    metric.name,
    metric.sum.dataPoints[0]!.asInt,
  ]);
  assertEquals(sums, [
    ["leat.kcm.rxMessages", "4"],
    ["leat.kcm.rxBytes", "8"],
    ["leat.kcm.txMessages", "4"],
    ["leat.kcm.txBytes", "8"],
  ]);
});
