/** Scripts cut into tokens; what `#ifdef` leaves out is left out here. */
import { type Place, ScriptError } from "./ast.ts";

export interface Token extends Place {
  kind: "number" | "name" | "string" | "shell" | "code" | "option" | "mark" | "end";
  text: string;
  /** Whether it is the first of its line. */
  isFirst: boolean;
  /** Whether white space stands before it. */
  isApart: boolean;
}

const PATTERN = new RegExp(
  [
    /(?<space>[ \t\r]+|\/\/[^\n]*|\/\*[^]*?\*\/)/,
    /(?<newline>\n)/,
    /(?<option>(?<=^[ \t]*)--[a-zA-Z_][^\n]*)/,
    /(?<shell>`[^`]*`)/,
    /(?<code>%\{[^]*?\}%)/,
    /(?<string>"(?:[^"\\\n]|\\.)*")/,
    /(?<number>0[xX][0-9a-fA-F]+|\d+(?:\.(?=\d)\d+)?|(?<![\w.])\.\d+)/,
    /(?<name>[A-Za-z_]\w*)/,
    /(?<mark>\.\.\.|[-+*~<>()[\]{}:,=|!.\/?])/,
  ].map(({ source }) => source).join("|"),
  "gmy",
);

const DIRECTIVE = /^[ \t]*#[ \t]*(\w+)[ \t]*(\w*)/;

/** Blanks out lines that do not count, so that places stay right. */
function preprocess(text: string, defines: ReadonlySet<string>, file: string): string {
  const known = new Set(defines);
  const open: { isOn: boolean; line: number; hasElse: boolean }[] = [];
  const lines = text.split("\n").map((line, at) => {
    const isOn = open.every((one) => one.isOn);
    const found = DIRECTIVE.exec(line);
    if (found === null) return isOn ? line : "";
    const [, directive, name = ""] = found;
    const fail = (what: string): never => {
      throw new ScriptError({ line: at + 1, column: line.indexOf("#") + 1 }, what, file);
    };
    const last = open.at(-1);
    switch (directive) {
      case "ifdef":
      case "ifndef":
        if (name === "") fail(`#${directive} without a name`);
        open.push({ isOn: known.has(name) === (directive === "ifdef"), line: at + 1, hasElse: false });
        return "";
      case "else":
        if (last === undefined || last.hasElse) return fail("#else without #ifdef");
        last.isOn = !last.isOn;
        last.hasElse = true;
        return "";
      case "endif":
        if (open.pop() === undefined) fail("#endif without #ifdef");
        return "";
      case "define":
        if (isOn) known.add(name);
        return "";
      case "undef":
        if (isOn) known.delete(name);
        return "";
      default:
        return fail(`unknown directive #${directive}`);
    }
  });
  const left = open.at(-1);
  if (left !== undefined) throw new ScriptError({ line: left.line, column: 1 }, "#ifdef without #endif", file);
  return lines.join("\n");
}

/** The tokens of a script, ended by one of kind `end`. */
export function tokenize(text: string, defines: ReadonlySet<string>, file: string): Token[] {
  const source = preprocess(text, defines, file);
  const tokens: Token[] = [];
  let line = 1;
  let lineAt = 0;
  let isFirst = true;
  let isApart = true;
  PATTERN.lastIndex = 0;
  while (PATTERN.lastIndex < source.length) {
    const at = PATTERN.lastIndex;
    const place = { line, column: at - lineAt + 1 };
    const groups = PATTERN.exec(source)?.groups;
    if (groups === undefined) throw new ScriptError(place, `unexpected ${JSON.stringify(source[at])}`, file);
    const [kind, value] = Object.entries(groups).find(([, found]) => found !== undefined)!;
    const newlines = value.split("\n").length - 1;
    if (newlines > 0) {
      line += newlines;
      lineAt = at + value.lastIndexOf("\n") + 1;
    }
    if (kind === "newline") isFirst = true;
    if (kind === "newline" || kind === "space") {
      isApart = true;
      continue;
    }
    tokens.push({ ...place, kind: kind as Token["kind"], text: value, isFirst, isApart });
    isFirst = false;
    isApart = false;
  }
  tokens.push({ line, column: source.length - lineAt + 1, kind: "end", text: "", isFirst: true, isApart: true });
  return tokens;
}
