import { assert, assertEquals } from "@std/assert";
import { networkInterfaces } from "node:os";
import process from "node:process";
import { test } from "node:test";
import type { BunUdp, BunUdpHandlers, BunUdpSocket } from "../../src/tsocket/drivers/bun/bun_api.ts";
import { BunDgramDriver, dgramBun } from "../../src/tsocket/drivers/bun/dgram_driver.ts";
import { canReusePort } from "../../src/tsocket/drivers/node/capabilities.ts";
import { dgramNode, MAX_RESENDS } from "../../src/tsocket/drivers/node/dgram_driver.ts";
import { dgramEnds, multicastInterface, receiver } from "../../src/tsocket/drivers/node/dgram_family.ts";
import { MAX_SOURCES, SourceCache } from "../../src/tsocket/drivers/node/source_cache.ts";
import type { TDgramDriver } from "../../src/tsocket/driver_types.ts";
import type { SocketError } from "../../src/tsocket/errors.ts";
import { InetAddress } from "../../src/tsocket/inet_address.ts";
import { UnixAddress } from "../../src/tsocket/local_address.ts";
import type { Datagram, DatagramError } from "../../src/tsocket/types.ts";
import { anyPort, codeFrom, never } from "./support/node_pair.ts";

const isBun = process.versions.bun !== undefined;
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytes = (words: string): Uint8Array => new TextEncoder().encode(words);

/** A started driver with what came. */
class Inbound {
  readonly driver: TDgramDriver;
  readonly got: Datagram[] = [];
  readonly icmp: DatagramError[] = [];
  writable = 0;
  #wake: () => void = () => {};

  constructor(driver: TDgramDriver) {
    this.driver = driver;
    driver.start({
      datagram: (data, source, truncated) => {
        this.got.push({ data, source, truncated });
        this.#wake();
      },
      writable: () => this.writable++,
      icmpError: (error) => {
        this.icmp.push(error);
        this.#wake();
      },
      broken: () => {},
    });
  }

  async until(isDone: () => boolean): Promise<void> {
    while (!isDone()) await new Promise<void>((resolve) => this.#wake = resolve);
  }
}

/** A socket of Bun that does what it is told. */
class FakeBunSocket implements BunUdpSocket {
  readonly address = { address: "127.0.0.1", port: 4000 };
  readonly sent: string[] = [];
  /** What the next calls answer: a code to throw, or how many are taken; all without. */
  readonly script: (string | number)[] = [];
  isOpen = true;

  sendMany(list: readonly (Uint8Array | number | string)[]): number {
    const step = this.script.shift();
    if (typeof step === "string") throw Object.assign(new Error(step), { code: step });
    const datagrams = list.filter((one) => one instanceof Uint8Array);
    const taken = step ?? datagrams.length;
    this.sent.push(...datagrams.slice(0, taken).map(text));
    return taken;
  }

  send(): boolean {
    throw new Error("not used");
  }

