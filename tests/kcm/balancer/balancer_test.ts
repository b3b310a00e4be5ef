import { test } from "node:test";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { bytes, command, Rig, text } from "./rig.ts";

const echo = (word: string) => command("ECHO", word);
const bulk = (word: string) => `$${word.length}\r\n${word}\r\n`;

test("requests of one client go to all backends in turn, and replies come in the order of requests", () => {
  const rig = new Rig({}, ["a", "b", "c"]);
  const client = rig.client();
  rig.isPrompt = false;
  rig.send(client, echo("1"), echo("2"), echo("3"), echo("4"));
  for (const line of rig.lines) line.read(rig);
  assertEquals(rig.carriedOut, ["a ECHO 1", "a ECHO 4", "b ECHO 2", "c ECHO 3"]);
  rig.linesOf("c")[0]!.reply(rig);
  rig.linesOf("b")[0]!.reply(rig);
  rig.settle();
  assertEquals(client.received, "");
  rig.linesOf("a")[0]!.reply(rig, 1);
  rig.settle();
  assertEquals(client.received, bulk("1") + bulk("2") + bulk("3"));
  rig.linesOf("a")[0]!.reply(rig);
  rig.settle();
  assertEquals(client.received, bulk("1") + bulk("2") + bulk("3") + bulk("4"));
});

test("what all clients send in one turn is one write for each backend", () => {
  const rig = new Rig();
  const clients = [rig.client(), rig.client(), rig.client()];
  rig.isPrompt = false;
  for (const client of clients) client.port.push(bytes("*1\r\n$4\r\nPING\r\n".repeat(4)), rig.now);
  rig.settle();
  assertEquals([...rig.lines].map(({ incoming }) => incoming.length), [1, 1]);
});

test("shares: three requests of four go to a backend of share 3", () => {
  const rig = new Rig({}, ["a*3", "b"]);
  const client = rig.client();
  for (let i = 0; i < 40; i++) rig.send(client, echo(String(i)));
  assertEquals(rig.carriedOut.filter((line) => line.startsWith("a ")).length, 30);
});

test("policy sticky: all requests of a client go to one backend, and to another one when that falls", () => {
  const rig = new Rig({ policy: "sticky", fall: 1 });
  const [one, two] = [rig.client(), rig.client()];
  for (let i = 0; i < 4; i++) {
    rig.send(one, echo("one"));
    rig.send(two, echo("two"));
  }
  assertEquals(new Set(rig.carriedOut), new Set(["a ECHO one", "b ECHO two"]));
  rig.refusing.add("a");
  rig.linesOf("a")[0]!.breakUp(rig);
  rig.settle();
  rig.send(one, echo("again"));
  assertEquals(rig.carriedOut.at(-1), "b ECHO again");
});

for (const policy of ["key", "sticky"] as const) {
  test(`policy ${policy}: with several connections to a backend, what belongs together stays on one, in order`, () => {
    const rig = new Rig({ policy, connections: 4 }, ["a"]);
    const clients = Array.from({ length: 12 }, () => rig.client());
    rig.isPrompt = false;
    for (const [i, client] of clients.entries()) {
      rig.send(client, command("SET", `key${i}`, "1"), command("GET", `key${i}`), command("DEL", `key${i}`));
    }
    const sent = rig.linesOf("a").map(({ incoming }): string[] => incoming.map(text).join("").match(/key\d+/g) ?? []);
    assertEquals(sent.flat().length, 36);
    for (const keys of sent) assert(keys.length > 0, "a connection that nothing goes over");
    for (let i = 0; i < 12; i++) {
      assertEquals(sent.filter((keys) => keys.includes(`key${i}`)).length, 1, `key${i} is on several connections`);
    }
  });
}

