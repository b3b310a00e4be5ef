/**
 * The two kinds of UDP ports: a flow with one peer, and one that is bound for all.
 *
 * @module
 */
import { equals } from "../bytes/equals.ts";
import { IpProtocol } from "../packet/segment.ts";
import type { UdpTarget } from "./datagram_sink.ts";
import { versionOf } from "./flow_ends.ts";
import { IpTemplate } from "./ip_header.ts";
import type { FlowPath } from "./l3l4_sink.ts";
import { UdpEndpoint, type UdpHost } from "./udp_endpoint.ts";

/** A flow. */
export class UdpFlow extends UdpEndpoint implements FlowPath {
  /** See {@linkcode FlowPath}. */
  readonly version: 4 | 6;
  /** See {@linkcode FlowPath}. */
  override readonly localAddress: Uint8Array;
  /** See {@linkcode FlowPath}. */
  override readonly localPort: number;
  /** See {@linkcode FlowPath}. */
  override readonly remoteAddress: Uint8Array;
  /** See {@linkcode FlowPath}. */
  override readonly remotePort: number;
  /** Hash of its ends, and the next one of the same bucket: the table's own. */
  hash = 0;
  /** See `hash`. */
  chain: UdpFlow | null = null;
  /** How its IP headers look. */
  readonly template: IpTemplate;

  /** A flow between these ends. */
  constructor(host: UdpHost, id: number, isActive: boolean, idleTimeoutMs: number, path: FlowPath, now: number) {
    super(host, id, isActive, idleTimeoutMs, now);
    const { version, localAddress, localPort, remoteAddress, remotePort } = path;
    this.version = version;
    this.localAddress = localAddress;
    this.localPort = localPort;
    this.remoteAddress = remoteAddress;
    this.remotePort = remotePort;
    const { dscp, hopLimit } = host.settings;
    this.template = new IpTemplate(version, localAddress, remoteAddress, IpProtocol.UDP, hopLimit, dscp);
  }

  /** See {@linkcode UdpEndpoint}. */
  protected override templateFor(to: UdpTarget | undefined): IpTemplate {
    if (to !== undefined) throw new RangeError("a flow has one peer and sends to no other");
    return this.template;
  }
}

/** A port that is bound for all peers, at one address or at all. */
export class UdpBound extends UdpEndpoint {
  /** See {@linkcode UdpEndpoint}. */
  override readonly localAddress: Uint8Array | null;
  /** See {@linkcode UdpEndpoint}. */
  override readonly localPort: number;
  /** See {@linkcode UdpEndpoint}. */
  override readonly remoteAddress: null = null;
  /** See {@linkcode UdpEndpoint}. */
  override readonly remotePort: 0 = 0;
  #template: IpTemplate | null = null;
  #local: Uint8Array = NOWHERE;
  #remote: Uint8Array = NOWHERE;

  /** A port bound to `localAddress`, or to all when that is `null`. */
  constructor(
    host: UdpHost,
    id: number,
    idleTimeoutMs: number,
    localAddress: Uint8Array | null,
    localPort: number,
    now: number,
  ) {
    super(host, id, true, idleTimeoutMs, now);
    this.localAddress = localAddress;
    this.localPort = localPort;
  }

  /** See {@linkcode UdpEndpoint}. The header of the last receiver is kept, who may well be the next. */
  protected override templateFor(to: UdpTarget | undefined): IpTemplate {
    const local = this.localAddress ?? to?.localAddress;
    if (to === undefined || local === undefined) {
      throw new RangeError("a port that is bound for all must be told where to send to and from");
    }
    const { remoteAddress: remote } = to;
    if (this.#template !== null && equals(local, this.#local) && equals(remote, this.#remote)) return this.#template;
    const version = versionOf(local, remote);
    const { dscp, hopLimit } = this.host.settings;
    this.#local = local.slice();
    this.#remote = remote.slice();
    this.#template = new IpTemplate(version, this.#local, this.#remote, IpProtocol.UDP, hopLimit, dscp);
    return this.#template;
  }
}

const NOWHERE = new Uint8Array(0);
