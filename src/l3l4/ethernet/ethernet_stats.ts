/**
 * Counters of an Ethernet port.
 *
 * @module
 */

/** The counters. */
export interface EthernetStats {
  /** Frames that came. */
  framesReceived: number;
  /** IP packets handed up. */
  packetsReceived: number;
  /** IP packets sent in frames. */
  packetsSent: number;
  /** Frames that ended within their header. */
  truncated: number;
  /** Frames of other VLANs, or without the tags of the port's. */
  otherVlan: number;
  /** Frames for other stations. */
  otherStation: number;
  /** Frames with the port's own address as their source, or with none that a station can have. */
  badSource: number;
  /** Frames with neither IP nor ARP. */
  unknownType: number;
  /** Packets for one host in frames for many (RFC 1122 section 3.3.6), and IP of another version than the frame says. */
  badPackets: number;
  /** ARP packets that came. */
  arpReceived: number;
  /** ARP packets that were no good. */
  badArp: number;
  /** Neighbour solicitations and advertisements that came. */
  ndpReceived: number;
  /** Those that RFC 4861 wants thrown away. */
  badNdp: number;
  /** Questions for addresses. */
  solicitationsSent: number;
  /** Questions not asked for want of `solicitationsPerSecond`. */
  solicitationsLimited: number;
  /** Answers to questions. */
  answersSent: number;
  /** Answers, questions and announcements for which `maxControlFrames` left no room. */
  controlDropped: number;
  /** Packets to be sent that were not IP, or too short for it. */
  unsendable: number;
  /** Packets dropped because nobody answered for their address. */
  unreachable: number;
  /** Other stations that claimed an address of the port's own. */
  conflicts: number;
  /** Neighbours that gave way to others. */
  neighborsEvicted: number;
  /** Packets that were dropped while they waited for an address, for want of room. */
  waitingDropped: number;
}

/** Counters at the start. */
export function newEthernetStats(): EthernetStats {
  return {
    framesReceived: 0,
    packetsReceived: 0,
    packetsSent: 0,
    truncated: 0,
    otherVlan: 0,
    otherStation: 0,
    badSource: 0,
    unknownType: 0,
    badPackets: 0,
    arpReceived: 0,
    badArp: 0,
    ndpReceived: 0,
    badNdp: 0,
    solicitationsSent: 0,
    solicitationsLimited: 0,
    answersSent: 0,
    controlDropped: 0,
    unsendable: 0,
    unreachable: 0,
    conflicts: 0,
    neighborsEvicted: 0,
    waitingDropped: 0,
  };
}
