import { lengthPrefix, MessageStream } from "@leat/streams/strparser";
import { collect, rejection, same, sameBytes, type SmokeCases, streamOf } from "./types.ts";

const bytes = Uint8Array.of(0, 2, 1, 2, 0, 1, 3);

/** `./strparser` */
export const cases: SmokeCases = {
  "messages, byte by byte": async () => {
    const single = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
    const messages = await collect(streamOf(...single).pipeThrough(new MessageStream({ parser: lengthPrefix(2) })));
    same(messages.length, 2, "messages");
    sameBytes(messages[0] ?? bytes, bytes.subarray(0, 4), "first message");
    sameBytes(messages[1] ?? bytes, bytes.subarray(4), "second message");
  },
  "a cut message": async () => {
    const cut = streamOf(bytes.subarray(0, 6)).pipeThrough(new MessageStream({ parser: lengthPrefix(2) }));
    same((await rejection(collect(cut))).code, "ETRUNCATED", "code");
  },
};
