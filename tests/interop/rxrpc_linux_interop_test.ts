/**
 * Calls between ours and the real thing: AF_RXRPC of Linux 6.1 in a virtual machine, our client at its server and its
 * client at ours. Every packet of ours is counted, so that nobody sends again without need, and no ABORT answers another.
 */
import { after, before, test } from "node:test";
import { crc32 } from "node:zlib";
import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { systemRandom } from "../../src/core/random.ts";
import {
  encodeK4Ticket,
  type RxAddress,
  type RxCallStream,
  rxkadClient,
  RxkadLevel,
  rxkadServer,
  RxrpcError,
} from "../../src/rxrpc/mod.ts";
import { type ControlClient, LinuxVm } from "./linux_vm/linux_vm.ts";
import { CountedEndpoint } from "./rxrpc/counted_endpoint.ts";

const SERVICE = 147;
const MEGABYTE = 1 << 20;
const GUEST_PORTS = 10;
const KEY = "80b6a7cd7a9dadb6";
const SESSION = "0102020404070708";
/** Linux looks for the host's loopback there. */
const HOST = "10.0.2.2";

let vm: LinuxVm;
let server: ControlClient;
let client: ControlClient;
let shell: ControlClient;
let ours: CountedEndpoint;
let clients = 0;
let guestPort = 7100;

before(async () => {
  vm = await LinuxVm.start("rxrpc", 18_000);
  [server, client, shell] = await Promise.all([vm.client("rxd"), vm.client("rxc"), vm.client("shd")]);
  ours = await CountedEndpoint.open();
});

after(async () => {
  await ours?.close();
  await vm?.stop();
});

/** Byte i is 7 i, as its programs have it. */
const pattern = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i * 7);

function hexBytes(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g)!, (byte) => parseInt(byte, 16));
}

/** A request to its server: a number for what to do, then what to do it with. */
function operation(op: number, ...rest: (number | Uint8Array)[]): Uint8Array {
  const bytes = [op, ...rest].flatMap((part) =>
    typeof part === "number" ? [part >>> 24, part >>> 16, part >>> 8, part] : [...part]
  );
  return Uint8Array.from(bytes);
}

const echo = (body: Uint8Array): Uint8Array => operation(1, body);

/** Its server for the time of `run`. */
async function atLinux(options: string, run: () => Promise<void>): Promise<void> {
  // Linux keeps a port for a while
  guestPort = 7100 + (guestPort + 1) % GUEST_PORTS;
  const [answer] = (await server.ask(`new S port=${guestPort} ${options}`)).slice(-1);
  assertStringIncludes(answer!, "ok port=");
  ours.look();
  try {
    await run();
    // the last acknowledgements go out
    await settled(50);
  } finally {
    await server.ask("del S");
  }
}

function there(): RxAddress {
  return { address: "127.0.0.1", port: vm.portOf(guestPort) };
}

function ask(
  body: Uint8Array,
  options: Partial<Parameters<typeof ours.endpoint.request>[0]> = {},
): Promise<Uint8Array> {
  return ours.endpoint.request({ to: there(), service: SERVICE, body, ...options });
}

/** Our server for the time of `run`: what it does with each call is `handle`. */
async function atOurs(
  options: Parameters<typeof ours.endpoint.listen>[0],
  handle: (call: RxCallStream) => Promise<void>,
  run: () => Promise<void>,
): Promise<void> {
  const listener = ours.endpoint.listen(options);
  const serving = (async () => {
    for await (const call of listener) handle(call).catch(() => {});
  })();
  ours.look();
  try {
    await run();
  } finally {
    await listener.close();
    await serving;
  }
}

/** What Linux's client says of a call that was aborted: an ABORT that comes while it still sends is told as an error. */
const ABORTED = /ABORT=-?\d|ERR ECONNABORTED/;

async function echoes(call: RxCallStream): Promise<void> {
  const body = await call.bytes();
  await call.write(body);
  await call.end();
}

/** A new client of Linux; its name. */
async function newClient(options = ""): Promise<string> {
  const name = `C${++clients}`;
  assertStringIncludes((await client.ask(`new ${name} ${options}`)).at(-1)!, "ok");
  return name;
}

