import { test } from "node:test";
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { configure, type IoctlCaller } from "../../src/tsocket/tun/configure.ts";
import { parseAddress } from "../../src/packet/address.ts";
import { ifreqAddress, ifreqFlags, ifreqName, ifreqNumber, IoctlRequest } from "../../src/tsocket/tun/ifreq.ts";
import { checkLinux, errnoName, tunError } from "../../src/tsocket/tun/tun_errors.ts";
import { tunSettings } from "../../src/tsocket/tun/tun_settings.ts";
import type { TunOptions } from "../../src/tsocket/tun/tun_types.ts";

test("defaults", () => {
  assertEquals(tunSettings({}), {
    name: "tun%d",
    mode: "tun",
    addresses: [],
    mtu: undefined,
    maxBatchPackets: 128,
    via: "auto",
    signal: undefined,
  });
});

const WRONG: readonly (readonly [object, typeof TypeError | typeof RangeError])[] = [
  [{ name: "a name" }, TypeError],
  [{ name: "a,b" }, TypeError],
  [{ name: ".." }, TypeError],
  [{ name: "" }, TypeError],
  [{ name: "a%s" }, TypeError],
  [{ name: 7 }, TypeError],
  [{ name: "sixteen-letters-" }, RangeError],
  [{ mode: "bridge" }, TypeError],
  [{ via: "telepathy" }, TypeError],
  [{ mtu: 67 }, RangeError],
  [{ mtu: 65_536 }, RangeError],
  [{ mtu: 1500.5 }, RangeError],
  [{ maxBatchPackets: 0 }, RangeError],
  [{ address: "192.0.2.1" }, TypeError],
  [{ address: "192.0.2.1/33" }, RangeError],
  [{ address: "192.0.2.1/24/8" }, RangeError],
  [{ address: "192.0.2/24" }, TypeError],
  [{ address: ["fd00::1/129"] }, RangeError],
  [{ address: "fd00::1/-1" }, RangeError],
];

for (const [options, kind] of WRONG) {
  test(`refused at once: ${JSON.stringify(options)}`, () => {
    assertThrows(() => tunSettings(options as TunOptions), kind);
  });
}

/** A system that answers every call with what it was given, as `tun7` with an MTU of 1400 and number 42. */
class FakeSystem implements IoctlCaller {
  readonly calls: string[] = [];
  flags = 0;
  failing = new Map<number, string>();
  addresses = "";
  ipv4 = ["192.0.2.1", "255.255.255.0"] as const;

  readText(path: string): string {
    assertEquals(path, "/proc/net/if_inet6");
    return this.addresses;
  }

  ioctl(on: string, request: number, argument: Uint8Array): Promise<Uint8Array> {
    const name = Object.entries(IoctlRequest).find(([, number]) => number === request)![0];
    const hex = Array.from(argument, (byte) => byte.toString(16).padStart(2, "0")).join("");
    this.calls.push(`${on} ${name} ${hex.replace(/(00)+$/, "")}`);
    const failure = this.failing.get(request);
    if (failure !== undefined) return Promise.reject(tunError("setting up the interface", failure));
    if (request === IoctlRequest.TUNSETIFF) return Promise.resolve(ifreqFlags("tun7", 0x1001));
    if (request === IoctlRequest.SIOCGIFMTU) return Promise.resolve(ifreqNumber("tun7", 1400));
    if (request === IoctlRequest.SIOCGIFINDEX) return Promise.resolve(ifreqNumber("tun7", 42));
    if (request === IoctlRequest.SIOCGIFADDR) {
      return Promise.resolve(ifreqAddress("tun7", parseAddress(this.ipv4[0])));
    }
    if (request === IoctlRequest.SIOCGIFNETMASK) {
      return Promise.resolve(ifreqAddress("tun7", parseAddress(this.ipv4[1])));
    }
    if (request === IoctlRequest.SIOCGIFFLAGS) return Promise.resolve(ifreqFlags("tun7", this.flags));
    return Promise.resolve(argument);
  }
}

const TUN7 = "74756e37" + "00".repeat(12);

