/** Peers that do what no good peer does: they take their time, do not read, say what nobody asked for. */
import { test } from "node:test";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { bytes, command, Rig } from "./rig.ts";

const echo = (word: string) => command("ECHO", word);
const bulk = (word: string) => `$${word.length}\r\n${word}\r\n`;

test("messageMs: a client that does not end its message is closed, however many bytes it sends meanwhile", () => {
  const rig = new Rig({ messageMs: 1000 });
  const [slow, good] = [rig.client(), rig.client()];
  rig.send(slow, bytes("*2\r\n$4\r\nECHO\r\n$100\r\n"));
  for (let i = 0; i < 8; i++) {
    rig.pass(100);
    rig.send(slow, bytes("x"));
    rig.send(good, echo("1"));
  }
  assertEquals(slow.isClosed, false);
  rig.pass(400);
  assertStringIncludes(slow.received, "-ERR leat mux: Protocol error (ETIMEDOUT)");
  assertEquals([slow.isClosed, slow.port.outcome, good.isClosed], [true, "ETIMEDOUT", false]);
  rig.pass(5000);
  assertEquals(good.isClosed, false);
});

test("messageMs: it does not run while the client is not read", () => {
  const rig = new Rig({ messageMs: 1000, maxPending: 1 }, ["a"]);
  const client = rig.client();
  rig.isPrompt = false;
  const whole = echo("2");
  rig.send(client, echo("1"), whole.subarray(0, 9));
  rig.pass(3000);
  assertEquals(client.isClosed, false);
  rig.isPrompt = true;
  rig.settle();
  rig.send(client, whole.subarray(9));
  assertEquals(client.received, bulk("1") + bulk("2"));
});

test("lingerMs: a client that has ended and does not read what is left is given up, and counts among maxClients", () => {
  const rig = new Rig({ lingerMs: 1000, maxClients: 1 });
  const client = rig.client();
  const { handle } = client.port;
  client.port.handle = undefined; // nobody writes to it
  rig.send(client, echo("1"));
  client.port.end(rig.now);
  rig.settle();
  assertEquals([client.port.isOver, client.port.isAborted], [true, false]);
  assertEquals(rig.balancer.accept("next", rig.now), undefined);
  client.port.handle = handle;
  rig.pass(1200);
  assertEquals([client.isAborted, client.received, rig.balancer.counts.slowClients], [true, "", 1]);
  assert(rig.balancer.accept("next", rig.now) !== undefined);
});

test("lingerMs: what is written in time is written whole", () => {
  const rig = new Rig({ lingerMs: 1000, maxClients: 1 });
  const client = rig.client();
  client.port.handle = undefined;
  rig.send(client, echo("1"));
  client.port.end(rig.now);
  rig.settle();
  const pieces = client.port.take()!;
  assertEquals([pieces.length, client.port.bytesUnwritten], [1, bulk("1").length]);
  rig.pass(500);
  client.port.wrote(rig.now);
  assert(rig.balancer.accept("next", rig.now) !== undefined);
  rig.pass(2000);
  assertEquals(client.port.isAborted, false);
});

test("maxTotalBytes: the client that holds most is closed, with what it does not read, and with half a message", () => {
  const rig = new Rig({ maxTotalBytes: 10_000 }, ["a"]);
  const [modest, greedy, slow] = [rig.client(), rig.client(), rig.client()];
  for (const { port } of [modest, greedy]) port.handle = undefined;
  rig.isPrompt = false;
  const line = rig.linesOf("a")[0]!;
  rig.send(modest, command("GET", "k"));
  rig.send(greedy, command("GET", "k"));
  line.port.push(bytes(bulk("x".repeat(3000))), rig.now);
  line.port.push(bytes(bulk("x".repeat(6000))), rig.now);
  rig.settle();
  assertEquals([modest.port.isOver, greedy.port.isOver], [false, false]);
  rig.send(slow, bytes(`*2\r\n$4\r\nECHO\r\n$5000\r\n${"x".repeat(2000)}`));
  assertEquals([modest.port.isOver, greedy.port.outcome, slow.port.isOver], [false, "too much held", false]);
  rig.send(slow, bytes("x".repeat(2500)));
  assertEquals(slow.port.isOver, false);
  rig.send(slow, bytes("x".repeat(400)), bytes("x".repeat(99)));
  const hog = rig.client();
  rig.send(hog, bytes(`*2\r\n$4\r\nECHO\r\n$9000\r\n${"x".repeat(4000)}`));
  assertEquals([slow.port.outcome, hog.port.isOver, rig.balancer.counts.evicted], ["too much held", false, 2]);
});

