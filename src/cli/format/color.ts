/**
 * Colours of the terminal, few and named by what they are for. No layer; ECMA-48 (SGR) sequences.
 *
 * Not here: 256 colours, themes, moving the cursor.
 *
 * @module
 */

/** What a piece of text is, as far as its colour goes. */
export type Role = "title" | "dim" | "client" | "server" | "good" | "bad" | "name" | "escape";

/** Colours a text for its role; gives it back as it is where colours are off. */
export type Paint = (role: Role, text: string) => string;

/** When colours are used. */
export type ColorMode = "auto" | "always" | "never";

const CODES: Readonly<Record<Role, readonly [on: string, off: string]>> = {
  title: ["1", "22"],
  dim: ["2", "22"],
  client: ["36", "39"],
  server: ["33", "39"],
  good: ["32", "39"],
  bad: ["31", "39"],
  name: ["35", "39"],
  escape: ["2", "22"],
};

/** A {@linkcode Paint} that leaves every text as it is. */
export const plain: Paint = (_role, text) => text;

/** A {@linkcode Paint} that colours. */
export const colored: Paint = (role, text) => {
  if (text === "") return "";
  const [on, off] = CODES[role];
  return `\x1b[${on}m${text}\x1b[${off}m`;
};

/**
 * Decides whether to colour. `--color` wins; with `auto`, `NO_COLOR` (no-color.org) and `FORCE_COLOR` are asked, then
 * whether the output is a terminal.
 */
export function paintFor(
  mode: ColorMode,
  isTerminal: boolean,
  environment: Readonly<Record<string, string | undefined>>,
): Paint {
  if (mode !== "auto") return mode === "always" ? colored : plain;
  if ((environment.NO_COLOR ?? "") !== "") return plain;
  const forced = environment.FORCE_COLOR;
  if (forced !== undefined && forced !== "") return forced === "0" ? plain : colored;
  return isTerminal && environment.TERM !== "dumb" ? colored : plain;
}
