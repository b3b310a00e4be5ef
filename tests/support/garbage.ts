/** Asks the runtime to collect garbage, for tests of what is kept alive. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { turns } from "./turns.ts";

/** How many of the objects are still alive after a collection. */
export async function countAlive(objects: readonly WeakRef<object>[]): Promise<number> {
  const gc = collector();
  // a weak reference that was made or read in this turn of the event loop holds its object until the next one
  await turns();
  gc();
  await turns();
  return objects.filter((object) => object.deref() !== undefined).length;
}

function collector(): () => void {
  const { Bun } = globalThis as { Bun?: { gc(isNow: boolean): void } };
  if (Bun !== undefined) return () => Bun.gc(true);
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}
