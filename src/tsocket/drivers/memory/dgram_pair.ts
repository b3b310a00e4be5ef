/**
 * Two datagram drivers in memory that are each other's peers.
 *
 * @module
 */
import type { TDgramDriver } from "../../driver_types.ts";
import type { TsocketAddress } from "../../types.ts";
import { pairAddresses } from "./addresses.ts";
import { MemoryDgramDriver, type MemoryDgramOptions, memoryDgramSettings } from "./dgram_driver.ts";

/** How a pair of datagram sockets in memory behaves. */
export interface MemoryDgramPairOptions extends MemoryDgramOptions {
  /** Addresses of the left and of the right end; `memory:left` and `memory:right` by default. */
  addresses?: readonly [TsocketAddress, TsocketAddress] | undefined;
}

/**
 * Two connected datagram drivers: what one sends the other receives, boundaries kept. When one is closed, the other is
 * told `ECONNREFUSED` for each datagram, as the network would.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { dgramDriverPair } from "@leat/streams/tsocket";
 *
 * const [left, right] = dgramDriverPair({ receiveBufferBytes: 2 });
 * const events = { writable() {}, icmpError() {}, broken() {} };
 * const received = new Promise((resolve) => {
 *   right.start({ ...events, datagram: (data, _source, truncated) => resolve([data, truncated]) });
 * });
 * left.start({ ...events, datagram() {} });
 * await left.send(Uint8Array.of(1, 2, 3), undefined);
 * assertEquals(await received, [Uint8Array.of(1, 2), true]);
 * ```
 *
 * @throws {TypeError} when an option is of a wrong type
 * @throws {RangeError} when one is out of its range
 */
export function dgramDriverPair(options: MemoryDgramPairOptions = {}): [TDgramDriver, TDgramDriver] {
  const addresses = options.addresses ?? pairAddresses();
  const drivers: MemoryDgramDriver[] = [];
  const make = (side: 0 | 1): MemoryDgramDriver => {
    const other = 1 - side;
    return new MemoryDgramDriver(memoryDgramSettings(options, side), {
      localAddress: addresses[side],
      remoteAddress: addresses[other],
      number: side,
      deliver: (_sender, data, to) => {
        const receiver = drivers[other]!;
        if (receiver.isClosed || addresses[other]!.key !== to.key) return false;
        receiver.receive(data, addresses[side]);
        return true;
      },
      freed: () => {},
    });
  };
  drivers.push(make(0), make(1));
  return [drivers[0]!, drivers[1]!];
}
