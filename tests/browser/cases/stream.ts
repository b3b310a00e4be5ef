import { fuse, items, LeatError, through } from "@leat/streams/stream";
import { lengthPrefix, StreamParser } from "@leat/streams/strparser";
import { rejection, same, type SmokeCases, streamOf } from "./types.ts";

const bytes = () => streamOf(Uint8Array.of(0, 2, 1), Uint8Array.of(2, 0, 1, 3));

/** `./stream` */
export const cases: SmokeCases = {
  "through and items": async () => {
    const lengths: number[] = [];
    const messages = through<Uint8Array, Uint8Array>(
      bytes(),
      (sink) => new StreamParser({ parser: lengthPrefix(2) }, sink),
    );
    for await (const message of items(messages)) lengths.push(message.length);
    same(lengths.join(), "4,3", "lengths");
  },
  "fuse": async () => {
    const twice = fuse<Uint8Array, Uint8Array, Uint8Array>(
      (sink) => new StreamParser({ parser: lengthPrefix(2) }, sink),
      (sink) => new StreamParser({ parser: lengthPrefix(2) }, sink),
    );
    let count = 0;
    for await (const _message of items(through(bytes(), twice))) count++;
    same(count, 2, "messages");
  },
  "an error of the source goes through": async () => {
    const failing = new ReadableStream<Uint8Array>({ start: (controller) => controller.error(new RangeError("no")) });
    const read = through(failing, (sink) => new StreamParser({ parser: lengthPrefix(2) }, sink)).getReader().read();
    same((await rejection(read)).name, "RangeError", "name");
  },
  "errors are Errors": () => same(LeatError.prototype instanceof Error, true, "instance"),
};
