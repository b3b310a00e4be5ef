/** What is done with the kernel and with the engine alike. */
import type { Setup, World } from "./world.ts";

/** One comparison. */
export interface Scenario {
  readonly name: string;
  readonly setup: Setup;
  /** What cannot be compared, and why not. */
  readonly but?: Exception;
  run(world: World): Promise<void>;
}

/** A number that depends on what is not KCM's. */
export interface Exception {
  readonly why: string;
  /** Lines, of which it is the part that matches. */
  readonly numbers: readonly RegExp[];
}

/** While bytes of a message wait in its queue, TCP joins them as it likes; KCM counts by what it finds joined. */
export const joined: Exception = {
  why: "bytes of messages that came in several segments are counted by how TCP has joined them",
  numbers: [
    /(?<=^mux rx \d+\/)\d+/,
    /(?<=^psock-\d+ rx \d+\/)\d+/,
    /(?<=^mux RX-Bytes )\d+/,
    /(?<=^psock RX-Bytes )\d+/,
  ],
};

/** The same, where a header may have come in several segments, too. */
export const joinedHeaders: Exception = { ...joined, numbers: [...joined.numbers, /(?<=^psock RX-NeedMor )\d+/] };

/** A connection whose peer does not read takes what its buffers hold. */
const blocked: Exception = {
  why: "how much of a message a blocked connection takes depends on TCP's buffers",
  numbers: [/(?<=^mux rx \S+ tx \d+\/)\d+/, /(?<=^psock-\d+ rx \S+ tx \d+\/)\d+/, /(?<=TX-Bytes )\d+/],
};

/** Messages with a length of two bytes, in network order, that does not count itself; as one segment. */
export function framed(...bodies: (string | number)[]): Uint8Array {
  const parts = bodies.map((body) => {
    const text = typeof body === "string" ? body : "x".repeat(body);
    return [text.length >> 8, text.length & 255, ...new TextEncoder().encode(text)];
  });
  return Uint8Array.from(parts.flat());
}

const program = "01_len16be";
/** Four bytes, and two sockets that have room for two such messages each. */
const small = { messages: 2, length: 4 };

async function segments(world: World, connection: number, ...bodies: string[]): Promise<void> {
  for (const body of bodies) await world.segment(connection, framed(body));
}

async function drainAll(world: World, ...sockets: number[]): Promise<void> {
  for (const socket of sockets) await world.drain(socket);
}

const steering: readonly Scenario[] = [
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

const reading: readonly Scenario[] = (["datagram", "seqpacket"] as const).map((type) => ({
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

const failures: readonly Scenario[] = [
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

const sending: readonly Scenario[] = [
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
      await world.peer(1);
      await world.peer(0);
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
      await world.peer(1);
    },
  },
];

/** Notes without the numbers that cannot be compared. */
export function comparable(notes: readonly string[], but: Exception | undefined): string[] {
  return notes.map((note) => but?.numbers.reduce((text, number) => text.replace(number, "*"), note) ?? note);
}

/** What the same program makes of the same bytes. */
const programs: readonly Scenario[] = [
  { name: "01_len16be", bytes: framed("hello", "you", "", 50) },
  { name: "02_len32le_incl", bytes: Uint8Array.of(4, 0, 0, 0, 7, 0, 0, 0, 1, 2, 3, 5, 0, 0, 0, 9) },
  {
    name: "03_http2",
    bytes: new TextEncoder().encode(
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x05\x04\0\0\0\0\0hello\0\0\0\x04\x01\0\0\0\0",
    ),
  },
  { name: "04_postgres_backend", bytes: Uint8Array.of(82, 0, 0, 0, 8, 0, 0, 0, 0, 90, 0, 0, 0, 5, 73) },
  { name: "05_dns_tcp", bytes: Uint8Array.of(0, 12, ...new Uint8Array(12), 0, 13, ...new Uint8Array(13)) },
  { name: "06_thrift_framed", bytes: Uint8Array.of(0, 0, 0, 2, 1, 2, 0, 0, 0, 3, 3, 4, 5) },
  { name: "07_tls_record", bytes: Uint8Array.of(22, 3, 1, 0, 2, 1, 2, 23, 3, 3, 0, 3, 3, 4, 5) },
  {
    name: "08_memcached_bin",
    bytes: Uint8Array.of(128, ...new Uint8Array(10), 2, ...new Uint8Array(12), 7, 7, 129, ...new Uint8Array(23)),
  },
].flatMap(({ name, bytes }) =>
  [1, 3, 7, bytes.length].map((size) => ({
    name: `${name} in segments of ${size}`,
    setup: { program: name, sockets: 2 },
    ...(size < bytes.length && { but: joined }),
    async run(world: World): Promise<void> {
      await world.connect();
      for (let at = 0; at < bytes.length; at += size) await world.segment(0, bytes.subarray(at, at + size));
      await world.status();
      await drainAll(world, 0, 1);
      await world.error(0);
    },
  }))
);

const naive: readonly Scenario[] = [
  {
    name: "a program that does not know where the message is",
    setup: { program, isNaive: true },
    async run(world) {
      await world.connect();
      await world.segment(0, framed("hello", "x", "123456789"));
      await world.status();
      await world.drain(0);
    },
  },
];

/** The table. */
export const scenarios: readonly Scenario[] = [...steering, ...reading, ...failures, ...sending, ...programs, ...naive];
