/**
 * Recognises unknown protocols whose messages begin with a 32-bit length, by following the lengths.
 *
 * Each header must make sense and point at the next one; four messages in a row are no accident. Narrower lengths and
 * other layouts are not guessed at: too many bytes fit them.
 *
 * @module
 */
import { readU32, readU32le } from "../../bytes/integers.ts";
import { lengthPrefix } from "../parsers/length_field.ts";
import type { Evidence, Heard } from "./probe.ts";

/** No message longer than the engine's default limit. */
const MAX_LENGTH = 1024 * 1024;
/** Complete, not empty messages that have to be seen, both directions together. */
const ENOUGH = 4;

interface Layout {
  readonly name: string;
  readonly littleEndian: boolean;
  readonly includesHeader: boolean;
}

const LAYOUTS: readonly Layout[] = [
  { name: "len32", littleEndian: false, includesHeader: false },
  { name: "len32,incl", littleEndian: false, includesHeader: true },
  { name: "len32le", littleEndian: true, includesHeader: false },
  { name: "len32le,incl", littleEndian: true, includesHeader: true },
];

/**
 * Follows the lengths in both directions under each layout. Of several that fit, it is the one with the most messages:
 * between small numbers, a wrong layout that steps over message boundaries finds its way as well, but in longer steps.
 */
export function probeLengthChain({ client, server }: Heard): Evidence {
  let best = LAYOUTS[0]!;
  let most = -Infinity;
  for (const layout of LAYOUTS) {
    const messages = countMessages(client, layout) + countMessages(server, layout);
    if (messages > most) [best, most] = [layout, messages];
  }
  if (most >= ENOUGH) return recognise(best, most);
  return most >= 0 ? "maybe" : "no";
}

/** Number of complete messages with a body; minus infinity where a length makes no sense. */
function countMessages(bytes: Uint8Array, layout: Layout): number {
  const read = layout.littleEndian ? readU32le : readU32;
  let messages = 0;
  for (let at = 0; at + 4 <= bytes.length;) {
    const value = read(bytes, at);
    const length = layout.includesHeader ? value : value + 4;
    if (length < 4 || length > MAX_LENGTH) return -Infinity;
    at += length;
    if (length > 4 && at <= bytes.length) messages++;
  }
  return messages;
}

function recognise(layout: Layout, messages: number): Evidence {
  const order = layout.littleEndian ? "little-endian" : "big-endian";
  const counted = layout.includesHeader ? " that counts itself" : "";
  return {
    name: layout.name,
    parser: lengthPrefix(4, { littleEndian: layout.littleEndian, includesHeader: layout.includesHeader }),
    reason: `${messages} messages in a row begin with their length as a ${order} 32-bit number${counted}`,
    confidence: "likely",
  };
}
