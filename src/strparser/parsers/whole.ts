/**
 * Joins the frames of one protocol message to one message of the parser: the option `whole` of protocols that cut
 * messages into frames.
 *
 * Internal to the parsers. The walk goes on where it stopped, so each frame's header is read once.
 *
 * @module
 */
import type { ParseFailure } from "../parser.ts";
import { tooBig } from "./refusal.ts";

/** What a parser that joins frames remembers, besides its own. */
export interface WholeState {
  /** Where the next frame begins, counted from the start of the message; 0 in front of the first. */
  at: number;
}

/** Tells the length of the frame at `start`, as a parser does; changes the state at most when it tells one. */
export type FrameParser<State> = (
  bytes: Uint8Array,
  start: number,
  end: number,
  state: State,
) => number | ParseFailure;

/**
 * Tells the length of a whole message: that of all frames up to and including the first of which `isLast` says so.
 * `isLast` gets the position of a frame whose length is known, so its header is there.
 */
export function parseWhole<State extends WholeState>(
  bytes: Uint8Array,
  start: number,
  end: number,
  state: State,
  frame: FrameParser<State>,
  isLast: (bytes: Uint8Array, start: number) => boolean,
): number | ParseFailure {
  for (;;) {
    const at = start + state.at;
    if (at >= end) return -(state.at + 1);
    const length = frame(bytes, at, end, state);
    if (typeof length !== "number") return length;
    if (length <= 0) return length - state.at;
    const next = state.at + length;
    if (next > Number.MAX_SAFE_INTEGER) return tooBig("frames of one message exceed 2^53 bytes");
    if (isLast(bytes, at)) {
      state.at = 0;
      return next;
    }
    state.at = next;
  }
}
