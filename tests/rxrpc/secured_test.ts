/** Calls under rxkad, over simulated networks. */
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { inspect } from "node:util";
import type { RxObserver } from "../../src/rxrpc/observer.ts";
import type { ServerKey } from "../../src/rxrpc/security/key_store.ts";
import { encodeK4Ticket } from "../../src/rxrpc/security/rxkad/k4_ticket.ts";
import type { RxkadError } from "../../src/rxrpc/security/rxkad/errors.ts";
import { rxkadClient } from "../../src/rxrpc/security/rxkad/rxkad_client.ts";
import { rxkadServer } from "../../src/rxrpc/security/rxkad/rxkad_server.ts";
import { SeededRandom } from "../../src/sim/mod.ts";
import { fromHex } from "./hex.ts";
import { type LinkOptions, pattern, request, serve, World } from "./world.ts";

const serverKey = fromHex("80b6a7cd7a9dadb6");
const sessionKey = fromHex("0102020404070708");

function ticketFor(key: Uint8Array, start: number, lifetime = 0xff): Uint8Array {
  return encodeK4Ticket(key, {
    name: "alice",
    instance: "admin",
    realm: "EXAMPLE.ORG",
    host: 0,
    sessionKey,
    lifetime,
    start,
    service: "afs",
    serviceInstance: "",
  });
}

interface Setting {
  link?: LinkOptions;
  keys?: () => readonly ServerKey[];
  minLevel?: 0 | 1 | 2;
  seed?: number;
  idleServiceMs?: number;
  maxServiceCallsPerPeer?: number;
  observer?: RxObserver;
}

function cell(setting: Setting = {}) {
  const world = new World(setting.link, setting.seed);
  const { observer, idleServiceMs, maxServiceCallsPerPeer } = setting;
  const client = world.add({ observer });
  const server = world.add({ idleServiceMs, maxServiceCallsPerPeer, observer });
  const random = new SeededRandom(5);
  const security = rxkadServer({
    keys: setting.keys ?? (() => [{ kind: "rxkad", kvno: 3, enctype: 1, key: serverKey }]),
    random: (into) => into.forEach((_, at) => into[at] = random.below(256)),
    minLevel: setting.minLevel,
  });
  server.engine.offer({ id: 147, security: [security] });
  const served = serve(world, server, (body) => body);
  return { world, client, server, served, start: Math.floor(1_800_000_001) };
}

for (const level of [0, 1, 2] as const) {
  test(`rxkad, level ${level}: an echo of 100 kB, also with 5 % loss; the server knows who it is`, () => {
    for (const loss of [0, 0.05]) {
      const { world, client, server, served, start } = cell({ link: { delayMs: 3, loss } });
      const security = rxkadClient({ kvno: 3, sessionKey, ticket: ticketFor(serverKey, start), level });
      const body = pattern(100_000);
      const call = request(world, client, server, body, { security });
      world.run(60_000, () => call.closedCount > 0 && served[0]?.closedCount === 1);
      assertEquals([call.error, call.bytes], [undefined, body.length]);
      assert(call.all.every((byte, at) => byte === body[at]));
      assertEquals(served[0]!.call!.identity, { name: ["alice", "admin"], realm: "EXAMPLE.ORG", level });
      const plain = world.sent.some(({ data }) =>
        data.length > 1000 && new TextDecoder("latin1").decode(data).includes("\x07\x0e\x15\x1c\x23\x2a")
      );
      assertEquals(plain, level < 2, "what is on the wire can be read at levels 0 and 1");
    }
  });
}

test("rxkad: four calls at once share one challenge, a second call none", () => {
  const { world, client, server, start } = cell();
  const security = rxkadClient({ kvno: 3, sessionKey, ticket: ticketFor(serverKey, start) });
  const calls = Array.from({ length: 4 }, (_, i) => request(world, client, server, pattern(100, i), { security }));
  world.run(1000);
  calls.push(request(world, client, server, pattern(50), { security }));
  world.run(1000);
  assertEquals(calls.map(({ bytes, error }) => [bytes, error]), [[100, undefined], [100, undefined], [100, undefined], [
    100,
    undefined,
  ], [50, undefined]]);
  assertEquals([6, 7].map((type) => world.sent.filter(({ header }) => header.type === type).length), [1, 1]);
});

