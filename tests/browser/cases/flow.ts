import { CaptureStream } from "@leat/streams/pcap";
import { SegmentStream } from "@leat/streams/packet";
import { FlowStream } from "@leat/streams/flow";
import { captured, collect, pieces, same, type SmokeCases, streamOf } from "./types.ts";

/** `./flow` */
export const cases: SmokeCases = {
  "both directions of every flow": async ({ capture }) => {
    const reader = streamOf(...pieces(capture))
      .pipeThrough(new CaptureStream())
      .pipeThrough(new SegmentStream())
      .pipeThrough(new FlowStream())
      .getReader();
    const directions: Promise<Uint8Array[]>[] = [];
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      directions.push(collect(next.value.client.readable), collect(next.value.server.readable));
    }
    const lengths = (await Promise.all(directions)).map((chunks) => chunks.reduce((sum, one) => sum + one.length, 0));
    same(lengths.length, 2 * captured.flows, "directions");
    for (let i = 0; i < lengths.length; i += 2) {
      same(lengths[i] !== 0, true, "the client said something");
      same(lengths[i], lengths[i + 1], "the server answered as many bytes");
    }
  },
};
