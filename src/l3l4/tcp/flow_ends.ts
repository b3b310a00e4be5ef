/**
 * Both ends of a connection, made of what it has to know anyway.
 *
 * @module
 */
import type { IpTemplate } from "../ip_header.ts";
import type { FlowPath } from "../l3l4_sink.ts";

/** The ends of the flow whose headers `template` writes. Addresses are made when they are asked for. */
export class FlowEnds implements FlowPath {
  /** See {@linkcode FlowPath}. */
  readonly localPort: number;
  /** See {@linkcode FlowPath}. */
  readonly remotePort: number;
  readonly #template: IpTemplate;

  /** Names the ports. */
  constructor(template: IpTemplate, localPort: number, remotePort: number) {
    this.#template = template;
    this.localPort = localPort;
    this.remotePort = remotePort;
  }

  /** See {@linkcode FlowPath}. */
  get version(): 4 | 6 {
    return this.#template.headerLength === 20 ? 4 : 6;
  }

  /** See {@linkcode FlowPath}. */
  get localAddress(): Uint8Array {
    return this.#template.source;
  }

  /** See {@linkcode FlowPath}. */
  get remoteAddress(): Uint8Array {
    return this.#template.destination;
  }
}