test("rxkad: a server that has forgotten the connection asks anew, and the call goes on under the same number", () => {
  const { world, client, server, served, start } = cell({ idleServiceMs: 1000 });
  const security = rxkadClient({ kvno: 3, sessionKey, ticket: ticketFor(serverKey, start) });
  for (const callNumber of [1, 2]) {
    const call = request(world, client, server, pattern(5000, callNumber), { security });
    world.run(5000);
    assertEquals([call.error, call.bytes, call.opened_!.callNumber], [undefined, 5000, callNumber]);
    assertEquals([client.engine.connections.client, server.engine.connections.service], [1, 0]);
  }
  assertEquals(served.map(({ call }) => call!.identity?.name), [["alice", "admin"], ["alice", "admin"]]);
  const cids = new Set(world.sent.map(({ header }) => header.cid & ~3));
  assertEquals(cids.size, 1, "the client's connection is the same");
  assertEquals([6, 7].map((type) => world.sent.filter(({ header }) => header.type === type).length), [2, 2]);
});

/** Whether it is the first packet of a call in the second channel. */
const beginsSecond = (data: Uint8Array): boolean =>
  (data[7]! & 3) === 1 && data[20] === 1 && (data[21]! & 1) === 1 &&
  new DataView(data.buffer, data.byteOffset).getUint32(12) === 1;

for (
  const [what, setting] of [
    ["the first packet of one is lost", (isFirst: () => boolean): Setting => ({
      link: { delayMs: 3, drop: (data) => beginsSecond(data) && isFirst() },
    })],
    ["one is put off before the client says who it is", (): Setting => ({
      link: { delayMs: 3 },
      maxServiceCallsPerPeer: 1,
    })],
  ] as const
) {
  test(`rxkad: of two calls at once ${what}: both are served`, () => {
    let seen = 0;
    const { world, client, server, start } = cell(setting(() => seen++ === 0));
    const security = rxkadClient({ kvno: 3, sessionKey, ticket: ticketFor(serverKey, start) });
    const calls = [1, 2].map((seed) => request(world, client, server, pattern(100, seed), { security }));
    world.run(3000);
    assertEquals(calls.map(({ error, bytes, closedCount }) => [error, bytes, closedCount]), [
      [undefined, 100, 1],
      [undefined, 100, 1],
    ]);
    if (what.includes("lost")) assert(seen > 1, "it was lost, and came again");
  });
}

test("rxkad: a server that has forgotten the connection serves no call again that is over", () => {
  const { world, client, server, served, start } = cell({ idleServiceMs: 1000 });
  const security = rxkadClient({ kvno: 3, sessionKey, ticket: ticketFor(serverKey, start) });
  const make = (): unknown => request(world, client, server, pattern(100), { security });
  make();
  make();
  world.run(5000);
  assertEquals([served.length, server.engine.connections.service], [2, 0]);
  const old = world.sent.find(({ data }) => beginsSecond(data))!;
  make();
  world.run(500);
  assertEquals(served.length, 3);
  server.engine.push({ data: old.data, from: client.address }, world.now);
  world.run(5000);
  assertEquals(served.length, 3);
});

test("rxkad: nor where the old packet comes before its client has said who it is", () => {
  const { world, client, server, served, start } = cell({ idleServiceMs: 1000 });
  const security = rxkadClient({ kvno: 3, sessionKey, ticket: ticketFor(serverKey, start) });
  const make = () => request(world, client, server, pattern(100), { security });
  make();
  make();
  world.run(5000);
  assertEquals([served.length, server.engine.connections.service], [2, 0]);
  const old = world.sent.find(({ data }) => beginsSecond(data))!;
  server.engine.push({ data: old.data, from: client.address }, world.now);
  const last = make();
  world.run(5000);
  assertEquals([served.length, last.error], [3, undefined]);
  assertEquals(served.map(({ bytes }) => bytes), [100, 100, 100]);
});

