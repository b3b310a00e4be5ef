/** Large transfers: our client reads and writes volumes of OpenAFS's volserver. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { concat, fromHex } from "../../../src/bytes/mod.ts";
import { indexOfNeedle } from "../../../src/bytes/index_of_needle.ts";
import { type ClientSecurity, none, RxEndpoint, RxkadLevel, RxrpcError } from "../../../src/rxrpc/mod.ts";
import { dgram } from "../../../src/tsocket/drivers/node/mod.ts";
import { InetAddress } from "../../../src/tsocket/mod.ts";
import { pattern } from "../../rxrpc/world.ts";
import { cleanUp, configFolder, startServer, tool } from "./cell.ts";
import { startProxy } from "./proxy.ts";
import { byDes } from "./security.ts";
import { body, words } from "./words.ts";

const HOST = "10.77.0.1";
const DIRECT = InetAddress.parse("127.0.0.1:7005");
const FAR = InetAddress.parse("127.0.0.1:7105");
const VOLSERVER = 4;
/** Operations of the volume server. */
const Volume = { create: 100, restore: 102, endTransaction: 104, setFlags: 106, transaction: 108, dump: 109 } as const;
const BUSY = 2;
const DUMP_END = fromHex("043a214b6e");
const LARGE = 20_000_000;
const SMALL = 2_000_000;

let folder: string;
let client: RxEndpoint;
/** What an empty volume is dumped as. */
let empty: Uint8Array;
let nextVolume = 536_900_000;

/** As one caller, by one way. */
class Volserver {
  readonly to: InetAddress;
  readonly security: ClientSecurity;

  constructor(to: InetAddress, security: ClientSecurity) {
    this.to = to;
    this.security = security;
  }

  ask(request: Uint8Array): Promise<Uint8Array> {
    return client.request({ to: this.to, service: VOLSERVER, security: this.security, body: request });
  }

  /** Makes a volume out of a dump. */
  async restore(name: string, dump: Uint8Array): Promise<number> {
    const id = nextVolume++;
    const [, transaction] = words(await this.ask(body(Volume.create, 0, name, 0, 0, id)));
    await this.ask(body(Volume.restore, transaction!, 1, letters(name), 0, 0, id, dump));
    await this.ask(body(Volume.setFlags, transaction!, 0));
    await this.ask(body(Volume.endTransaction, transaction!));
    return id;
  }

  async dump(volume: number): Promise<Uint8Array> {
    const [transaction] = words(await this.ask(body(Volume.transaction, volume, 0, BUSY)));
    const dump = await this.ask(body(Volume.dump, transaction!, 0));
    await this.ask(body(Volume.endTransaction, transaction!));
    return dump;
  }
}

/** A name of 32 letters at most, a word for each. */
function letters(name: string): Uint8Array {
  return body(...Array.from({ length: 32 }, (_, at) => at < name.length ? name.charCodeAt(at) : 0));
}

/** The dump of an empty volume, and a file in it. */
function dumpWith(file: Uint8Array): Uint8Array {
  const head = fromHex(
    "03" + "00000002" + "00000002" + "7401" + "6c0001" + "7600000001" + "6d60000000" + "6100000000" + "6f00000000" +
      "6201a4" + "7000000001" + "7360000000" + "66",
  );
  return concat([empty.subarray(0, -DUMP_END.length), head, body(file.length), file, DUMP_END]);
}

async function until(what: string, works: () => Promise<unknown>): Promise<void> {
  for (let tries = 0;; tries++) {
    try {
      await works();
      return;
    } catch (error) {
      if (tries > 100) throw new Error(what, { cause: error });
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

before(async () => {
  folder = configFolder(HOST, "des");
  const local = ["-localauth", "-config", folder];
  startServer("ptserver", folder);
  startServer("vlserver", folder);
  await until("no quorum", () => tool("vos", ["listvldb", ...local]));
  await until("no quorum", () => tool("pts", ["listentries", ...local]));
  startServer("fileserver", folder);
  client = await RxEndpoint.open(dgram({ localAddress: InetAddress.parse("127.0.0.1:0") }));
  await until("no file server", () => client.version(InetAddress.parse("127.0.0.1:7000")));
  startServer("volserver", folder);
  await until("no volume server", () => tool("vos", ["create", HOST, "a", "empty", ...local]));
  const path = join(folder, "empty.dump");
  await tool("vos", ["dump", "empty", "-file", path, ...local]);
  empty = new Uint8Array(readFileSync(path));
  assertEquals(empty.subarray(-DUMP_END.length), DUMP_END);
});
after(async () => {
  await client.close();
  await cleanUp();
});

for (const level of ["clear", "auth", "crypt"] as const) {
  test(`203: 20 MB to a volume server and back, rxkad ${level}: byte-exact`, async () => {
    const server = new Volserver(DIRECT, byDes(RxkadLevel[level]));
    const file = pattern(LARGE, level.length);
    const volume = await server.restore(`large.${level}`, dumpWith(file));
    const dump = await server.dump(volume);
    const at = indexOfNeedle(dump, file.subarray(0, 4096));
    assert(at > 0 && dump.length >= at + LARGE, `${dump.length} bytes, at ${at}`);
    assertEquals(Buffer.compare(dump.subarray(at, at + LARGE), file), 0);
    assertEquals(dump.subarray(-DUMP_END.length), DUMP_END);
    // the same by OpenAFS's program
    const path = join(folder, `${level}.dump`);
    await tool("vos", [
      "dump",
      String(volume),
      "-file",
      path,
      "-server",
      HOST,
      "-partition",
      "a",
      "-localauth",
      "-config",
      folder,
    ]);
    assertEquals(Buffer.compare(readFileSync(path).subarray(at, at + LARGE), file), 0);
  });
}

test("2 MB each way through a network that loses 5 %, doubles and reorders: byte-exact", async () => {
  const proxy = await startProxy(FAR, DIRECT, 7005);
  after(() => proxy.close());
  const server = new Volserver(FAR, byDes(RxkadLevel.crypt));
  const file = pattern(SMALL, 5);
  const dump = await server.dump(await server.restore("far", dumpWith(file)));
  const at = indexOfNeedle(dump, file.subarray(0, 4096));
  assertEquals(Buffer.compare(dump.subarray(at, at + SMALL), file), 0);
  assert(proxy.lost > 50, `${proxy.lost} lost`);
});

test("who is nobody may not", async () => {
  const server = new Volserver(DIRECT, none());
  const error = await assertRejects(() => server.restore("stranger", dumpWith(pattern(100_000, 1))), RxrpcError);
  assertEquals([error.code, error.blame], ["ECONNABORTED", "remote"]);
});
