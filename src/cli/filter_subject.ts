/**
 * Flows and packets as filters see them.
 *
 * @module
 */
import type { FlowRecord } from "../flow/mod.ts";
import { IpProtocol, type Segment } from "../packet/mod.ts";
import type { FilterSubject } from "./flow_filter.ts";

/** A flow, for a filter. */
export function flowSubject(record: FlowRecord): FilterSubject {
  const { protocol, client, server } = record.key;
  return { protocol, ends: [client, server], id: record.id };
}

/** A segment, for a filter; `id` is the number of its flow, 0 where it is not known. */
export function segmentSubject(segment: Segment, id: number): FilterSubject {
  return {
    protocol: protocolName(segment.protocol),
    ends: [
      { address: segment.sourceAddress, port: segment.sourcePort },
      { address: segment.destinationAddress, port: segment.destinationPort },
    ],
    id,
  };
}

/** What a protocol is called in filters and in what is shown. */
export function protocolName(protocol: number): string {
  switch (protocol) {
    case IpProtocol.TCP:
      return "tcp";
    case IpProtocol.UDP:
      return "udp";
    case IpProtocol.ICMP:
      return "icmp";
    case IpProtocol.ICMPV6:
      return "icmp6";
  }
  return `ip ${protocol}`;
}

/** An address and a port in one word. */
export function formatEndpoint(end: { readonly address: string; readonly port: number }): string {
  return end.address.includes(":") ? `[${end.address}]:${end.port}` : `${end.address}:${end.port}`;
}

/** Names two ends, in whatever order they come. */
export function pairKey({ protocol, ends: [a, b] }: FilterSubject): string {
  const one = formatEndpoint(a);
  const other = formatEndpoint(b);
  return one < other ? `${protocol} ${one} ${other}` : `${protocol} ${other} ${one}`;
}