test("policy key: when one of several connections breaks, the keys of the others stay where they are", () => {
  const rig = new Rig({ policy: "key", connections: 4, retries: 0 }, ["a"]);
  const client = rig.client();
  rig.isPrompt = false;
  const keys = Array.from({ length: 40 }, (_, i) => `key${i}`);
  const lines = rig.linesOf("a");
  /** Which connection each key goes over, by what has come to them and nobody has read. */
  const places = (): (number | undefined)[] => {
    for (const key of keys) rig.send(client, command("GET", key));
    const came = lines.map(({ incoming }): string[] => incoming.splice(0).map(text).join("").match(/key\d+/g) ?? []);
    return keys.map((key) => came.findIndex((there) => there.includes(key)));
  };
  const before = places();
  lines[0]!.breakUp(rig);
  const after = places();
  assertEquals(after.filter((place) => place === 0), []);
  assertEquals(after.filter((_, i) => before[i] !== 0), before.filter((place) => place !== 0));
});

test("policy key: one key, one backend; without a backend only its keys move", () => {
  const rig = new Rig({ policy: "key", fall: 1 }, ["a", "b", "c"]);
  const client = rig.client();
  const where = (): Map<string, string> => {
    rig.carriedOut.length = 0;
    for (let i = 0; i < 60; i++) rig.send(client, command("GET", `key${i}`));
    return new Map(rig.carriedOut.map((line) => [line.slice(2), line[0]!]));
  };
  const before = where();
  assertEquals(where(), before);
  assertEquals(new Set(before.values()), new Set(["a", "b", "c"]));
  rig.refusing.add("b");
  rig.linesOf("b")[0]!.breakUp(rig);
  rig.settle();
  const after = where();
  for (const [key, backend] of before) assertEquals(after.get(key) === backend, backend !== "b", key);
});

for (const policy of ["key", "sticky"] as const) {
  test(`policy ${policy}: what belongs to a backend waits while that has no connection, and goes nowhere else`, () => {
    const rig = new Rig({ policy, fall: 3 }, ["a", "b"]);
    const clients = Array.from({ length: 20 }, () => rig.client());
    const ask = (): void => clients.forEach((client, i) => rig.send(client, command("SET", `key${i}`, "1")));
    const where = (): Map<string, string> => {
      const places = new Map(rig.carriedOut.map((line) => [line.slice(2), line[0]!]));
      rig.carriedOut.length = 0;
      return places;
    };
    ask();
    const before = where();
    assertEquals(new Set(before.values()), new Set(["a", "b"]));
    rig.isPrompt = false;
    rig.linesOf("a")[0]!.breakUp(rig);
    ask();
    rig.linesOf("b")[0]!.read(rig);
    rig.linesOf("b")[0]!.reply(rig);
    // those of b passed the ones that came before them and wait
    const ofB = [...before].filter(([, backend]) => backend === "b");
    assertEquals([...where()], ofB);
    assertEquals(rig.balancer.waiting, 20 - ofB.length);
    rig.pass(100);
    rig.isPrompt = true;
    rig.settle();
    assertEquals([...where()], [...before].filter(([, backend]) => backend === "a"));
    assertEquals(rig.balancer.waiting, 0);
    assertEquals(clients.map(({ received }) => received), clients.map(() => "+OK\r\n+OK\r\n"));
  });
}

for (const policy of ["key", "sticky"] as const) {
  test(`policy ${policy}: what a lost connection gives back goes before what the client has sent since`, () => {
    const rig = new Rig({ policy, maxBufferBytes: 1000 }, ["a"]);
    const [client, other] = [rig.client(), rig.client()];
    const [line] = rig.linesOf("a");
    const service = rig.service.bind(rig);
    // it takes nothing, until it breaks
    rig.service = (port) => {
      if (port !== line!.port || port.isOver) service(port);
    };
    rig.send(client, command("SET", "key", "1"));
    rig.send(other, command("SET", "key", "0".repeat(1000)));
    rig.send(client, command("SET", "key", "2"));
    assertEquals([rig.balancer.waiting, rig.carriedOut], [1, []]);
    line!.breakUp(rig);
    assertEquals(rig.balancer.waiting, 3);
    rig.pass(100);
    assertEquals(rig.carriedOut.map((one) => one.slice(-1)), ["1", "0", "2"]);
    assertEquals([rig.balancer.counts.moved, client.received], [2, "+OK\r\n+OK\r\n"]);
  });
}

