/** Our client, OpenAFS's ptserver and vlserver. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  type ClientSecurity,
  RxEndpoint,
  RxkadLevel,
  type RxRequestOptions,
  RxrpcError,
} from "../../../src/rxrpc/mod.ts";
import { dgram } from "../../../src/tsocket/drivers/node/mod.ts";
import { InetAddress } from "../../../src/tsocket/mod.ts";
import { configFolder, end, start, startServer, tool } from "./cell.ts";
import { startProxy } from "./proxy.ts";
import { Resends } from "./resends.ts";
import { byDes, ways } from "./security.ts";
import { body, name64, nameAt, words } from "./words.ts";

const PT = { to: InetAddress.parse("127.0.0.1:7002"), service: 73 };
const VL = { to: InetAddress.parse("127.0.0.1:7003"), service: 52 };
const ADMINISTRATORS = -204;
const USERS = 120;
const UNOQUORUM = 5376;
/** What 120 names and numbers take. */
const ENTRY_WORDS = 76;

let client: RxEndpoint;
const servers: ReturnType<typeof startServer>[] = [];

const open = (resends = new Resends()): Promise<RxEndpoint> =>
  RxEndpoint.open(resends.before(dgram({ localAddress: InetAddress.parse("127.0.0.1:0") })));

before(async () => {
  const folder = configFolder("10.77.0.1", "both");
  servers.push(startServer("ptserver", folder), startServer("vlserver", folder));
  client = await open();
  // a new database takes no writes before its servers have voted
  for (const [target, question] of [[PT, body(510)], [VL, body(534, 0, 0, 0, 0, 0, 0, "", 0)]] as const) {
    await untilQuorum({ ...target, body: question });
  }
});
after(async () => {
  await client.close();
  for (const server of servers) await end(server);
});

async function untilQuorum(request: RxRequestOptions): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    try {
      await client.request({ ...request, timeouts: { hardMs: 2000 } });
      return;
    } catch (error) {
      if (error instanceof RxrpcError && error.abortCode === UNOQUORUM || tries < 5) {
        await new Promise((resolve) => setTimeout(resolve, 200));
      } else throw error;
    }
  }
}

/** Calls; the reply's words, and how long the call stayed open behind its last byte. */
async function ask(target: typeof PT, security: ClientSecurity, request: Uint8Array, by = client): Promise<number[]> {
  const call = by.call({ ...target, security });
  const reply = call.bytes();
  reply.catch(() => {});
  await call.write(request);
  await call.end();
  const all = words(await reply);
  const saidAt = performance.now();
  await call.closed;
  const lingered = performance.now() - saidAt;
  assert(lingered < 50, `closed ${lingered} ms behind the reply`);
  return all;
}

for (const [way, make] of ways) {
  test(`ptserver and vlserver answer our client ${way}; calls close at once, nothing is sent again in vain`, async () => {
    const resends = new Resends();
    const own = await open(resends);
    const security = make();
    assertEquals((await ask(PT, security, body(510), own)).length, 2);
    const ids = await ask(PT, security, body(504, 1, name64("system:administrators")), own);
    assertEquals(ids, [1, ADMINISTRATORS]);
    const names = await ask(PT, security, body(505, 1, ADMINISTRATORS), own);
    assertEquals([names[0], nameAt(names, 1)], [1, "system:administrators"]);
    const entry = await ask(PT, security, body(512, ADMINISTRATORS), own);
    assertEquals([entry.length, entry[1]], [ENTRY_WORDS, ADMINISTRATORS]);
    assertEquals((await ask(VL, security, body(534, 0, 0, 0, 0, 0, 0, "", 0), own)).slice(0, 2), [0, 0]);
    assertEquals((await ask(VL, security, body(515, 0, 0), own))[4], 0);
    const absent = await own.request({ ...VL, security, body: body(519, "no.volume") }).catch((why) => why);
    assert(absent instanceof RxrpcError);
    assertEquals([absent.code, absent.blame, absent.abortCode], ["ECONNABORTED", "remote", 363_524]);
    assertEquals([resends.needless, own.stats.clientCalls], [[], 7]);
    await own.close();
  });
}

