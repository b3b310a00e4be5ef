/** Packets: `< S 0:0(0) win 65535 <mss 1460,nop,wscale 6>` and the like. */
import type { IcmpSpec, PacketAction, SequenceRange, TcpOption, TcpSpec } from "./ast.ts";
import type { TokenReader } from "./token_reader.ts";

const FLAGS = /^[SFPRUEWA]+$/;
const ECN = ["noecn", "ect0", "ect1", "ect01", "ce"];

/** A packet whose direction has been read. */
export function parsePacket(reader: TokenReader, direction: "in" | "out"): PacketAction {
  const ip = parseIp(reader);
  const ecn = parseEcn(reader);
  const packet = parseTransport(reader);
  return { kind: "packet", direction, ip, ecn, packet, encapsulation: parseEncapsulation(reader) };
}

function parseTransport(reader: TokenReader): PacketAction["packet"] {
  if (reader.take("icmp")) return parseIcmp(reader);
  if (!reader.take("udp")) return parseTcp(reader);
  reader.expect("(");
  const length = reader.integer("a length");
  reader.expect(")");
  return { kind: "udp", length };
}

function parseIp(reader: TokenReader): PacketAction["ip"] {
  const fields: PacketAction["ip"] = [];
  if (!reader.take("(")) return fields;
  do {
    const name = reader.name("ttl, hlim, tos, class or flowlabel");
    fields.push({ name, value: reader.integer("a number") });
  } while (reader.take(","));
  reader.expect(")");
  return fields;
}

function parseEcn(reader: TokenReader): string | undefined {
  if (!reader.take("[")) return undefined;
  const { text } = reader.token;
  if (!ECN.includes(text)) return reader.fail(ECN.join(", "));
  reader.next();
  reader.expect("]");
  return text;
}

function parseTcp(reader: TokenReader): TcpSpec {
  const flags = parseFlags(reader);
  const sequence = parseSequence(reader);
  const ack = reader.take("ack") ? reader.integer("an acknowledgement number") : undefined;
  const window = reader.take("win") ? reader.integer("a window") : undefined;
  const urgent = reader.take("urg") ? reader.integer("an urgent pointer") : undefined;
  const hasOptions = reader.is("<") && !reader.token.isFirst;
  return { kind: "tcp", flags, sequence, ack, window, urgent, options: hasOptions ? parseOptions(reader) : [] };
}

function parseFlags(reader: TokenReader): string {
  if (reader.take("-")) return "";
  const first = reader.token;
  let flags = "";
  if (first.kind === "name") {
    if (!FLAGS.test(first.text)) return reader.fail("TCP flags, icmp or udp");
    flags = reader.next().text;
  }
  if (reader.is(".") && (flags === "" || !reader.token.isApart)) flags += reader.next().text;
  if (flags === "") return reader.fail("TCP flags, icmp or udp");
  return flags;
}

/** `start:end(length)` or `...(length)`. */
export function parseSequence(reader: TokenReader): SequenceRange {
  const token = reader.token;
  let start: number | undefined;
  let end: number | undefined;
  if (!reader.take("...")) {
    start = reader.integer("a sequence number");
    reader.expect(":");
    end = reader.integer("a sequence number");
  }
  reader.expect("(");
  const length = reader.integer("a length");
  reader.expect(")");
  if (start !== undefined && (start + length) % 2 ** 32 !== end! % 2 ** 32) {
    return reader.fail(`a range of ${length} bytes`, { ...token, text: `${start}:${end}` });
  }
  return { start, length, isAbsolute: reader.take("!") };
}

function parseOptions(reader: TokenReader): TcpOption[] | "any" {
  reader.expect("<");
  const options: TcpOption[] = [];
  if (reader.take(">")) return options;
  if (reader.take("...")) {
    reader.expect(">");
    return "any";
  }
  do {
    options.push(parseOption(reader));
  } while (reader.take(","));
  reader.expect(">");
  return options;
}

function parseOption(reader: TokenReader): TcpOption {
  const kind = reader.token.text;
  const parse = Object.hasOwn(optionParsers, kind) ? optionParsers[kind] : undefined;
  if (parse === undefined || reader.token.kind !== "name") return reader.fail("a TCP option");
  reader.next();
  return parse(reader);
}

const optionParsers: Readonly<Record<string, (reader: TokenReader) => TcpOption>> = {
  nop: () => ({ kind: "nop" }),
  eol: () => ({ kind: "eol" }),
  sackOK: () => ({ kind: "sackOK" }),
  mss: (reader) => ({ kind: "mss", value: reader.integer("a segment size") }),
  wscale: (reader) => ({ kind: "wscale", value: reader.integer("a shift") }),
  TS(reader) {
    reader.expect("val");
    const value = reader.integer("a timestamp");
    reader.expect("ecr");
    return { kind: "TS", value, echo: reader.integer("a timestamp") };
  },
  sack(reader) {
    const blocks: { start: number; end: number }[] = [];
    do {
      const start = reader.integer("a block");
      reader.expect(":");
      blocks.push({ start, end: reader.integer("the end of a block") });
    } while (reader.token.kind === "number");
    return { kind: "sack", blocks };
  },
  md5: (reader) => ({ kind: "md5", value: reader.name("valid or invalid") }),
  FO: (reader) => ({ kind: "fastOpen", isExperimental: false, cookie: parseCookie(reader) }),
  FOEXP: (reader) => ({ kind: "fastOpen", isExperimental: true, cookie: parseCookie(reader) }),
};

/** Hexadecimal digits, which fall into several tokens. */
function parseCookie(reader: TokenReader): string {
  let cookie = "";
  while (reader.token.kind === "number" || reader.token.kind === "name") cookie += reader.next().text;
  return cookie;
}

function parseIcmp(reader: TokenReader): IcmpSpec {
  const type = reader.name("a type of ICMP message");
  const code = reader.token.kind === "name" && !reader.is("mtu") ? reader.next().text : undefined;
  const mtu = reader.take("mtu") ? reader.integer("an MTU") : undefined;
  let quoted: SequenceRange | undefined;
  if (reader.take("[")) {
    quoted = parseSequence(reader);
    reader.expect("]");
  }
  return { kind: "icmp", type, code, mtu, quoted };
}

function parseEncapsulation(reader: TokenReader): PacketAction["encapsulation"] {
  if (!reader.take("/")) return undefined;
  reader.expect("udp");
  reader.expect("(");
  const source = reader.integer("a port");
  reader.expect(">");
  const destination = reader.integer("a port");
  reader.expect(")");
  return { source, destination };
}
