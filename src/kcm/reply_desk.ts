/**
 * Messages whose senders wait for the reply, and which message that is. Internal.
 *
 * A reply goes to the send that waits for it and to no channel: it comes in on the connection that the message went out
 * on, and who waits there is asked before steering is, in the order in which the messages were written. A message still in
 * flight may be answered, too: a driver often hears of the reply before it hears that its write is done.
 *
 * One that takes the next message stays in line when its sender waits no more (the next in line must not get its reply);
 * that reply is then steered like any other message.
 *
 * @module
 */
import { equals } from "../bytes/equals.ts";
import { KcmError } from "./errors.ts";
import type { KcmMessage } from "./kcm_message.ts";
import type { KcmSock } from "./kcm_sock.ts";
import type { DiscardFilter, ReplyMatcher } from "./outgoing.ts";
import type { Outgoing } from "./outgoing_message.ts";
import type { TransmitSide } from "./transmit_side.ts";

/** The engine, as the desk knows it. */
export interface ReplyDeskHost {
  /** Calls what is not ours. */
  guard<T>(run: () => T): T | undefined;
  /** The send side of the connection that a message was written to. */
  sideOf(message: Outgoing): TransmitSide | undefined;
  /** Nobody waits for its reply any more: its connection may have waited for that. */
  unwanted(message: Outgoing): void;
}

/** Who waits for which reply. */
export class ReplyDesk {
  /** Replies that went to whoever waited. */
  answered = 0;
  /** Messages that were accepted and not answered, those that nobody waits for any more included. */
  open = 0;
  /** Written messages that somebody waits for a reply to. */
  wanted = 0;
  readonly #host: ReplyDeskHost;
  readonly #max: number;

  /** Nobody waits; at most so many will. */
  constructor(host: ReplyDeskHost, max: number) {
    this.#host = host;
    this.#max = max;
  }

  /** Throws when nobody can wait for such a reply. */
  check(reply: ReplyMatcher, isLinux: boolean): void {
    if (isLinux) throw new KcmError("Linux knows no replies", { code: "EOPNOTSUPP", blame: "local" });
    const isPattern = typeof reply === "object" && reply?.bytes instanceof Uint8Array &&
      Number.isInteger(reply.offset) && reply.offset >= 0;
    if (reply !== "next" && typeof reply !== "function" && !isPattern) {
      throw new TypeError('reply must be "next", an offset and bytes, or a function');
    }
    if (this.open < this.#max) return;
    throw new KcmError(`no more than maxAwaitedReplies ${this.#max}`, { code: "ENOBUFS", blame: "local" });
  }

  /** A message was accepted that wants a reply. */
  accepted(): void {
    this.open++;
  }

  /** It was written, or will not be. */
  done(message: Outgoing, isWritten: boolean): void {
    if (message.isAnswered) return;
    if (!isWritten) return void this.open--;
    message.release();
    const { socket } = message;
    const side = this.#host.sideOf(message);
    socket.awaiting.add(message);
    this.wanted++;
    if (side === undefined || side.isDeaf) return this.#lose(message, undefined);
    (side.awaiting ??= new Set()).add(message);
    if (!socket.isClosed) return;
    this.giveUp(socket, undefined, closedError());
  }

  /** A message came in; returns whether it went to whoever waited for it. */
  takes(side: TransmitSide, message: KcmMessage): boolean {
    for (const one of side.awaiting ?? []) {
      const outcome = fit(one, message);
      if (outcome === false) continue;
      side.awaiting!.delete(one);
      if (outcome === true) return this.#answer(one, message, this.#unwant(one));
      this.#refuse(one, outcome.thrown);
    }
    const { queue } = side;
    for (let i = 0; i < queue.length; i++) {
      const one = queue.at(i);
      if (one.bytesWritten + one.bytesOffered < one.length) return false;
      const outcome = !one.isAnswered && fit(one, message);
      if (outcome === false) continue;
      one.isAnswered = true;
      if (outcome === true) return this.#answer(one, message, true);
      this.#refuse(one, outcome.thrown);
    }
    return false;
  }

  /** Nothing more comes in on a connection, because of `error` where there is one. */
  ended(side: TransmitSide, error: unknown): void {
    side.isDeaf = true;
    const { awaiting } = side;
    side.awaiting = undefined;
    for (const message of awaiting ?? []) this.#lose(message, error);
  }

  /** A socket waits no more for replies to its messages, or to those that `which` says; it is told of `error` if that is given. */
  giveUp(socket: KcmSock, which: DiscardFilter | undefined, error: unknown): void {
    for (const message of socket.awaiting) {
      if (which?.(message) === false) continue;
      this.#unwant(message);
      if (message.reply !== "next" && this.#host.sideOf(message)?.awaiting?.delete(message) === true) this.open--;
      socket.unanswered(message, error);
    }
  }

  /** Whether somebody waits for a reply on this connection. */
  isWanted(side: TransmitSide): boolean {
    for (const one of side.awaiting ?? []) if (one.socket.awaiting.has(one)) return true;
    return false;
  }

  #answer(one: Outgoing, reply: KcmMessage, isWanted: boolean): boolean {
    this.open--;
    if (!isWanted) return false;
    if (one.socket.isClosed) {
      one.socket.unanswered(one, closedError());
      return false;
    }
    const isTaken = this.#host.guard(() => one.socket.answered(one, reply)) ?? false;
    if (isTaken) this.answered++;
    return isTaken;
  }

  /** Its function has thrown: whoever sent it gets that, and nobody else. */
  #refuse(one: Outgoing, thrown: unknown): void {
    this.open--;
    this.#unwant(one);
    one.socket.unanswered(one, thrown);
  }

  #lose(message: Outgoing, error: unknown): void {
    this.open--;
    if (this.#unwant(message)) message.socket.unanswered(message, unanswered(message, error));
  }

  #unwant(message: Outgoing): boolean {
    const isWanted = message.socket.awaiting.delete(message);
    if (isWanted) {
      this.wanted--;
      this.#host.unwanted(message);
    }
    return isWanted;
  }
}

/** Whether a message is the reply, or what a function has thrown that was asked. */
function fit({ reply }: Outgoing, message: KcmMessage): boolean | { readonly thrown: unknown } {
  if (reply === undefined || reply === "next") return reply === "next";
  if (typeof reply === "object") {
    const { offset, bytes } = reply;
    return equals(message.data.subarray(offset, offset + bytes.length), bytes);
  }
  try {
    return reply(message) === true;
  } catch (thrown) {
    return { thrown };
  }
}

function closedError(): KcmError {
  return new KcmError("the socket was closed", { code: "ECANCELED", blame: "local" });
}

function unanswered({ connection, length }: Outgoing, cause: unknown): KcmError {
  const code = (cause as { code?: unknown } | null | undefined)?.code;
  return new KcmError("the connection was over before the reply came", {
    code: typeof code === "string" ? code : "ECONNABORTED",
    blame: "remote",
    connection,
    bytesWritten: length,
    cause,
  });
}
