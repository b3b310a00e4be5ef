/** What the same program makes of the same bytes. */
import { drainAll, framed, joined, program, type Scenario } from "./scenario.ts";
import type { World } from "./world.ts";

/** Each program, with its bytes cut up. */
export const programs: readonly Scenario[] = [
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

/** A program that takes each message for the first. */
export const naive: readonly Scenario[] = [
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
