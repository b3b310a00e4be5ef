/** Where the engine differs from Linux 6.1 on purpose: what each side notes, so that the list in the documentation is true. */
import { framed, program, type Scenario } from "./scenario.ts";

/** A difference. */
export interface Difference extends Omit<Scenario, "but"> {
  /** Notes that are looked at. */
  readonly seen: RegExp;
  readonly kernel: readonly string[];
  readonly engine: readonly string[];
}

/** Just what TCP's receive buffer is said to hold. */
const length = 16_384;

/** The table. */
export const differences: readonly Difference[] = [
  {
    name: "a message within the limit never arrives there, as TCP's window is closed",
    setup: { program: "02_len32le_incl", maxMessageLength: length },
    seen: /^kcm-0|RxWait=/,
    kernel: ["kcm-0 rx 0/0 tx 0/0 queued 0/0 RxWait", "psock-0 rx 0/4096 tx 0/0 RxWait=14336"],
    engine: ["kcm-0 rx 0/0 tx 0/0 queued 1/0 RxWait"],
    async run(world) {
      await world.connect();
      const message = new Uint8Array(length);
      new DataView(message.buffer).setUint32(0, length, true);
      await world.segment(0, message.subarray(0, 2048));
      await world.segment(0, message.subarray(2048));
      await world.status();
    },
  },
  {
    name: "messages of one segment use as much memory as the segment, each",
    setup: { program, room: { messages: 3, length: 3 } },
    seen: /^(?:kcm|psock)-0/,
    kernel: ["kcm-0 rx 0/0 tx 0/0 queued 2/0", "psock-0 rx 3/9 tx 0/0 RxPause RdyRx"],
    engine: ["kcm-0 rx 0/0 tx 0/0 queued 3/0", "psock-0 rx 4/12 tx 0/0 RxPause RdyRx"],
    async run(world) {
      await world.connect();
      await world.segment(0, framed("a", "b", "c", "d", 700));
      await world.status();
    },
  },
];
