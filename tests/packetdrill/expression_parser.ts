/** Arguments and results of calls. */
import type { Expression } from "./ast.ts";
import type { TokenReader } from "./token_reader.ts";

/** One expression; names and numbers may be joined by `|`. */
export function parseExpression(reader: TokenReader): Expression {
  const first = parseOperand(reader);
  if (!reader.is("|")) return first;
  const parts = [first];
  while (reader.take("|")) parts.push(parseOperand(reader));
  return { kind: "or", parts };
}

/** Expressions between commas up to `close`, which is taken as well. */
export function parseList(reader: TokenReader, close: string): Expression[] {
  const items: Expression[] = [];
  if (reader.take(close)) return items;
  do {
    items.push(parseExpression(reader));
  } while (reader.take(","));
  reader.expect(close);
  return items;
}

function parseOperand(reader: TokenReader): Expression {
  const { kind, text } = reader.token;
  if (kind === "number" || text === "-") return { kind: "number", value: reader.integer("a number") };
  if (kind === "string") {
    reader.next();
    return { kind: "string", value: unquote(text) };
  }
  if (reader.take("...")) return { kind: "any" };
  if (reader.take("[")) return { kind: "list", items: parseList(reader, "]") };
  if (reader.take("{")) return parseStruct(reader);
  if (kind !== "name") return reader.fail("an expression");
  reader.next();
  return reader.take("(") ? { kind: "call", name: text, args: parseList(reader, ")") } : { kind: "name", name: text };
}

function parseStruct(reader: TokenReader): Expression {
  const fields: { name: string | undefined; value: Expression }[] = [];
  if (reader.take("}")) return { kind: "struct", fields };
  do {
    const value = parseExpression(reader);
    const name = value.kind === "name" || value.kind === "call" ? value.name : undefined;
    if (name === undefined || !reader.take("=")) fields.push({ name: undefined, value });
    else fields.push({ name, value: parseExpression(reader) });
  } while (reader.take(","));
  reader.expect("}");
  return { kind: "struct", fields };
}

function unquote(text: string): string {
  const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", 0: "\0" };
  return text.slice(1, -1).replace(/\\(.)/g, (_, letter: string) => escapes[letter] ?? letter);
}
