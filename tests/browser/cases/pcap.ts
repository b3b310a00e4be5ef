import { CaptureStream } from "@leat/streams/pcap";
import { captured, collect, pieces, rejection, same, type SmokeCases, streamOf } from "./types.ts";

/** `./pcap` */
export const cases: SmokeCases = {
  "packets of a capture in pieces": async ({ capture }) => {
    const packets = await collect(streamOf(...pieces(capture)).pipeThrough(new CaptureStream()));
    same(packets.length, captured.packets, "packets");
  },
  "the same in batches": async ({ capture }) => {
    const batches = await collect(streamOf(...pieces(capture)).pipeThrough(new CaptureStream({ batch: true })));
    same(batches.flat().length, captured.packets, "packets");
  },
  "a cut capture": async ({ capture }) => {
    const cut = streamOf(capture.subarray(0, capture.length - 1)).pipeThrough(new CaptureStream());
    same((await rejection(collect(cut))).code, "ETRUNCATED", "code");
  },
};