test("rxkad: of a call that was given up its own number is told, of one that has its reply the next", () => {
  const isAbort = (data: Uint8Array): boolean => data[20] === 4;
  const { world, client, server, start } = cell({ link: { delayMs: 3, drop: isAbort }, idleServiceMs: 1000 });
  const rxkad = rxkadClient({ kvno: 3, sessionKey, ticket: ticketFor(serverKey, start) });
  const told: (readonly number[])[] = [];
  const security: typeof rxkad = {
    ...rxkad,
    connect: (identity) => {
      const protection = rxkad.connect(identity);
      const respond: typeof protection.respond = (body, numbers) => {
        told.push([...numbers]);
        return protection.respond(body, numbers);
      };
      return new Proxy(protection, {
        get: (target, name) => {
          const member: unknown = name === "respond" ? respond : Reflect.get(target, name);
          return typeof member === "function" ? member.bind(target) : member;
        },
      });
    },
  };
  const [first, second] = [1, 2].map((seed) => request(world, client, server, pattern(100, seed), { security }));
  world.run(1);
  second!.call!.abort(7, world.now);
  world.run(900);
  assertEquals([first!.bytes, first!.error], [100, undefined]);
  world.run(400_000);
  const third = request(world, client, server, pattern(100, 3), { security });
  const fourth = request(world, client, server, pattern(100, 4), { security });
  world.run(1000);
  assertEquals([third.error, fourth.error], [undefined, undefined]);
  assertEquals(told[0], [1, 1, 0, 0]);
});

const refusals: [
  what: string,
  code: number,
  make: (start: number) => Parameters<typeof rxkadClient>[0],
  setting?: Setting,
][] = [
  ["unknown key version", 19270408, (start) => ({ kvno: 9, sessionKey, ticket: ticketFor(serverKey, start) })],
  [
    "ticket under another key",
    19270407,
    (start) => ({ kvno: 3, sessionKey, ticket: ticketFor(fromHex("1334a2c876f1d5e9"), start) }),
  ],
  ["expired ticket", 19270409, (start) => ({ kvno: 3, sessionKey, ticket: ticketFor(serverKey, start - 3000, 1) })],
  [
    "another session key",
    19270410,
    (start) => ({ kvno: 3, sessionKey: fromHex("0000000000000000"), ticket: ticketFor(serverKey, start) }),
  ],
];

for (const [what, code, make] of refusals) {
  test(`rxkad: ${what}: the connection is aborted with ${code}, a second later`, () => {
    const { world, client, server, served, start } = cell();
    const call = request(world, client, server, pattern(100), { security: rxkadClient(make(start)) });
    world.run(900);
    assertEquals(call.closedCount, 0);
    world.run(200);
    assertEquals([call.closedCount, (call.error as { abortCode: number }).abortCode], [1, code]);
    assertEquals(served.length, 0);
    world.run(700_000);
    assertEquals([server.engine.heldBytes, server.engine.connections.service, client.engine.connections.client], [
      0,
      0,
      0,
    ]);
  });
}

test("rxkad: keys that can't be read: that connection is aborted, as for an unknown key; the server and others go on", () => {
  let isReadable = true;
  let isList = true;
  const told: string[][] = [];
  const { world, client, server, served, start } = cell({
    keys: () => {
      if (!isReadable) throw new Error("the file is away");
      if (!isList) return Promise.resolve([]) as unknown as ServerKey[];
      return [{ kind: "rxkad", kvno: 3, enctype: 1, key: serverKey }];
    },
    observer: {
      authenticationFailed: (_remote, error) => {
        const { code, blame, message, cause } = error as RxkadError;
        told.push([code, blame, (cause as Error | undefined)?.message ?? message]);
      },
    },
  });
  const connect = () => rxkadClient({ kvno: 3, sessionKey, ticket: ticketFor(serverKey, start) });
  const known = connect();
  const ask = (security: ReturnType<typeof connect>) => {
    const call = request(world, client, server, pattern(100), { security });
    world.run(1200);
    return (call.error as { abortCode?: number } | undefined)?.abortCode ?? call.bytes;
  };
  assertEquals(ask(known), 100);
  isReadable = false;
  const unknown = rxkadClient({ kvno: 3, sessionKey, ticket: ticketFor(serverKey, start), level: 1 });
  assertEquals([ask(unknown), served.length], [19270408, 1]);
  assertEquals(ask(known), 100);
  isReadable = true;
  isList = false;
  assertEquals([ask(unknown), served.length], [19270408, 2]);
  isList = true;
  assertEquals([ask(unknown), served.length], [100, 3]);
  // the client hears one number, whatever was wrong; whoever runs the server hears what
  assertEquals(told, [
    ["RXKADUNKNOWNKEY", "local", "the file is away"],
    ["RXKADUNKNOWNKEY", "local", "keys() gave no list"],
  ]);
});