  setBroadcast(): void {}
  addMembership(): void {}
  dropMembership(): void {}
  ref(): void {}
  unref(): void {}
  close(): void {
    this.isOpen = false;
  }
}

function fakeDriver(): { inbound: Inbound; socket: FakeBunSocket; handlers: BunUdpHandlers; driver: BunDgramDriver } {
  const driver = new BunDgramDriver(dgramEnds({ localAddress: anyPort }));
  const socket = new FakeBunSocket();
  driver.attach(socket);
  return { inbound: new Inbound(driver), socket, handlers: driver.handlers, driver };
}

const to = InetAddress.from("127.0.0.1", 9);
const list = (...words: string[]) => words.map((word) => ({ data: bytes(word), to }));

test("75: Bun: a send that an earlier datagram's error got in the way of is done again, so often", async () => {
  const { socket, driver, inbound } = fakeDriver();
  socket.script.push("ECONNREFUSED", "ECONNREFUSED");
  await driver.send([bytes("li"), bytes("ve")], to);
  assertEquals(socket.sent, ["live"]);
  assertEquals(inbound.icmp, []);
  socket.script.push(...Array.from({ length: MAX_RESENDS + 1 }, () => "ECONNREFUSED"));
  assertEquals(await codeFrom(driver.send(bytes("never"), to)), "ECONNREFUSED");
});

test("76: Bun: sendMany counts what is taken across errors in between, and says no room as it is", () => {
  const { socket, driver, inbound, handlers } = fakeDriver();
  socket.script.push(1, "ECONNREFUSED", 1);
  assertEquals(driver.sendMany(list("a", "b", "c"), 0), 3);
  socket.script.push(1, 0);
  assertEquals(driver.sendMany(list("d", "e", "f"), 1), 1);
  assertEquals(socket.sent, ["a", "b", "c", "e"]);
  handlers.drain();
  assertEquals(inbound.writable, 1);
});

test("76: Bun: what cannot be sent is thrown once everything before it is taken, with that number", () => {
  const { socket, driver } = fakeDriver();
  const datagrams = [...list("a", "b"), { data: new Uint8Array(65_508), to }, ...list("c")];
  const thrown = (): SocketError => {
    try {
      driver.sendMany(datagrams, 0);
    } catch (error) {
      return error as SocketError;
    }
    throw new Error("it did not throw");
  };
  const { code, bytesTransferred, message } = thrown();
  assertEquals([code, bytesTransferred], ["EMSGSIZE", 2]);
  assertEquals(message, "SocketError: a datagram of 65508 bytes exceeds maxDatagramSize 65507");
  socket.script.push(1, 0);
  assertEquals(driver.sendMany(datagrams, 0), 1);
  socket.script.push(1, "EPERM");
  assertEquals([thrown().code], ["EPERM"]);
  assertEquals(socket.sent, ["a", "b", "a", "a"]);
});

test("78: Bun: a send without room waits for drain, and rejects when closed", async () => {
  const { socket, driver, handlers } = fakeDriver();
  socket.script.push(0);
  const waiting = driver.send(bytes("a"), to);
  handlers.drain();
  await waiting;
  socket.script.push(0);
  const closed = codeFrom(driver.send(bytes("b"), to));
  await driver.close();
  await driver.close();
  assertEquals([await closed, socket.isOpen], ["ECONNABORTED", false]);
  assertEquals(await codeFrom(driver.send(bytes("c"), to)), "ECONNABORTED");
});

test("75: Bun: errors are told whatever number of arguments they come with, and truncation is", () => {
  const { inbound, handlers, driver } = fakeDriver();
  const error = Object.assign(new Error("recv"), { code: "ECONNREFUSED" });
  handlers.error(error);
  handlers.error(driver, error);
  assertEquals(inbound.icmp.map(({ code, cause }) => [code, cause === error]), [
    ["ECONNREFUSED", true],
    ["ECONNREFUSED", true],
  ]);
  handlers.data(undefined, bytes("cut"), 5, "::ffff:127.0.0.1", { truncated: true });
  assertEquals(inbound.got.map(({ source, truncated }) => [String(source), truncated]), [["ipv4:127.0.0.1:5", true]]);
});

for (
  const [name, dgram] of [["node:dgram", dgramNode], ["Bun's datagrams, or what stands for them", dgramBun]] as const
) {
  test(`72: ${name}: an IPv6 socket talks with IPv4 too, and names IPv4 peers as such`, async () => {
    const dual = new Inbound(await dgram({ localAddress: InetAddress.from("::", 0) }, never));
    const plain = new Inbound(await dgram({ localAddress: anyPort }, never));
    const { port } = dual.driver.localAddress as InetAddress;
    await plain.driver.send([bytes("a"), bytes("sk")], InetAddress.from("127.0.0.1", port));
    await dual.until(() => dual.got.length === 1);
    assertEquals([text(dual.got[0]!.data), String(dual.got[0]!.source)], ["ask", String(plain.driver.localAddress)]);
    await dual.driver.send(new Uint8Array(0), dual.got[0]!.source);
    await plain.until(() => plain.got.length === 1);
    assertEquals(plain.got[0]!.data.length, 0);
    assertEquals(await codeFrom(plain.driver.send(bytes("x"), InetAddress.from("::1", port))), "EINVAL");
    assertEquals(await codeFrom(plain.driver.send(bytes("x"), undefined)), "EDESTADDRREQ");
    await Promise.all([dual.driver.close(), plain.driver.close(), plain.driver.close()]);
    assertEquals(await codeFrom(plain.driver.send(bytes("x"), anyPort)), "ECONNABORTED");
  });

  test(`75: ${name}: dead and live receivers in turn, all that is for the live one arrives`, async () => {
    const live = new Inbound(await dgram({ localAddress: anyPort }, never));
    const sender = new Inbound(await dgram({ localAddress: anyPort }, never));
    for (let i = 0; i < 5; i++) {
      await sender.driver.send(bytes("dead"), InetAddress.from("127.0.0.1", 1));
      await sender.driver.send(bytes(`live ${i}`), live.driver.localAddress);
    }
    await live.until(() => live.got.length === 5);
    assertEquals(live.got.map(({ data }) => text(data)), [0, 1, 2, 3, 4].map((i) => `live ${i}`));
    await Promise.all([live.driver.close(), sender.driver.close()]);
  });

  test(`72: ${name}: options: ports are shared or refused, buffers sized, what makes no sense refused`, async () => {
    const first = await dgram({ localAddress: anyPort, reuseAddress: true, recvBufferSize: 65_536 }, never);
    await first.close();
    const second = await dgram({ localAddress: anyPort, broadcast: true }, never);
    assertEquals(await codeFrom(dgram({ localAddress: second.localAddress }, never)), "EADDRINUSE");
    await second.close();
    if (!canReusePort()) assertEquals(await codeFrom(dgram({ reusePort: true }, never)), "EPROTONOSUPPORT");
    const unix = UnixAddress.from("/nowhere");
    assertEquals(await codeFrom(dgram({ localAddress: unix }, never)), "EPROTONOSUPPORT");
    const remoteAddress = InetAddress.from("::1", 5);
    assertEquals(await codeFrom(dgram({ localAddress: anyPort, remoteAddress }, never)), "EINVAL");
    const reason = new Error("enough");
    assert(await dgram({}, AbortSignal.abort(reason)).catch((error) => error) === reason);
    assertEquals(await codeFrom(dgram({ localAddress: InetAddress.from("203.0.113.1", 0) }, never)), "EADDRNOTAVAIL");
  });

  test(`72: ${name}: groups can be joined and left by address and by name of the interface`, async () => {
    const driver = await dgram({ localAddress: InetAddress.from("0.0.0.0", 0) }, never);
    const loopback = Object.entries(networkInterfaces()).find(([, infos]) => infos?.some((info) => info.internal));
    for (const networkInterface of ["127.0.0.1", loopback![0]]) {
      driver.joinMulticast!("239.1.2.3", networkInterface);
      driver.leaveMulticast!("239.1.2.3", networkInterface);
    }
    let code = "";
    try {
      driver.joinMulticast!("239.1.2.3", "no such interface");
    } catch (error) {
      code = (error as SocketError).code;
    }
    assertEquals(code, "EADDRNOTAVAIL");
    await driver.close();
  });
}

test("72: on Bun its own sockets are used unless an option needs Node's; elsewhere always Node's", async () => {
  const plain = await dgramBun({ localAddress: anyPort }, never);
  const sized = await dgramBun({ localAddress: anyPort, sendBufferSize: 65_536 }, never);
  assertEquals([plain.kind, sized.kind], [isBun ? "bun" : "node", "node"]);
  assertEquals("Bun" in globalThis && typeof (globalThis as { Bun?: BunUdp }).Bun?.udpSocket === "function", isBun);
  await Promise.all([plain.close(), sized.close()]);
});

test("72: the family follows the addresses; without any it is IPv4", () => {
  assertEquals(String(dgramEnds({}).local), "ipv4:0.0.0.0:0");
  assertEquals(String(dgramEnds({ ipv6Only: true }).local), "ipv6:[::]:0");
  const remoteAddress = InetAddress.from("127.0.0.1", 5);
  const { family, remote } = dgramEnds({ localAddress: InetAddress.from("::", 0), remoteAddress });
  assertEquals([family, String(remote)], ["ipv6", "ipv6:[::ffff:127.0.0.1]:5"]);
  assertEquals(String(receiver(remote!, "ipv4", false)), String(remoteAddress));
  assertEquals(multicastInterface("fe80::1%x", "ipv6"), "fe80::1%x");
  assertEquals(multicastInterface(undefined, "ipv4"), undefined);
});

test("MAX_SOURCES: addresses of senders are remembered, so many and no more", () => {
  const cache = new SourceCache();
  const first = cache.get("fe80::1%eth0", 1)!;
  assertEquals([first.zone, cache.get("fe80::1%eth0", 1) === first], ["eth0", true]);
  for (let port = 2; port <= 2 * MAX_SOURCES; port++) cache.get("127.0.0.1", port);
  assert(cache.size <= MAX_SOURCES);
  assertEquals(String(cache.get("::ffff:127.0.0.1", 7)), "ipv4:127.0.0.1:7");
  assertEquals(cache.get("nonsense", 7), undefined);
});
