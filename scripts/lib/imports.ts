/** Reads the imports out of TypeScript source, well enough for a house with one style. */

/** One import or re-export. */
export interface ImportSite {
  /** The specifier as written. */
  specifier: string;
  /** Whether it leaves no trace at run time. */
  isTypeOnly: boolean;
  /** Line, from 1. */
  line: number;
}

const lexeme = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`/g;

function blank(text: string): string {
  return text.replace(/[^\n]/g, " ");
}

/** The source with comments blanked out, line breaks kept. */
export function withoutComments(source: string): string {
  return source.replace(lexeme, (part) => part.startsWith("/") ? blank(part) : part);
}

/** The source with comments and the content of strings blanked out, line breaks kept. */
export function codeOnly(source: string): string {
  return source.replace(lexeme, blank);
}

/** The line of an offset, from 1. */
export function lineOf(source: string, offset: number): number {
  return source.slice(0, offset).split("\n").length;
}

const statement =
  /^[ \t]*(?:import|export)\b(?!\s*\()(\s+type\b(?!\s*(?:,|from\b)))?[^;"'`=()]*?\bfrom\s*["']([^"']+)["']/gm;
const bare = /^[ \t]*import\s*["']([^"']+)["']/gm;
const dynamic = /\bimport\s*\(\s*["'`]([^"'`]+)["'`]/g;

/** All imports of a source text, dynamic ones included, in the order of their kinds. */
export function importsOf(source: string): ImportSite[] {
  const code = withoutComments(source);
  const sites: ImportSite[] = [];
  for (const found of code.matchAll(statement)) {
    sites.push({
      specifier: found[2] ?? "",
      isTypeOnly: found[1] !== undefined,
      line: lineOf(code, found.index + found[0].length),
    });
  }
  for (const pattern of [bare, dynamic]) {
    for (const found of code.matchAll(pattern)) {
      sites.push({ specifier: found[1] ?? "", isTypeOnly: false, line: lineOf(code, found.index) });
    }
  }
  return sites;
}
