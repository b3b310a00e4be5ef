import { detectParser, netstring, parserByName, parserTable } from "@leat/streams/parsers";
import { MessageStream } from "@leat/streams/strparser";
import { collect, same, type SmokeCases, streamOf } from "./types.ts";

/** `./parsers` */
export const cases: SmokeCases = {
  "a protocol's messages come out whole": async () => {
    const bytes = new TextEncoder().encode("5:hello,0:,");
    const parser = netstring();
    const messages = await collect(
      streamOf(bytes.slice(0, 4), bytes.slice(4)).pipeThrough(new MessageStream({ parser })),
    );
    same(messages.map((message) => message.length).join(), "8,3", "lengths");
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
