/**
 * Layer pcap, wire: reads the options and records inside pcapng blocks (draft-ietf-opsawg-pcapng, sections 3.5, 4.2,
 * 4.5 and 4.6).
 *
 * Positions are absolute in `bytes`; nothing outside `at` to `end` is touched.
 *
 * @module
 */
import type { Timestamp } from "../packet/packet.ts";
import { getI64, getU16, getU32, getU64 } from "./byte_order.ts";
import type { InterfaceStatistics, NameRecord } from "./capture_interface.ts";
import { NameRecordType, OptionCode, padded } from "./pcapng_wire.ts";
import type { TickClock, TimeResolution } from "./tick_clock.ts";

/** Options of an Interface Description Block. */
export interface InterfaceOptions {
  /** `if_tsresol`; microseconds where the block has none. */
  resolution: TimeResolution;
  /** `if_tsoffset`. */
  offsetSeconds: number;
  /** `if_fcslen`. */
  fcsLength: number | undefined;
  /** `if_name`. */
  name: string | undefined;
  /** `if_description`. */
  description: string | undefined;
}

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** Text of `length` bytes, or of `limit` where that is less. */
export function decodeText(bytes: Uint8Array, at: number, length: number, limit: number = Infinity): string {
  // a copy, because decoders refuse shared memory
  return utf8.decode(bytes.slice(at, at + Math.min(length, limit)));
}

/**
 * Calls `visit` for each option up to the end mark or `end`. Returns whether all of them were whole.
 *
 * Name records have the same frame, type and length of 16 bits each and padding to 32, and the same end mark.
 */
export function walkOptions(
  bytes: Uint8Array,
  start: number,
  end: number,
  isBig: boolean,
  visit: (code: number, at: number, length: number) => void,
): boolean {
  let at = start;
  while (end - at >= 4) {
    const code = getU16(bytes, at, isBig);
    const length = getU16(bytes, at + 2, isBig);
    if (code === OptionCode.END) return true;
    at += 4;
    if (length > end - at) return false;
    visit(code, at, length);
    at += padded(length);
  }
  return at === end;
}

/** Reads the options of an Interface Description Block; `undefined` where they overrun it or have a wrong length. */
export function decodeInterfaceOptions(
  bytes: Uint8Array,
  at: number,
  end: number,
  isBig: boolean,
  maxTextBytes: number,
): InterfaceOptions | undefined {
  const options: InterfaceOptions = {
    resolution: { base: 10, exponent: 6 },
    offsetSeconds: 0,
    fcsLength: undefined,
    name: undefined,
    description: undefined,
  };
  let isSound = true;
  const isWhole = walkOptions(bytes, at, end, isBig, (code, at, length) => {
    if (code === OptionCode.IF_NAME) options.name = decodeText(bytes, at, length, maxTextBytes);
    else if (code === OptionCode.IF_DESCRIPTION) options.description = decodeText(bytes, at, length, maxTextBytes);
    else if (code === OptionCode.IF_FCSLEN && length === 1) options.fcsLength = decodeFcsLength(bytes[at]!);
    else if (code === OptionCode.IF_TSRESOL && length === 1) options.resolution = decodeResolution(bytes[at]!);
    else if (code === OptionCode.IF_TSOFFSET && length === 8) options.offsetSeconds = getI64(bytes, at, isBig);
    // without these two every time would be wrong
    else if (code === OptionCode.IF_TSRESOL || code === OptionCode.IF_TSOFFSET) isSound = false;
  });
  return isWhole && isSound ? options : undefined;
}

/** `if_tsresol`: negative power of 2 with the highest bit set, else of 10. */
export function decodeResolution(tsresol: number): TimeResolution {
  return { base: (tsresol & 0x80) === 0 ? 10 : 2, exponent: tsresol & 0x7f };
}

/**
 * `if_fcslen` in bytes: the draft's text says bits, its example (4) means bytes, and writers follow either. No frame
 * check sequence is shorter than 16 bits or as long as 16 bytes, so the number tells.
 */
export function decodeFcsLength(fcslen: number): number {
  return fcslen < 16 ? fcslen : fcslen >>> 3;
}

/** Reads an Interface Statistics Block: the time, of 8 bytes at `timeAt`, and the options between `at` and `end`. */
export function decodeStatistics(
  bytes: Uint8Array,
  timeAt: number,
  end: number,
  isBig: boolean,
  interfaceId: number,
  clock: TickClock,
): { statistics: InterfaceStatistics; isWhole: boolean } {
  const counters: (number | undefined)[] = [];
  const times: (Timestamp | undefined)[] = [];
  const isWhole = walkOptions(bytes, timeAt + 8, end, isBig, (code, at, length) => {
    if (length !== 8) return;
    if (code === OptionCode.ISB_STARTTIME || code === OptionCode.ISB_ENDTIME) {
      times[code] = decodeTime(bytes, at, isBig, clock);
    } else if (code >= OptionCode.ISB_IFRECV && code <= OptionCode.ISB_USRDELIV) {
      counters[code] = getU64(bytes, at, isBig);
    }
  });
  const statistics: InterfaceStatistics = {
    kind: "statistics",
    interfaceId,
    time: decodeTime(bytes, timeAt, isBig, clock),
    startTime: times[OptionCode.ISB_STARTTIME],
    endTime: times[OptionCode.ISB_ENDTIME],
    received: counters[OptionCode.ISB_IFRECV],
    dropped: counters[OptionCode.ISB_IFDROP],
    accepted: counters[OptionCode.ISB_FILTERACCEPT],
    droppedBySystem: counters[OptionCode.ISB_OSDROP],
    delivered: counters[OptionCode.ISB_USRDELIV],
  };
  return { statistics, isWhole };
}

/** Times are two words in both byte orders, the high one first. */
function decodeTime(bytes: Uint8Array, at: number, isBig: boolean, clock: TickClock): Timestamp {
  clock.convert(getU32(bytes, at, isBig), getU32(bytes, at + 4, isBig));
  return { seconds: clock.seconds, nanoseconds: clock.nanoseconds };
}

/** Length of the address that a name record of this type starts with; 0 where it is of a kind that is not read. */
export function nameAddressLength(type: number): number {
  if (type === NameRecordType.IPV4) return 4;
  return type === NameRecordType.IPV6 ? 16 : 0;
}

/** Reads a name record of `length` bytes, of which the address is `addressLength`. */
export function decodeNameRecord(bytes: Uint8Array, at: number, length: number, addressLength: number): NameRecord {
  const address = bytes.slice(at, at + addressLength);
  const text = decodeText(bytes, at + addressLength, length - addressLength);
  return { address, names: text.split("\0").filter((name) => name.length > 0) };
}