/** Its client calls ours. Returns what it saw, with the sum of what came. */
async function call(name: string, options: string): Promise<{ text: string; total: number; crc: number }> {
  const lines = await client.ask(`call ${name} to=${HOST}:${ours.port} svc=${SERVICE} timeout=40000 quiet ${options}`);
  const [, total = "-1", crc = "0"] = /total=(\d+) msgs=\d+ crc=(\w+)/.exec(lines.at(-1) ?? "") ?? [];
  return { text: lines.join("\n"), total: Number(total), crc: parseInt(crc, 16) };
}

async function settled(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * Nothing is sent again without need. On a busy machine the guest may not run for longer than a timeout is, and is then
 * sent something again, now and then; what is sent again each time has another reason. Each try is the first exchange of
 * an endpoint, which knows nothing of the way there yet.
 */
async function withoutRepetition(exchange: () => Promise<void>): Promise<void> {
  const repeated: number[] = [];
  while (repeated.length < 3) {
    await ours.close();
    ours = await CountedEndpoint.open();
    await exchange();
    const { went } = ours.look();
    assertEquals(went.aborts, 0);
    if (went.repeated === 0) return;
    repeated.push(went.repeated);
  }
  throw new Error(`so many packets were sent again, each time: ${repeated}`);
}

/**
 * Nothing goes to and fro behind an error. `most` ABORTs, and one for each packet of DATA that one end sent again while
 * the other, a guest perhaps that did not run, had not answered yet; none that answers an ABORT. Returns the codes of the
 * ABORTs that we sent.
 */
async function assertNoStorm(most: number): Promise<readonly number[]> {
  await settled(300);
  const { came, went } = ours.look();
  assertEquals(went.answeredAborts, 0, "an ABORT answers an ABORT");
  const repeated = came.repeated + went.repeated;
  assert(
    came.aborts + went.aborts <= most + repeated,
    `${came.aborts} ABORTs came, ${went.aborts} went: ${most}, and ${repeated} for DATA that was sent again`,
  );
  await settled(300);
  const later = ours.look();
  assertEquals([later.came.aborts, later.went.aborts], [0, 0], "ABORTs go on");
  return went.abortCodes;
}

function ticket(start = Math.floor(Date.now() / 1000) - 60): Uint8Array {
  return encodeK4Ticket(hexBytes(KEY), {
    name: "alice",
    instance: "",
    realm: "EXAMPLE.ORG",
    host: 0,
    sessionKey: hexBytes(SESSION),
    lifetime: 0xff,
    start,
    service: "afs",
    serviceInstance: "",
  });
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

test("210: our client: an echo, a megabyte there, a megabyte back, byte-exact, and nothing is sent again", async () => {
  await withoutRepetition(() =>
    atLinux(`svc=${SERVICE}`, async () => {
      assertEquals(await ask(echo(pattern(1000))), pattern(1000));
      assertEquals(await ask(operation(2, pattern(MEGABYTE))), operation(MEGABYTE));
      const big = await ask(operation(3, MEGABYTE));
      assertEquals(crc32(big), crc32(pattern(MEGABYTE)));
    })
  );
});

test("our client: twenty calls at a time, on several connections", async () => {
  await atLinux(`svc=${SERVICE} backlog=10 charge=10`, async () => {
    const bodies = Array.from({ length: 20 }, (_, i) => pattern(100 + 500 * i));
    const replies = await Promise.all(bodies.map((body) => ask(echo(body))));
    assertEquals(replies, bodies);
  });
});

test("our client: aborts, of its server, of the program, of services that are not there: once each", async () => {
  await atLinux(`svc=${SERVICE}`, async () => {
    const codeOf = async (call: Promise<unknown>): Promise<unknown> =>
      (await assertRejects(() => call, RxrpcError)).abortCode;
    assertEquals(await codeOf(ask(operation(4, 1234))), 1234);
    assertEquals(await codeOf(ask(operation(9))), -455);
    assertEquals(await codeOf(ask(operation(1), { service: 999 })), -2);
    await assertNoStorm(3);
    const call = ours.endpoint.call({ to: there(), service: SERVICE });
    await call.write(operation(6));
    await call.end();
    await settled(200);
    call.abort(42);
    await assertRejects(() => call.closed, RxrpcError);
    await assertNoStorm(2);
    await server.ask("log");
  });
});

test("our client: a server that takes no calls says that it is busy, until it takes them", async () => {
  await atLinux(`svc=${SERVICE} charge=0`, async () => {
    const call = ours.endpoint.call({ to: there(), service: SERVICE, failsWhenBusy: true });
    await call.write(echo(pattern(10)));
    await call.end();
    const error = await assertRejects(() => call.closed, RxrpcError);
    assertEquals(error.code, "EBUSY");
    const patient = ask(echo(pattern(10)));
    await settled(300);
    const { busies } = ours.look().came;
    assert(busies >= 2, `${busies} BUSY packets`);
    await server.ask("charge S");
    assertEquals(await patient, pattern(10));
    await assertNoStorm(0);
  });
});

// A service of Linux 6.1 for which an upgrade is set answers under the old number and aborts what comes with it (-5).
test("our client asks for an upgrade of a service that has none: the service stays", async () => {
  await atLinux(`svc=${SERVICE} svc2=148`, async () => {
    const call = ours.endpoint.call({ to: there(), service: SERVICE, mayUpgrade: true });
    const reply = call.bytes();
    await call.write(echo(pattern(10)));
    await call.end();
    assertEquals(await reply, pattern(10));
    assertEquals(await call.answered, SERVICE);
    assertEquals(ours.look().went.aborts, 0);
  });
});

test("our client: a call that takes 12 s stays alive: one end or the other asks", async () => {
  await atLinux(`svc=${SERVICE}`, async () => {
    const call = ask(operation(6));
    await settled(12_000);
    const { came, went } = ours.look();
    assert(went.pings + came.pings >= 3, `${went.pings} PINGs went, ${came.pings} came`);
    assertEquals([went.repeated, came.aborts, went.aborts], [0, 0, 0]);
    const [line] = (await server.ask("status S")).filter((text) => text.includes("call id="));
    await server.ask(`reply S id=${/id=(\d+)/.exec(line!)![1]} data=0102`);
    assertEquals(await call, Uint8Array.of(1, 2));
  });
});

test("210: its client: an echo, a megabyte there and back at once; its calls close with its acknowledgement", async () => {
  const closed: Promise<void>[] = [];
  const handle = (call: RxCallStream): Promise<void> => {
    closed.push(call.closed);
    return echoes(call);
  };
  await withoutRepetition(() =>
    atOurs({ services: [SERVICE] }, handle, async () => {
      const name = await newClient();
      const small = await call(name, "id=1 len=1000");
      assertEquals([small.total, small.crc], [1000, crc32(pattern(1000))], small.text);
      const big = await call(name, `id=2 len=${MEGABYTE}`);
      assertEquals([big.total, big.crc], [MEGABYTE, crc32(pattern(MEGABYTE))], big.text);
      await Promise.all(closed);
    })
  );
});

test("its client: numbers for failures, unknown services, a server that is busy, a call that it gives up", async () => {
  let given: unknown;
  const handle = async (call: RxCallStream): Promise<void> => {
    call.closed.catch((error: unknown) => given = error);
    const [first] = await call.bytes();
    if (first === 1) call.abort(777);
  };
  await atOurs({ services: [SERVICE], backlog: 1 }, handle, async () => {
    const name = await newClient();
    // the answer may be there before the program has sent everything: then the kernel names no number
    assertMatch((await call(name, "id=1 data=01")).text, /ABORT=777|ERR ECONNABORTED/);
    await assertNoStorm(1);
    const unknown = await client.ask(
      `call ${await newClient()} to=${HOST}:${ours.port} svc=999 id=2 data=01 exclusive`,
    );
    assertMatch(unknown.join("\n"), ABORTED);
    await assertNoStorm(1);
    await client.ask(`send ${name} to=${HOST}:${ours.port} svc=${SERVICE} id=3 len=5000 more`);
    await settled(200);
    await client.ask(`abort ${name} id=3 code=55`);
    await settled(200);
    assertEquals((given as RxrpcError).abortCode, 55);
    await assertNoStorm(2);
  });
});

test("its client asks for an upgrade: our server does it", async () => {
  const seen: number[] = [];
  const handle = (call: RxCallStream): Promise<void> => {
    seen.push(call.service);
    return echoes(call);
  };
  await atOurs({ services: [{ id: SERVICE, upgradeTo: 148 }] }, handle, async () => {
    const { text } = await call(await newClient(), "id=1 data=0102 upgrade");
    assertStringIncludes(text, "svc148");
    assertEquals(seen, [148]);
  });
});

test("its client: a call that takes 12 s stays alive; Linux keeps the way open, which nobody answers", async () => {
  const handle = async (call: RxCallStream): Promise<void> => {
    await call.bytes();
    await settled(12_000);
    await call.write(Uint8Array.of(9));
    await call.end();
  };
  await atOurs({ services: [SERVICE] }, handle, async () => {
    const { total, text } = await call(await newClient(), "id=1 data=01");
    assertEquals(total, 1, text);
    const { came, went } = ours.look();
    assert(went.pings + came.pings >= 3, `${went.pings} PINGs went, ${came.pings} came`);
    assertEquals([went.repeated, went.aborts, came.aborts, went.keepalives], [0, 0, 0, 0]);
  });
});

test("20 ms and 5 % loss on its way out: a quarter of a megabyte each way, both roles", async () => {
  await shell.ask("sh /sbin/tc qdisc add dev eth0 root netem delay 20ms loss 5%");
  try {
    const body = pattern(1 << 18);
    await atLinux(`svc=${SERVICE}`, async () => {
      assertEquals(crc32(await ask(echo(body))), crc32(body));
      const { went } = ours.look();
      // its acknowledgements are what gets lost of our own direction: that is no reason to send again
      assert(went.repeated <= 20, `${went.repeated} packets were sent again`);
    });
    let failure = "";
    const handle = (call: RxCallStream): Promise<void> => {
      call.closed.catch((error: unknown) => failure = String(error));
      return echoes(call);
    };
    await atOurs({ services: [SERVICE] }, handle, async () => {
      const { total, crc, text } = await call(await newClient(), `id=1 len=${body.length}`);
      assertEquals([total, crc], [body.length, crc32(body)], `${text}; ${failure}`);
    });
  } finally {
    await shell.ask("sh /sbin/tc qdisc del dev eth0 root");
  }
});

for (const level of [RxkadLevel.clear, RxkadLevel.auth, RxkadLevel.crypt]) {
  test(`rxkad, level ${level}: our client at its server, its client at ours, 100 kB each way`, async () => {
    const body = pattern(100_000);
    await atLinux(`svc=${SERVICE} key=${KEY}`, async () => {
      const security = rxkadClient({ kvno: 1, sessionKey: hexBytes(SESSION), ticket: ticket(), level });
      assertEquals(crc32(await ask(echo(body), { security })), crc32(body));
      assertEquals(ours.look().went.aborts, 0);
    });
    const keys = [{ kind: "rxkad" as const, kvno: 1, enctype: 1, key: hexBytes(KEY) }];
    const names: unknown[] = [];
    const handle = (call: RxCallStream): Promise<void> => {
      names.push([call.identity?.name, call.identity?.level]);
      return echoes(call);
    };
    const services = [{ id: SERVICE, security: [rxkadServer({ keys: () => keys, random: systemRandom })] }];
    await atOurs({ services }, handle, async () => {
      const key = `k${level}`;
      await client.ask(`key ${key} session=${SESSION} ticket=${hex(ticket())} kvno=1`);
      const name = await newClient(`key=${key} level=${level}`);
      const { total, crc, text } = await call(name, `id=1 len=${body.length}`);
      assertEquals([total, crc], [body.length, crc32(body)], text);
      assertEquals(names, [[["alice"], level]]);
      assertEquals(ours.look().went.aborts, 0);
    });
  });
}

test("rxkad: tickets that are refused, by it and by us, and by a server without a key: no storm", async () => {
  const old = ticket(Math.floor(Date.now() / 1000) - 40 * 86_400);
  const security = rxkadClient({ kvno: 1, sessionKey: hexBytes(SESSION), ticket: old, level: RxkadLevel.clear });
  await atLinux(`svc=${SERVICE} key=${KEY}`, async () => {
    const error = await assertRejects(() => ask(echo(pattern(10)), { security }), RxrpcError);
    assertEquals(error.abortCode, 19270409);
    await assertNoStorm(1);
  });
  await atLinux(`svc=${SERVICE}`, async () => {
    const error = await assertRejects(() => ask(echo(pattern(10)), { security }), RxrpcError);
    assertEquals(error.abortCode, 19270408);
    await assertNoStorm(1);
  });
  const services = [{ id: SERVICE, security: [rxkadServer({ keys: () => [], random: systemRandom })] }];
  await atOurs({ services }, echoes, async () => {
    await client.ask(`key kx session=${SESSION} ticket=${hex(ticket())} kvno=1`);
    const { text } = await call(await newClient("key=kx level=2"), "id=1 len=100");
    assertMatch(text, ABORTED);
    await assertNoStorm(2);
    const bare = await call(await newClient(), "id=1 len=100");
    assertMatch(bare.text, ABORTED);
    assert((await assertNoStorm(2)).includes(-2));
  });
});
