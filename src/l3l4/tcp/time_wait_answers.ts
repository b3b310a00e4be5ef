/**
 * What segments get that come for a connection in TIME-WAIT (RFC 9293 section 3.10.7.4, RFC 1337, RFC 6191).
 *
 * @module
 */
import { TcpFlag } from "../../packet/tcp.ts";
import type { SegmentCursor } from "./segment_cursor.ts";
import type { TcpAnswers } from "./tcp_answers.ts";
import type { Ending } from "./tcp_host.ts";
import type { TcpKey } from "./tcp_key.ts";
import { type TcpSecrets, timestampAt } from "./tcp_secrets.ts";
import type { TcpSettings } from "./tcp_settings.ts";
import type { TimeWaitTable } from "./time_wait.ts";

/** Whether the segment opens the connection anew: a SYN that can't be an old one. */
export function reopensTimeWait(ending: Ending, segment: SegmentCursor, settings: TcpSettings): boolean {
  const { flags } = segment;
  if (!settings.reopensTimeWait || (flags & (TcpFlag.SYN | TcpFlag.ACK | TcpFlag.RST)) !== TcpFlag.SYN) return false;
  const isLater = ((segment.sequence - ending.receiveNext) | 0) > 0;
  if (!ending.hasTimestamps || !segment.hasTimestamps) return isLater;
  const age = (segment.tsValue - ending.tsRecent) | 0;
  return age > 0 || (age === 0 && isLater);
}

/** Answers those segments. */
export class TimeWaitAnswers {
  readonly #table: TimeWaitTable;
  readonly #answers: TcpAnswers;
  readonly #secrets: TcpSecrets;

  /** For the connections in `table`. */
  constructor(table: TimeWaitTable, answers: TcpAnswers, secrets: TcpSecrets) {
    this.#table = table;
    this.#answers = answers;
    this.#secrets = secrets;
  }

  /** A segment came for the connection `id`. Returns whether an answer was dropped for want of room. */
  receive(id: number, ending: Ending, segment: SegmentCursor, key: TcpKey, now: number): boolean {
    const { flags, sequence, length } = segment;
    // RFC 1337: a reset must not end it before its time
    if ((flags & TcpFlag.RST) !== 0) return false;
    const end = (sequence + length) | 0;
    if (
      (flags & (TcpFlag.FIN | TcpFlag.SYN | TcpFlag.ACK)) === (TcpFlag.FIN | TcpFlag.ACK) && end === ending.receiveNext
    ) {
      this.#table.restart(id, now);
      return this.#acknowledge(ending, key, now);
    }
    if (isSilent(ending, segment) || !this.#table.mayAnswer(id, now)) return false;
    return this.#acknowledge(ending, key, now);
  }

  #acknowledge(ending: Ending, key: TcpKey, now: number): boolean {
    const answers = this.#answers;
    answers.bare(ending.sendNext, ending.receiveNext, TcpFlag.ACK, ending.windowField);
    answers.next.hasTimestamps = ending.hasTimestamps;
    answers.next.tsValue = timestampAt(now, this.#secrets.timestampOffset(key));
    answers.next.tsEcho = ending.tsRecent;
    return !answers.push(key);
  }
}

/** What is in order, or neither SYN nor acknowledgment, is not answered. */
function isSilent(ending: Ending, segment: SegmentCursor): boolean {
  if ((segment.flags & (TcpFlag.SYN | TcpFlag.ACK)) === 0) return true;
  return segment.sequence === ending.receiveNext && segment.length === 0 && !isOld(ending, segment);
}

function isOld(ending: Ending, segment: SegmentCursor): boolean {
  return ending.hasTimestamps && segment.hasTimestamps && ((segment.tsValue - ending.tsRecent) | 0) < 0;
}