test("an observer is told of what rxkad refuses, and of calls under it; no bytes of a key or ticket are in either", () => {
  const shown: string[] = [];
  const tell = (...told: unknown[]): void => void shown.push(inspect(told, { depth: Infinity, showHidden: true }));
  const observer: RxObserver = { authenticationFailed: tell, rtt: tell, window: tell, pinged: tell, challenged: tell };
  for (const [, , make] of refusals) {
    const { world, client, server, start } = cell({ observer });
    request(world, client, server, pattern(100), { security: rxkadClient(make(start)) });
    world.run(2000);
  }
  const { world, client, server, start } = cell({ observer });
  const ticket = ticketFor(serverKey, start);
  const security = rxkadClient({ kvno: 3, sessionKey, ticket, level: 2 });
  const call = request(world, client, server, pattern(50_000), { security });
  world.run(2000);
  assertEquals(call.bytes, 50_000);
  assert(shown.length > 2 * refusals.length, String(shown.length));
  for (const secret of [serverKey, sessionKey, ticket.subarray(0, 8)]) {
    const bytes = [...secret].join(", ");
    assertEquals(shown.filter((text) => text.replace(/\s+/g, " ").includes(bytes)), []);
  }
});

test("rxkad: a level below the server's: the client itself gives up", () => {
  const { world, client, server, start } = cell({ minLevel: 2 });
  const security = rxkadClient({ kvno: 3, sessionKey, ticket: ticketFor(serverKey, start), level: 1 });
  const call = request(world, client, server, pattern(100), { security });
  world.run(100);
  assertEquals([call.closedCount, call.code], [1, "RXKADLEVELFAIL"]);
});

test("rxkad: keys that are none refuse the client that needs them, as an unknown key; the server and others go on", () => {
  const right: ServerKey = { kind: "rxkad", kvno: 3, enctype: 1, key: serverKey };
  const wrong = [undefined, null, 5, { ...right, key: serverKey.subarray(0, 7) }, {
    kind: "rxkad",
    kvno: 3,
    enctype: 1,
  }];
  let keys: unknown[] = [right];
  const told: unknown[] = [];
  const { world, client, server, start } = cell({
    keys: () => keys as ServerKey[],
    observer: {
      authenticationFailed: (_, error) => told.push([(error as RxkadError).code, (error as RxkadError).blame]),
    },
  });
  const connect = () => rxkadClient({ kvno: 3, sessionKey, ticket: ticketFor(serverKey, start) });
  const ask = (security: ReturnType<typeof connect>) => {
    const call = request(world, client, server, pattern(100), { security });
    world.run(1200);
    return (call.error as { abortCode?: number } | undefined)?.abortCode ?? call.bytes;
  };
  const known = connect();
  assertEquals(ask(known), 100);
  for (const one of wrong) {
    keys = [one];
    assertEquals([ask(connect()), ask(known)], [19270408, 100], inspect(one));
  }
  keys = [right];
  assertEquals(ask(connect()), 100);
  assertEquals([told.length, told.slice(3)], [5, Array(2).fill(["RXKADUNKNOWNKEY", "local"])]);
});

test("rxkad: keys may change while the server runs", () => {
  let keys: ServerKey[] = [];
  const { world, client, server, start } = cell({ keys: () => keys });
  const make = () => rxkadClient({ kvno: 3, sessionKey, ticket: ticketFor(serverKey, start) });
  const first = request(world, client, server, pattern(100), { security: make() });
  world.run(2000);
  keys = [{ kind: "rxkad", kvno: 3, enctype: 1, key: serverKey }];
  const second = request(world, client, server, pattern(100), { security: make() });
  world.run(2000);
  assertEquals([first.code, second.error, second.bytes], ["ECONNABORTED", undefined, 100]);
});

test("rxkad: a client without security at a service that asks for it is refused", () => {
  const { world, client, server } = cell();
  const call = request(world, client, server, pattern(100));
  world.run(100);
  assertEquals((call.error as { abortCode: number }).abortCode, -2);
});

test("rxkad: a packet that was changed on the way ends the connection, with the code for it", () => {
  const { world, client, server, served, start } = cell();
  world.link = {
    drop: (datagram, number) => {
      if (number > 5 && datagram.length > 1000) datagram[30]! ^= 1;
      return false;
    },
  };
  const security = rxkadClient({ kvno: 3, sessionKey, ticket: ticketFor(serverKey, start) });
  const call = request(world, client, server, pattern(20_000), { security });
  world.run(3000);
  assertEquals([call.closedCount, served[0]?.closedCount], [1, 1]);
  const abortCodes = [call, served[0]!].map(({ error }) => (error as { abortCode: number }).abortCode);
  assert(abortCodes[0] === abortCodes[1] && [19270410, 19270411].includes(abortCodes[0]!), String(abortCodes));
});
