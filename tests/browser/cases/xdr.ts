import { MessageStream } from "@leat/streams/strparser";
import { decodeXdr, encodeXdr, hyper, string, struct, xdrParser } from "@leat/streams/xdr";
import { collect, pieces, same, type SmokeCases, streamOf } from "./types.ts";

/** Smoke cases of the xdr subpath. */
export const cases: SmokeCases = {
  "values in a stream of three-byte pieces": async () => {
    const entry = struct({ id: hyper, name: string(9) });
    const bytes = encodeXdr(entry, { id: -5n, name: "abcde" });
    const stage = new MessageStream({ parser: xdrParser(entry) });
    const [message, ...more] = await collect(streamOf(...pieces(bytes, 3)).pipeThrough(stage));
    same(more.length, 0, "messages behind the first");
    same(decodeXdr(entry, message!).id, -5n, "id");
    same(decodeXdr(entry, message!).name, "abcde", "name");
  },
};
