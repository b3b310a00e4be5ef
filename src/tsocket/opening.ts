/**
 * How a socket comes to its driver: it is given one, or a function that brings one later.
 *
 * @module
 */
import type { Clock } from "../core/clock.ts";
import { armCancellation, throwIfCancelled } from "./cancellation.ts";
import type { TDgramDriver, TListenerDriver, TStreamDriver } from "./driver_types.ts";
import type { IoOptions } from "./types.ts";

/** A driver, or what brings one. */
export type DriverSource<D> = D | ((signal: AbortSignal) => Promise<D>);

/** What becomes of an opening. */
export interface OpeningEvents<D> {
  /** The driver is there. Told before {@linkcode openDriver} returns when it was there already. */
  opened(driver: D): void;
  /** There will be none. */
  failed(reason: unknown): void;
  /** The driver came after the opening had been cancelled. */
  late(driver: D): void;
}

/** Starts opening. Returns what cancels it; after an outcome that does nothing. */
export function openDriver<D extends object>(
  source: DriverSource<D>,
  events: OpeningEvents<D>,
): (reason: unknown) => void {
  if (typeof source !== "function") {
    events.opened(source);
    return () => {};
  }
  const controller = new AbortController();
  let isOver = false;
  const taken = (driver: D): void => {
    if (isOver) return events.late(driver);
    isOver = true;
    events.opened(driver);
  };
  const failed = (reason: unknown): void => {
    if (isOver) return;
    isOver = true;
    events.failed(reason);
  };
  attempt(() => source(controller.signal)).then(taken, failed);
  return (reason) => {
    if (isOver) return;
    isOver = true;
    controller.abort(reason);
  };
}

/**
 * An opening that signal and deadline of the options end as well. It rejects at once then, whether `open` heeds its
 * signal or not; a driver that comes too late goes to `late`.
 */
export function openWithin<D>(
  open: (signal: AbortSignal) => Promise<D>,
  options: IoOptions,
  clock: Clock,
  syscall: string,
  late: (driver: D) => void,
): (signal: AbortSignal) => Promise<D> {
  return (outer) =>
    new Promise<D>((resolve, reject) => {
      throwIfCancelled(options, clock, syscall);
      const inner = new AbortController();
      let isOver = false;
      const end = (): boolean => {
        if (isOver) return false;
        isOver = true;
        disarm();
        outer.removeEventListener("abort", onOuter);
        return true;
      };
      const cancel = (reason: unknown): void => {
        if (!end()) return;
        reject(reason);
        inner.abort(reason);
      };
      const onOuter = (): void => cancel(outer.reason);
      const disarm = armCancellation(options, clock, syscall, cancel);
      outer.addEventListener("abort", onOuter);
      attempt(() => open(inner.signal)).then(
        (driver) => end() ? resolve(driver) : late(driver),
        (reason) => end() && reject(reason),
      );
    });
}

/** Frees a connection that nobody will use; its peer sees a reset. */
export function discardStream(driver: TStreamDriver): void {
  driver.start({ readable() {}, broken() {} });
  driver.abort();
}

/** Frees a datagram socket that nobody will use. */
export function discardDgram(driver: TDgramDriver): void {
  driver.start({ datagram() {}, writable() {}, icmpError() {}, broken() {} });
  void driver.close();
}

/** Frees a listening socket that nobody will use, with what came to it. */
export function discardListener(driver: TListenerDriver): void {
  driver.start({ connection: discardStream, acceptError() {}, broken() {} });
  void driver.close();
}

/** Calls `open`; what it throws is a rejection too. */
function attempt<D>(open: () => Promise<D>): Promise<D> {
  return new Promise((resolve) => resolve(open()));
}
