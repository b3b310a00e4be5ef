/**
 * Neighbour discovery of a port (RFC 4861 section 7, RFC 4862 section 5.4): solicitations, advertisements, what they teach.
 *
 * Not here: routers, redirects and multicast listeners, whose messages are handed up like any other packet.
 *
 * @module
 */
import { checksumAdd, checksumFinish } from "../../bytes/checksum.ts";
import { readU16, writeU16 } from "../../bytes/integers.ts";
import { isUnspecified } from "../../packet/address.ts";
import { EtherType } from "../../packet/ethernet_types.ts";
import { Icmpv6Type } from "../../packet/icmpv6.ts";
import { IpProtocol } from "../../packet/segment.ts";
import { isAddress, isHostAddress } from "./address_prefix.ts";
import { ipv6GroupMac, isMac, isStation } from "./mac_address.ts";
import type { Neighbor } from "./neighbor.ts";
import type { PortParts } from "./port_parts.ts";

const SIZE = 16;
const UNSPECIFIED = new Uint8Array(SIZE);
const ALL_NODES = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);

/** Offsets in a message with its IPv6 header. */
const NEXT_HEADER = 6;
const HOP_LIMIT = 7;
const SOURCE = 8;
const DESTINATION = 24;
const ICMP = 40;
const FLAGS = 44;
const TARGET = 48;
const OPTIONS = 64;

/** Bits of an advertisement's flags. */
const ROUTER = 0x80;
const SOLICITED = 0x40;
const OVERRIDE = 0x20;

/** Options that tell a MAC address: the source's and the target's. */
const SOURCE_MAC = 1;
const TARGET_MAC = 2;
const OPTION_LENGTH = 8;

/** The group that a host with this address listens to (RFC 4291 section 2.7.1). */
export function solicitedNodeGroup(address: Uint8Array): Uint8Array {
  return Uint8Array.of(
    ...[0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff],
    ...[address[13]!, address[14]!, address[15]!],
  );
}

/** The machine. */
export class Ndp {
  readonly #parts: PortParts;
  readonly #groupMac: Uint8Array = new Uint8Array(6);

  /** Makes it for a port. */
  constructor(parts: PortParts) {
    this.#parts = parts;
  }

  /** Whether an IPv6 packet is for this machine. */
  static isNdp(packet: Uint8Array): boolean {
    if (packet.length < FLAGS || packet[NEXT_HEADER] !== IpProtocol.ICMPV6) return false;
    const type = packet[ICMP];
    return type === Icmpv6Type.NEIGHBOR_SOLICITATION || type === Icmpv6Type.NEIGHBOR_ADVERTISEMENT;
  }

  /** A message came, in a frame whose source is the station at `frameSource`. */
  receive(packet: Uint8Array, frame: Uint8Array, now: number): void {
    const { stats, settings } = this.#parts;
    stats.ndpReceived++;
    const isSolicitation = packet[ICMP] === Icmpv6Type.NEIGHBOR_SOLICITATION;
    const option = isValid(packet) ? macOptionAt(packet, isSolicitation ? SOURCE_MAC : TARGET_MAC) : -1;
    if (option < 0 || (option > 0 && !isStation(packet, option))) {
      stats.badNdp++;
    } else if (option === 0 || !isMac(settings.mac, packet, option)) {
      if (isSolicitation) this.#solicited(packet, option, frame, now);
      else this.#advertised(packet, option, frame, now);
    }
  }

  #solicited(packet: Uint8Array, option: number, frame: Uint8Array, now: number): void {
    const { addresses, claims, neighbors, stats } = this.#parts;
    const isOwn = addresses.isOwn(packet, TARGET, SIZE);
    if (isUnspecified(packet, SOURCE, SIZE)) {
      // somebody asks whether the address is free; who does so listens to its group and tells no address
      const group = solicitedNodeGroup(packet.subarray(TARGET, TARGET + SIZE));
      if (option > 0 || !isAddress(group, packet, DESTINATION)) {
        stats.badNdp++;
      } else if (!claims.probed(packet, TARGET, SIZE, frame, 6, now) && isOwn) {
        this.#answer(packet, frame, 6, ALL_NODES, OVERRIDE);
      }
      return;
    }
    if (!isHostAddress(packet, SOURCE, SIZE)) {
      stats.badNdp++;
      return;
    }
    if (addresses.isOwn(packet, SOURCE, SIZE)) return claims.conflict(packet, SOURCE, SIZE, frame, 6, now);
    if (!isOwn && !this.#isPlayed(packet)) return;
    if (option > 0) {
      const neighbor = neighbors.find(packet, SOURCE, SIZE) ?? neighbors.add(packet, SOURCE, SIZE, UNSPECIFIED);
      neighbor.learn(packet, option, now);
      neighbors.timers.update(neighbor);
    }
    if (!claims.isSettled(packet, TARGET, SIZE)) return;
    // an address that we only play gives way to its owner's answer
    const flags = SOLICITED | (isOwn ? OVERRIDE : 0);
    const asker = packet.subarray(SOURCE, SOURCE + SIZE);
    if (option > 0) this.#answer(packet, packet, option, asker, flags);
    else this.#answer(packet, frame, 6, asker, flags);
  }

