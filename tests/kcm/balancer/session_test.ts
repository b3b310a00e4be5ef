import { test } from "node:test";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { bytes, command, Rig } from "./rig.ts";

const echo = (word: string) => command("ECHO", word);
const bulk = (word: string) => `$${word.length}\r\n${word}\r\n`;

test("a command that needs a connection of its own gets one, after the replies to what came before it", () => {
  const rig = new Rig();
  const client = rig.client();
  rig.isPrompt = false;
  rig.send(client, echo("1"), command("MULTI"), echo("2"), command("EXEC"));
  assertEquals([rig.balancer.counts.sessions, rig.connecting.length], [0, 0]);
  rig.isPrompt = true;
  rig.settle();
  assertEquals(client.received, `${bulk("1")}+OK\r\n${bulk("2")}+OK\r\n`);
  const [first, ...others] = rig.carriedOut;
  assertEquals(first!.slice(2), "ECHO 1");
  assertEquals(new Set(others.map((line) => line[0])).size, 1);
  assertEquals(others.map((line) => line.slice(2)), ["MULTI", "ECHO 2", "EXEC"]);
});

test("messages of a session come as they are, asked for or not", () => {
  const rig = new Rig({}, ["a"]);
  const client = rig.client();
  rig.send(client, command("SUBSCRIBE", "x"));
  const line = rig.linesOf("a").find(({ port }) => port.kind === "session")!;
  line.port.push(bytes("*3\r\n$7\r\nmessage"), rig.now);
  rig.settle();
  assertEquals(client.received, "+OK\r\n*3\r\n$7\r\nmessage");
});

test("when a session's connection breaks its client is closed, others are not", () => {
  const rig = new Rig({}, ["a"]);
  const [pinned, other] = [rig.client(), rig.client()];
  rig.send(pinned, command("MONITOR"));
  rig.linesOf("a").find(({ port }) => port.kind === "session")!.breakUp(rig);
  rig.settle();
  rig.send(other, echo("1"));
  assertEquals([pinned.isClosed, other.received], [true, bulk("1")]);
});

test("when a pinned client goes so does its connection", () => {
  const rig = new Rig({}, ["a"]);
  const client = rig.client();
  rig.send(client, command("WATCH", "k"));
  assertEquals(rig.lines.size, 2);
  client.port.fail({ code: "ECONNRESET" }, rig.now);
  rig.settle();
  assertEquals(rig.lines.size, 1);
});

test("who ended a session is told right: the client, whose end the backend answers by its own, or the backend", () => {
  const rig = new Rig({}, ["a"]);
  const [quitting, left] = [rig.client(), rig.client()];
  for (const client of [quitting, left]) rig.send(client, command("WATCH", "k"));
  const lines = rig.linesOf("a").filter(({ port }) => port.kind === "session");
  quitting.port.end(rig.now);
  rig.settle();
  for (const { port } of lines) port.end(rig.now);
  rig.settle();
  assertEquals([quitting.port.outcome, left.port.outcome], ["closed", "backend closed"]);
});

test("a session that cannot be connected tries another backend, and the client is told when there is none", () => {
  const rig = new Rig();
  const [one, two] = [rig.client(), rig.client()];
  rig.refusing.add("a");
  rig.send(one, command("WATCH", "k"));
  rig.send(two, command("WATCH", "l"));
  assertEquals([one.received, two.received], ["+OK\r\n", "+OK\r\n"]);
  rig.refusing.add("b");
  const three = rig.client();
  rig.send(three, command("WATCH", "m"));
  assertStringIncludes(three.received, "-ERR leat mux: no backend is available");
  assert(three.isClosed);
});

test("maxSessions: no more connections of single clients than that to a backend", () => {
  const rig = new Rig({ maxSessions: 1 }, ["a"]);
  const [one, two] = [rig.client(), rig.client()];
  rig.send(one, command("WATCH", "k"));
  rig.send(two, command("WATCH", "k"));
  assertEquals(one.received, "+OK\r\n");
  assertStringIncludes(two.received, "no backend is available");
});

test("a session is read only as fast as its client takes it", () => {
  const rig = new Rig({}, ["a"]);
  const client = rig.client();
  rig.send(client, command("MONITOR"));
  const line = rig.linesOf("a").find(({ port }) => port.kind === "session")!;
  client.port.handle = undefined; // nobody writes to it
  line.port.push(new Uint8Array(300 * 1024), rig.now);
  assertEquals(line.port.wantsInput, false);
  client.port.take();
  client.port.wrote(rig.now);
  assertEquals(line.port.wantsInput, true);
});

test("replies sticky: the server may speak first, bytes go through as they are, ends go both ways", () => {
  const rig = new Rig({ replies: "sticky" }, ["a"]);
  const client = rig.client();
  const [line] = rig.linesOf("a");
  line!.port.push(bytes("hello"), rig.now);
  rig.settle();
  assertEquals(client.received, "hello");
  rig.send(client, echo("1"));
  client.port.end(rig.now);
  rig.settle();
  assert(line!.port.isShut && !client.isClosed);
  line!.port.end(rig.now);
  rig.settle();
  assertEquals([client.received, client.isClosed, client.isAborted], [`hello${bulk("1")}`, true, false]);
});

test("QUIT is answered here, after all before it, and closes", () => {
  const rig = new Rig();
  const client = rig.client();
  rig.send(client, echo("1"), command("quit"), echo("2"));
  assertEquals([client.received, client.isClosed], [`${bulk("1")}+OK\r\n`, true]);
});
