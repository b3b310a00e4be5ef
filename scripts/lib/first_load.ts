/**
 * The functions that a process's first BPF program needs, put in parentheses where JavaScript is made of the sources: an
 * engine reads a function in parentheses once and compiles it there, and any other twice, the second time when it is
 * called. `docs/decisions.md` 42 has the figures; `npm run check` says when the list is not what a first load calls.
 *
 * @module
 */

/** Of each kind that parsers are of, one: packet bytes alone, stack, helpers, maps, variables, loops, many branches. */
export const FIRST_PROGRAMS: readonly string[] = [
  "04_postgres_backend",
  "02_len32le_incl",
  "03_http2",
  "05_dns_tcp",
  "11_cfg_array",
  "13_rodata_cfg",
  "15_mqtt_varint",
  "18_switch_cb",
];

/** What these call when they are a process's first, by module: functions at its top level, and methods of its classes. */
export const FIRST_LOAD: Readonly<Record<string, readonly string[]>> = {
  "src/bpf/backends.ts": ["chooseBackend", "codePermissions", "compileProgram", "isMade"],
  "src/bpf/bpf_object.ts": ["LoadedObject.#entry", "LoadedObject.program", "functionsOf", "licenseOf", "loadObject"],
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
  "src/bpf/elf/btf.ts": [
    "Btf.#at",
    "Btf.#count",
    "Btf.array",
    "Btf.isSigned",
    "Btf.members",
    "Btf.section",
    "Btf.size",
    "Btf.string",
    "Btf.type",
    "readTypes",
  ],
  "src/bpf/elf/byte_view.ts": ["ByteView.slice", "ByteView.u16", "ByteView.u32", "ByteView.u64", "text"],
  "src/bpf/elf/elf_file.ts": [
    "addRelocations",
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
  "src/bpf/elf/linker.ts": [
    "Linker.#linkAddress",
    "Linker.#linkCall",
    "Linker.#patched",
    "Linker.#place",
    "Linker.#withLines",
    "link",
  ],
  "src/bpf/elf/loader_limits.ts": ["loaderLimits"],
  "src/bpf/elf/object_maps.ts": [
    "addMap",
    "checkDefinition",
    "dataMap",
    "isData",
    "isObject",
    "objectMaps",
    "typedMap",
    "typedMaps",
    "variablesOf",
  ],
  "src/bpf/elf/value_fields.ts": [
    "FieldCollector.#addNumber",
    "FieldCollector.add",
    "FieldCollector.addMember",
    "valueFields",
    "variableFields",
  ],
  "src/bpf/encoding.ts": [
    "encodingOf",
    "encodingProblem",
    "isFitting",
    "isFittingRegister",
    "isSecondSlot",
    "secondSlotProblem",
    "writesFramePointer",
  ],
  "src/bpf/encoding_table.ts": ["encodingsOf"],
  "src/bpf/helper_table.ts": ["mayFail"],
  "src/bpf/isa.ts": ["decodeInstruction", "decodeInstructions"],
  "src/bpf/jit/branch_values.ts": ["bounded", "half", "rangeWhere", "valuesBehind"],
  "src/bpf/jit/budget.ts": ["endsSegment", "hasLoop", "mustCount", "segmentAt"],
  "src/bpf/jit/compile_js.ts": ["bound", "compileJs", "evaluate", "jsSource", "placesOf"],
  "src/bpf/jit/compiled_runner.ts": ["makeRunner"],
  "src/bpf/jit/components.ts": [
    "ComponentFinder.#close",
    "ComponentFinder.#lower",
    "ComponentFinder.#nextEdge",
    "ComponentFinder.#walk",
    "ComponentFinder.find",
  ],
  "src/bpf/jit/flow_order.ts": ["EntryFinder.only", "orderFlow", "taskFor"],
  "src/bpf/jit/flow_scopes.ts": [
    "Covered.cover",
    "Covered.startOf",
    "deepest",
    "layOut",
    "nest",
    "scopesOf",
    "straightOrder",
  ],
  "src/bpf/jit/frame_fields.ts": [
    "Survey.#access",
    "Survey.#call",
    "Survey.#isWhole",
    "Survey.#keeps",
    "Survey.result",
    "Survey.visit",
    "allOf",
    "baseOf",
    "cuts",
    "filledBytes",
    "findFields",
    "lookedUpArray",
    "mayTouchMemory",
    "pieceAt",
  ],
  "src/bpf/jit/js_access.ts": [
    "addressOf",
    "combined",
    "combinedHigh",
    "fieldName",
    "fieldOf",
    "loaded",
    "storeLine",
    "writeAtomic",
    "writeLoad",
    "writeStore",
  ],
  "src/bpf/jit/js_arithmetic.ts": ["finish", "isNarrowable", "writeArithmetic", "writeByteOrder", "writeWide"],
  "src/bpf/jit/js_calls.ts": ["writeArrayLookup", "writeCall"],
  "src/bpf/jit/js_compare.ts": ["compareHalves", "compareWide", "condition", "isSignedOrder", "withoutSign"],
  "src/bpf/jit/js_function.ts": [
    "FunctionWriter.#again",
    "FunctionWriter.#block",
    "FunctionWriter.#budget",
    "FunctionWriter.#call",
    "FunctionWriter.#charge",
    "FunctionWriter.#charging",
    "FunctionWriter.#chargingTurn",
    "FunctionWriter.#close",
    "FunctionWriter.#enter",
    "FunctionWriter.#exit",
    "FunctionWriter.#going",
    "FunctionWriter.#instruction",
    "FunctionWriter.#jump",
    "FunctionWriter.#leaving",
    "FunctionWriter.#refusal",
    "FunctionWriter.#wide",
    "FunctionWriter.write",
    "writeFunction",
  ],
  "src/bpf/jit/js_narrow.ts": ["divided", "narrow", "swapped"],
  "src/bpf/jit/js_packet.ts": ["bigEndian", "littleEndian", "place", "writeFill", "writeFilled", "writePacketLoad"],
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
  "src/bpf/jit/js_program.ts": ["caught", "needsEntering", "writeEntry", "writeJs"],
  "src/bpf/jit/js_shift.ts": ["shiftedByU"],
  "src/bpf/jit/js_support.ts": ["supportText"],
  "src/bpf/jit/js_writer.ts": [
    "JsWriter.#knownLow",
    "JsWriter.assign",
    "JsWriter.contextAddress",
    "JsWriter.finish",
    "JsWriter.frameAddress",
    "JsWriter.high",
    "JsWriter.line",
    "JsWriter.low",
    "JsWriter.set",
    "JsWriter.use",
    "JsWriter.variable",
    "isDigits",
    "unsigned",
  ],
  "src/bpf/jit/operation_groups.ts": ["atomicAction", "groupOf"],
  "src/bpf/jit/operations.ts": ["operandAt", "operandsBetween"],
  "src/bpf/jit/packet_offset.ts": ["packetOffset"],
  "src/bpf/jit/value_flow.ts": [
    "callResult",
    "carryValues",
    "entryValues",
    "findValues",
    "isFetch",
    "merge",
    "resultOf",
    "valuesAfter",
  ],
  "src/bpf/jit/values.ts": [
    "allOnes",
    "arithmeticResult",
    "boundOf",
    "isSigned",
    "joinValues",
    "lowHalf",
    "maxOf",
    "mayBeFrame",
    "minOf",
    "movedPointer",
    "operandValue",
    "sameValue",
    "small",
    "wideResult",
  ],
  "src/bpf/machine.ts": [
    "BpfMachine.#compile",
    "BpfMachine.run",
    "BpfMachine.runAgain",
    "definitionsOf",
    "memoryFor",
    "permissionsFor",
    "runtimeOptions",
  ],
  "src/bpf/maps/bpf_map.ts": ["BpfMap.freeze", "strideOf"],
  "src/bpf/maps/is_read_only.ts": ["isReadOnly"],
  "src/bpf/maps/make_map.ts": ["checkMap", "isHashed", "makeMap", "mapBytes"],
  "src/bpf/memory.ts": ["BpfMemory.allocate"],
  "src/bpf/runtime.ts": ["BpfRuntime.enter", "ProgramEnvironment.enter"],
  "src/bpf/scratch_area.ts": ["ScratchArea.clear", "mayWriteContext"],
  "src/bpf/verifier/alu.ts": [
    "binary",
    "checkInside",
    "checkReach",
    "displaced",
    "moved",
    "numberOf",
    "operandOf",
    "pointerResult",
    "resultOf",
    "runArithmetic",
    "shared",
  ],
  "src/bpf/verifier/bits.ts": ["bitLength", "bitsOfRange", "bitsWithin", "intersectBits", "joinBits"],
  "src/bpf/verifier/bounds.ts": ["everything", "range", "unsigned", "unwrap"],
  "src/bpf/verifier/branches.ts": ["apply", "learn", "nullWays", "numberWays", "runBranch"],
  "src/bpf/verifier/call_contexts.ts": ["blockOf", "isLoopHead", "isMeetingPoint"],
  "src/bpf/verifier/call_graph.ts": ["calleesFirst", "chains", "checkDepth", "checkStack", "checkTailCalls"],
  "src/bpf/verifier/check_encodings.ts": ["checkEncodings", "unsupported", "wrongImmediate", "wrongMap"],
  "src/bpf/verifier/context_table.ts": ["isContextReadable", "isContextWritable", "isInCb"],
  "src/bpf/verifier/effort.ts": ["Effort.keep"],
  "src/bpf/verifier/helper_calls.ts": [
    "accessOf",
    "checkArgument",
    "checkBlock",
    "checkMap",
    "checkSized",
    "checkStackBlock",
    "hasConstantKey",
    "mapBlock",
    "resultOf",
    "runHelperCall",
  ],
  "src/bpf/verifier/interpret.ts": [
    "entryState",
    "jump",
    "leaveFunction",
    "runBlock",
    "runLoad",
    "runPlain",
    "wideImmediate",
  ],
  "src/bpf/verifier/join_explorer.ts": [
    "JoinExplorer.#arrive",
    "JoinExplorer.#enqueue",
    "JoinExplorer.#goOn",
    "JoinExplorer.#leave",
    "JoinExplorer.#meetingsOf",
    "JoinExplorer.run",
    "newMeeting",
  ],
  "src/bpf/verifier/judge.ts": [
    "Judge.map",
    "Judge.mayLoadPackets",
    "Judge.noteAccess",
    "Judge.noteStack",
    "Judge.read",
  ],
  "src/bpf/verifier/memory_steps.ts": [
    "contextOffset",
    "isMemoryOpcode",
    "load",
    "noteStackAccess",
    "readContext",
    "readFrom",
    "readStack",
    "runAtomic",
    "runMemory",
    "store",
    "writeOutside",
    "writeStack",
  ],
  "src/bpf/verifier/plain_program.ts": ["arrive", "isPlainStep", "provePlain"],
  "src/bpf/verifier/priority_queue.ts": ["PriorityQueue.#sink", "PriorityQueue.pop", "PriorityQueue.push"],
  "src/bpf/verifier/region_access.ts": ["addressOf", "extentOf", "isAligned", "stackExtent", "valueExtent"],
  "src/bpf/verifier/scalar.ts": [
    "boundsOf",
    "boundsWithin",
    "constant",
    "constantOf",
    "exchange",
    "hull",
    "isEmpty",
    "joinScalars",
    "learnFromBits",
    "learnFromLow",
    "learnFromWide",
    "lowHalf",
    "makeConstant",
    "makeOfBits",
    "meetBounds",
    "sameBounds",
    "scalarOfBits",
    "scalarWithin",
    "settle",
    "signedConstantOf",
  ],
  "src/bpf/verifier/scalar_arithmetic.ts": ["arithmetic", "byteOrder", "narrow", "negate", "wide"],
  "src/bpf/verifier/scalar_compare.ts": [
    "below",
    "equal",
    "refine",
    "relate",
    "settleBoth",
    "signedBelow",
    "unequal",
    "within",
    "without",
  ],
  "src/bpf/verifier/stack.ts": [
    "FrameStack.#eachPart",
    "FrameStack.#group",
    "FrameStack.#half",
    "FrameStack.#own",
    "FrameStack.clone",
    "FrameStack.hasPointer",
    "FrameStack.isWithin",
    "FrameStack.isWritten",
    "FrameStack.join",
    "FrameStack.read",
    "FrameStack.write",
    "FrameStack.writeBytes",
    "halfOf",
    "maskOf",
  ],
  "src/bpf/verifier/state.ts": [
    "MachineState.clone",
    "MachineState.isWithin",
    "MachineState.join",
    "frameWithin",
    "newFrame",
  ],
  "src/bpf/verifier/value.ts": [
    "Identities.agree",
    "isPointer",
    "isSameRegion",
    "joinNumbers",
    "joinValues",
    "numberValue",
    "pointer",
    "valueWithin",
  ],
  "src/bpf/verifier/verify_program.ts": ["explore", "flowOf", "judgeProgram", "readText", "verifyProgram"],
};

/**
 * The same JavaScript with these functions in parentheses, on the same lines. Those at the top level are no longer there
 * before the line that makes them, as others are: nothing above may need them while the module loads. Methods
 * (`Class.method`) are given to the prototype as the class is made; those with a private name by that name as a string,
 * as only the class itself can make private ones, and not of functions in parentheses.
 *
 * @throws {Error} when one is not there, or written in a way that is not known
 */
export function inParentheses(code: string, names: readonly string[]): string {
  return names.reduce((text, name) => {
    const [first, method] = name.split(".") as [string, string?];
    return method === undefined ? functionInParentheses(text, first) : methodInParentheses(text, first, method);
  }, code);
}

function functionInParentheses(text: string, name: string): string {
  const { index, end, prefix } = placeOf(text, "(export )?function ", name);
  const whole = text.slice(index + prefix.length, end);
  const constants = text.slice(0, index).match(/^(export )?(const|let) [^]*?;$/gm) ?? [];
  // a call would fail while the module loads, for all to see; what is only kept would be `undefined`
  const isKept = constants.some((one) => new RegExp(`[^.\\w"]${name}\\b(?![\\w("])`).test(one));
  if (isKept) throw new Error(`a constant above function ${name} has it, and would get nothing`);
  // not `const`, which engines look at for whether it has a value yet, each time that another module uses it
  return `${text.slice(0, index)}${prefix}var ${name} = (${whole});${text.slice(end)}`;
}

function methodInParentheses(text: string, className: string, name: string): string {
  const head = text.search(new RegExp(`^(export )?class ${className}\\b`, "m"));
  const tail = head < 0 ? 0 : text.indexOf("\n}", head);
  const body = text.slice(Math.max(head, 0), tail);
  const { index, end, prefix } = placeOf(body, `(${/^ +/m.exec(body)?.[0]})`, name);
  const whole = body.slice(index + prefix.length + name.length, end);
  // an object's property, so that the function gets its name, which a named one would have in its own scope, too
  const value = `{ "${name}": (function ${whole}) }["${name}"]`;
  const block =
    `static { Object.defineProperty(this.prototype, "${name}", { configurable: true, writable: true, value: `;
  const changed = `${body.slice(0, index)}${prefix}${block}${value} }); }${body.slice(end)}`;
  return `${text.slice(0, head)}${name.startsWith("#") ? withoutPrivate(changed, name) : changed}${text.slice(tail)}`;
}

/** Gets what has a private name by the same string. */
function withoutPrivate(body: string, name: string): string {
  return body.replace(new RegExp(`(\\?\\.|\\.)${name}\\b`, "g"), (_, dot) => `${dot === "." ? "" : dot}["${name}"]`);
}

/** Where a function stands that begins a line behind this prefix, which is one group. */
function placeOf(text: string, prefix: string, name: string): { index: number; end: number; prefix: string } {
  const found = [...text.matchAll(new RegExp(`^${prefix}${name}\\(.*$`, "gm"))];
  if (found.length !== 1) throw new Error(`${found.length} functions ${name} at its level, not one`);
  const [{ 0: line, 1: start = "", index }] = found as [RegExpExecArray];
  const end = index + (isWhole(line) ? line.length : bodyEnd(text, index, name) - index);
  return { index, end, prefix: start };
}

/** Whether a line has all of a function. */
function isWhole(line: string): boolean {
  const count = (brace: string): number => line.split(brace).length;
  return line.endsWith("}") && count("{") === count("}");
}

/** The place behind the first line that begins with a brace as far in as the function, which has nothing else. */
function bodyEnd(text: string, from: number, name: string): number {
  const brace = `\n${/ */.exec(text.slice(from))![0]}}`;
  const end = text.indexOf(brace, from) + brace.length;
  if (end < from || /[^\n]/.test(text.charAt(end))) throw new Error(`where does function ${name} end?`);
  return end;
}
