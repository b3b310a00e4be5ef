/** Run by a test in a Deno of its own that may open few descriptors: a listener survives running out of them. */
import { assert, assertEquals } from "@std/assert";
import { connect, listen } from "../../../src/tsocket/drivers/deno/mod.ts";
import { turns } from "../../support/turns.ts";
import type { TStream } from "../../../src/tsocket/types.ts";

const listener = listen("127.0.0.1:0");
const { localAddress } = await listener.opened;
const accepted: TStream[] = [];
const accepting = (async () => {
  for await (const stream of listener) accepted.push(stream);
})();

const clients: TStream[] = [];
let failure: unknown;
while (failure === undefined) {
  const client = connect(localAddress);
  try {
    await client.opened;
    clients.push(client);
  } catch (thrown) {
    failure = thrown;
  }
  assert(clients.length < 1000, "descriptors never ran out");
}
assertEquals((failure as { code: string }).code, "EMFILE");
// the last connections are not accepted yet: with none left the listener cannot have got all of them
while (listener.stats.acceptErrors === 0) await turns(1);
for (const client of clients) client.abort();
while (accepted.length < clients.length) await turns(1);
const late = connect(localAddress);
await late.opened;
while (accepted.length < clients.length + 1) await turns(1);
for (const stream of [...accepted, late]) stream.abort();
await listener.close();
await accepting;
console.log("all is well");
