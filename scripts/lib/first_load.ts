/**
 * The functions that a process's first BPF program needs, put in parentheses where JavaScript is made of the sources: an
 * engine reads a function in parentheses once and compiles it there, and any other twice, the second time when it is
 * called. `docs/decisions.md` 42 has the figures; `npm run check` says when the list is not what a first load calls.
 *
 * @module
 */

/** Functions at the top level of modules of `src/bpf`, by module. */
export const FIRST_LOAD: Readonly<Record<string, readonly string[]>> = {
  "src/bpf/backends.ts": ["chooseBackend", "codePermissions", "compileProgram", "isMade"],
  "src/bpf/bpf_object.ts": ["functionsOf", "licenseOf", "loadObject"],
  "src/bpf/check_arguments.ts": ["checkOptions", "checkProgram"],
  "src/bpf/control_flow.ts": [
    "buildControlFlow",
    "buildFunction",
    "connect",
    "exitsOf",
    "explore",
    "isConditionalJump",
    "jumpTarget",
    "readSlots",
    "reversePostorder",
  ],
  "src/bpf/elf/btf.ts": ["readTypes"],
  "src/bpf/elf/byte_view.ts": ["text"],
  "src/bpf/elf/elf_file.ts": [
    "checkHeader",
    "readElf",
    "readRelocations",
    "readSection",
    "readSections",
    "readSymbol",
    "readSymbols",
    "sectionNamed",
    "symbolName",
  ],
  "src/bpf/elf/linker.ts": ["link"],
  "src/bpf/elf/loader_limits.ts": ["loaderLimits"],
  "src/bpf/elf/object_maps.ts": ["isData", "objectMaps"],
  "src/bpf/encoding.ts": ["encodingOf", "isFitting", "isFittingRegister", "isSecondSlot"],
  "src/bpf/encoding_table.ts": ["encodingsOf"],
  "src/bpf/isa.ts": ["decodeInstruction", "decodeInstructions"],
  "src/bpf/jit/compile_js.ts": ["compileJs", "evaluate", "jsSource"],
  "src/bpf/jit/compiled_runner.ts": ["makeRunner"],
  "src/bpf/jit/js_compare.ts": ["compareHalves", "compareWide"],
  "src/bpf/jit/js_narrow.ts": ["narrow"],
  "src/bpf/jit/js_packet.ts": ["bigEndian", "place"],
  "src/bpf/jit/js_plain.ts": [
    "assembled",
    "boundOf",
    "conditionOf",
    "highOf",
    "set",
    "writeLoad",
    "writePlain",
    "writeShift",
    "writeStep",
    "writeWide",
  ],
  "src/bpf/jit/js_shift.ts": ["shiftedByU"],
  "src/bpf/jit/js_writer.ts": ["isDigits", "unsigned"],
  "src/bpf/jit/packet_offset.ts": ["packetOffset"],
  "src/bpf/machine.ts": ["memoryFor", "permissionsFor", "runtimeOptions"],
  "src/bpf/verifier/check_encodings.ts": ["checkEncodings", "wrongImmediate"],
  "src/bpf/verifier/plain_program.ts": ["arrive", "isPlainStep", "provePlain"],
  "src/bpf/verifier/verify_program.ts": ["flowOf", "readText", "verifyProgram"],
};

/**
 * The same JavaScript with these functions in parentheses, on the same lines. They are no longer there before the line
 * that makes them, as others are: nothing above may need them while the module loads.
 *
 * @throws {Error} when one is not there, or written in a way that is not known
 */
export function inParentheses(code: string, names: readonly string[]): string {
  return names.reduce((text, name) => {
    const found = [...text.matchAll(new RegExp(`^(export )?function ${name}\\(.*$`, "gm"))];
    if (found.length !== 1) throw new Error(`${found.length} functions ${name} at the top level, not one`);
    const [{ 0: line, 1: exported = "", index }] = found as [RegExpExecArray];
    const end = index + (isWhole(line) ? line.length : bodyEnd(text, index, name) - index);
    const whole = text.slice(index + exported.length, end);
    // not `const`, which engines look at for whether it has a value yet, each time that another module uses it
    return `${text.slice(0, index)}${exported}var ${name} = (${whole});${text.slice(end)}`;
  }, code);
}

/** Whether a line has all of a function. */
function isWhole(line: string): boolean {
  const count = (brace: string): number => line.split(brace).length;
  return line.endsWith("}") && count("{") === count("}");
}

/** The place behind the first line that begins with a brace, which has nothing else. */
function bodyEnd(text: string, from: number, name: string): number {
  const end = text.indexOf("\n}", from) + 2;
  if (end < 2 || /[^\n]/.test(text.charAt(end))) throw new Error(`where does function ${name} end?`);
  return end;
}