test("maxBufferBytes: requests under way have bytes, too: with half of it a client is not read", () => {
  const rig = new Rig({ maxBufferBytes: 10_000 }, ["a"]);
  const client = rig.client();
  rig.isPrompt = false;
  rig.send(client, ...Array.from({ length: 9 }, () => command("SET", "k", "x".repeat(990))));
  assertEquals([client.port.outstanding, client.port.wantsInput], [5, false]);
  rig.isPrompt = true;
  rig.settle();
  assertEquals([client.received, client.port.wantsInput], ["+OK\r\n".repeat(9), true]);
});

test("what a server says before it was asked goes to nobody, and its request elsewhere", () => {
  const rig = new Rig({}, ["a"]);
  const client = rig.client();
  rig.isPrompt = false;
  client.port.push(command("SET", "k", "v"), rig.now);
  // as Redis does with one connection too many
  rig.linesOf("a")[0]!.port.push(bytes("-ERR max number of clients reached\r\n"), rig.now);
  rig.isPrompt = true;
  rig.pass(300);
  assertEquals([client.received, rig.carriedOut, rig.balancer.counts.strays], ["+OK\r\n", ["a SET k v"], 1]);
});

test("a session whose first connection comes too late has the other one only", () => {
  const rig = new Rig({ connectTimeoutMs: 1000, checkIntervalMs: 0 });
  const client = rig.client();
  rig.isPrompt = false;
  rig.send(client, command("WATCH", "k"));
  const [first] = rig.connecting.splice(0);
  rig.pass(1200);
  const [second] = rig.connecting.splice(0);
  assert(second !== undefined && second.backend !== first!.backend);
  rig.makeConnection(second);
  rig.makeConnection(first!);
  first!.fail({ code: "ECONNREFUSED" }, rig.now);
  rig.isPrompt = true;
  rig.settle();
  assertEquals([client.received, client.isClosed], ["+OK\r\n", false]);
  assertEquals(rig.carriedOut, [`${second.backend.name} WATCH k`]);
});

test("the end of a client that waits for a connection of its own gets there", () => {
  const rig = new Rig({}, ["a"]);
  const client = rig.client();
  rig.isPrompt = false;
  rig.send(client, echo("1"), command("WATCH", "k"));
  client.port.end(rig.now);
  rig.isPrompt = true;
  rig.settle();
  const session = rig.linesOf("a").find(({ port }) => port.kind === "session")!;
  assertEquals([client.received, session.port.isShut, client.isClosed], [`${bulk("1")}+OK\r\n`, true, false]);
});

test("a backend that is taken away and named again before it has gone is the same one", () => {
  const rig = new Rig({ checkIntervalMs: 500 }, ["a", "b"]);
  const client = rig.client();
  rig.isPrompt = false;
  rig.send(client, echo("1"), echo("2"));
  const [before] = rig.linesOf("a");
  rig.setServers("b");
  rig.setServers("a*2", "b");
  assertEquals([rig.balancer.leaving.size, rig.balancer.backends.get("a")!.share], [0, 2]);
  rig.isPrompt = true;
  rig.pass(1200);
  assertEquals([client.received, rig.linesOf("a").includes(before!)], [bulk("1") + bulk("2"), true]);
  rig.refusing.add("a");
  before!.breakUp(rig);
  rig.pass(3000);
  assertEquals(rig.balancer.backends.get("a")!.isUp, false);
  rig.refusing.delete("a");
  rig.pass(5000);
  assertEquals(rig.balancer.backends.get("a")!.isUp, true);
});
