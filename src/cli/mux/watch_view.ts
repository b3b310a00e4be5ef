/**
 * What goes on, as a table that is drawn anew each second: backends, their channels, and how it was lately.
 *
 * @module
 */
import type { Backend } from "../../kcm/balancer/backend.ts";
import type { Balancer } from "../../kcm/balancer/balancer.ts";
import type { Paint } from "../format/color.ts";
import { tableLines } from "../format/table.ts";

/** Seconds that the lines of the past show. */
const PAST = 24;
const BARS = "▁▂▃▄▅▆▇█";
/** Most channels shown for one backend. */
const MOST_CHANNELS = 8;

/** Rates of something that is counted. */
class Rate {
  /** Events per second, the oldest first. */
  readonly past: number[] = [];
  #last: number | undefined;

  /** Looks at the counter again, `seconds` after the last time. */
  update(count: number, seconds: number): void {
    if (this.#last !== undefined && seconds > 0) this.past.push((count - this.#last) / seconds);
    if (this.past.length > PAST) this.past.shift();
    this.#last = count;
  }

  /** The latest. */
  get now(): number {
    return this.past.at(-1) ?? 0;
  }
}

/** The view. */
export class WatchView {
  readonly #balancer: Balancer;
  readonly #paint: Paint;
  readonly #title: string;
  readonly #rates = new Map<string, Rate>();
  #seen = new Set<string>();
  #lastAt: number | undefined;
  #seconds = 0;

  /** A view of a balancer. */
  constructor(balancer: Balancer, title: string, paint: Paint) {
    this.#balancer = balancer;
    this.#title = title;
    this.#paint = paint;
  }

  /** The lines for now. */
  lines(now: number): string[] {
    this.#seconds = this.#lastAt === undefined ? 0 : (now - this.#lastAt) / 1000;
    this.#lastAt = now;
    this.#seen = new Set();
    const { counts, clients, backends, leaving, waiting } = this.#balancer;
    const failed = counts.lost + counts.unavailable + counts.timeout + counts.overload;
    const total = this.#rate("requests", counts.requests);
    const head = `${count(clients.size)} clients  ${perSecond(total.now)}  ${count(waiting)} waiting  ` +
      `${count(failed)} failed  ${count(counts.retried + counts.moved)} tried again`;
    const rows = [...backends.values(), ...leaving].flatMap((backend) => this.#rows(backend));
    const lines = [
      this.#paint("title", this.#title),
      `${head}  ${sparkline(total.past)}`,
      "",
      ...tableLines(
        [
          { title: "backend" },
          { title: "state" },
          { title: "requests/s", align: "right" },
          { title: "under way", align: "right" },
          { title: "own", align: "right" },
          { title: "p50 ms", align: "right" },
          { title: "p99 ms", align: "right" },
          { title: `last ${PAST} s` },
        ],
        rows,
        { paint: this.#paint },
      ),
    ];
    for (const key of [...this.#rates.keys()]) if (!this.#seen.has(key)) this.#rates.delete(key);
    return lines;
  }

  #rows(backend: Backend): string[][] {
    const { name, channels, sessions, latency, requests, outstanding } = backend;
    const rate = this.#rate(name, requests);
    const own = [
      name,
      stateOf(backend),
      count(rate.now),
      count(outstanding),
      count(sessions.size),
      milliseconds(latency.quantile(0.5)),
      milliseconds(latency.quantile(0.99)),
      sparkline(rate.past),
    ];
    if (channels.length < 2) return [own];
    return [
      own,
      ...channels.slice(0, MOST_CHANNELS).map((channel, i) => {
        const channelRate = this.#rate(`${name} ${i}`, channel.requests);
        const state = channel.isOpen ? "open" : "opening";
        const past = sparkline(channelRate.past);
        return [`  channel ${i}`, state, count(channelRate.now), count(channel.outstanding), "", "", "", past];
      }),
    ];
  }

  #rate(key: string, total: number): Rate {
    let rate = this.#rates.get(key);
    if (rate === undefined) this.#rates.set(key, rate = new Rate());
    rate.update(total, this.#seconds);
    this.#seen.add(key);
    return rate;
  }
}

/** Numbers as bars; the highest is full. */
export function sparkline(values: readonly number[]): string {
  const highest = Math.max(...values, 1);
  return values.map((value) => BARS[Math.min(7, Math.floor(Math.max(value, 0) / highest * 7.999))]!).join("");
}

function stateOf(backend: Backend): string {
  if (backend.isDraining) return "leaving";
  if (!backend.isUp) return "down";
  if (backend.isSlow) return "slow start";
  return backend.channels.some(({ isOpen }) => isOpen) || backend.sessions.size > 0 ? "up" : "idle";
}

function perSecond(rate: number): string {
  return `${count(rate)} requests/s`;
}

function count(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

function milliseconds(ms: number): string {
  return ms === 0 ? "" : ms === Infinity ? "> 32000" : `≤ ${ms}`;
}
