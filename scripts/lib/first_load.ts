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

/** The same JavaScript with these functions in parentheses, on the same lines. Throws when one is not there. */
export function inParentheses(code: string, names: readonly string[]): string {
  return names.reduce((text, name) => {
    const found = new RegExp(`^(export )?function ${name}\\((?:.*\\}|[^]*?\\n\\})$`, "m").exec(text);
    if (found === null) throw new Error(`no function ${name} at the top level`);
    const [whole, exported = ""] = found;
    // not `const`, which engines look at for whether it has a value yet, each time that another module uses it
    const made = `${exported}var ${name} = (${whole.slice(exported.length)});`;
    return text.slice(0, found.index) + made + text.slice(found.index + whole.length);
  }, code);
}
