/**
 * BPF: the object file that the kernel would take for KCM, as a parser in user space. Loaded with {@linkcode loadObject},
 * run by a {@linkcode BpfMachine}, made a parser of `./strparser` and `./kcm` by {@linkcode bpfParser}.
 *
 * @module
 */
export { assemble, type AssembleOptions } from "./assembler.ts";
export { type BpfObject, loadObject, type ObjectProgram } from "./bpf_object.ts";
export { bpfParser, type BpfParserOptions } from "./bpf_parser.ts";
export type { BasicBlock, ControlFlow, FunctionFlow, LocalCall } from "./control_flow.ts";
export {
  type AssemblyDialect,
  disassemble,
  type DisassembledLine,
  disassembleLines,
  type DisassembleOptions,
} from "./disassembler.ts";
export { checkClassic, type ClassicInstruction } from "./classic/classic.ts";
export { classicToEbpf, type ClassicToEbpfOptions } from "./classic/to_ebpf.ts";
export { type ClassicTextForm, formatClassic, parseClassic } from "./classic/text.ts";
export { compileToModule, type CompileToModuleOptions } from "./jit/compile_module.ts";
export type { LoaderLimitOptions, LoaderLimits } from "./elf/loader_limits.ts";
export type { ConformanceGroup, Encoding, Operation, RegisterUse } from "./encoding_table.ts";
export { BpfError, type BpfErrorCode, type BpfErrorOptions, type BpfErrorPlace } from "./errors.ts";
export * from "./isa.ts";
export { BpfMachine, type BpfMachineOptions } from "./machine.ts";
export * from "./map_types.ts";
export { BpfMap } from "./maps/bpf_map.ts";
export type { BpfKey, BpfNumber, BpfRecord, BpfValue } from "./maps/value_codec.ts";
export { BpfMemory, type BpfMemoryOptions, type MemoryRegion } from "./memory.ts";
export type { BpfProgram, MapDefinition, ProgramFunction, SourceLine, ValueField } from "./program.ts";
export type { BpfBackend } from "./runner.ts";
export { ScratchArea } from "./scratch_area.ts";
export type {
  FunctionFacts,
  LoopRule,
  MemoryAccess,
  VerifiedProgram,
  VerifierMode,
  VerifierOptions,
} from "./verifier/facts.ts";
export type { BpfVariables } from "./variables.ts";
export { verifyProgram } from "./verifier/verify_program.ts";
