/**
 * What a connection does when time has passed: retransmission (RFC 6298), probes (RFC 8985, RFC 9293 section 3.8.6.1),
 * keep-alives (section 3.8.4), and the waits that end it.
 *
 * @module
 */
import { L3L4Error } from "../errors.ts";
import { ackContext } from "./segment_arrives.ts";
import { Due, type Tcb, TcpEvent } from "./tcb.ts";
import { TcpState } from "./tcp_state.ts";

/** When something is due. */
export function timeoutAt(tcb: Tcb): number {
  const { due, flight, receive } = tcb;
  if (tcb.state === TcpState.CLOSED) return Infinity;
  let at = Math.min(receive.ackAt, tcb.dataAt + tcb.choices.idleTimeoutMs);
  if (flight !== null && flight.reorderAt < at) at = flight.reorderAt;
  for (let i = 0; i < due.length; i++) if (due[i]! < at) at = due[i]!;
  return at;
}

/** Does what is due. */
export function onTimeout(tcb: Tcb, now: number): void {
  const { due, receive, flight } = tcb;
  if (tcb.state === TcpState.CLOSED) return;
  if (receive.ackAt <= now) {
    receive.ackAt = Infinity;
    receive.ackNow();
  }
  if (due[Due.PACE] <= now) due[Due.PACE] = Infinity;
  if (flight !== null && flight.reorderAt <= now) flight.onReorderTimeout(ackContext(tcb, now), now);
  if (due[Due.TAIL_PROBE] <= now) {
    // it comes before a retransmission timeout that is due as well, and starts that timer again
    due[Due.TAIL_PROBE] = Infinity;
    due[Due.RETRANSMISSION] = Infinity;
    tcb.isProbeDue = true;
  }
  if (due[Due.WINDOW_PROBE] <= now) {
    due[Due.WINDOW_PROBE] = Infinity;
    tcb.persistCount++;
    tcb.isPersistDue = true;
  }
  if (due[Due.MEMORY] <= now) {
    due[Due.MEMORY] = Infinity;
    tcb.isWritableWanted = false;
    tcb.note(TcpEvent.WRITABLE);
  }
  if (due[Due.RETRANSMISSION] <= now) onRetransmissionTimeout(tcb, now);
  if (due[Due.KEEPALIVE] <= now) onKeepalive(tcb, now);
  if (due[Due.FIN_WAIT] <= now) tcb.finish(null);
  else if (tcb.dataAt + tcb.choices.idleTimeoutMs <= now) tcb.timeOut("nothing went either way for the idle timeout");
  tcb.host.wantsTransmit(tcb.connection);
}

function onRetransmissionTimeout(tcb: Tcb, now: number): void {
  const { due, recovery, rtt } = tcb;
  due[Due.RETRANSMISSION] = Infinity;
  tcb.timeouts++;
  if (tcb.state === TcpState.SYN_SENT || tcb.state === TcpState.SYN_RECEIVED) return onSynTimeout(tcb, now);
  // a probe was answered: that the window is shut is no reason to give up (MUST-37), unless nobody is there any more who waits
  if (tcb.sendWindow === 0 && tcb.isShutConfirmed) tcb.progressAt = now;
  tcb.isShutConfirmed = false;
  const isOrphan = tcb.isFinQueued && !tcb.isReading;
  if (now - (isOrphan ? tcb.advancedAt : tcb.progressAt) >= tcb.choices.userTimeoutMs) {
    return tcb.timeOut(`nothing was acknowledged for ${tcb.choices.userTimeoutMs} ms`);
  }
  due[Due.TAIL_PROBE] = Infinity;
  tcb.isProbeDue = false;
  if (tcb.sendWindow === 0) {
    recovery.board.loseAll();
    rtt.backOff();
    return;
  }
  recovery.onRetransmissionTimeout(tcb.una, tcb.next, now);
}

function onSynTimeout(tcb: Tcb, now: number): void {
  const { connectTimeoutMs, maxSynRetries } = tcb.settings;
  if (now - tcb.sentAt >= connectTimeoutMs || tcb.synRetries >= maxSynRetries) {
    return tcb.finish(
      new L3L4Error(`no answer for ${Math.round(now - tcb.sentAt)} ms`, { code: "ETIMEDOUT", blame: "remote" }),
    );
  }
  tcb.synRetries++;
  tcb.rtt.backOff();
  tcb.isSynDue = true;
}

function onKeepalive(tcb: Tcb, now: number): void {
  const { due, settings } = tcb;
  due[Due.KEEPALIVE] = now + settings.keepaliveIntervalMs;
  if (tcb.next !== tcb.una) return;
  if (tcb.keepaliveCount >= settings.keepaliveProbes) {
    return tcb.timeOut(`${settings.keepaliveProbes} keep-alives had no answer`);
  }
  tcb.keepaliveCount++;
  tcb.isKeepaliveDue = true;
}
