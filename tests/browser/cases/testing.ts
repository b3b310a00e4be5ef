import { ManualClock, mutate, SeededRandom, splitRandomly, splits } from "@leat/streams/testing";
import { lengthPrefix, MessageStream } from "@leat/streams/strparser";
import { collect, same, sameBytes, type SmokeCases, streamOf } from "./types.ts";

const bytes = Uint8Array.of(0, 2, 1, 2, 0, 1, 3);

/** `./testing` */
export const cases: SmokeCases = {
  "every split gives the same messages": async () => {
    let count = 0;
    for (const { chunks } of splits(bytes)) {
      const messages = await collect(streamOf(...chunks).pipeThrough(new MessageStream({ parser: lengthPrefix(2) })));
      same(messages.length, 2, "messages");
      count++;
    }
    same(count > bytes.length, true, `${count} splits`);
  },
  "a seed repeats itself": () => {
    sameBytes(mutate(bytes, new SeededRandom(7)), mutate(bytes, new SeededRandom(7)), "mutation");
    same(splitRandomly(bytes, 3).map(String).join(" "), splitRandomly(bytes, 3).map(String).join(" "), "split");
  },
  "time stands still": () => {
    const clock = new ManualClock(5);
    same(clock.now(), 5, "time");
  },
};
