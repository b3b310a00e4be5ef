/**
 * memcached's binary protocol behind a balancer.
 *
 * What is answered by nothing or by several messages, and authentication, pins its client. Requests of wrong form, for which
 * the server would close the connection, never reach it.
 *
 * @module
 */
import { readU16, readU32 } from "../../../bytes/integers.ts";
import { memcachedBinary } from "../../../strparser/parsers/memcached_binary.ts";
import { type BalancedProtocol, hashBytes, type Judgement, type Misfortune, Verdict } from "../protocol.ts";

const HEADER = 24;
const OPCODE = 1;
const KEY_LENGTH = 2;
const EXTRAS_LENGTH = 4;
const STATUS = 6;
const BODY_LENGTH = 8;
const OPAQUE = 12;
const QUIT = 0x07;
const RESPONSE = 0x81;

/** What the server says when it cannot just now, and when it has no memory left. */
const STATUSES: Readonly<Record<Misfortune, number>> = {
  lost: 0x84,
  timeout: 0x86,
  unavailable: 0x86,
  overload: 0x85,
};

const NONE = 0;
const KEY = 1;
const KEY_AND_VALUE = 2;

/** Commands with one answer, whatever happens: allowed lengths of the extras, what follows, whether it only reads. */
const COMMANDS: Readonly<Record<number, readonly [extras: readonly number[], body: number, isRead: boolean]>> = {
  0x00: [[0], KEY, true], // get
  0x01: [[8], KEY_AND_VALUE, false], // set
  0x02: [[8], KEY_AND_VALUE, false], // add
  0x03: [[8], KEY_AND_VALUE, false], // replace
  0x04: [[0], KEY, false], // delete
  0x05: [[20], KEY, false], // increment
  0x06: [[20], KEY, false], // decrement
  0x08: [[0, 4], NONE, false], // flush
  0x0a: [[0], NONE, true], // no-op
  0x0b: [[0], NONE, true], // version
  0x0c: [[0], KEY, true], // get with key
  0x0e: [[0], KEY_AND_VALUE, false], // append
  0x0f: [[0], KEY_AND_VALUE, false], // prepend
  0x1c: [[4], KEY, false], // touch
  0x1d: [[4], KEY, false], // get and touch
};

/** What a balancer has to know of memcached's binary protocol. */
export function memcachedBinaryProtocol(): BalancedProtocol {
  return {
    name: "memcached",
    parser: memcachedBinary(),
    judge,
    isReply: () => true,
    failure: (request, why) => reply(request, STATUSES[why]),
    complaint: () => undefined,
    keyHash: (message) => {
      const from = HEADER + message[EXTRAS_LENGTH]!;
      const length = readU16(message, KEY_LENGTH);
      return length === 0 ? -1 : hashBytes(message, from, from + length);
    },
  };
}

function judge(message: Uint8Array): Judgement {
  const opcode = message[OPCODE]!;
  if (opcode === QUIT) return { kind: "answer", reply: reply(message, 0), closes: true, isRefusal: false };
  const command = COMMANDS[opcode];
  if (command === undefined) return Verdict.PIN;
  const [extras, body, isRead] = command;
  const length = message[EXTRAS_LENGTH]!;
  const keyLength = readU16(message, KEY_LENGTH);
  const valueLength = readU32(message, BODY_LENGTH) - length - keyLength;
  const isRight = extras.includes(length) && (keyLength > 0) === (body !== NONE) &&
    (body === KEY_AND_VALUE ? valueLength >= 0 : valueLength === 0);
  if (!isRight) return { kind: "answer", reply: reply(message, 0x04), closes: true, isRefusal: true };
  return isRead ? Verdict.FORWARD_SAFE : Verdict.FORWARD;
}

function reply(request: Uint8Array, status: number): Uint8Array {
  const bytes = new Uint8Array(HEADER);
  bytes[0] = RESPONSE;
  bytes[OPCODE] = request[OPCODE]!;
  bytes[STATUS] = status >> 8;
  bytes[STATUS + 1] = status & 0xff;
  bytes.set(request.subarray(OPAQUE, OPAQUE + 4), OPAQUE);
  return bytes;
}
