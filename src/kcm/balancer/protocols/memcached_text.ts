/**
 * memcached's text protocol behind a balancer.
 *
 * `noreply` is taken out of a request, and the reply kept from its client: the server answers some errors all the same,
 * which would put a shared connection out of step. Quiet meta commands and commands of which the number of replies is
 * unknown pin their client.
 *
 * @module
 */
import { ascii, type BalancedProtocol, hashBytes, type Judgement, MISFORTUNES, Verdict } from "../protocol.ts";
import { memcachedText } from "./memcached_text_parser.ts";

/** With more the server says so, and takes the data behind the line for commands. */
const MOST_META_WORDS = 18;

/** Commands with one reply, by how many words they have at least and at most, without `noreply`. */
const COMMANDS: ReadonlyMap<string, readonly [least: number, most: number, isRead: boolean]> = new Map([
  ["get", [2, Infinity, true]],
  ["gets", [2, Infinity, true]],
  ["gat", [3, Infinity, false]],
  ["gats", [3, Infinity, false]],
  ["set", [5, 5, false]],
  ["add", [5, 5, false]],
  ["replace", [5, 5, false]],
  ["append", [5, 5, false]],
  ["prepend", [5, 5, false]],
  ["cas", [6, 6, false]],
  ["delete", [2, 2, false]],
  ["incr", [3, 3, false]],
  ["decr", [3, 3, false]],
  ["touch", [3, 3, false]],
  ["version", [1, 1, true]],
  ["flush_all", [1, 2, false]],
  ["mn", [1, 1, true]],
  ["mg", [2, MOST_META_WORDS, false]],
  ["md", [2, MOST_META_WORDS, false]],
  ["ma", [2, MOST_META_WORDS, false]],
  ["me", [2, 3, true]],
  ["ms", [3, MOST_META_WORDS, false]],
]);

/** Those that may end in `noreply`: to the others it is a word like any. */
const MAY_BE_QUIET = /^(?:set|add|replace|append|prepend|cas|delete|incr|decr|touch|flush_all)$/;

const LONGEST_KEY = 250;
const META = /^m[gdas]$/;
/** Stores with data behind the line, which would be read as commands if the line were wrong. */
const STORE = /^(?:set|add|replace|append|prepend|cas)$/;
const DIGITS = /^-?[0-9]{1,19}$/;
const MOST_FLAGS = 0xffffffff;
const LARGEST_TIME = 0x7fffffff;

/** What a balancer has to know of memcached's text protocol. */
export function memcachedTextProtocol(): BalancedProtocol {
  return {
    name: "memcachedtext",
    parser: memcachedText(),
    judge,
    isReply: () => true,
    failure: (_, why) => ascii(`SERVER_ERROR leat mux: ${MISFORTUNES[why]}\r\n`),
    complaint: (error) => ascii(`CLIENT_ERROR leat mux: protocol error (${error.code})\r\n`),
    keyHash,
  };
}

function judge(message: Uint8Array): Judgement {
  const line = lineOf(message);
  if (line === undefined) return refusal("line has other characters than printable ASCII");
  const words = line.split(" ").filter((word) => word !== "");
  const [name = ""] = words;
  if (name === "quit") return { kind: "close" };
  const command = COMMANDS.get(name);
  if (command === undefined) return Verdict.PIN;
  const isQuiet = words.at(-1) === "noreply" && MAY_BE_QUIET.test(name) && !isKeyOfDelete(words);
  if (isQuiet) words.pop();
  const [least, most, isRead] = command;
  if (words.length < least || words.length > most) return refusal("bad command line format");
  const keys = name.startsWith("m") ? words.slice(1, 2) : words.slice(1);
  if (keys.some((word) => word.length > LONGEST_KEY)) return refusal("key is too long");
  if (META.test(name)) return words.slice(2).some((flag) => flag.startsWith("q")) ? Verdict.PIN : Verdict.FORWARD;
  if (STORE.test(name) && !isStore(words)) return refusal("bad command line format");
  if (isQuiet) return { kind: "silent", message: rewritten(message, words) };
  return isRead ? Verdict.FORWARD_SAFE : Verdict.FORWARD;
}

function isKeyOfDelete(words: readonly string[]): boolean {
  return words[0] === "delete" && words.length === 2;
}

/** Whether the server finds the line of a store right: if it does not, it takes the data for commands. */
function isStore([, , flags, time, , unique = "0"]: readonly string[]): boolean {
  if (![flags, time, unique].every((word) => DIGITS.test(word!))) return false;
  return Number(flags) >= 0 && Number(flags) <= MOST_FLAGS && Math.abs(Number(time)) <= LARGEST_TIME &&
    !unique.startsWith("-") && !flags!.startsWith("-");
}

function refusal(why: string): Judgement {
  return { kind: "answer", reply: ascii(`CLIENT_ERROR leat mux: ${why}\r\n`), closes: true, isRefusal: true };
}

function lineEndOf(message: Uint8Array): number {
  return message.indexOf(10);
}

/** The line, as text, if it is one of printable ASCII (keys of the server may have more; such clients are refused). */
function lineOf(message: Uint8Array): string | undefined {
  let end = lineEndOf(message);
  if (message[end - 1] === 13) end--;
  let line = "";
  for (let i = 0; i < end; i++) {
    if (message[i]! < 32 || message[i] === 127) return undefined;
    line += String.fromCharCode(message[i]!);
  }
  return line;
}

function rewritten(message: Uint8Array, words: readonly string[]): Uint8Array {
  const line = ascii(`${words.join(" ")}\r\n`);
  const data = message.subarray(lineEndOf(message) + 1);
  const whole = new Uint8Array(line.length + data.length);
  whole.set(line);
  whole.set(data, line.length);
  return whole;
}

/** Hash of the first key. */
function keyHash(message: Uint8Array): number {
  const words = lineOf(message)?.split(" ").filter((word) => word !== "") ?? [];
  const [name = ""] = words;
  const key = words[name.startsWith("gat") ? 2 : 1];
  if (key === undefined || name === "flush_all") return -1;
  const bytes = ascii(key);
  return hashBytes(bytes, 0, bytes.length);
}
