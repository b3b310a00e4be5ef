/**
 * The WebAssembly back end: a program becomes a module that works in the machine's memory.
 *
 * @module
 */
import { BpfError } from "../errors.ts";
import type { BpfEnvironment, BpfRunner } from "../runner.ts";
import { type CompileOptions, placesOf } from "./compile_js.ts";
import { failRun, makeRunner, type Runs } from "./compiled_runner.ts";
import { usualForm } from "./flow_scopes.ts";
import type { CompilerInput } from "./operations.ts";
import { packetBytes } from "./packet_window.ts";
import { type WasmModule, writeWasm } from "./wasm_module.ts";
import { WINDOW_BYTES } from "./wasm_packet.ts";

type Export = (length: number, window: number, fuel: number, r1: number, r2: number) => number;

/** Up to here a loop copies faster than `set`, which needs a view. */
const LOOP_BYTES = 32;

/**
 * Compiles a verified program to WebAssembly.
 *
 * @throws {BpfError} `ENOSYS` where the memory does not stand on a `WebAssembly.Memory`
 * @throws {WebAssembly.CompileError} where the runtime forbids it
 */
export function compileWasm(
  input: CompilerInput,
  environment: BpfEnvironment,
  options: CompileOptions = {},
): BpfRunner {
  const { memory, context, budget } = environment;
  if (memory.wasm === undefined) throw new BpfError("the memory stands on no WebAssembly.Memory", { code: "ENOSYS" });
  const size = Math.min(packetBytes(input, WINDOW_BYTES), memory.free);
  const { address: window } = memory.allocate(size);
  const places = { ...placesOf(environment), window, highAddress: environment.highAddress };
  const module = writeWasm(input, places, options.form ?? usualForm.form);
  const packet = new PacketCopy(memory.bytes, window, size);
  const { run, wide } = instantiate(module, environment, packet);
  const isEntering = module.needsEntering;
  const { high } = environment;
  const guarded = (call: Export, length: number, copied: number, fuel: number, r1: number, r2: number): number => {
    try {
      return call(length, copied, fuel, r1, r2);
    } catch (thrown) {
      high[0] = -1;
      return failRun(environment, thrown, high[1]);
    }
  };
  const r1 = context.address;
  const runs: Runs = {
    run(bytes, start, end) {
      if (isEntering) environment.enter(bytes, start, end);
      return guarded(run, end - start, packet.take(bytes, start, end), budget, r1, 0);
    },
    wide: () => (bytes, start, end) =>
      guarded(wide, end - start, packet.take(bytes, start, end), environment.remaining, r1, 0),
    block: () => (a, b) => guarded(wide, 0, 0, environment.remaining, a, b),
  };
  return makeRunner("wasm", environment, runs);
}

/** The window: what of the packet is in the memory, and where the rest is. */
class PacketCopy {
  readonly #memory: Uint8Array;
  readonly #window: number;
  readonly #size: number;
  #bytes: Uint8Array = new Uint8Array(0);
  #start = 0;

  constructor(memory: Uint8Array, window: number, size: number) {
    this.#memory = memory;
    this.#window = window;
    this.#size = size;
  }

  /** Copies the first bytes of a packet; returns how many. */
  take(bytes: Uint8Array, start: number, end: number): number {
    this.#bytes = bytes;
    this.#start = start;
    const count = Math.min(end - start, this.#size), memory = this.#memory, window = this.#window;
    if (count > LOOP_BYTES) memory.set(bytes.subarray(start, start + count), window);
    else for (let i = 0; i < count; i++) memory[window + i] = bytes[start + i]!;
    return count;
  }

  /** Reads bytes that may lie behind the window, big-endian. */
  read(offset: number, size: number): number {
    let value = 0;
    for (let i = 0; i < size; i++) value = value << 8 | this.#bytes[this.#start + offset + i]!;
    return value;
  }
}

function instantiate(
  module: WasmModule,
  environment: BpfEnvironment,
  packet: PacketCopy,
): { run: Export; wide: Export } {
  let result = 0, isReadable = false;
  const functions: Record<string, unknown> = {
    memory: environment.memory.wasm,
    read: (offset: number, size: number) => packet.read(offset, size),
    fail: (slot: number, kind: number) => {
      throw { code: kind === 0 ? "ELOOP" : "EFAULT", slot, isReadable };
    },
    tail: (map: number, index: number, fuel: number) => {
      const runner = environment.tailCall(map, index);
      if (runner === undefined) return 0;
      environment.remaining = fuel;
      result = runner.resume();
      return 1;
    },
    tailResult: () => result,
    mayAccess: (low: number, high: number, size: number) => {
      const bytes = Math.abs(size), isWrite = size < 0;
      if (high === 0 && environment.mayAccess(low, bytes, isWrite)) return 1;
      isReadable = high === 0 && isWrite && environment.mayAccess(low, bytes, false);
      return 0;
    },
  };
  for (const number of module.helpers) functions[`k${number}`] = environment.helper(number);
  const imports = { leat: functions } as WebAssembly.Imports;
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.bytes), imports);
  return exports as unknown as { run: Export; wide: Export };
}
