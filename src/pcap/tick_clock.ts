/**
 * Layer pcap, wire: 64-bit counts of time units turned into seconds and nanoseconds, exactly.
 *
 * Follows `if_tsresol` and `if_tsoffset` of draft-ietf-opsawg-pcapng, section 4.2. What is finer than a nanosecond is
 * cut off, never rounded. No float ever holds a time.
 *
 * @module
 */

/** Length of a unit of time: `base` to the power of `-exponent`, in seconds. */
export interface TimeResolution {
  /** 10 for parts by powers of ten, 2 for binary fractions. */
  readonly base: 2 | 10;
  /** 6 for microseconds with base 10. */
  readonly exponent: number;
}

/** Later seconds are held here: far beyond any real clock, and still an integer after an offset was added. */
const MAX_SECONDS = 2 ** 52;

/** Largest `if_tsoffset` that is read, either sign: nine million years. */
export const MAX_OFFSET_SECONDS: number = 2 ** 48;

/** `fraction * 1e9` stays below 2^53 up to this many binary digits. */
const MAX_BINARY_DIGITS = 23;

/**
 * Converts counts of one resolution. The result is left in two fields, because an object for each would cost as much
 * as the packet itself.
 */
export class TickClock {
  /** Seconds since 1970 of the count converted last. */
  seconds = 0;
  /** Nanoseconds within the second of the count converted last. */
  nanoseconds = 0;
  readonly #offset: number;
  readonly #exponent: number;
  readonly #kind: "decimal" | "binary" | "odd";
  /** Units in a second, where that is a small number. */
  readonly #unitsPerSecond: number;
  /** Nanoseconds in a unit, with `decimal`. */
  readonly #unitNanoseconds: number;
  readonly #bigUnitsPerSecond: bigint;

  /** Makes a converter that adds `offsetSeconds` to everything. */
  constructor(resolution: TimeResolution, offsetSeconds = 0) {
    const { base, exponent } = resolution;
    this.#offset = offsetSeconds;
    this.#exponent = exponent;
    this.#unitsPerSecond = base ** exponent;
    this.#unitNanoseconds = 10 ** (9 - exponent);
    this.#bigUnitsPerSecond = BigInt(base) ** BigInt(exponent);
    if (base === 10) this.#kind = exponent <= 9 ? "decimal" : "odd";
    else this.#kind = exponent <= MAX_BINARY_DIGITS ? "binary" : "odd";
  }

  /** Converts `high * 2^32 + low` units into {@linkcode seconds} and {@linkcode nanoseconds}. */
  convert(high: number, low: number): void {
    if (this.#kind === "decimal" && (this.#exponent >= 6 || high < 0x100000)) this.#decimal(high, low);
    else if (this.#kind === "binary" && high < 0x100000) this.#binary(high, low);
    else this.#odd(high, low);
  }

  /**
   * The quotient in floats is at most one off, because its error stays below 2^-7. The remainder is then found modulo
   * 2^32, where everything is exact, and as it lies between minus one and two units its sign tells the truth.
   */
  #decimal(high: number, low: number): void {
    const units = this.#unitsPerSecond;
    let seconds = Math.floor((high * 0x100000000 + low) / units);
    let rest = (low - Math.imul(seconds, units)) | 0;
    if (rest < 0) {
      seconds--;
      rest += units;
    } else if (rest >= units) {
      seconds++;
      rest -= units;
    }
    this.seconds = seconds + this.#offset;
    this.nanoseconds = rest * this.#unitNanoseconds;
  }

  #binary(high: number, low: number): void {
    const units = this.#unitsPerSecond;
    const fraction = low & (units - 1);
    this.seconds = high * (0x100000000 / units) + (low >>> this.#exponent) + this.#offset;
    this.nanoseconds = Math.floor((fraction * 1e9) / units);
  }

  /** Resolutions that no capture tool writes by itself: slow and plain. */
  #odd(high: number, low: number): void {
    const ticks = (BigInt(high) << 32n) | BigInt(low);
    const seconds = Number(ticks / this.#bigUnitsPerSecond);
    const isFar = seconds >= MAX_SECONDS;
    this.seconds = (isFar ? MAX_SECONDS : seconds) + this.#offset;
    const rest = (ticks % this.#bigUnitsPerSecond) * 1_000_000_000n;
    this.nanoseconds = isFar ? 0 : Number(rest / this.#bigUnitsPerSecond);
  }
}
