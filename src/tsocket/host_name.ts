/**
 * Host names as far as they are checked before a resolver gets them.
 *
 * Not here: resolving, and international names, which the resolver turns into what it needs.
 *
 * @module
 */
import { badAddress } from "./host_port.ts";

/** Longest name in characters, without a final dot (RFC 1035 section 2.3.4). */
export const MAX_HOST_NAME = 253;

/** Longest label in characters. */
export const MAX_HOST_LABEL = 63;

/**
 * Checks a name that stands at `at` in `text`. Names whose last label is a number are refused, since resolvers read
 * `127.1`, `0x7f.1` and `017700000001` as IPv4 addresses, each in its own way.
 *
 * @throws {SocketError} `EINVAL`, `ENAMETOOLONG`, with the offset in `text`
 */
export function checkHostName(name: string, text: string, at: number): void {
  const bare = name.endsWith(".") ? name.slice(0, -1) : name;
  if (bare === "") throw badAddress(text, "the host name is empty", at);
  // letters, digits, hyphens, the underscores of services, and what is not ASCII
  const bad = name.search(/[^a-z0-9_.\-\u0080-\u{10ffff}]|[\p{Surrogate}\p{White_Space}\p{Control}]/iu);
  if (bad !== -1) throw badAddress(text, "a host name holds only letters, digits, hyphens and dots", at + bad);
  if (bare.length > MAX_HOST_NAME) {
    throw badAddress(text, `a host name has at most ${MAX_HOST_NAME} characters`, at + MAX_HOST_NAME, "ENAMETOOLONG");
  }
  let offset = at;
  const labels = bare.split(".");
  for (const label of labels) {
    if (label === "") throw badAddress(text, "a label of the host name is empty", offset);
    if (label.length > MAX_HOST_LABEL) {
      throw badAddress(text, `a label has at most ${MAX_HOST_LABEL} characters`, offset, "ENAMETOOLONG");
    }
    offset += label.length + 1;
  }
  if (/^(\d+|0x[0-9a-f]*)$/i.test(labels.at(-1)!)) {
    throw badAddress(text, "it looks like an IPv4 address but is none", at);
  }
}