test("the interface is made, given addresses and an MTU, and brought up", async () => {
  const system = new FakeSystem();
  system.flags = 0x1090;
  const settings = tunSettings({ address: ["192.0.2.1/20", "198.51.100.1/32", "fd00::1/64"], mtu: 1400 });
  assertEquals(await configure(settings, system), { name: "tun7", mtu: 1400 });
  const alias = "74756e373a32" + "00".repeat(10);
  assertEquals(system.calls, [
    "device TUNSETIFF 74756e256400000000000000000000000110",
    `inet SIOCSIFMTU ${TUN7}7805`,
    `inet SIOCSIFADDR ${TUN7}02000000c0000201`,
    `inet SIOCSIFNETMASK ${TUN7}02000000fffff0`,
    `inet SIOCSIFADDR ${alias}02000000c6336401`,
    `inet SIOCSIFNETMASK ${alias}02000000ffffffff`,
    "inet SIOCGIFINDEX 74756e37",
    "inet6 SIOCSIFADDR fd000000000000000000000000000001400000002a",
    "inet SIOCGIFFLAGS 74756e37",
    `inet SIOCSIFFLAGS ${TUN7}9110`,
    "inet SIOCGIFMTU 74756e37",
  ]);
});

test("one that is up already is left so, which needs no privilege; frames are asked for by mode", async () => {
  const system = new FakeSystem();
  system.flags = 1;
  await configure(tunSettings({ mode: "tap", name: "tun7" }), system);
  assertEquals(system.calls, [
    `device TUNSETIFF ${TUN7}0210`,
    "inet SIOCGIFFLAGS 74756e37",
    "inet SIOCGIFMTU 74756e37",
  ]);
});

test("an IPv6 address that it has already is no failure; anything else is", async () => {
  const system = new FakeSystem();
  system.failing.set(IoctlRequest.SIOCSIFADDR, "EEXIST");
  assertEquals((await configure(tunSettings({ address: "fd00::1/64" }), system)).name, "tun7");
  system.failing.set(IoctlRequest.SIOCSIFADDR, "EPERM");
  await assertRejects(() => configure(tunSettings({ address: "fd00::1/64" }), system), TypeError, "CAP_NET_ADMIN");
});

test("without privileges: what the interface has already is left so, anything else fails", async () => {
  const options = { address: ["192.0.2.1/24", "fd00::1/64"], mtu: 1400 };
  const system = new FakeSystem();
  const { SIOCSIFADDR, SIOCSIFNETMASK, SIOCSIFMTU, SIOCSIFFLAGS, SIOCGIFADDR } = IoctlRequest;
  for (const request of [SIOCSIFADDR, SIOCSIFNETMASK, SIOCSIFMTU, SIOCSIFFLAGS]) system.failing.set(request, "EPERM");
  system.flags = 1;
  const other = "fd00000000000000000000000000000a 2a 40 00 80     tun7\n";
  system.addresses = `${other}fd000000000000000000000000000001 2a 40 00 80     tun7\n`;
  assertEquals(await configure(tunSettings(options), system), { name: "tun7", mtu: 1400 });

  const fails = async (changed: TunOptions): Promise<void> => {
    await assertRejects(() => configure(tunSettings({ ...options, ...changed }), system), TypeError, "CAP_NET_ADMIN");
  };
  await fails({ mtu: 1401 });
  await fails({ address: "192.0.2.2/24" });
  await fails({ address: "192.0.2.1/25" });
  await fails({ address: "fd00::2/64" });
  await fails({ address: "fd00::a/65" });
  system.flags = 0;
  await fails({});
  system.failing.set(SIOCGIFADDR, "EADDRNOTAVAIL");
  await fails({ address: "192.0.2.1/24" });
});

test("names and numbers of the system", () => {
  assertEquals([1, 16, 19, 4711].map(errnoName), ["EPERM", "EBUSY", "ENODEV", "EIO"]);
  assertEquals(ifreqName(ifreqFlags("fifteen-letters", 0)), "fifteen-letters");
  checkLinux("linux");
  assertThrows(() => checkLinux("darwin"), TypeError, "not on darwin");
});
