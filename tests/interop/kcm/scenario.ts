/** What scenarios are made of, and what cannot be compared. */
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
  /** Lines that may be missing on one side. */
  readonly lines?: RegExp;
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
export const joinedHeaders: Exception = { ...joined, lines: /^psock RX-NeedMor / };

/** Messages with a length of two bytes, in network order, that does not count itself; as one segment. */
export function framed(...bodies: (string | number)[]): Uint8Array {
  const parts = bodies.map((body) => {
    const text = typeof body === "string" ? body : "x".repeat(body);
    return [text.length >> 8, text.length & 255, ...new TextEncoder().encode(text)];
  });
  return Uint8Array.from(parts.flat());
}

/** Notes without the numbers that cannot be compared. */
export function comparable(notes: readonly string[], but: Exception | undefined): string[] {
  return notes.filter((note) => !but?.lines?.test(note)).map((note) =>
    but?.numbers.reduce((text, number) => text.replace(number, "*"), note) ?? note
  );
}

/** The program of most: a length of two bytes in network order. */
export const program = "01_len16be";
/** Sockets with room for two messages of four bytes. */
export const small = { messages: 2, length: 4 };

/** One segment for each message. */
export async function segments(world: World, connection: number, ...bodies: string[]): Promise<void> {
  for (const body of bodies) await world.segment(connection, framed(body));
}

/** Reads all that sockets have. */
export async function drainAll(world: World, ...sockets: number[]): Promise<void> {
  for (const socket of sockets) await world.drain(socket);
}
