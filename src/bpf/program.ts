/**
 * What the loader, the assembler and the classic translation make and what the verifier and the back ends take: a
 * program that is complete, its calls resolved, its maps described.
 *
 * @module
 */

/** A field of a map's value, as the object's type information tells it. */
export interface ValueField {
  /** Name of the member; parts of nested structures are joined by dots. */
  readonly name: string;
  /** Byte offset in the value. */
  readonly offset: number;
  /** Bytes of one element: 1, 2, 4 or 8. */
  readonly size: number;
  /** Whether it is a signed integer. */
  readonly signed: boolean;
  /** Number of elements, where the member is an array. */
  readonly count?: number | undefined;
}

/** A map as a program refers to it: type and sizes, no memory yet. */
export interface MapDefinition {
  /** Name in the object; `.rodata`, `.data` and `.bss` for global variables. */
  readonly name: string;
  /** One of `BPF_MAP_TYPE_*`. */
  readonly type: number;
  /** Bytes of a key. */
  readonly keySize: number;
  /** Bytes of a value. */
  readonly valueSize: number;
  /** Most entries it can have. */
  readonly maxEntries: number;
  /** `BPF_F_*`. */
  readonly flags: number;
  /** Content of the first value at the start, for global variables. */
  readonly initial?: Uint8Array | undefined;
  /** Whether nobody may write once the program is loaded (`.rodata`). */
  readonly frozen?: boolean | undefined;
  /** Fields of the value, where type information tells them. */
  readonly fields?: readonly ValueField[] | undefined;
}

/** A function in the code of a program. */
export interface ProgramFunction {
  /** Its name; `main` where nobody gave one. */
  readonly name: string;
  /** Slot at which it begins. */
  readonly slot: number;
  /** How many slots it has. */
  readonly slots: number;
  /**
   * Whether type information says that it returns an integer or an enumeration: only then the kernel lets a function
   * other than the entry load packet bytes. Told of functions that do.
   */
  readonly returnsNumber?: boolean | undefined;
}

/** Where an instruction comes from in the source. */
export interface SourceLine {
  /** Slot of the first instruction of the line. */
  readonly slot: number;
  /** Name of the file. */
  readonly file: string;
  /** Line in the file. */
  readonly line: number;
  /** Column in the line; 0 where unknown. */
  readonly column: number;
  /** Text of the line, where the object has it. */
  readonly text: string;
}

/** A complete program. */
export interface BpfProgram {
  /** Name of the entry function. */
  readonly name: string;
  /**
   * Instructions in the little-endian form of the object file, 8 bytes per slot. The entry function begins at slot 0,
   * functions that are called follow, `imm` of calls is patched. `lddw` with `src` 1 refers to a map: `imm` is the index
   * in {@linkcode maps}. `src` 2 is an address in the map's first value: `imm` the index, `imm` of the second slot the
   * offset.
   */
  readonly code: Uint8Array;
  /** The maps that the code refers to. */
  readonly maps: readonly MapDefinition[];
  /** Licence that the object states; `""` where it does not. */
  readonly license: string;
  /** Functions by slot; absent where the code is one function. */
  readonly functions?: readonly ProgramFunction[] | undefined;
  /** Source lines by slot, rising; absent without debug information. */
  readonly lines?: readonly SourceLine[] | undefined;
}
