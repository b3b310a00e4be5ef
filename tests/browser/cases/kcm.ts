import { type KcmMessage, Multiplexor } from "@leat/streams/kcm";
import { lengthPrefix } from "@leat/streams/strparser";
import { collect, same, sameBytes, type SmokeCases, streamOf } from "./types.ts";

/** `./kcm` */
export const cases: SmokeCases = {
  "messages of two connections through one channel": async () => {
    const kcm = new Multiplexor();
    const channel = kcm.socket();
    const messages: Promise<KcmMessage[]> = collect(channel.readable);
    await streamOf(
      { readable: streamOf(Uint8Array.of(0, 1, 7, 0, 2), Uint8Array.of(8, 9)) },
      { readable: streamOf(Uint8Array.of(0, 0)) },
    ).pipeTo(kcm.attachments({ parser: lengthPrefix(2) }));
    const all = (await messages).sort((a, b) => a.data.length - b.data.length);
    same(all.length, 3, "messages");
    sameBytes(all[0]?.data ?? new Uint8Array(0), Uint8Array.of(0, 0), "shortest");
    sameBytes(all[2]?.data ?? new Uint8Array(0), Uint8Array.of(0, 2, 8, 9), "longest");
  },
};
