/**
 * Reads packetdrill scripts. Written from scripts, which are its specification.
 *
 *     script  = { "--" option } { event }
 *     event   = time ( call | packet | "`" shell "`" | "%{" code "}%" )
 *     time    = [ "+" ] seconds [ "~" [ "+" ] seconds ] | "*"
 *     call    = [ "..." seconds ] name "(" expressions ")" "=" result [ errno ] [ "(" note ")" ]
 *     packet  = ( "<" | ">" ) [ "(" ip fields ")" ] [ "[" ecn "]" ] ( tcp | icmp | udp ) [ "/udp(" ports ")" ]
 */
import { type Action, type CallAction, type Event, type Script, ScriptError, type Time } from "./ast.ts";
import { parseExpression, parseList } from "./expression_parser.ts";
import { type Token, tokenize } from "./lexer.ts";
import { parsePacket } from "./packet_parser.ts";
import { TokenReader } from "./token_reader.ts";

export interface ParseOptions {
  /** Named in errors. */
  file?: string;
  /** What `#ifdef` finds. */
  defines?: ReadonlySet<string>;
}

/** The script in this text; throws a {@linkcode ScriptError} that tells the place. */
export function parseScript(text: string, { file = "script", defines = new Set() }: ParseOptions = {}): Script {
  const reader = new TokenReader(tokenize(text, defines, file), file);
  const options: Script["options"] = [];
  for (; reader.token.kind === "option"; reader.next()) options.push(parseOption(reader.token, file));
  const events: Event[] = [];
  let last: Time = { kind: "absolute", at: 0 };
  while (!reader.isAtEnd) {
    const event = parseEvent(reader, last);
    last = event.time;
    events.push(event);
  }
  return { options, events };
}

function parseOption(token: Token, file: string): Script["options"][number] {
  const found = /^--(\w+)(?:=(.*?))?\s*(?:\/\/.*)?$/.exec(token.text);
  if (found === null) throw new ScriptError(token, `expected --name=value, got ${JSON.stringify(token.text)}`, file);
  return { name: found[1]!, value: found[2] ?? "", place: { line: token.line, column: token.column } };
}

/** Code between events may stand without a time: it is run with what comes before it. */
function parseEvent(reader: TokenReader, last: Time): Event {
  const { line, column, kind, isFirst } = reader.token;
  if (!isFirst) reader.fail("a new line");
  const place = { line, column };
  if (kind === "code" || kind === "shell") return { place, time: afterwards(last), action: parseAction(reader) };
  const time = parseTime(reader);
  return { place, time, action: parseAction(reader) };
}

function afterwards(last: Time): Time {
  return last.kind === "any" ? last : { kind: "relative", at: 0 };
}

function parseTime(reader: TokenReader): Time {
  if (reader.take("*")) return { kind: "any" };
  const isRelative = reader.take("+");
  const time: Time = { kind: isRelative ? "relative" : "absolute", at: reader.time() };
  if (!reader.take("~")) return time;
  reader.take("+");
  return { ...time, to: reader.time() };
}

function parseAction(reader: TokenReader): Action {
  const { kind, text } = reader.token;
  if (kind === "shell") {
    reader.next();
    return { kind: "shell", command: text.slice(1, -1).trim() };
  }
  if (kind === "code") {
    reader.next();
    return { kind: "code", text: text.slice(2, -2).trim() };
  }
  if (reader.take("<")) return parsePacket(reader, "in");
  if (reader.take(">")) return parsePacket(reader, "out");
  return parseCall(reader);
}

function parseCall(reader: TokenReader): CallAction {
  let until: Time | undefined;
  if (reader.take("...")) {
    const isRelative = reader.take("+");
    until = { kind: isRelative ? "relative" : "absolute", at: reader.time() };
  }
  const name = reader.name("a call, a packet, a command or code");
  reader.expect("(");
  const args = parseList(reader, ")");
  reader.expect("=");
  const result = reader.take("?") ? undefined : parseExpression(reader);
  const hasErrno = reader.token.kind === "name" && !reader.token.isFirst;
  const errno = hasErrno ? reader.next().text : undefined;
  const note = reader.is("(") && !reader.token.isFirst ? parseNote(reader) : undefined;
  return { kind: "call", name, args, until, result, errno, note };
}

/** Words for people, which may hold anything but a bracket. */
function parseNote(reader: TokenReader): string {
  reader.expect("(");
  const words: string[] = [];
  while (!reader.is(")")) {
    if (reader.isAtEnd || reader.token.isFirst) reader.fail('")"');
    words.push(reader.next().text);
  }
  reader.expect(")");
  return words.join(" ");
}
