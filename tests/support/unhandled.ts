/** Watches for rejections that nobody handled. */
import process from "node:process";
import { turns } from "./turns.ts";

/** Runs `body` and returns what was rejected unhandled meanwhile and shortly after. */
export async function unhandledRejections(body: () => Promise<void>): Promise<unknown[]> {
  const seen: unknown[] = [];
  const listen = (reason: unknown): void => {
    seen.push(reason);
  };
  process.on("unhandledRejection", listen);
  try {
    await body();
    await turns(8);
  } finally {
    process.off("unhandledRejection", listen);
  }
  return seen;
}
