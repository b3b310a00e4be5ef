/**
 * Path MTU discovery against the kernel (RFC 1191, RFC 8201): a hop takes less than the link and our peer's segments, and
 * says so by ICMP; ours sends smaller segments from then on, by IPv4 and IPv6, over TUN and TAP.
 */
import { after, before, test } from "node:test";
import { assertEquals } from "@std/assert";
import { NetNs } from "./tun/netns.ts";
import { TunChild } from "./tun/tun_child.ts";

const HOP_MTU = 1300;
const BYTES = 500_000;

let router: NetNs;
let server: NetNs;

before(async () => {
  router = await NetNs.create();
  server = await NetNs.create();
  await router.run("sysctl", "-q", "-w", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1");
  await router.run("ip", "link", "add", "hop", "type", "veth", "peer", "name", "end", "netns", server.name);
  for (const [ns, name, last] of [[router, "hop", 1], [server, "end", 2]] as const) {
    await ns.run("ip", "address", "add", `10.97.0.${last}/24`, "dev", name);
    await ns.run("ip", "address", "add", `fd97::${last}/64`, "dev", name, "nodad");
    await ns.run("ip", "link", "set", name, "up");
  }
  await router.run("ip", "link", "set", "hop", "mtu", String(HOP_MTU));
  // the server knows what its own way takes, and asks for segments that are too large for ours
  const way = ["mtu", String(HOP_MTU), "advmss"];
  await server.run("ip", "route", "add", "10.98.0.0/24", "via", "10.97.0.1", ...way, "1460");
  await server.run("ip", "route", "add", "fd98::/64", "via", "fd97::1", ...way, "1440");
});
after(async () => {
  await router?.remove();
  await server?.remove();
});

for (const mode of ["tun", "tap"]) {
  for (const [host, headers] of [["10.97.0.2", 20], ["[fd97::2]", 40]] as const) {
    test(`${mode}, ${host}: a hop that takes ${HOP_MTU} bytes is learnt of, and all bytes come back`, async () => {
      const echo = TunChild.start(server, "Node 20", "tests/interop/tun/kernel_peer.ts", "serve", "7");
      assertEquals(await echo.line(), "listening");
      const args = ["tests/interop/tun/path_mtu_client.ts", mode, host, "7", String(BYTES)] as const;
      const client = TunChild.start(router, "Node 20", ...args);
      assertEquals(await client.line(), "open");
      const { count, wrongAt, before, segmentSize, pathMtus } = JSON.parse(await client.line());
      assertEquals([count, wrongAt, pathMtus], [BYTES, -1, 1]);
      // 20 bytes of TCP, 12 of timestamps
      assertEquals([before, segmentSize], [1500 - headers - 32, HOP_MTU - headers - 32]);
      await client.finish();
      await echo.finish();
    });
  }
}
