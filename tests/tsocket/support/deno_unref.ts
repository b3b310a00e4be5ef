/** Run by a test in a Deno of its own: what is not referenced lets it end, although all of it waits. */
import { connect, listen } from "../../../src/tsocket/drivers/deno/mod.ts";

const listener = listen("127.0.0.1:0");
const client = connect((await listener.opened).localAddress);
const server = await listener.accept();
await client.opened;
for (const socket of [listener, client, server]) socket.unref();
void listener.accept().catch(() => {});
void client.readSome(new Uint8Array(1)).catch(() => {});
void client.monitor();
void server.readSome(new Uint8Array(65536)).catch(() => {});
console.log("all is well");
