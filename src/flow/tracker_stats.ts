/**
 * Counters of the flow engine.
 *
 * @module
 */

/** Counters of a {@linkcode FlowTracker}; all only grow, except `openFlows`, `knownFlows` and `heldBytes`. */
export type FlowTrackerStats = {
  /** Segments pushed. */
  segments: number;
  /** Segments that are neither TCP nor UDP; ignored. */
  otherProtocol: number;
  /** Segments whose transport header was not captured whole; ignored. */
  truncatedHeaders: number;
  /** Segments whose checksum was verified and wrong; ignored, as their receiver did. */
  badChecksums: number;
  /** Flows opened. */
  flows: number;
  /** Flows open now. */
  openFlows: number;
  /** Flows remembered now, those that ended a short while ago included. */
  knownFlows: number;
  /** Flows that ended by FIN of both sides. */
  endedFin: number;
  /** Flows that ended by RST. */
  endedReset: number;
  /** Flows that ended because a new connection used their ports. */
  endedReuse: number;
  /** Flows that ended by being quiet for too long. */
  endedIdle: number;
  /** Open flows that were forgotten to stay within `maxFlows`. */
  evicted: number;
  /** Flows that were open when the capture ended. */
  endedCapture: number;
  /** Payload bytes handed out. */
  bytes: number;
  /** Segments that brought nothing new. */
  retransmissions: number;
  /** Segments that came ahead of a hole. */
  outOfOrder: number;
  /** Bytes that came twice with different content while they were held. */
  conflicts: number;
  /** Holes that were given up on, for whatever reason. */
  gaps: number;
  /** Bytes in them. */
  gapBytes: number;
  /** Those given up on because the capture cut the packet. */
  gapsCut: number;
  /** Those given up on because the other side had acknowledged the bytes. */
  gapsAcked: number;
  /** Those given up on at a limit in bytes, packets or time. */
  gapsLimit: number;
  /** Those given up on because the connection or the capture ended. */
  gapsEnd: number;
  /** Memory held out of order now: bytes, and 128 for each piece. */
  heldBytes: number;
  /** Keep-alives and zero-window probes. */
  probes: number;
  /** RST that did not fit the connection; ignored. */
  badResets: number;
  /** RST of connections not known; ignored. */
  strayResets: number;
  /** SYN that did not fit the connection and did not open a new one; ignored. */
  badSyns: number;
  /** FIN before bytes that were already handed out; ignored. */
  badFins: number;
  /** Segments too far from what was seen to belong to the connection; ignored. */
  outOfWindow: number;
  /** Segments of connections that had already ended; ignored. */
  afterClose: number;
  /** Segments with data beyond the FIN of their side; that data is ignored. */
  afterFin: number;
};

/** All counters at zero; internal. */
export function newTrackerStats(): FlowTrackerStats {
  return {
    segments: 0,
    otherProtocol: 0,
    truncatedHeaders: 0,
    badChecksums: 0,
    flows: 0,
    openFlows: 0,
    knownFlows: 0,
    endedFin: 0,
    endedReset: 0,
    endedReuse: 0,
    endedIdle: 0,
    evicted: 0,
    endedCapture: 0,
    bytes: 0,
    retransmissions: 0,
    outOfOrder: 0,
    conflicts: 0,
    gaps: 0,
    gapBytes: 0,
    gapsCut: 0,
    gapsAcked: 0,
    gapsLimit: 0,
    gapsEnd: 0,
    heldBytes: 0,
    probes: 0,
    badResets: 0,
    strayResets: 0,
    badSyns: 0,
    badFins: 0,
    outOfWindow: 0,
    afterClose: 0,
    afterFin: 0,
  };
}
