/**
 * An engine of IP packets on an Ethernet port, as one engine of frames: both are driven by direct calls, and packets are
 * built in their frames.
 *
 * @module
 */
import type { PacketOut } from "../packet_out.ts";
import type { PacketEngine } from "../stack_engine.ts";
import { EthernetPort, type EthernetSink } from "./ethernet_port.ts";
import type { EthernetPortOptions } from "./ethernet_settings.ts";

/** The pair. */
export class EthernetMedium implements PacketEngine {
  /** The port. */
  readonly port: EthernetPort;
  readonly #engine: PacketEngine;
  #now = 0;
  #isTrusted: boolean | undefined;

  /**
   * Puts `engine` on a port; `conflict` is told of other stations with the port's own addresses.
   *
   * @throws {TypeError | RangeError} when an option is wrong
   */
  constructor(options: EthernetPortOptions, engine: PacketEngine, conflict?: EthernetSink["conflict"]) {
    this.#engine = engine;
    this.port = new EthernetPort(options, {
      packet: (bytes) => engine.push(bytes, this.#now, this.#isTrusted),
      conflict: (address, mac, isLost) => conflict?.(address, mac, isLost),
    });
  }

  /** A frame has come. */
  push(frame: Uint8Array, now: number, isChecksumTrusted?: boolean): void {
    this.#now = now;
    this.#isTrusted = isChecksumTrusted;
    this.port.push(frame, now);
  }

  /** The batch is over. */
  flush(now: number): void {
    this.#engine.flush(now);
  }

  /** Sends what is due. */
  transmit(out: PacketOut, now: number): void {
    if (!this.port.transmit(out, now)) return;
    this.#engine.transmit(this.port.over(out, now), now);
    // questions for the addresses of those packets
    this.port.transmit(out, now);
  }

  /** When `onTimeout` is to be called. */
  timeoutAt(): number {
    return Math.min(this.port.timeoutAt(), this.#engine.timeoutAt());
  }

  /** Does what is due. */
  onTimeout(now: number): void {
    this.#now = now;
    this.port.onTimeout(now);
    if (this.#engine.timeoutAt() <= now) this.#engine.onTimeout(now);
  }
}