test("what a lost connection gives back, and does not fit in line any more, is the last of it", () => {
  const rig = new Rig({ maxWaiting: 2 }, ["a"]);
  const client = rig.client();
  const [line] = rig.linesOf("a");
  rig.isPrompt = false;
  const service = rig.service.bind(rig);
  rig.service = (port) => {
    if (port !== line!.port || port.isOver) service(port);
  };
  rig.send(client, echo("1"), echo("2"), echo("3"));
  line!.breakUp(rig);
  assertEquals([rig.balancer.waiting, rig.balancer.counts.overload], [2, 1]);
  rig.isPrompt = true;
  rig.pass(100);
  assertEquals(rig.carriedOut, ["a ECHO 1", "a ECHO 2"]);
  assertStringIncludes(client.received, bulk("1") + bulk("2") + "-");
});

test("policy key: backends whose first connection is still being made are waited for; those that cannot be reached not", () => {
  const rig = new Rig({ policy: "key", fall: 2, waitMs: 5000 }, []);
  rig.isPrompt = false;
  rig.setServers("a", "b");
  const client = rig.client();
  for (const port of rig.connecting.splice(0)) {
    if (port.backend.name === "a") rig.makeConnection(port);
    else rig.connecting.push(port);
  }
  const clients = Array.from({ length: 20 }, () => rig.client());
  clients.forEach((one, i) => rig.send(one, command("SET", `key${i}`, "1")));
  const waiting = rig.balancer.waiting;
  assert(waiting > 0 && waiting < 20, `${waiting} wait`);
  rig.refusing.add("b");
  rig.isPrompt = true;
  rig.settle();
  rig.pass(1000);
  assertEquals(rig.carriedOut.filter((line) => line.startsWith("a ")).length, 20);
  assertEquals([rig.balancer.waiting, rig.balancer.counts.unavailable, client.isClosed], [0, 0, false]);
});

for (const how of ["falls", "is taken away"]) {
  test(`policy key: what waits for a backend that ${how} goes to another one in the same turn`, () => {
    const rig = new Rig({ policy: "key", fall: 1, waitMs: 5000 }, []);
    rig.isPrompt = false;
    rig.setServers("a", "b");
    for (const port of rig.connecting.splice(0)) {
      if (port.backend.name === "a") rig.makeConnection(port);
      else rig.connecting.push(port);
    }
    const clients = Array.from({ length: 20 }, () => rig.client());
    clients.forEach((one, i) => rig.send(one, command("SET", `key${i}`, "1")));
    assert(rig.balancer.waiting > 0, "nothing waits");
    rig.isPrompt = true;
    if (how === "falls") {
      rig.refusing.add("b");
      rig.settle();
    } else rig.setServers("a");
    assertEquals(rig.carriedOut.filter((line) => line.startsWith("a ")).length, 20);
    assertEquals([rig.balancer.waiting, rig.balancer.counts.unavailable], [0, 0]);
  });
}

test("policy least: a backend that does not answer gets no more than its requests under way allow", () => {
  const rig = new Rig({ policy: "least" });
  const client = rig.client();
  rig.isPrompt = false;
  rig.send(client, ...Array.from({ length: 4 }, (_, i) => echo(String(i))));
  for (let i = 0; i < 6; i++) {
    rig.linesOf("a")[0]!.read(rig);
    rig.linesOf("a")[0]!.reply(rig);
    rig.send(client, echo("more"));
  }
  assertEquals([...rig.lines].map(({ port }) => port.backend.requests), [8, 2]);
});

