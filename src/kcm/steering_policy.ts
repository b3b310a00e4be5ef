/**
 * How a multiplexor chooses: which socket gets a message that came in, which connection one that goes out.
 *
 * The contract, for policies of one's own; those that there are are in `policies.ts`.
 *
 * @module
 */

/** What messages with affinity have in common. */
export type SteeringKey = string | number | bigint;

/** Where a message may go: a socket for one that came in, a connection for one that goes out. */
export interface SteeringTarget {
  /** Its number, as in the reports. */
  readonly index: number;
  /** Its share relative to others, for policies that mind; above 0. */
  readonly weight: number;
  /** What its driver says it has to do, in whatever unit: requests without a reply, say. */
  readonly load: number;
  /** Whether it takes a message now. */
  readonly hasRoom: boolean;
  /** Bytes that wait there, to be read or to be written. */
  readonly backlogBytes: number;
}

/** What is steered. */
export interface SteeringSubject {
  /** Bytes of the message: all of one that came in, the first piece of one that goes out. */
  readonly data: Uint8Array;
  /** Where it comes from: the `id` of its connection, or the handle of the socket that sends it. */
  readonly origin: number;
  /** The key that its sender gave it. */
  readonly key: SteeringKey | undefined;
}

/** A policy at work, for one direction of one multiplexor. */
export interface Steering {
  /**
   * Chooses among the targets, of which there is at least one, in order of their index. They all have room, unless the
   * policy `waits`: then they are all that there are, and a message for one without room waits for it. `undefined`:
   * whichever is next in line.
   */
  choose(subject: SteeringSubject, targets: readonly SteeringTarget[]): SteeringTarget | undefined;
  /** A target has come. */
  joined?(target: SteeringTarget): void;
  /** A target is gone. Messages that wait for it are steered anew. */
  left?(target: SteeringTarget): void;
  /** A connection or socket that messages came from is gone. */
  originLeft?(origin: number): void;
}

/** A way to choose, given to a multiplexor for messages that come in (`policy`) or that go out (`sendPolicy`). */
export interface SteeringPolicy {
  /** Short name for people. */
  readonly name: string;
  /**
   * Whether a message waits for the target that was chosen for it, so that none overtakes another on its way there.
   *
   * @default {false} (it goes to one with room)
   */
  readonly waits?: boolean | undefined;
  /** Begins to steer. */
  start(): Steering;
}