  #isPlayed(packet: Uint8Array): boolean {
    const { addresses, neighbors } = this.#parts;
    if (!addresses.isPlayed(packet, TARGET, SIZE)) return false;
    const neighbor = neighbors.find(packet, TARGET, SIZE);
    return neighbor === undefined || neighbor.state === "incomplete";
  }

  /** Appendix C of RFC 4861. */
  #advertised(packet: Uint8Array, option: number, frame: Uint8Array, now: number): void {
    const { addresses, claims, neighbors, stats } = this.#parts;
    const flags = packet[FLAGS]!;
    if (packet[DESTINATION] === 0xff && (flags & SOLICITED) !== 0) {
      stats.badNdp++;
      return;
    }
    if (addresses.isOwn(packet, TARGET, SIZE)) return claims.conflict(packet, TARGET, SIZE, frame, 6, now);
    const neighbor = neighbors.find(packet, TARGET, SIZE);
    if (neighbor === undefined) return;
    if (neighbor.state === "incomplete") {
      if (option === 0) return;
    } else if (option > 0 && !isMac(neighbor.mac, packet, option) && (flags & OVERRIDE) === 0) {
      if (neighbor.state === "reachable") neighbor.suspect();
      neighbors.timers.update(neighbor);
      return;
    }
    neighbor.isRouter = (flags & ROUTER) !== 0;
    if (option > 0) neighbor.learn(packet, option, now);
    if ((flags & SOLICITED) !== 0) neighbor.confirm(now);
    neighbors.timers.update(neighbor);
  }

  /** Asks for the address of a neighbour. */
  solicit(neighbor: Neighbor, isUnicast: boolean): boolean {
    const { address } = neighbor;
    const source = this.#parts.addresses.sourceFor(address, neighbor.sender);
    if (isUnicast) return this.#send(neighbor.mac, 0, source, address, 0, address, SOURCE_MAC);
    return this.#sendToGroup(source, solicitedNodeGroup(address), 0, address, SOURCE_MAC);
  }

  /** Asks whether an own address is free. */
  probe(address: Uint8Array): boolean {
    return this.#sendToGroup(UNSPECIFIED, solicitedNodeGroup(address), 0, address, 0);
  }

  /** Tells all that an own address is ours. */
  announce(address: Uint8Array): boolean {
    return this.#sendToGroup(address, ALL_NODES, this.#routerFlag | OVERRIDE, address, TARGET_MAC);
  }

  get #routerFlag(): number {
    return this.#parts.settings.isRouter ? ROUTER : 0;
  }

  #answer(packet: Uint8Array, mac: Uint8Array, macAt: number, to: Uint8Array, flags: number): void {
    const target = packet.subarray(TARGET, TARGET + SIZE);
    const all = flags | this.#routerFlag;
    const isSent = to === ALL_NODES
      ? this.#sendToGroup(target, to, all, target, TARGET_MAC)
      : this.#send(mac, macAt, target, to, all, target, TARGET_MAC);
    if (isSent) this.#parts.stats.answersSent++;
  }

  #sendToGroup(source: Uint8Array, group: Uint8Array, flags: number, target: Uint8Array, option: number): boolean {
    ipv6GroupMac(group, 0, this.#groupMac);
    return this.#send(this.#groupMac, 0, source, group, flags, target, option);
  }

  #send(
    mac: Uint8Array,
    macAt: number,
    source: Uint8Array,
    destination: Uint8Array,
    flags: number,
    target: Uint8Array,
    option: number,
  ): boolean {
    const { control, settings, stats } = this.#parts;
    const length = OPTIONS + (option === 0 ? 0 : OPTION_LENGTH);
    const into = control.add(mac, macAt, EtherType.IPV6, length);
    if (into === null) {
      stats.controlDropped++;
      return false;
    }
    into[0] = 0x60;
    writeU16(into, 4, length - ICMP);
    into[NEXT_HEADER] = IpProtocol.ICMPV6;
    into[HOP_LIMIT] = 255;
    into.set(source, SOURCE);
    into.set(destination, DESTINATION);
    into[ICMP] = option === TARGET_MAC ? Icmpv6Type.NEIGHBOR_ADVERTISEMENT : Icmpv6Type.NEIGHBOR_SOLICITATION;
    into[FLAGS] = flags;
    into.set(target, TARGET);
    if (option !== 0) {
      into[OPTIONS] = option;
      into[OPTIONS + 1] = 1;
      into.set(settings.mac, OPTIONS + 2);
    }
    writeU16(into, ICMP + 2, checksumOf(into, length));
    return true;
  }
}

/** Sections 7.1.1 and 7.1.2, but for what concerns one kind of message. */
function isValid(packet: Uint8Array): boolean {
  const end = ICMP + readU16(packet, 4);
  if (packet[HOP_LIMIT] !== 255 || packet[ICMP + 1] !== 0 || end < OPTIONS || end > packet.length) return false;
  return packet[TARGET] !== 0xff && checksumOf(packet, end) === 0;
}

function checksumOf(packet: Uint8Array, end: number): number {
  return checksumFinish(checksumAdd(end - ICMP + IpProtocol.ICMPV6, packet, SOURCE, end));
}

/** Where the MAC address of an option of this type is; 0 without one, -1 when the options are no good. */
function macOptionAt(packet: Uint8Array, type: number): number {
  const end = ICMP + readU16(packet, 4);
  let found = 0;
  for (let at = OPTIONS; at < end;) {
    const length = at + 1 < end ? packet[at + 1]! * 8 : 0;
    if (length === 0 || at + length > end) return -1;
    if (packet[at] === type && length === OPTION_LENGTH && found === 0) found = at + 2;
    at += length;
  }
  return found;
}