test("a connection that breaks: what had not left goes elsewhere, reads are sent again, writes fail in their turn", () => {
  const rig = new Rig({}, ["a"]);
  const client = rig.client();
  rig.isPrompt = false;
  rig.send(client, command("SET", "k", "v"), echo("read"), command("SET", "l", "w"));
  // these are not written yet
  client.port.push(command("SET", "m", "x"), rig.now);
  client.port.push(echo("late"), rig.now);
  rig.linesOf("a")[0]!.breakUp(rig);
  rig.isPrompt = true;
  rig.pass(300);
  const [first, second, third, ...rest] = client.received.split(/(?<=\r\n)(?=[-$+])/);
  assertStringIncludes(first!, "-ERR leat mux: the backend was lost");
  assertEquals(second, bulk("read"));
  assertStringIncludes(third!, "-ERR leat mux: the backend was lost");
  assertEquals(rest, ["+OK\r\n", bulk("late")]);
  assertEquals(rig.carriedOut, ["a ECHO read", "a SET m x", "a ECHO late"]);
  const { lost, retried, moved } = rig.balancer.counts;
  assertEquals({ lost, retried, moved }, { lost: 2, retried: 1, moved: 2 });
});

test("retryBudget: 0 leaves only what was saved up, and then reads fail as well", () => {
  const rig = new Rig({ retryBudget: 0, retries: 1, maxPending: 1000 }, ["a"]);
  const client = rig.client();
  rig.isPrompt = false;
  for (let i = 0; i < 150; i++) client.port.push(echo("x"), rig.now);
  rig.settle();
  rig.linesOf("a")[0]!.breakUp(rig);
  assertEquals(rig.balancer.counts.retried, 100);
  assertEquals(rig.balancer.counts.lost, 50);
});

test("retries: a request that broke so many backends is given up", () => {
  const rig = new Rig({ retries: 2, fall: 100 }, ["a"]);
  const client = rig.client();
  rig.isPrompt = false;
  rig.send(client, echo("poison"));
  for (let i = 0; i < 3; i++) {
    rig.linesOf("a")[0]!.breakUp(rig);
    rig.pass(3000);
    for (const port of rig.connecting.splice(0)) rig.makeConnection(port);
    rig.settle();
  }
  assertStringIncludes(client.received, "-ERR leat mux: the backend was lost");
});

test("a reply that nobody asked for breaks the connection: the next might go to the wrong client", () => {
  const rig = new Rig({}, ["a"]);
  const client = rig.client();
  rig.linesOf("a")[0]!.port.push(bytes("+OK\r\n"), rig.now);
  rig.settle();
  assertEquals(rig.lines.size, 0);
  assertEquals(rig.balancer.counts.strays, 1);
  rig.pass(300);
  rig.send(client, echo("1"));
  assertEquals(client.received, bulk("1"));
});

test("RESP3 pushes of a backend go to nobody", () => {
  const rig = new Rig({}, ["a"]);
  const client = rig.client();
  rig.linesOf("a")[0]!.port.push(bytes(">2\r\n+a\r\n+b\r\n"), rig.now);
  rig.send(client, echo("1"));
  assertEquals(client.received, bulk("1"));
  assertEquals(rig.balancer.counts.aside, 1);
});

test("replies of a client that has gone go to nobody, and those of others stay right", () => {
  const rig = new Rig({}, ["a"]);
  const [gone, here] = [rig.client(), rig.client()];
  rig.isPrompt = false;
  rig.send(gone, echo("secret"));
  rig.send(here, echo("mine"));
  gone.port.fail({ code: "ECONNRESET" }, rig.now);
  rig.isPrompt = true;
  rig.settle();
  assertEquals([gone.received, here.received], ["", bulk("mine")]);
  assertEquals(rig.balancer.counts.strays, 1);
});

test("a client that ends its side is still answered, and then closed", () => {
  const rig = new Rig();
  const client = rig.client();
  rig.isPrompt = false;
  rig.send(client, echo("1"), echo("2"));
  client.port.end(rig.now);
  rig.settle();
  assert(!client.isClosed);
  rig.isPrompt = true;
  rig.settle();
  assertEquals([client.received, client.isClosed, client.isAborted], [bulk("1") + bulk("2"), true, false]);
});

test("what is not the protocol is answered by an error, after the replies to what came before, and closed", () => {
  const rig = new Rig();
  const client = rig.client();
  rig.isPrompt = false;
  rig.send(client, echo("1"), bytes("*1\r\n+no\r\n"), echo("2"));
  rig.isPrompt = true;
  rig.settle();
  assertStringIncludes(client.received, `${bulk("1")}-ERR leat mux: Protocol error`);
  assert(client.isClosed && !client.received.includes(bulk("2")));
});

