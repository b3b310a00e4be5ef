/** What tests of addresses have in common: the error that something throws, and random addresses. */
import { assert } from "@std/assert";
import fc from "fast-check";
import { SocketError } from "../../src/tsocket/errors.ts";
import { InetAddress } from "../../src/tsocket/inet_address.ts";

/** The {@linkcode SocketError} that `body` throws. */
export function errorOf(body: () => unknown): SocketError {
  try {
    body();
  } catch (error) {
    assert(error instanceof SocketError, `not a SocketError: ${error}`);
    return error;
  }
  throw new Error("nothing was thrown");
}

/** Code and offset of the {@linkcode SocketError} that `body` throws. */
export function faultOf(body: () => unknown): [code: string, offset: number | undefined] {
  const { code, offset } = errorOf(body);
  return [code, offset];
}

const zone: fc.Arbitrary<string> = fc.oneof(
  fc.stringMatching(/^[a-zA-Z0-9._@-]{1,15}$/),
  fc.constantFrom("eth0", "1", "25", "251", "25eth0", "2525", "0"),
);

/** Any address, those with many zeros and IPv4-mapped ones more often than chance would have them. */
export const anyInetAddress: fc.Arbitrary<InetAddress> = fc.oneof(
  fc.tuple(fc.ipV4(), fc.nat(65535)).map(([host, port]) => InetAddress.from(host, port)),
  fc.tuple(
    fc.oneof(
      fc.ipV6(),
      fc.array(fc.constantFrom("0", "1", "ffff", "A0"), { minLength: 8, maxLength: 8 }).map((groups) =>
        groups.join(":")
      ),
      fc.ipV4().map((host) => `::ffff:${host}`),
    ),
    fc.nat(65535),
    fc.option(zone, { nil: undefined }),
  ).map(([host, port, zone]) => InetAddress.from(host, port, zone)),
);
