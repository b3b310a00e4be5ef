/**
 * ARP of a port (RFC 826, RFC 5227): questions, answers, what they teach.
 *
 * An answer is believed for a moment against others for the same address, so that two stations that claim it do not
 * make every packet change its way.
 *
 * @module
 */
import { isUnspecified } from "../../packet/address.ts";
import { ARP_LENGTH, ArpOperation, ArpView, encodeArp } from "../../packet/arp.ts";
import { EtherType } from "../../packet/ethernet_types.ts";
import { isAddress, isHostAddress } from "./address_prefix.ts";
import { BROADCAST_MAC, isMac, isStation } from "./mac_address.ts";
import type { Neighbor } from "./neighbor.ts";
import type { PortParts } from "./port_parts.ts";

const SIZE = 4;
const ZERO_MAC = new Uint8Array(6);
const ZERO_ADDRESS = new Uint8Array(SIZE);

/** Offsets in an ARP packet. */
const SENDER_MAC = 8;
const SENDER = 14;
const TARGET_MAC = 18;
const TARGET = 24;

/** The machine. */
export class Arp {
  readonly #parts: PortParts;

  /** Makes it for a port. */
  constructor(parts: PortParts) {
    this.#parts = parts;
  }

  /** An ARP packet came. */
  receive(bytes: Uint8Array, now: number): void {
    const { stats, settings, addresses, claims } = this.#parts;
    stats.arpReceived++;
    const operation = ArpView.check(bytes) === null ? new ArpView(bytes).operation : 0;
    const isRequest = operation === ArpOperation.REQUEST;
    if ((!isRequest && operation !== ArpOperation.REPLY) || !isStation(bytes, SENDER_MAC)) {
      stats.badArp++;
      return;
    }
    if (isMac(settings.mac, bytes, SENDER_MAC)) return;
    if (isUnspecified(bytes, SENDER, SIZE)) {
      // somebody asks whether the address is free
      if (!isRequest || claims.probed(bytes, TARGET, SIZE, bytes, SENDER_MAC, now)) return;
      if (addresses.isOwn(bytes, TARGET, SIZE)) this.#answer(bytes);
      return;
    }
    if (addresses.isOwn(bytes, SENDER, SIZE)) {
      return claims.conflict(bytes, SENDER, SIZE, bytes, SENDER_MAC, now);
    }
    if (!isHostAddress(bytes, SENDER, SIZE)) {
      stats.badArp++;
      return;
    }
    const isForUs = this.#learn(bytes, isRequest, now);
    if (isRequest && isForUs && claims.isSettled(bytes, TARGET, SIZE)) this.#answer(bytes);
  }

  /** What the sender says of itself is kept if it is known, or asks us. Returns whether we answer for the target. */
  #learn(bytes: Uint8Array, isRequest: boolean, now: number): boolean {
    const { neighbors, settings } = this.#parts;
    const isForUs = !isAddress(bytes.subarray(SENDER, SENDER + SIZE), bytes, TARGET) && this.#isOurs(bytes, TARGET);
    let neighbor = neighbors.find(bytes, SENDER, SIZE);
    if (neighbor === undefined) {
      if (!isForUs || !isRequest) return isForUs;
      neighbor = neighbors.add(bytes, SENDER, SIZE, ZERO_ADDRESS);
    }
    const isHeld = neighbor.state !== "incomplete" && now < neighbor.toldAt + settings.holdAnswerMs &&
      !isMac(neighbor.mac, bytes, SENDER_MAC);
    if (isHeld) return isForUs;
    neighbor.learn(bytes, SENDER_MAC, now);
    if (!isRequest && isMac(settings.mac, bytes, TARGET_MAC)) neighbor.confirm(now);
    neighbors.timers.update(neighbor);
    return isForUs;
  }

  /** Whether we answer for the address at `at`: never for a neighbour that we know, unless it is our own. */
  #isOurs(bytes: Uint8Array, at: number): boolean {
    const { addresses, neighbors } = this.#parts;
    if (addresses.isOwn(bytes, at, SIZE)) return true;
    if (!addresses.isPlayed(bytes, at, SIZE)) return false;
    const neighbor = neighbors.find(bytes, at, SIZE);
    return neighbor === undefined || neighbor.state === "incomplete";
  }

  /** Asks for the address of a neighbour. */
  solicit(neighbor: Neighbor, isUnicast: boolean): boolean {
    const sender = this.#parts.addresses.sourceFor(neighbor.address, neighbor.sender);
    return this.#send(isUnicast ? neighbor.mac : BROADCAST_MAC, {
      operation: ArpOperation.REQUEST,
      senderAddress: sender,
      targetMac: ZERO_MAC,
      targetAddress: neighbor.address,
    });
  }

  /** Asks whether an own address is free. */
  probe(address: Uint8Array): boolean {
    return this.#send(BROADCAST_MAC, {
      operation: ArpOperation.REQUEST,
      senderAddress: ZERO_ADDRESS,
      targetMac: ZERO_MAC,
      targetAddress: address,
    });
  }

  /** Tells all that an own address is ours. */
  announce(address: Uint8Array): boolean {
    return this.#send(BROADCAST_MAC, {
      operation: ArpOperation.REQUEST,
      senderAddress: address,
      targetMac: ZERO_MAC,
      targetAddress: address,
    });
  }

  #answer(request: Uint8Array): void {
    const { stats } = this.#parts;
    const isSent = this.#send(request.subarray(SENDER_MAC, SENDER_MAC + 6), {
      operation: ArpOperation.REPLY,
      senderAddress: request.subarray(TARGET, TARGET + SIZE),
      targetMac: request.subarray(SENDER_MAC, SENDER_MAC + 6),
      targetAddress: request.subarray(SENDER, SENDER + SIZE),
    });
    if (isSent) stats.answersSent++;
  }

  #send(destination: Uint8Array, packet: {
    readonly operation: number;
    readonly senderAddress: Uint8Array;
    readonly targetMac: Uint8Array;
    readonly targetAddress: Uint8Array;
  }): boolean {
    const { control, settings, stats } = this.#parts;
    const into = control.add(destination, 0, EtherType.ARP, ARP_LENGTH);
    if (into === null) stats.controlDropped++;
    else encodeArp({ ...packet, senderMac: settings.mac }, into);
    return into !== null;
  }
}
