/**
 * What the TCP of an endpoint counts.
 *
 * @module
 */

/** Counters from the beginning on, and how many there are of what now. */
export interface TcpStats {
  /** Segments received. */
  segments: number;
  /** Of these, dropped because they were malformed. */
  malformed: number;
  /** Dropped because no TCP runs between such addresses or ports. */
  unsuitable: number;
  /** Segments that belonged to no connection and asked for none. */
  strays: number;
  /** Resets sent that belong to no connection. */
  resets: number;
  /** Answers that were not sent because too many waited. */
  answersDropped: number;
  /** Connections asked for by peers, duplicates apart. */
  requests: number;
  /** Requests dropped because there was no room for another connection. */
  requestsDropped: number;
  /** Requests answered with a reset. */
  requestsRefused: number;
  /** Requests that were not answered. */
  requestsIgnored: number;
  /** Segments that would have opened a connection, dropped because nobody had room for it; the peer sends them again. */
  openingsDropped: number;
  /** Half-open connections that gave way to others. */
  halfOpenEvicted: number;
  /** Half-open connections given up because their peers were silent. */
  halfOpenTimeouts: number;
  /** Half-open connections that their peers reset. */
  halfOpenResets: number;
  /** SYN-ACKs sent again because the peer was silent. */
  synAckRetransmits: number;
  /** SYN-ACKs with cookies. */
  cookiesSent: number;
  /** Connections opened with cookies. */
  cookiesAccepted: number;
  /** Acknowledgments that bore no good cookie while there were some. */
  cookiesRejected: number;
  /** Connections opened by peers. */
  passiveOpens: number;
  /** Connections asked for by us. */
  activeOpens: number;
  /** Connections forgotten before their time in TIME-WAIT was over. */
  timeWaitEvicted: number;
  /** Connections in TIME-WAIT that were opened anew. */
  timeWaitReopened: number;
  /** Connections now, those below apart. */
  connections: number;
  /** Half-open connections now. */
  halfOpen: number;
  /** Connections in TIME-WAIT now. */
  timeWait: number;
  /** Bytes of buffers in use now. */
  bufferBytes: number;
}

/** All zero. */
export function newTcpStats(): TcpStats {
  return {
    segments: 0,
    malformed: 0,
    unsuitable: 0,
    strays: 0,
    resets: 0,
    answersDropped: 0,
    requests: 0,
    requestsDropped: 0,
    requestsRefused: 0,
    requestsIgnored: 0,
    openingsDropped: 0,
    halfOpenEvicted: 0,
    halfOpenTimeouts: 0,
    halfOpenResets: 0,
    synAckRetransmits: 0,
    cookiesSent: 0,
    cookiesAccepted: 0,
    cookiesRejected: 0,
    passiveOpens: 0,
    activeOpens: 0,
    timeWaitEvicted: 0,
    timeWaitReopened: 0,
    connections: 0,
    halfOpen: 0,
    timeWait: 0,
    bufferBytes: 0,
  };
}
