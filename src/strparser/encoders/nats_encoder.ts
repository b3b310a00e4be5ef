/**
 * Encoder for what of NATS carries payloads: PUB and MSG (NATS documentation, "Client Protocol").
 *
 * Not here: HPUB and HMSG, and all other control lines, which are text as it is.
 *
 * @module
 */
import { limitOption } from "../../core/limits.ts";
import type { Encoder } from "../encoder.ts";
import type { NatsOptions } from "../parsers/nats.ts";
import { payloadTooBig, unencodable } from "../parsers/refusal.ts";

/** What is sent to a subject. */
export interface NatsMessage {
  /** Where to. */
  readonly subject: string;
  /** Where an answer is to go to. */
  readonly reply?: string | undefined;
  /** Number of the subscription: given by a server, whose messages are MSG; a client's are PUB. */
  readonly sid?: string | undefined;
  /** The content. */
  readonly payload: Uint8Array;
}

const LINE_END = Uint8Array.of(13, 10);

/**
 * Encoder for PUB, or with `sid` MSG.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @example
 * ```ts
 * import { natsEncoder } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const [line] = natsEncoder().encode({ subject: "greet", payload: new Uint8Array(5) });
 * assertEquals(line, new TextEncoder().encode("PUB greet 5\r\n"));
 * ```
 */
export function natsEncoder(
  options: Pick<NatsOptions, "maxPayloadBytes" | "maxLineBytes"> = {},
): Encoder<NatsMessage> {
  const maxPayload = limitOption("maxPayloadBytes", options.maxPayloadBytes, 1024 * 1024);
  const maxLine = limitOption("maxLineBytes", options.maxLineBytes, 4096, 16);
  return {
    name: "nats",
    encode({ subject, reply, sid, payload }: NatsMessage): readonly Uint8Array[] {
      if (payload.length > maxPayload) throw payloadTooBig("nats", payload.length, maxPayload);
      const words = [sid === undefined ? "PUB" : "MSG", word("subject", subject)];
      if (sid !== undefined) words.push(word("sid", sid));
      if (reply !== undefined) words.push(word("reply", reply));
      const line = new TextEncoder().encode(`${words.join(" ")} ${payload.length}\r\n`);
      if (line.length > maxLine) {
        throw unencodable("nats", `control line of ${line.length} bytes exceeds maxLineBytes ${maxLine}`);
      }
      return [line, payload, LINE_END];
    },
  };
}

function word(name: string, text: string): string {
  // anything that ends a word or a line would begin another command
  if (text === "" || /\s/.test(text) || [...text].some((c) => c < " ")) {
    throw unencodable("nats", `${name} is empty or has white space in it`);
  }
  return text;
}
