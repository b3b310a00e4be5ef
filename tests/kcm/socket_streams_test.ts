/** The multiplexor over sockets: in memory, and real ones of this runtime. */
import { test } from "node:test";
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { Multiplexor } from "../../src/kcm/mod.ts";
import { type SocketError, streamPair, type TListener, type TStream } from "../../src/tsocket/mod.ts";
import { runtime } from "../tsocket/support/native_sockets.ts";
import { turns } from "../support/turns.ts";
import { bodyOf, parser, wire } from "./support.ts";

interface Sockets {
  listen(target: string): TListener;
  connect(target: string): TStream;
}

const { listen, connect }: Sockets =
  await (runtime === "deno"
    ? import("../../src/tsocket/drivers/deno/mod.ts")
    : runtime === "bun"
    ? import("../../src/tsocket/drivers/bun/mod.ts")
    : import("../../src/tsocket/drivers/node/mod.ts"));

/** Answers each message on the connection that it came on. */
async function answer(kcm: Multiplexor, name: string): Promise<void> {
  const socket = kcm.socket();
  for await (const message of socket.readable) {
    await socket.send(wire(`${name}:${bodyOf(message)}`), { via: message.connection });
  }
}

/** Asks many things over several connections at once, and checks that each is answered once. */
async function ask(connections: readonly TStream[], count: number): Promise<void> {
  const kcm = new Multiplexor();
  const socket = kcm.socket({ batch: true });
  const attachments = connections.map((connection) => kcm.attach(connection, { parser }));
  const asked = Array.from({ length: count }, (_, i) => `${i}`.padEnd(i % 700, "."));
  const sent = Promise.all(asked.map((body) => socket.send(wire(body))));
  const answers: string[] = [];
  for await (const batch of socket.readable) {
    answers.push(...batch.map((message) => bodyOf(message).slice(2)));
    if (answers.length === count) break;
  }
  const used = new Set((await sent).map(({ connection }) => connection!.id));
  assertEquals(answers.toSorted(), asked.toSorted());
  assertEquals(used.size, connections.length);
  for (const { ended } of attachments) assertEquals((await ended).messages > 0, true);
}

test("requests over four pairs in memory are answered on the connection that they came on", async () => {
  const pairs = Array.from({ length: 4 }, () => streamPair());
  const kcm = new Multiplexor();
  for (const [, right] of pairs) kcm.attach(right, { parser, halfOpen: true });
  const answering = answer(kcm, "a");
  await ask(pairs.map(([left]) => left), 500);
  kcm.abort();
  await answering.catch(() => {});
});

test("requests over four real sockets are answered on the connection that they came on", async () => {
  const listener = listen("127.0.0.1:0");
  const { localAddress } = await listener.opened;
  const kcm = new Multiplexor({ holdOpen: true });
  const answering = answer(kcm, "a");
  const accepting = (async () => {
    for await (const connection of listener) kcm.attach(connection, { parser });
  })();
  const target = (localAddress as { toHostPort(): string }).toHostPort();
  await ask(await opened(Array.from({ length: 4 }, () => connect(target))), 500);
  await listener.close();
  await accepting.catch(() => {});
  kcm.abort();
  await answering.catch(() => {});
});

async function opened(connections: readonly TStream[]): Promise<readonly TStream[]> {
  await Promise.all(connections.map((connection) => connection.opened));
  return connections;
}

test("a socket is handed back by unattach, goes on where it was, and is attached again", async () => {
  const [left, right] = streamPair();
  const kcm = new Multiplexor({ holdOpen: true });
  const socket = kcm.socket();
  const attachment = kcm.attach(left, { parser });
  await right.writev([wire("whole"), wire("in part").subarray(0, 4)]);
  assertEquals(bodyOf((await socket.receive())!.message), "whole");
  await socket.send(wire("out"));
  const { unread } = await attachment.unattach();
  assertEquals([...unread], [...wire("in part").subarray(0, 4)]);
  await right.writev([wire("in part").subarray(4)]);
  const rest = new Uint8Array(5);
  await left.readv([rest]);
  assertEquals(new TextDecoder().decode(rest), " part");
  kcm.attach(left, { parser });
  await right.writev([wire("again")]);
  assertEquals(bodyOf((await socket.receive())!.message), "again");
  const out = new Uint8Array(5);
  await right.readv([out]);
  assertEquals([...out], [...wire("out")]);
  kcm.abort();
});

test("a socket that is reset ends with its own error; drained ones are closed in order", async () => {
  const [[left, right], [drained, peer]] = [streamPair(), streamPair()];
  const kcm = new Multiplexor({ holdOpen: true });
  const socket = kcm.socket();
  const broken = kcm.attach(left, { parser });
  right.abort();
  assert(((await broken.ended).error as SocketError).code !== undefined);
  const attachment = kcm.attach(drained, { parser });
  await socket.send(wire("last"));
  assertStrictEquals((await attachment.drain()).error, undefined);
  const all = new Uint8Array(6);
  await peer.readv([all]);
  assertEquals([[...all], await peer.readSome(new Uint8Array(1))], [[...wire("last")], null]);
  await turns();
  kcm.abort();
});
