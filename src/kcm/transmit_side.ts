/**
 * The send side of one connection: the messages given to it, and which of their bytes are in flight. Internal.
 *
 * Not here: which messages those are (`transmit_steering.ts`, `linux_transmit.ts`).
 *
 * @module
 */
import { Fifo } from "./fifo.ts";
import type { Outgoing } from "./outgoing_message.ts";
import type { LowerTransmitStats } from "./transmit_ports.ts";

/** How much a driver pulls that does not say. */
export const DEFAULT_PULL_BYTES: number = 64 * 1024;

/** The send side of one connection. */
export class TransmitSide {
  /** Messages given to it, the first of which may have begun. */
  readonly queue: Fifo<Outgoing> = new Fifo();
  /** Written messages that wait for a reply, in order. */
  awaiting: Set<Outgoing> | undefined = undefined;
  /** Whether no reply can come any more. */
  isDeaf = false;
  /** Bytes of these that are not written. */
  backlogBytes = 0;
  /** Bytes in flight. */
  flying = 0;
  /** Whether its driver wrote less than it pulled, and has not pulled since. */
  isBlocked = false;
  /** Whether its driver waits to be told that there is something to pull. */
  isAsleep = true;
  /** Whether it is about to be told. */
  isWaking = false;
  /** How often its driver has pulled. */
  pulls = 0;
  /** Sending is over. */
  isStopped = false;
  readonly counts: { -readonly [Name in keyof LowerTransmitStats]: number } = {
    txMessages: 0,
    txBytes: 0,
    reserved: 0,
    unreserved: 0,
    aborts: 0,
  };

  /** Gives it a message. */
  give(message: Outgoing): void {
    this.queue.push(message);
    this.backlogBytes += message.length;
  }

  /**
   * Puts the next bytes in flight. In the second half of `maxBytes` no message begins that does not fit: one that is cut
   * can go nowhere else, and whoever reads it has to put it together.
   */
  takeOff(maxBytes: number): Uint8Array[] {
    const { queue } = this;
    const views: Uint8Array[] = [];
    let room = maxBytes;
    for (let i = 0; room > 0 && i < queue.length; i++) {
      const message = queue.at(i);
      if (message.length > room && room * 2 < maxBytes) break;
      room -= message.offer(views, room);
    }
    this.pulls++;
    this.flying = maxBytes - room;
    this.isBlocked = false;
    return views;
  }

  /** Of the bytes in flight the first `count` were written; `done` is told of each message that is complete. */
  land(count: number, done: (message: Outgoing) => void): void {
    const { queue, counts } = this;
    this.isBlocked = count < this.flying;
    this.flying = 0;
    counts.txBytes += count;
    this.backlogBytes -= count;
    let left = count;
    for (let i = 0; i < queue.length;) {
      const message = queue.at(i);
      if (message.bytesOffered === 0) return;
      const written = Math.min(left, message.bytesOffered);
      message.bytesWritten += written;
      message.bytesOffered = 0;
      left -= written;
      if (message.bytesWritten < message.length) {
        i++;
        continue;
      }
      // those before it are complete, too
      queue.shift();
      counts.txMessages++;
      done(message);
    }
  }

  /** Takes back all that has not begun. */
  takeUnstarted(): Outgoing[] {
    const all = this.queue.takeAll();
    const first = all.findIndex((message) => !message.isStarted);
    const kept = first < 0 ? all.length : first;
    for (let i = 0; i < kept; i++) this.queue.push(all[i]!);
    const taken = all.slice(kept);
    for (const message of taken) this.backlogBytes -= message.length;
    return taken;
  }

  /** Takes back everything; nothing is in flight any more. */
  takeAll(): Outgoing[] {
    this.flying = 0;
    this.backlogBytes = 0;
    return this.queue.takeAll();
  }
}
