/** Whole calls over simulated networks. */
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { pattern, request, serve, World } from "./world.ts";

test("a small call on a clean link", () => {
  const world = new World();
  const [client, server] = [world.add(), world.add()];
  server.engine.offer({ id: 147 });
  const served = serve(world, server, (body) => body);
  const call = request(world, client, server, pattern(10));
  world.run(1000);
  assertEquals([call.closedCount, call.error, call.bytes], [1, undefined, 10]);
  assertEquals([served[0]!.closedCount, served[0]!.error], [1, undefined]);
  console.log(world.sent.map(({ header, data, at }) => `${at} ${header.type} fl${header.flags} call ${header.callNumber} seq ${header.seq} ser ${header.serial} ${data.length}`).join("\n"));
});
for (const size of [20_000, 1_000_000]) {
  test(`echo of ${size} bytes on a clean link, nothing is sent twice`, () => {
    const world = new World();
    world.isRecording = false;
    const [client, server] = [world.add(), world.add()];
    server.engine.offer({ id: 147 });
    const served = serve(world, server, (body) => body);
    const body = pattern(size);
    const call = request(world, client, server, body);
    const start = world.now;
    world.run(60_000, () => call.closedCount > 0 && served[0]?.closedCount === 1);
    console.log(world.now - start, client.engine.stats, server.engine.stats, client.engine.drops.entries?.());
    assertEquals([call.closedCount, call.error, call.bytes], [1, undefined, size]);
    assert(call.all.every((byte, at) => byte === body[at]));
  });
}
