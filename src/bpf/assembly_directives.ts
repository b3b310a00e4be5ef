/**
 * Lines of assembly that make no instructions: name and licence of the program, its maps, and what is known of functions.
 *
 * @module
 */
import { fromHex } from "../bytes/hex.ts";
import type { LineScanner, WrittenName } from "./line_scanner.ts";
import * as types from "./map_types.ts";
import type { MapDefinition } from "./program.ts";

/** Map types by the name that they have in assembly. */
export const MAP_TYPE_NAMES: ReadonlyMap<string, number> = new Map([
  ["hash", types.BPF_MAP_TYPE_HASH],
  ["array", types.BPF_MAP_TYPE_ARRAY],
  ["prog_array", types.BPF_MAP_TYPE_PROG_ARRAY],
  ["percpu_hash", types.BPF_MAP_TYPE_PERCPU_HASH],
  ["percpu_array", types.BPF_MAP_TYPE_PERCPU_ARRAY],
  ["lru_hash", types.BPF_MAP_TYPE_LRU_HASH],
  ["lru_percpu_hash", types.BPF_MAP_TYPE_LRU_PERCPU_HASH],
  ["queue", types.BPF_MAP_TYPE_QUEUE],
  ["stack", types.BPF_MAP_TYPE_STACK],
]);

/** Longest value that `.init` can give a map. */
const MAX_INITIAL_BYTES = 1 << 20;

/** What the directives of a text have said so far. */
export class Directives {
  /** Name of the program, where the text has one. */
  name: string | undefined;
  /** Licence, where the text has one. */
  license: string | undefined;
  /** The maps, in order. */
  readonly maps: MapDefinition[] = [];
  /** Functions of which the text says that they return a number, and where it does. */
  readonly numeric: Map<string, { readonly line: number; readonly column: number }> = new Map();
  readonly #maxMaps: number;

  /** No directives yet; maps that the caller gives come first. */
  constructor(maps: readonly MapDefinition[], maxMaps: number) {
    this.maps.push(...maps);
    this.#maxMaps = maxMaps;
  }

  /** Takes the rest of a directive's line; `false` where there is no such directive. */
  parse(directive: WrittenName, line: LineScanner): boolean {
    switch (directive.name) {
      case ".program":
        this.name = required(line).name;
        return true;
      case ".license":
        this.license = text(line);
        return true;
      case ".map":
        this.#addMap(line);
        return true;
      case ".init":
        this.#change(line, (map) => ({ ...map, initial: hexBytes(line, map.valueSize) }));
        return true;
      case ".frozen":
        this.#change(line, (map) => ({ ...map, frozen: true }));
        return true;
      case ".returns_number":
        this.#addNumeric(line);
        return true;
      default:
        return false;
    }
  }

  #addNumeric(line: LineScanner): void {
    const { name, column } = required(line);
    this.numeric.set(name, { line: line.line, column });
  }

  #addMap(line: LineScanner): void {
    const { name, column } = required(line);
    if (this.maps.some((map) => map.name === name)) line.fail(`there are two maps ${JSON.stringify(name)}`, column);
    if (this.maps.length >= this.#maxMaps) line.fail(`more than maxMaps ${this.#maxMaps} maps`, column);
    const type = mapType(line);
    const keySize = unsigned(line, "size of a key");
    const valueSize = unsigned(line, "size of a value");
    const maxEntries = unsigned(line, "number of entries");
    const flags = line.isAtEnd ? 0 : unsigned(line, "flags");
    this.maps.push({ name, type, keySize, valueSize, maxEntries, flags });
  }

  #change(line: LineScanner, change: (map: MapDefinition) => MapDefinition): void {
    const { name, column } = required(line);
    const index = this.maps.findIndex((map) => map.name === name);
    if (index < 0) line.fail(`no map ${JSON.stringify(name)} so far`, column);
    this.maps[index] = change(this.maps[index]!);
  }
}

function required(line: LineScanner): WrittenName {
  return line.name() ?? line.failHere("expected a name");
}

function text(line: LineScanner): string {
  const quoted = line.match(/"([^"]*)"/y);
  return quoted === undefined ? required(line).name : quoted[1]!;
}

function mapType(line: LineScanner): number {
  const word = line.name();
  if (word === undefined) return unsigned(line, "type of a map");
  const type = MAP_TYPE_NAMES.get(word.name);
  if (type === undefined) {
    line.fail(
      `unknown map type ${JSON.stringify(word.name)}: one of ${[...MAP_TYPE_NAMES.keys()].join(", ")}`,
      word.column,
    );
  }
  return type;
}

function unsigned(line: LineScanner, what: string): number {
  const { column } = line;
  const written = line.integer();
  if (written === undefined) line.failHere(`expected the ${what}`);
  if (written.value < 0n || written.value > 0xffff_ffffn) {
    line.fail(`${what} ${written.value} is no number of 32 bits`, column);
  }
  return Number(written.value);
}

function hexBytes(line: LineScanner, length: number): Uint8Array {
  const { column } = line;
  const digits = line.match(/[0-9a-fA-F]*/y)?.[0] ?? "";
  if (length > MAX_INITIAL_BYTES) {
    line.fail(`a value of over ${MAX_INITIAL_BYTES} bytes cannot be written here`, column);
  }
  if (digits.length !== 2 * length) {
    line.fail(`expected ${length} bytes in hexadecimal, found ${digits.length / 2}`, column);
  }
  return fromHex(digits);
}