test("without a backend requests wait, and fail when that takes too long", () => {
  const rig = new Rig({ waitMs: 1000, retries: 0 }, []);
  const client = rig.client();
  rig.send(client, echo("1"), echo("2"));
  assertEquals([rig.balancer.waiting, client.port.wantsInput], [1, false]);
  rig.pass(1100);
  assertStringIncludes(client.received, "no backend is available");
  rig.setServers("a");
  rig.pass(200);
  assertStringIncludes(client.received, bulk("2"));
});

test("maxWaiting: more requests fail at once", () => {
  const rig = new Rig({ maxWaiting: 1 }, []);
  const [one, two] = [rig.client(), rig.client()];
  rig.send(one, echo("1"));
  rig.send(two, echo("2"));
  assertEquals(one.received, "");
  assertStringIncludes(two.received, "too many requests wait");
});

test("maxPending: a client with so many requests under way is not read, and goes on when they are answered", () => {
  const rig = new Rig({ maxPending: 2 });
  const client = rig.client();
  rig.isPrompt = false;
  rig.send(client, bytes("*1\r\n$4\r\nPING\r\n".repeat(5)));
  assertEquals([client.port.outstanding, client.port.wantsInput], [2, false]);
  rig.isPrompt = true;
  rig.settle();
  assertEquals(client.received, "+OK\r\n".repeat(5));
  assert(client.port.wantsInput);
});

test("maxClients: more are refused and counted", () => {
  const rig = new Rig({ maxClients: 1 });
  const client = rig.client();
  assertEquals(rig.balancer.accept("two", rig.now), undefined);
  client.port.end(rig.now);
  rig.settle();
  assert(rig.balancer.accept("three", rig.now) !== undefined);
  assertEquals(rig.balancer.counts.refused, 1);
});

test("maxBufferBytes: a client that does not read is closed", () => {
  const rig = new Rig({ maxBufferBytes: 1000 });
  const client = rig.client();
  rig.isPrompt = false;
  client.port.handle = undefined; // nobody writes to it
  rig.send(client, command("GET", "large"));
  const [line] = rig.lines;
  line!.port.push(bytes(bulk("x".repeat(1200))), rig.now);
  assertEquals([client.port.outcome, rig.balancer.counts.slowClients], ["does not read", 1]);
});

test("maxMessageLength: a longer request is refused", () => {
  const rig = new Rig({ maxMessageLength: 100 });
  const client = rig.client();
  rig.send(client, echo("x".repeat(200)));
  assertStringIncludes(client.received, "Protocol error (EMSGSIZE)");
  assert(client.isClosed);
});

test("timeoutMs: a backend that does not answer in time loses its connection, and falls after a few", () => {
  const rig = new Rig({ timeoutMs: 1000, fall: 1, retries: 0 });
  const client = rig.client();
  rig.isPrompt = false;
  rig.send(client, command("SET", "a", "1"));
  rig.pass(1200);
  assertStringIncludes(client.received, "did not answer in time");
  assert(rig.events.includes("a down"));
});

test("health: falls after fall failures, comes back after rise checks, with less than its share at first", () => {
  const rig = new Rig({ fall: 2, rise: 2, ejectMs: 1000, slowStartMs: 10_000 });
  rig.refusing.add("a");
  rig.linesOf("a")[0]!.breakUp(rig);
  rig.pass(500);
  assertEquals(rig.events, ["a added", "b added", "a down"]);
  rig.refusing.delete("a");
  rig.pass(900);
  assertEquals(rig.linesOf("a").length, 0);
  rig.pass(2000);
  assertEquals(rig.events.at(-1), "a up");
  rig.pass(100);
  const client = rig.client();
  rig.carriedOut.length = 0;
  for (let i = 0; i < 100; i++) rig.send(client, echo("x"));
  const early = rig.carriedOut.filter((line) => line.startsWith("a ")).length;
  assert(early > 5 && early < 30, `${early}`);
  rig.pass(11_000);
  rig.carriedOut.length = 0;
  for (let i = 0; i < 100; i++) rig.send(client, echo("x"));
  assertEquals(rig.carriedOut.filter((line) => line.startsWith("a ")).length, 50);
});