test("users are made by enciphered calls, and come back in a list of many packets", async () => {
  const security = byDes(RxkadLevel.crypt);
  const resends = new Resends();
  // not the one that asked while the server was still starting, and had to ask again
  const own = await open(resends);
  await Promise.all(Array.from({ length: USERS }, (_, index) => {
    const request = body(500, `user${index}`, 1000 + index, 0);
    return own.request({ ...PT, security, body: request, timeouts: { hardMs: 20_000 } });
  }));
  checkUsers(await ask(PT, security, body(521, 1, 0), own));
  assertEquals(resends.needless, []);
  // the first transmission of each was enough, unless its acknowledgement was late on a busy machine
  assert(own.stats.resentPackets <= USERS / 10, `${own.stats.resentPackets} packets sent again`);
  await own.close();
});

function checkUsers(list: readonly number[]): void {
  const entries = Array.from({ length: list[0]! }, (_, index) => {
    const at = 1 + index * ENTRY_WORDS;
    return [list[at + 1], nameAt(list, at + 12)];
  });
  for (let index = 0; index < USERS; index++) {
    assert(entries.some(([id, name]) => id === 1000 + index && name === `user${index}`), `user${index}`);
  }
  assertEquals(list.length, 2 + list[0]! * ENTRY_WORDS);
}

test("without rights, and with a wrong key, the server says why", async () => {
  const anonymous = await client.request({ ...PT, body: body(521, 1, 0) }).catch((why) => why);
  assertEquals((anonymous as RxrpcError).abortCode, 267_269);
  const unknown = await client.request({ ...PT, body: body(9999) }).catch((why) => why);
  assertEquals((unknown as RxrpcError).abortCode, -455);
});

test("the list is the same through a network that loses 5 %, doubles and reorders", async () => {
  const proxy = await startProxy({ address: "127.0.0.1", port: 7102 }, { address: "127.0.0.1", port: 7002 }, 7);
  const to = InetAddress.parse("127.0.0.1:7102");
  const security = byDes(RxkadLevel.crypt);
  for (let round = 0; round < 5; round++) {
    checkUsers(words(await client.request({ to, service: 73, security, body: body(521, 1, 0) })));
  }
  const small = Array.from({ length: 60 }, () => client.request({ to, service: 73, security, body: body(510) }));
  for (const reply of await Promise.all(small)) assertEquals(reply.length, 8);
  proxy.close();
  assert(proxy.lost > 10, `${proxy.lost} of ${proxy.passed} datagrams lost`);
});

test("182: version and DEBUG of a real server", async () => {
  const own = await open();
  assertMatch(await own.version(PT.to), /OpenAFS/);
  const debug = own.debug(PT.to);
  const stats = await debug.stats();
  assertEquals(stats.version, "S");
  assert(stats.callsExecuted > USERS, `${stats.callsExecuted} calls`);
  assert((await debug.counters()).others["dataPacketsRead"]! > USERS);
  const peers = [];
  for await (const peer of debug.peers()) peers.push(peer);
  assert(peers.some(({ address, maxMtu }) => address === "127.0.0.1" && maxMtu >= 1444), JSON.stringify(peers));
  let connections = 0;
  for await (const { isServer } of debug.connections({ all: true })) connections += isServer ? 1 : 0;
  assert(connections > 0);
  await own.close();
});

test("tshark finds nothing malformed in our packets", async () => {
  const file = join(configFolder("127.0.0.1", "none"), "rx.pcap");
  const capture = start("tcpdump", ["-i", "lo", "--immediate-mode", "-U", "-Z", "root", "-w", file, "udp"]);
  await new Promise((resolve) => capture.stderr!.once("data", resolve));
  const own = await open();
  const { port } = own.localAddress!;
  for (const [, make] of ways.slice(0, 4)) {
    const security = make();
    await own.request({ ...PT, security, body: body(510) });
    await own.request({ ...VL, security, body: body(515, 0, 0) });
  }
  await own.request({ ...PT, security: byDes(RxkadLevel.clear), body: body(521, 1, 0) });
  // what comes last may stay in the capture's buffer until something follows it
  for (let tries = 0; tries < 100 && !readFileSync(file).includes("OpenAFS"); tries++) {
    await own.version(PT.to);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await own.close();
  await end(capture, "SIGINT");
  assert(readFileSync(file).length > 1000);
  const decode = ["-r", file, "-T", "fields", "-e", "rx.type", "-e", "_ws.malformed", "-e", "_ws.expert.message"];
  const lines = (await tool("tshark", [...decode, "-Y", `udp.srcport == ${port}`])).trim().split("\n")
    .filter((line) => !line.startsWith("Running as user"));
  const types = new Set(lines.map((line) => line.split("\t")[0]));
  for (const type of ["1", "2", "7", "13"]) assert(types.has(type), `${[...types]}`);
  assertEquals(lines.filter((line) => /\t\S/.test(line)), []);
});
