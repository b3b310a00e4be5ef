import { CaptureStream, FlowStream, type KcmMessage, lengthPrefix, Multiplexor, SegmentStream } from "@leat/streams";
import { answerTo, captured, collect, pieces, same, sameBytes, type SmokeCases, streamOf } from "./types.ts";

/** All messages of a capture through one channel: the main job. */
async function messagesOf(capture: Uint8Array<ArrayBuffer>): Promise<KcmMessage[]> {
  const kcm = new Multiplexor();
  const channel = kcm.socket();
  const piped = streamOf(...pieces(capture))
    .pipeThrough(new CaptureStream())
    .pipeThrough(new SegmentStream())
    .pipeThrough(new FlowStream())
    .pipeTo(kcm.attachments({ parser: lengthPrefix(captured.headerLength) }));
  const messages = await collect(channel.readable);
  await piped;
  return messages;
}

/** `.`: from a capture to messages. */
export const cases: SmokeCases = {
  "capture, packets, segments, flows, messages, channel": async ({ capture }) => {
    const messages = await messagesOf(capture);
    const asked = messages.filter(({ connection }) => connection.direction === "client");
    same(asked.length > 10, true, `${asked.length} messages of clients`);
    same(messages.length, 2 * asked.length, "messages");
    for (const { data, connection, sequence } of asked) {
      const answer = messages.find((other) =>
        other.connection.direction === "server" && other.connection.flow === connection.flow &&
        other.sequence === sequence
      );
      sameBytes(answer?.data ?? new Uint8Array(0), answerTo(data), "answer");
    }
  },
};
