/**
 * Puts functions in parentheses as the build does. A hook of `node:module`, behind `strip_loader.mjs`, through which it is
 * loaded itself.
 *
 * @module
 */
import type { LoadHook } from "node:module";
import { FIRST_LOAD, inParentheses } from "../scripts/lib/first_load.ts";

const root = new URL("../", import.meta.url).href;

/** A hook of `node:module`. */
export const load: LoadHook = async (url, context, nextLoad) => {
  const loaded = await nextLoad(url, context);
  const names = url.startsWith(root) ? FIRST_LOAD[url.slice(root.length)] : undefined;
  return names === undefined ? loaded : { ...loaded, source: inParentheses(String(loaded.source), names) };
};
