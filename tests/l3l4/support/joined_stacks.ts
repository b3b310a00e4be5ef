/** Two stacks over fake engines, their packets crossing in memory. */
import { L3L4, type L3L4StageOptions } from "../../../src/l3l4/l3l4_stream.ts";
import { type FakeOptions, FakeStack } from "./fake_stack.ts";

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
