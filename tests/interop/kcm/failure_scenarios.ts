/** Connections that fail, end, are taken away and come back. */
import { drainAll, framed, program, type Scenario, segments, small } from "./scenario.ts";

/** The table. */
export const failures: readonly Scenario[] = [
  {
    name: "EMSGSIZE",
    setup: { program: "02_len32le_incl", maxMessageLength: 32_768 },
    async run(world) {
      await world.connect();
      await world.segment(0, Uint8Array.of(5, 0, 0, 0, 7, 1, 0, 2, 0, 9, 9));
      await world.status();
      await world.error(0);
      await world.segment(0, Uint8Array.of(1, 2, 3));
      await world.drain(0);
      await world.error(0);
      await world.unattach(0);
      await world.left(0);
    },
  },
  {
    name: "EMSGSIZE of the first message",
    setup: { program: "02_len32le_incl", maxMessageLength: 32_768 },
    async run(world) {
      await world.connect();
      await world.segment(0, Uint8Array.of(1, 128, 0, 0, 7));
      await world.error(0);
      await world.status();
      await world.unattach(0);
      await world.left(0);
    },
  },
  {
    name: "the program's error",
    setup: { program: "03_http2" },
    async run(world) {
      await world.connect();
      await world.segment(0, Uint8Array.of(0, 0, 1, 4, 0, 0, 0, 0, 0, 255, 80, 80, 80, 80, 80));
      await world.status();
      await world.error(0);
      await world.drain(0);
      await world.unattach(0);
      await world.left(0);
    },
  },
  ...[-1, -5, -71, -86, -90, -110, -4096].map((value): Scenario => ({
    name: `a program that returns ${value}`,
    setup: { program: `ret:${value}` },
    async run(world) {
      await world.connect();
      await world.segment(0, Uint8Array.of(1, 2, 3));
      await world.error(0);
      await world.status();
    },
  })),
  {
    name: "a program that returns 0 waits for ever",
    setup: { program: "ret:0" },
    async run(world) {
      await world.connect();
      await world.segment(0, Uint8Array.of(1, 2, 3));
      await world.segment(0, Uint8Array.of(1, 2, 3));
      await world.error(0);
      await world.status();
      await world.unattach(0);
      await world.left(0);
    },
  },
  {
    name: "a program that returns 3",
    setup: { program: "ret:3", sockets: 2 },
    async run(world) {
      await world.connect();
      await world.segment(0, Uint8Array.of(1, 2, 3, 4, 5, 6, 7));
      await world.segment(0, Uint8Array.of(8, 9));
      await world.status();
      await drainAll(world, 0, 1);
    },
  },
  {
    name: "EPROTO: a length that ends in what was taken before",
    setup: { program: "05_dns_tcp" },
    async run(world) {
      await world.connect();
      await world.segment(0, Uint8Array.of(0));
      await world.segment(0, Uint8Array.of(3, 9, 9));
      await world.error(0);
      await world.status();
    },
  },
  {
    name: "the peer's end, at a boundary and in a message",
    setup: { program, sockets: 2 },
    async run(world) {
      await world.connect(2);
      await segments(world, 0, "a", "b");
      await world.end(0);
      await world.segment(1, framed("c", "defg").subarray(0, 6));
      await world.end(1);
      await world.status();
      await world.error(0);
      await world.error(1);
      await drainAll(world, 0, 1);
      await world.status();
      await world.unattach(0);
      await world.unattach(1);
      await world.left(1);
    },
  },
  {
    name: "the peer's end while the rest of a message is awaited",
    setup: { program },
    async run(world) {
      await world.connect();
      await world.segment(0, framed("abcd").subarray(0, 3));
      await world.status();
      await world.end(0);
      await world.status();
      await world.error(0);
    },
  },
  {
    name: "the peer's end while there is no room, and after a failure",
    setup: { program: "05_dns_tcp", room: { messages: 2, length: 14 } },
    async run(world) {
      await world.connect(2);
      const message = Uint8Array.of(0, 12, ...new Uint8Array(12));
      for (let i = 0; i < 3; i++) await world.segment(0, message);
      await world.end(0);
      await world.segment(1, Uint8Array.of(0, 1, 2));
      await world.end(1);
      await world.status();
      await world.drain(0);
      await world.status();
      await world.error(0);
      await world.error(1);
      await world.unattach(1);
      await world.left(1);
    },
  },
  {
    name: "a reset",
    setup: { program, sockets: 2 },
    async run(world) {
      await world.connect(2);
      await segments(world, 0, "a");
      await world.reset(0);
      await world.status();
      await world.error(0);
      await segments(world, 1, "b");
      await drainAll(world, 0, 1);
      await world.unattach(0);
      await world.status();
    },
  },
  {
    name: "unattached in a message, and attached again",
    setup: { program },
    async run(world) {
      await world.connect();
      await world.segment(0, framed("ab", "cdef").subarray(0, 7));
      await world.unattach(0);
      await world.unattach(0);
      await world.left(0);
      await world.segment(0, framed("new"));
      await world.segment(0, framed("er"));
      await world.attach(0);
      await world.attach(0);
      await world.drain(0);
      await world.status();
    },
  },
  {
    name: "unattached with a message that waits",
    setup: { program, room: small },
    async run(world) {
      await world.connect();
      await segments(world, 0, "m1", "m2", "m3", "m4");
      await world.status();
      await world.unattach(0);
      await world.left(0);
      await world.drain(0);
      await world.status();
    },
  },
  {
    name: "what came before is parsed when attached",
    setup: { program, isManual: true, sockets: 2 },
    async run(world) {
      await world.connect();
      await world.segment(0, framed("a", "b"));
      await world.attach(0);
      await world.status();
      await drainAll(world, 0, 1);
    },
  },
  {
    name: "a message that takes too long",
    setup: { program, messageTimeoutMs: 60 },
    async run(world) {
      await world.connect();
      await world.segment(0, framed("abc"));
      await world.wait(100);
      await world.error(0);
      await world.segment(0, Uint8Array.of(0));
      await world.wait(100);
      await world.error(0);
      await world.status();
      await world.drain(0);
    },
  },
];
