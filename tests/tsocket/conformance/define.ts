/** How the suites register their cases: one test per rig and number, each watched for rejections that nobody handled. */
import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { unhandledRejections } from "../../support/unhandled.ts";
import { closePair, openPair, type PairOptions, type StreamPair, type StreamRig } from "./rig.ts";

/** Registers a case. */
export function define(
  rig: { readonly name: string },
  number: number,
  sentence: string,
  body: () => Promise<void>,
): void {
  test(`${rig.name}: ${number}: ${sentence}`, async () => {
    let failure: { readonly error: unknown } | undefined;
    const unhandled = await unhandledRejections(async () => {
      try {
        await body();
      } catch (error) {
        failure = { error };
      }
    });
    if (failure !== undefined) throw failure.error;
    assertEquals(unhandled, [], "rejections that nobody handled");
  });
}

/** Registers a case that needs two connected sockets. */
export function definePair(
  rig: StreamRig,
  number: number,
  sentence: string,
  body: (pair: StreamPair) => Promise<void>,
  options: PairOptions = {},
): void {
  define(rig, number, sentence, () => withPair(rig, options, body));
}

/** Opens two connected sockets for `body` and frees them. */
export async function withPair(
  rig: StreamRig,
  options: PairOptions,
  body: (pair: StreamPair) => Promise<void>,
): Promise<void> {
  const pair = await openPair(rig, options);
  try {
    await body(pair);
  } finally {
    await closePair(pair);
  }
}
