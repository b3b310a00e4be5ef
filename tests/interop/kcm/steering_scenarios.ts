/** Which socket a message comes to, and how it is read. */
import { drainAll, framed, joined, program, type Scenario, segments, small } from "./scenario.ts";

/** Steering, and what closed and full sockets do to it. */
export const steering: readonly Scenario[] = [
  {
    name: "one message in one segment",
    setup: { program },
    async run(world) {
      await world.connect();
      await world.segment(0, framed("abc"));
      await world.status();
      await world.drain(0);
      await world.status();
    },
  },
  {
    name: "several messages in one segment go to one socket",
    setup: { program, sockets: 3 },
    async run(world) {
      await world.connect();
      await world.segment(0, framed("a", "bb", "ccc", "dddd"));
      await world.segment(0, framed("e", "ff"));
      await world.status();
      await drainAll(world, 0, 1, 2);
    },
  },
  {
    name: "segments go round the sockets",
    setup: { program, sockets: 3 },
    async run(world) {
      await world.connect();
      await segments(world, 0, "a", "b", "c", "d", "e", "f", "g");
      await world.status();
      await drainAll(world, 0, 1, 2);
      await segments(world, 0, "h", "i");
      await drainAll(world, 0, 1, 2);
    },
  },
  {
    name: "two connections on two sockets",
    setup: { program, sockets: 2 },
    async run(world) {
      await world.connect(2);
      for (let i = 0; i < 4; i++) {
        await segments(world, 0, `a${i}`);
        await segments(world, 1, `b${i}`);
      }
      await world.status();
      await drainAll(world, 0, 1);
    },
  },
  {
    name: "a message byte by byte",
    setup: { program, sockets: 2 },
    but: joined,
    async run(world) {
      await world.connect();
      for (const byte of framed("hello", "you")) await world.segment(0, Uint8Array.of(byte));
      await drainAll(world, 0, 1);
      await world.status();
    },
  },
  {
    name: "messages over segments, with their ends in the next",
    setup: { program, sockets: 2 },
    async run(world) {
      await world.connect();
      const bytes = framed("hello", "you", 300, "there", "", "end");
      for (const [from, to] of [[0, 4], [4, 9], [9, 13], [13, 200], [200, 320], [320, 400]]) {
        await world.segment(0, bytes.subarray(from, to));
        await world.status();
      }
      await drainAll(world, 0, 1);
    },
  },
  {
    name: "receiving disabled and enabled",
    setup: { program, sockets: 3 },
    async run(world) {
      await world.connect();
      await segments(world, 0, "a", "b", "c", "d");
      await world.disable(0);
      await world.disable(0);
      await world.status();
      await segments(world, 0, "e", "f", "g");
      await world.enable(0);
      await segments(world, 0, "h", "i", "j");
      await world.status();
      await drainAll(world, 0, 1, 2);
    },
  },
  {
    name: "with all disabled messages are held, and come back",
    setup: { program, sockets: 2 },
    async run(world) {
      await world.connect();
      await segments(world, 0, "a", "b", "c");
      await world.disable(0);
      await world.disable(1);
      await world.status();
      await segments(world, 0, "d");
      await world.status();
      await world.enable(1);
      await world.status();
      await drainAll(world, 0, 1);
      await world.enable(0);
      await segments(world, 0, "e", "f");
      await drainAll(world, 0, 1);
    },
  },
  {
    name: "a socket is closed with messages",
    setup: { program, sockets: 3 },
    async run(world) {
      await world.connect();
      await segments(world, 0, "a", "b", "c", "d", "e");
      await world.closeSocket(0);
      await world.status();
      await segments(world, 0, "f", "g");
      await drainAll(world, 1, 2);
    },
  },
  {
    name: "a clone takes part, and takes what is held",
    setup: { program },
    async run(world) {
      await world.connect();
      await segments(world, 0, "a", "b");
      await world.disable(0);
      await world.clone();
      await world.status();
      await segments(world, 0, "c");
      await world.drain(1);
      await world.enable(0);
      await segments(world, 0, "d", "e", "f");
      await world.status();
      await drainAll(world, 0, 1);
    },
  },
  {
    name: "receive memory full, and resumed when empty",
    setup: { program, room: small },
    async run(world) {
      await world.connect();
      await segments(world, 0, "m1", "m2");
      await world.status();
      await segments(world, 0, "m3");
      await world.status();
      await segments(world, 0, "m4");
      await world.receive(0);
      await world.status();
      await world.receive(0);
      await world.status();
      await world.drain(0);
      await world.status();
    },
  },
  {
    name: "two sockets full one behind the other",
    setup: { program, sockets: 2, room: small },
    async run(world) {
      await world.connect(2);
      await segments(world, 0, "m1", "m2", "m3", "m4");
      await segments(world, 1, "n1");
      await segments(world, 0, "m5");
      await world.status();
      await world.receive(1);
      await world.receive(1);
      await world.status();
      await drainAll(world, 0, 1);
      await world.status();
    },
  },
  {
    name: "a closed socket's messages fill the others",
    setup: { program, sockets: 2, room: small },
    async run(world) {
      await world.connect();
      await segments(world, 0, "m1", "m2", "m3", "m4");
      await world.closeSocket(0);
      await world.status();
      await world.drain(1);
      await world.status();
    },
  },
];

/** Calls of `recvmsg`. */
export const reading: readonly Scenario[] = (["datagram", "seqpacket"] as const).map((type) => ({
  name: `short buffers and looking first, ${type}`,
  setup: { program, type },
  async run(world) {
    await world.connect();
    await segments(world, 0, "abcdef", "gh", "ijklmn", "op");
    await world.receive(0, { peek: true });
    await world.receive(0, { length: 4, peek: true });
    await world.receive(0, { length: 4 });
    await world.status();
    await world.receive(0, { length: 4 });
    await world.receive(0, { length: 8 });
    await world.drain(0);
    await world.status();
  },
}));
