/**
 * Answers the kernel's pings with nothing but an open interface: `ping_responder.ts RUNTIME OPTIONS`, the options of
 * `openTun` as JSON. Says the interface's name and MTU, and at the end of its input the counters.
 *
 * @module
 */
import process from "node:process";
import { Icmpv6View } from "../../../src/packet/icmpv6.ts";
import { IcmpView } from "../../../src/packet/icmp.ts";
import type { Tun, TunOptions } from "../../../src/tsocket/tun/tun_types.ts";

const [runtime = "node", options = "{}"] = process.argv.slice(2);
const { openTun } = await import(`../../../src/tsocket/drivers/${runtime}/mod.ts`) as {
  openTun(options: TunOptions): Promise<Tun>;
};

/** Turns an echo request into its answer, in place; `false` for anything else. */
function answer(packet: Uint8Array): boolean {
  const isIpv6 = packet[0]! >> 4 === 6;
  const [from, length, next] = isIpv6 ? [8, 16, packet[6]!] : [12, 4, packet[9]!];
  const source = packet.slice(from, from + length);
  packet.copyWithin(from, from + length, from + 2 * length);
  packet.set(source, from + length);
  if (isIpv6) {
    if (next !== 58 || packet[40] !== 128) return false;
    packet[40] = 129;
    const addresses = { source: packet.subarray(8, 24), destination: packet.subarray(24, 40) };
    new Icmpv6View(packet.subarray(40)).fillChecksum(addresses);
    return true;
  }
  const message = packet.subarray((packet[0]! & 15) * 4);
  if (next !== 1 || message[0] !== 8) return false;
  message[0] = 0;
  new IcmpView(message).fillChecksum();
  return true;
}

const tun = await openTun(JSON.parse(options) as TunOptions);
console.log(`${tun.name} ${tun.mtu}`);
const ended = new Promise<"end">((resolve) => process.stdin.on("end", () => resolve("end")).resume());
const reader = tun.readable.getReader();
const writer = tun.writable.getWriter();
writer.closed.catch(() => {});
let failure = "none";
const answering = (async () => {
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    await writer.write(value.filter(answer));
  }
})().catch((error: unknown) => void (failure = String((error as { code?: unknown }).code)));
answering.then(() => console.log(`over: ${failure}`));
await Promise.race([ended, answering]);
await tun.close();
await tun.close();
await answering;
console.log(JSON.stringify({ ...tun.stats, failure }));
// the end of the input is not told on every runtime when the interface has gone first
process.stdin.destroy();