test("health: a backend that takes connections and breaks them at the first request falls", () => {
  const rig = new Rig({ fall: 3, retries: 0 }, ["a", "b"]);
  const client = rig.client();
  rig.isPrompt = false;
  for (let i = 0; i < 3; i++) {
    rig.send(client, command("SET", "k", "v"), command("SET", "k", "v"));
    rig.linesOf("a")[0]!.breakUp(rig);
    rig.pass(3000);
    for (const port of rig.connecting.splice(0)) rig.makeConnection(port);
    rig.settle();
  }
  assert(rig.events.includes("a down"));
});

test("a connection that a backend ends while nothing is under way is made anew at once, and is no failure", () => {
  const rig = new Rig({ fall: 1 }, ["a"]);
  const client = rig.client();
  rig.pass(2000);
  rig.linesOf("a")[0]!.port.end(rig.now);
  rig.settle();
  rig.send(client, echo("1"));
  assertEquals(client.received, bulk("1"));
  assertEquals(rig.events, ["a added"]);
});

test("probe: a check sends it, and any reply is good; none is a failure", () => {
  const rig = new Rig({ checkIntervalMs: 1000, probe: command("PING"), fall: 1, connectTimeoutMs: 500 }, ["a"]);
  rig.pass(1100);
  assertEquals(rig.carriedOut, ["a PING"]);
  assertEquals(rig.lines.size, 1);
  rig.isPrompt = false;
  rig.pass(1000);
  for (const port of rig.connecting.splice(0)) rig.makeConnection(port);
  rig.pass(700);
  assert(rig.events.includes("a down"));
});

test("reload: a backend that is taken away answers what it has, gets nothing more, and goes", () => {
  const rig = new Rig();
  const client = rig.client();
  rig.isPrompt = false;
  rig.send(client, echo("1"), echo("2"));
  rig.setServers("b", "c");
  for (const port of rig.connecting.splice(0)) rig.makeConnection(port);
  rig.pass(200);
  assertEquals(rig.linesOf("a").length, 1);
  rig.isPrompt = true;
  rig.send(client, echo("3"), echo("4"));
  assertEquals(client.received, ["1", "2", "3", "4"].map(bulk).join(""));
  rig.pass(200);
  assertEquals(rig.linesOf("a").length, 0);
  assert(rig.events.includes("a gone"));
  assert(!rig.carriedOut.some((line) => line === "a ECHO 3" || line === "a ECHO 4"));
});

test("drain: no new clients, those with nothing under way are closed, the others when they are answered", () => {
  const rig = new Rig();
  const [idle, busy] = [rig.client(), rig.client()];
  rig.isPrompt = false;
  rig.send(busy, echo("1"));
  rig.balancer.drain(rig.now);
  rig.settle();
  assertEquals([idle.isClosed, busy.isClosed, rig.balancer.accept("late", rig.now)], [true, false, undefined]);
  rig.isPrompt = true;
  rig.settle();
  assertEquals([busy.received, busy.isClosed, busy.isAborted], [bulk("1"), true, false]);
});

test("idleMs: a client that is quiet for so long is closed, one that waits for a reply is not", () => {
  const rig = new Rig({ idleMs: 1000 });
  const [quiet, waiting] = [rig.client(), rig.client()];
  rig.isPrompt = false;
  rig.send(waiting, echo("1"));
  rig.pass(1200);
  assertEquals([quiet.isClosed, waiting.isClosed], [true, false]);
});

test("replies none: messages are spread, nothing comes back", () => {
  const rig = new Rig({ replies: "none" });
  const client = rig.client();
  rig.send(client, echo("1"), echo("2"), echo("3"));
  assertEquals(rig.carriedOut, ["a ECHO 1", "a ECHO 3", "b ECHO 2"]);
  assertEquals([client.received, rig.balancer.counts.aside], ["", 3]);
});
