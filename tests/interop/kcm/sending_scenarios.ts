/** Messages that are sent. */
import { type Exception, framed, program, type Scenario } from "./scenario.ts";

/** A connection whose peer does not read takes what its buffers hold. */
const blocked: Exception = {
  why: "how much of a message a blocked connection takes depends on TCP's buffers",
  numbers: [/(?<=^mux rx \S+ tx \d+\/)\d+/, /(?<=^psock-\d+ rx \S+ tx \d+\/)\d+/, /(?<=TX-Bytes )\d+/],
};

/** The table. */
export const sending: readonly Scenario[] = [
  {
    name: "messages go round the connections",
    setup: { program },
    async run(world) {
      await world.connect(3);
      for (const body of ["a", "b", "c", "d", "e"]) await world.send(0, framed(body));
      for (const connection of [0, 1, 2]) await world.peer(connection);
      await world.status();
    },
  },
  {
    name: "sent without a connection",
    setup: { program, isManual: true },
    async run(world) {
      await world.connect();
      await world.send(0, framed("a"));
      await world.send(0, framed("b"));
      await world.status();
      await world.attach(0);
      await world.status();
      await world.peer(0);
    },
  },
  {
    name: "a batch behind messages that wait goes along with them",
    setup: { program, isManual: true },
    async run(world) {
      await world.connect(2);
      await world.send(0, new Uint8Array(0), { batch: true });
      await world.status();
      await world.send(0, framed("a"));
      await world.send(0, framed("b"), { batch: true });
      await world.status();
      await world.attach(0);
      await world.status();
      await world.peer(0);
      await world.send(0, framed("c"), { batch: true });
      await world.attach(1);
      await world.status();
      await world.send(0, framed("d"));
      await world.peer(0);
      await world.peer(1);
    },
  },
  {
    name: "a full send buffer",
    setup: { program, isManual: true, sendBufferBytes: 8192 },
    async run(world) {
      await world.connect();
      for (let i = 0; i < 4; i++) await world.send(0, framed(5000));
      await world.attach(0);
      await world.peer(0);
      await world.send(0, framed("more"));
      await world.peer(0);
    },
  },
  {
    name: "MORE joins, BATCH stays together, datagram",
    setup: { program },
    async run(world) {
      await world.connect(2);
      await world.send(0, framed("ab").subarray(0, 3), { more: true });
      await world.status();
      await world.send(0, framed("ab").subarray(3));
      await world.peer(0);
      await world.send(0, framed("c"), { batch: true });
      await world.send(0, framed("d"), { batch: true });
      await world.status();
      await world.send(0, framed("e"));
      await world.status();
      for (const connection of [0, 1]) await world.peer(connection);
    },
  },
  {
    name: "EOR ends, seqpacket",
    setup: { program, type: "seqpacket", sockets: 2 },
    async run(world) {
      await world.connect(2);
      await world.send(0, framed("a"));
      await world.send(1, framed("b"), { eor: true });
      await world.status();
      await world.send(0, framed("c"), { eor: true });
      await world.send(1, framed("d"), { more: true });
      await world.send(1, new Uint8Array(0), { eor: true });
      for (const connection of [0, 1]) await world.peer(connection);
      await world.send(0, framed("e"), { eor: true, batch: true });
      await world.status();
      await world.send(0, new Uint8Array(0), { eor: true });
      for (const connection of [0, 1]) await world.peer(connection);
      await world.status();
    },
  },
  {
    name: "sent after the peer's end, its error unread",
    setup: { program },
    async run(world) {
      await world.connect(2);
      await world.end(0);
      await world.send(0, framed("a"));
      await world.status();
      await world.peer(0);
      await world.peer(1);
      await world.error(0);
      await world.send(0, framed("b"));
      await world.peer(1);
      await world.unattach(0);
      await world.status();
    },
  },
  {
    name: "sent after the peer's end, its error read",
    setup: { program },
    async run(world) {
      await world.connect(2);
      await world.end(0);
      await world.error(0);
      await world.send(0, framed("a"));
      await world.send(0, framed("b"));
      await world.peer(0);
      await world.peer(1);
      await world.error(0);
      await world.status();
    },
  },
  {
    name: "sent on a connection that was reset",
    setup: { program },
    async run(world) {
      await world.connect(2);
      await world.reset(0);
      await world.error(0);
      await world.send(0, framed("a"));
      await world.peer(1);
      await world.error(0);
      await world.status();
      await world.send(0, framed("b"));
      await world.peer(1);
    },
  },
  {
    name: "all connections reset, a new one",
    setup: { program, isManual: true },
    async run(world) {
      await world.connect(2);
      await world.attach(0);
      await world.reset(0);
      await world.send(0, framed("a"));
      await world.status();
      await world.attach(1);
      await world.peer(1);
      await world.status();
    },
  },
  {
    name: "a blocked connection keeps its socket",
    setup: { program: "02_len32le_incl", isSlow: true, sockets: 2 },
    async run(world) {
      await world.connect(2);
      await world.send(0, new Uint8Array(150_000).fill(1));
      await world.send(0, framed("x"));
      await world.send(1, framed("y"));
      await world.peer(1, 3);
      await world.peer(0, 150_003);
      await world.status();
      await world.send(0, framed("z"));
      await world.peer(1);
      await world.peer(0);
    },
  },
  {
    name: "closing a socket in the middle of a message",
    setup: { program: "02_len32le_incl", isSlow: true, sockets: 2 },
    but: blocked,
    async run(world) {
      await world.connect(2);
      await world.send(0, new Uint8Array(150_000).fill(1));
      await world.closeSocket(0);
      await world.error(0);
      await world.send(1, framed("y"));
      await world.peer(1, 3);
    },
  },
];
