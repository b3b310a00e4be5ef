/**
 * What a security class does for the packets of a connection, and what it answers.
 *
 * @module
 */
import type { CallNumbers } from "./rxkad/challenge.ts";
import type { PacketPlace } from "./rxkad/packet_seal.ts";

/** Protects the DATA packets of one connection. */
export interface PacketProtection {
  /** Whether a body is anything else than its data. */
  readonly changesBody: boolean;
  /** Most bytes of data that fit into a body of `bytes`. */
  capacity(bytes: number): number;
  /** Bytes of the body that `bytes` of data become. */
  sealedLength(bytes: number): number;
  /** Makes a body in `into`; returns its length. */
  seal(place: PacketPlace, data: Uint8Array, into: Uint8Array): number;
  /** The 16 bits for the header of the packet at this place. */
  checksum(place: PacketPlace): number;
  /** Checks a body and gives its data; throws an error with an `abortCode`. */
  open(place: PacketPlace, checksum: number, body: Uint8Array): Uint8Array;
}

/** Which connection it is. */
export interface ConnectionIdentity {
  /** As in the header. */
  readonly epoch: number;
  /** As in the header, channel 0. */
  readonly cid: number;
}

/** The client's side of a secured connection. */
export interface ClientProtection extends PacketProtection {
  /**
   * The body of a RESPONSE to a challenge.
   *
   * @param callNumbers where the channels are
   */
  respond(challenge: Uint8Array, callNumbers: CallNumbers): Uint8Array;
}

/** Who is at the other end of a connection, as far as a server knows. */
export interface RxPeerIdentity {
  /** Name and instance, or the principal's components. */
  readonly name: readonly string[];
  /** Cell or realm; empty for the server's own. */
  readonly realm: string;
  /** Security level of the connection. */
  readonly level: number;
}

/** The server's side of a secured connection. */
export interface ServerProtection {
  /** The body of a CHALLENGE; the same until it is answered. */
  challenge(): Uint8Array;
  /**
   * Checks the body of a RESPONSE.
   *
   * @param wallMs time of day in milliseconds since 1970, for tickets
   * @throws an error with an `abortCode`
   */
  accept(response: Uint8Array, wallMs: number): AcceptedConnection;
}

/** What a response that fits has brought. */
export interface AcceptedConnection {
  /** For the packets. */
  readonly protection: PacketProtection;
  /** Who it is. */
  readonly identity: RxPeerIdentity;
  /** The client's last calls: older ones are replays. */
  readonly callNumbers: CallNumbers;
}

/** A security class with a client's secrets. */
export interface ClientSecurity {
  /** Index in the header. */
  readonly index: number;
  /** Calls with the same one may share a connection. */
  readonly bundleKey: string;
  /** Begins a connection. */
  connect(identity: ConnectionIdentity): ClientProtection;
}

/** A security class with a server's secrets. */
export interface ServerSecurity {
  /** Index in the header. */
  readonly index: number;
  /** Begins a connection; `undefined` for a class that does not ask who it is. */
  challenge(identity: ConnectionIdentity): ServerProtection | undefined;
}
