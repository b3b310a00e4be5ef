/** ICMP types and codes by the names that scripts have for them (RFC 792, 1122, 1812, 4443). */

interface IcmpType {
  type: number;
  codes: readonly string[];
}

const v4: Readonly<Record<string, IcmpType>> = {
  unreachable: {
    type: 3,
    codes: [
      "net_unreachable",
      "host_unreachable",
      "protocol_unreachable",
      "port_unreachable",
      "frag_needed",
      "source_route_failed",
      "net_unknown",
      "host_unknown",
      "source_host_isolated",
      "net_prohibited",
      "host_prohibited",
      "net_unreachable_for_tos",
      "host_unreachable_for_tos",
      "packet_filtered",
      "precedence_violation",
      "precedence_cutoff",
    ],
  },
  source_quench: { type: 4, codes: [] },
  redirect: { type: 5, codes: [] },
  time_exceeded: { type: 11, codes: ["ttl_exceeded_in_transit", "frag_reass_exceeded"] },
  parameter_problem: { type: 12, codes: ["code_0", "code_1", "code_2"] },
};

const v6: Readonly<Record<string, IcmpType>> = {
  unreachable: {
    type: 1,
    codes: ["no_route", "admin_prohibited", "not_neighbour", "address_unreachable", "port_unreachable"],
  },
  packet_too_big: { type: 2, codes: [] },
  time_exceeded: { type: 3, codes: ["exceeded_hop_limit", "exceeded_frag_time"] },
  parameter_problem: { type: 4, codes: ["header_field", "unknown_next_header", "unknown_option"] },
};

/** The numbers of a type and code; `code_N` names any code. */
export function icmpNumbers(version: 4 | 6, type: string, code: string | undefined): { type: number; code: number } {
  const table = version === 4 ? v4 : v6;
  const found = Object.hasOwn(table, type) ? table[type] : undefined;
  if (found === undefined) throw new Error(`unknown type of ICMP message ${type}`);
  if (code === undefined) return { type: found.type, code: 0 };
  const number = found.codes.indexOf(code);
  if (number >= 0) return { type: found.type, code: number };
  const numbered = /^code_(\d+)$/.exec(code);
  if (numbered === null) throw new Error(`unknown code ${code} of ICMP message ${type}`);
  return { type: found.type, code: Number(numbered[1]) };
}
