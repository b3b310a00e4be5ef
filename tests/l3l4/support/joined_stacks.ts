/** Two stacks, over fake engines or real ones, their packets crossing in memory. */
import { L3L4, type L3L4StageOptions } from "../../../src/l3l4/l3l4_stream.ts";
import { ManualClock } from "../../../src/sim/manual_clock.ts";
import { type FakeOptions, FakeStack } from "./fake_stack.ts";

/** Two real stacks with one clock, their packets crossing in memory; only the client has an address of its own. */
export function realStacks(): { clock: ManualClock; client: L3L4; server: L3L4 } {
  const clock = new ManualClock();
  const client = new L3L4({ addresses: ["10.0.0.1"], clock });
  const server = new L3L4({ clock });
  client.readable.pipeTo(server.writable).catch(() => {});
  server.readable.pipeTo(client.writable).catch(() => {});
  return { clock, client, server };
}

export interface Fake {
  stack: L3L4;
  engine: FakeStack;
}

export function fakeStack(options: L3L4StageOptions = {}, fake: FakeOptions = {}): Fake {
  let engine!: FakeStack;
  const stack = new L3L4({ addresses: ["10.0.0.1"], ...options }, (sink) => engine = new FakeStack(sink, fake));
  return { stack, engine };
}

/** A client and a server; the server's flows are taken from `server.flows`, which is asked for here. */
export function joined(options: L3L4StageOptions = {}, fake: FakeOptions = {}): { client: Fake; server: Fake } {
  const client = fakeStack(options, fake);
  const server = fakeStack(options, fake);
  server.stack.flows;
  client.stack.readable.pipeTo(server.stack.writable).catch(() => {});
  server.stack.readable.pipeTo(client.stack.writable).catch(() => {});
  return { client, server };
}
