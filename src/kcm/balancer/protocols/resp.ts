/**
 * Redis behind a balancer: which commands may share a connection.
 *
 * A connection that several clients share must never be closed, nor be put out of step, by what one of them sent. So
 * requests are checked as strictly as Redis does it, and what it would answer by closing the connection never reaches it.
 * A command that blocks, or whose effect belongs to its connection, or that is unknown here, pins its client.
 *
 * @module
 */
import type { LeatError } from "../../../core/errors.ts";
import { resp } from "../../../strparser/parsers/resp.ts";
import { ascii, type BalancedProtocol, hashBytes, type Judgement, MISFORTUNES, type Reaction } from "../protocol.ts";
import { Verdict } from "../protocol.ts";
import { CommandClass, commandClasses, keyPositions } from "./resp_commands.ts";
import { WordTable } from "./word_table.ts";

const STAR = 42;
const DOLLAR = 36;
const CR = 13;
const LF = 10;
const PUSH = 62; // >

/** Redis takes more; a line that a person types does not. */
const LONGEST_INLINE = 1024;

const OK: Uint8Array = ascii("+OK\r\n");
const commands = new WordTable(commandClasses);

/** Arguments of the command in work: where each begins and ends. Kept between calls to make none for each. */
const starts: number[] = [];
const ends: number[] = [];
let argumentCount = 0;

/** What a balancer has to know of Redis. */
export function respProtocol(): BalancedProtocol {
  return {
    name: "resp",
    parser: resp(),
    judge,
    isReply: (message) => message[0] !== PUSH,
    failure: (_, why) => ascii(`-ERR leat mux: ${MISFORTUNES[why]}\r\n`),
    complaint: (error: LeatError) => ascii(`-ERR leat mux: Protocol error (${error.code})\r\n`),
    keyHash,
  };
}

function judge(message: Uint8Array): Judgement {
  const problem = split(message);
  if (problem !== undefined) return problem;
  if (argumentCount === 0) return Verdict.DROP;
  const commandClass = commands.find(message, starts[0]!, ends[0]!);
  if (commandClass === CommandClass.READ) return Verdict.FORWARD_SAFE;
  if (commandClass === CommandClass.WRITE) return Verdict.FORWARD;
  if (commandClass === CommandClass.LOCAL) return local(message);
  if (commandClass === CommandClass.REFUSE) return refusal(`${word(message, 0)} is not for a server behind a balancer`);
  return Verdict.PIN;
}

/** Commands that clients send to greet, answered here where that can be done, so that they do not pin everybody. */
function local(message: Uint8Array): Judgement {
  switch (word(message, 0)) {
    case "QUIT":
      return { kind: "answer", reply: OK, closes: true, isRefusal: false };
    case "SELECT":
      return argumentCount === 2 && word(message, 1) === "0" ? answer(OK) : Verdict.PIN;
    case "SCRIPT":
      return argumentCount > 1 && word(message, 1) === "DEBUG" ? Verdict.PIN : Verdict.FORWARD;
    case "HELLO":
      // shared connections speak version 2: clients that ask for 3 fall back, as with an older Redis
      return answer(ascii("-NOPROTO leat mux speaks RESP2 over shared connections\r\n"));
    default: {
      const sub = argumentCount > 1 ? word(message, 1) : "";
      return sub === "SETINFO" || sub === "SETNAME" ? answer(OK) : Verdict.PIN;
    }
  }
}

function answer(reply: Uint8Array): Reaction {
  return { kind: "answer", reply, closes: false, isRefusal: false };
}

function refusal(why: string, closes = false): Reaction {
  return { kind: "answer", reply: ascii(`-ERR leat mux: ${why}\r\n`), closes, isRefusal: true };
}

function protocolError(what: string): Reaction {
  return refusal(`Protocol error: ${what}`, true);
}

/** An argument in capitals, cut to what commands have. */
function word(message: Uint8Array, index: number): string {
  const to = Math.min(ends[index]!, starts[index]! + 16);
  return String.fromCharCode(...message.subarray(starts[index]!, to)).toUpperCase().replace(/[^\w|]/g, "?");
}

/** Takes a request apart as Redis does; says what is wrong where Redis would close the connection. */
function split(message: Uint8Array): Reaction | undefined {
  argumentCount = 0;
  if (message[0] !== STAR) return splitInline(message);
  const length = message.length;
  let at = 1;
  const count = readNumber(message, at);
  if (count === INVALID) return isNegative(message, at) ? undefined : protocolError("invalid multibulk length");
  at = numberEnd;
  for (let i = 0; i < count; i++) {
    if (message[at] !== DOLLAR) return protocolError("expected '$'");
    const size = readNumber(message, at + 1);
    if (size === INVALID) return protocolError("invalid bulk length");
    starts[i] = numberEnd;
    ends[i] = numberEnd + size;
    at = numberEnd + size + 2;
    if (at > length) return protocolError("invalid bulk length");
  }
  if (at !== length) return protocolError("too many bytes");
  argumentCount = count;
  return undefined;
}

const INVALID = -1;
let numberEnd = 0;

/** A number as Redis writes it, no sign, no zero in front, and CR LF behind; where that ends is in `numberEnd`. */
function readNumber(bytes: Uint8Array, from: number): number {
  let value = 0;
  let at = from;
  for (; at < from + 10; at++) {
    const digit = bytes[at]! - 48;
    if (!(digit >= 0 && digit <= 9)) break;
    value = value * 10 + digit;
  }
  const isCanonical = at > from && (bytes[from] !== 48 || at === from + 1);
  if (!isCanonical || bytes[at] !== CR || bytes[at + 1] !== LF) return INVALID;
  numberEnd = at + 2;
  return value;
}

function isNegative(bytes: Uint8Array, from: number): boolean {
  return bytes[from] === 45 && readNumber(bytes, from + 1) !== INVALID;
}

/** Words of a line. Quotes, which Redis may find unbalanced, are not taken. */
function splitInline(message: Uint8Array): Reaction | undefined {
  let end = message.length - 1;
  if (message[end - 1] === CR) end--;
  if (end > LONGEST_INLINE) return protocolError("too big inline request");
  let isInWord = false;
  let count = 0;
  for (let i = 0; i < end; i++) {
    const byte = message[i]!;
    if (byte === 32 || byte === 9) {
      if (isInWord) ends[count - 1] = i;
      isInWord = false;
      continue;
    }
    if (byte < 32 || byte > 126 || byte === 34 || byte === 39) return protocolError("inline requests are plain words");
    if (isInWord) continue;
    isInWord = true;
    starts[count++] = i;
  }
  if (isInWord) ends[count - 1] = end;
  argumentCount = count;
  return undefined;
}

function keyHash(message: Uint8Array): number {
  split(message);
  const index = keyPositions.get(word(message, 0)) ?? 1;
  if (index === 0 || index >= argumentCount) return -1;
  return hashBytes(message, starts[index]!, ends[index]!);
}
