import { CaptureStream } from "@leat/streams/pcap";
import { IpProtocol, SegmentStream } from "@leat/streams/packet";
import { captured, collect, pieces, same, type SmokeCases, streamOf } from "./types.ts";

/** `./packet` */
export const cases: SmokeCases = {
  "segments of a capture": async ({ capture }) => {
    const packets = streamOf(...pieces(capture)).pipeThrough(new CaptureStream());
    const segments = await collect(packets.pipeThrough(new SegmentStream()));
    const ofTcp = segments.filter((segment) => segment.protocol === IpProtocol.TCP);
    same(ofTcp.length > captured.flows * 3 && ofTcp.length <= captured.packets, true, `${ofTcp.length} TCP segments`);
  },
};
