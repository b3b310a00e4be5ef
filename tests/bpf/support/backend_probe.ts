/** Prints which back end `auto` takes here, and what a small program and a long one say on it. */
import { BpfMachine } from "../../../src/bpf/machine.ts";
import { longProgram, prefixProgram } from "./jit_programs.ts";

const small = new BpfMachine(prefixProgram), long = new BpfMachine(longProgram(3000));
const bytes = Uint8Array.of(0, 5, 1);
console.log(JSON.stringify([small.backend, small.run(bytes), long.backend, long.run(bytes)]));
