import { detectParser, mqtt, parserByName, parserTable } from "@leat/streams/parsers";
import { MessageStream } from "@leat/streams/strparser";
import { collect, same, type SmokeCases, streamOf } from "./types.ts";

/** `./parsers` */
export const cases: SmokeCases = {
  "a protocol's messages come out whole": async () => {
    const pings = streamOf(Uint8Array.of(0xc0), Uint8Array.of(0, 0xc0, 0));
    const packets = await collect(pings.pipeThrough(new MessageStream({ parser: mqtt() })));
    same(packets.length, 2, "packets");
  },
  "every name of the table makes a parser": () => {
    const names = parserTable.map(({ name }) => name).filter((name) => /^[a-z0-9]+$/.test(name));
    same(names.length > 40, true, `${names.length} names`);
    for (const name of names) same(typeof parserByName(name).parse, "function", name);
  },
  "a protocol is detected": () => {
    const hello = Uint8Array.of(22, 3, 1, 0, 2, 1, 0);
    same(detectParser({ client: hello, server: new Uint8Array(0) }) !== undefined, true, "detection");
  },
};
