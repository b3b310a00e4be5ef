/** Packets that are wrong, or nearly right, into each state: nothing is thrown, nothing grows, little is answered. */
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { SeededRandom } from "../../src/sim/seeded_random.ts";
import { fuzzInputs, fuzzSeeds } from "../support/fuzz.ts";
import { FUZZED_STATES, FuzzedEnd, type FuzzedState } from "./fuzzed_end.ts";

/** Into each state: a million in the soak. */
const INPUTS = fuzzInputs() >= 1_000_000 ? fuzzInputs() : Math.ceil(fuzzInputs() / 4);

/** What one endpoint is thrown at most, before it begins anew. */
const INPUTS_EACH = 200;

/** Bytes that connections and answers may send on their own account: 5,000 bytes of data, a few times over. */
const OWN_BYTES = 40_000;

/** All that one connection may hold. */
const MAX_BUFFER_BYTES = 65_536 + 8192;

function check(end: FuzzedEnd, inputs: number): void {
  const { bufferBytes, fragmentBytes } = end.engine.stats;
  assert(bufferBytes <= MAX_BUFFER_BYTES * Math.max(1, end.engine.states().length), `${bufferBytes} bytes held`);
  assert(fragmentBytes <= 4_194_304, `${fragmentBytes} bytes of fragments held`);
  assert(end.packetsOut <= inputs + 100, `${end.packetsOut} packets for ${inputs}`);
  assert(end.bytesOut <= 1.5 * end.bytesIn + OWN_BYTES, `${end.bytesOut} bytes for ${end.bytesIn}`);
}

/** Time goes by until nothing is due, and nothing is left. */
function finish(end: FuzzedEnd): void {
  // bytes that nobody has read stay until then, even of connections that are over
  for (const port of end.ports) port.abort(end.now);
  end.exchange();
  for (let rounds = 0; end.engine.timeoutAt() < Infinity; rounds++) {
    assert(rounds < 10_000, "it never comes to rest");
    end.now = Math.max(end.now, end.engine.timeoutAt());
    end.engine.onTimeout(end.now);
    end.exchange();
  }
}

/** Throws packets at one endpoint while it is in this state; how many, and whether it stayed there. */
function bombard(state: FuzzedState, random: SeededRandom): number {
  const end = new FuzzedEnd(state, random);
  assert(end.isThere, `${end.engine.states()} in place of ${state}`);
  end.isReading = random.chance(0.5);
  let inputs = 0;
  for (; inputs < INPUTS_EACH && (inputs === 0 || end.isThere); inputs++) {
    end.push(end.random());
    if (random.chance(0.7)) end.exchange();
    if (random.chance(0.05)) {
      end.now += random.below(500);
      if (end.engine.timeoutAt() <= end.now) end.engine.onTimeout(end.now);
      end.exchange();
    }
  }
  end.exchange();
  check(end, inputs);
  finish(end);
  const { bufferBytes, fragmentBytes, connections, halfOpen, timeWait } = end.engine.stats;
  assertEquals([bufferBytes, fragmentBytes, connections, halfOpen, timeWait], [0, 0, 0, 0, 0]);
  return inputs;
}

for (const state of FUZZED_STATES) {
  test(`fuzzed packets into ${state}: no exception, no growth, no amplification`, () => {
    for (const seed of fuzzSeeds()) {
      const random = new SeededRandom(seed);
      for (let done = 0; done < INPUTS;) {
        try {
          done += bombard(state, random);
        } catch (error) {
          throw new Error(`seed ${seed}, behind input ${done}: ${(error as Error).message}`, { cause: error });
        }
      }
    }
  });
}
