/** TLS from the start and by startTls, with whom it must fail, and that it leaves nothing open. Numbered with case 71. */
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { ManualClock } from "../../../src/sim/mod.ts";
import { SocketError } from "../../../src/tsocket/errors.ts";
import { InetAddress } from "../../../src/tsocket/inet_address.ts";
import { connectWith, listenWith, type OpenInternals } from "../../../src/tsocket/open.ts";
import type { TsocketRuntime } from "../../../src/tsocket/driver_types.ts";
import type { ConnectOptions, ListenOptions } from "../../../src/tsocket/option_types.ts";
import type { TListener, TStream } from "../../../src/tsocket/types.ts";
import { turns } from "../../support/turns.ts";
import { AUTHORITY, OTHER_AUTHORITY, SERVER_CERTIFICATE, SERVER_KEY } from "../support/certificates.ts";
import { openThings, untilNoLeaks } from "../support/leaks.ts";
import { checkPattern, pattern } from "./bytes.ts";
import { define } from "./define.ts";
import { drainPattern, drainToEnd, fails, failure, take, until } from "./waiting.ts";

/** Who talks TLS to whom. */
export interface TlsRig {
  readonly name: string;
  readonly client: TsocketRuntime;
  readonly server: TsocketRuntime;
  /** Accepted connections can start TLS later. */
  readonly canServerStart: boolean;
  /** A client that gives up a handshake ends its connection at once, not only when the server does. */
  readonly endsHandshakes: boolean;
}

/** What a server of the tests shows. */
export const SERVER: { readonly cert: string; readonly key: string } = { cert: SERVER_CERTIFICATE, key: SERVER_KEY };

/** What a client of the tests asks for. */
export const CLIENT: ConnectOptions = { secureTransport: "on", sni: "localhost", tls: { ca: AUTHORITY } };

interface Scene {
  readonly listener: TListener;
  connect(options: ConnectOptions, internals?: OpenInternals): TStream;
  accept(): Promise<TStream>;
  keep(stream: TStream): TStream;
}

async function withServer(rig: TlsRig, options: ListenOptions, body: (scene: Scene) => Promise<void>): Promise<void> {
  const before = openThings();
  const listener = listenWith(rig.server, InetAddress.from("127.0.0.1", 0), options);
  const { localAddress } = await listener.opened;
  const streams: TStream[] = [];
  const keep = (stream: TStream): TStream => {
    streams.push(stream);
    return stream;
  };
  try {
    await body({
      listener,
      connect: (options, internals) => keep(connectWith(rig.client, localAddress, options, internals)),
      accept: () => listener.accept().then(keep),
      keep,
    });
  } finally {
    for (const stream of streams) stream.abort();
    await listener.close();
    await Promise.allSettled(streams.map((stream) => stream.closed));
  }
  assertEquals(await untilNoLeaks(before), []);
}

/** Registers the cases. */
export function tlsSuite(rig: TlsRig): void {
  fromTheStart(rig);
  ends(rig);
  refusals(rig);
  strangers(rig);
  later(rig);
  laterAsTold(rig);
  laterRefusals(rig);
}

function fromTheStart(rig: TlsRig): void {
  define(
    rig,
    71,
    "TLS from the start: opened tells the protocol that both chose",
    () =>
      withServer(rig, { tls: { ...SERVER, alpn: ["one/1", "two/2"] } }, async ({ connect, accept }) => {
        const a = connect({ ...CLIENT, alpn: ["three/3", "two/2"] });
        const early = a.writev([pattern(5)]);
        const b = await accept();
        assertEquals([(await a.opened).alpn, (await b.opened).alpn], ["two/2", "two/2"]);
        checkPattern(await take(b, 5));
        assertEquals(await early, 5);
        const size = 3_000_000;
        const [total] = await Promise.all([
          drainPattern(b),
          a.writev([pattern(size / 2), pattern(size / 2, size / 2)]).then(() => a.shutdown()),
        ]);
        assertEquals(total, size);
        assertEquals([a.upgraded, b.upgraded], [false, false]);
        assert(assertThrows(() => a.startTls()) instanceof SocketError);
      }),
  );

  define(rig, 71, "without ALPN there is none", () =>
    withServer(rig, { tls: SERVER }, async ({ connect, accept }) => {
      const a = connect(CLIENT);
      const b = await accept();
      assertEquals([(await a.opened).alpn, (await b.opened).alpn], [null, null]);
      await b.writev([pattern(7)]);
      checkPattern(await take(a, 7));
    }));
}

function ends(rig: TlsRig): void {
  define(
    rig,
    54,
    "half-close over TLS: a late reply still arrives",
    () =>
      withServer(rig, { tls: SERVER, stream: { allowHalfOpen: true } }, async ({ connect, accept }) => {
        for (const who of ["client", "server"]) {
          const client = connect({ ...CLIENT, allowHalfOpen: true });
          const server = await accept();
          const [a, b] = who === "client" ? [client, server] : [server, client];
          await a.writev([pattern(3)]);
          await a.shutdown();
          checkPattern(await take(b, 3));
          await fails(b.readv([new Uint8Array(1)]), "EOF");
          await turns(4);
          await b.writev([pattern(2000)]);
          checkPattern(await take(a, 2000));
          await b.shutdown();
          await fails(a.readv([new Uint8Array(1)]), "EOF");
          await Promise.all([a.closed, b.closed]);
        }
      }),
  );

  define(
    rig,
    59,
    "abort over TLS ends the peer's connection",
    () =>
      withServer(rig, { tls: SERVER }, async ({ connect, accept }) => {
        const a = connect(CLIENT);
        const b = await accept();
        await a.opened;
        const read = failure(a.readv([new Uint8Array(1)]));
        const reason = new Error("enough");
        a.abort(reason);
        assertStrictEquals(await read, reason);
        const { code } = await drainToEnd(b);
        assert(["ECONNRESET", "EOF", "EUNEXPECTEDEOF"].includes(code), code);
      }),
  );
}

function refusals(rig: TlsRig): void {
  const bad: Record<string, ConnectOptions> = {
    "a certificate of an unknown authority": { ...CLIENT, tls: { ca: OTHER_AUTHORITY } },
    "a certificate that only the runtime's authorities could vouch for": { secureTransport: "on", sni: "localhost" },
    "a certificate for another name": { ...CLIENT, sni: "elsewhere.test" },
  };
  for (const [what, options] of Object.entries(bad)) {
    define(
      rig,
      71,
      `${what} is EPROTO, and the listener goes on`,
      () =>
        withServer(rig, { tls: SERVER }, async ({ listener, connect, accept }) => {
          const refused = connect(options);
          const write = refused.writev([pattern(1)]);
          const { blame } = await fails(refused.opened, "EPROTO");
          assertEquals(blame, "remote");
          await fails(write, "EPROTO");
          await fails(refused.closed, "EPROTO");
          const good = connect(CLIENT);
          await good.writev([pattern(4)]);
          // Whether the server learns of it before or after its own handshake is up to both.
          let served: TStream;
          do served = await accept(); while (await served.readSome(new Uint8Array(4)).catch(() => null) === null);
          assert(listener.stats.acceptErrors <= 1);
        }),
    );
  }

  define(
    rig,
    71,
    "the name and the address of a certificate are both good",
    () =>
      withServer(rig, { tls: SERVER }, async ({ connect, accept }) => {
        for (const sni of ["sock.test", undefined]) {
          const a = connect({ secureTransport: "on", sni, tls: { ca: [OTHER_AUTHORITY, AUTHORITY] } });
          await a.opened;
          await (await accept()).writev([pattern(2)]);
          checkPattern(await take(a, 2));
        }
      }),
  );
}

function strangers(rig: TlsRig): void {
  define(
    rig,
    71,
    "a client that does not talk TLS does not stop the listener",
    () =>
      withServer(rig, { tls: SERVER }, async ({ listener, connect, accept }) => {
        const plain = connect({});
        await plain.writev([new TextEncoder().encode("GET / HTTP/1.0\r\n\r\n")]);
        await drainToEnd(plain);
        await until(() => listener.stats.acceptErrors === 1, "an error of accepting");
        const silent = connect({});
        await silent.opened;
        const good = connect(CLIENT);
        const served = await accept();
        await served.writev([pattern(1)]);
        checkPattern(await take(good, 1));
      }),
  );

  define(
    rig,
    62,
    "a server that says nothing: deadline, signal and close end the handshake",
    () =>
      withServer(rig, {}, async ({ connect, accept }) => {
        const ended = (stream: TStream): unknown => rig.endsHandshakes ? drainToEnd(stream) : stream.close();
        const clock = new ManualClock(0);
        const slow = connect({ ...CLIENT, deadlineAt: 50 }, { clock });
        const first = await accept();
        clock.advance(50);
        await fails(slow.opened, "ETIMEDOUT");
        await ended(first);

        const controller = new AbortController();
        const cancelled = connect({ ...CLIENT, signal: controller.signal });
        const second = await accept();
        const reason = new Error("not any more");
        controller.abort(reason);
        assertStrictEquals(await failure(cancelled.opened), reason);
        await ended(second);

        const closed = connect(CLIENT);
        const third = await accept();
        await Promise.allSettled([closed.close()]);
        await fails(closed.opened, "ECONNABORTED");
        await ended(third);
        assertEquals(clock.timers, 0);
      }),
  );

  define(
    rig,
    62,
    "a server that hangs up or talks nonsense fails the handshake",
    () =>
      withServer(rig, {}, async ({ connect, accept }) => {
        for (const say of [undefined, "220 hello, this is no TLS\r\n"]) {
          const a = connect(CLIENT);
          const b = await accept();
          if (say !== undefined) await b.writev([new TextEncoder().encode(say)]);
          const closed = b.close();
          await fails(a.opened, "EPROTO", "ECONNRESET");
          await closed;
        }
      }),
  );
}

/** Says hello in plain text both ways, as protocols with STARTTLS do. */
async function greet(a: TStream, b: TStream): Promise<void> {
  await b.writev([pattern(10)]);
  checkPattern(await take(a, 10));
  await a.writev([pattern(8)]);
  checkPattern(await take(b, 8));
}

function later(rig: TlsRig): void {
  define(
    rig,
    71,
    "startTls goes on with TLS where plain text ended",
    () =>
      withServer(rig, {}, async ({ connect, accept, keep }) => {
        const a = connect({ secureTransport: "starttls" });
        const b = await accept();
        await greet(a, b);
        const server = keep(b.startTls(SERVER));
        if (!rig.canServerStart) {
          await fails(server.opened, "EPROTONOSUPPORT");
          await drainToEnd(a);
          return;
        }
        const client = keep(a.startTls({ ca: AUTHORITY, sni: "localhost" }));
        assertEquals([a.upgraded, b.upgraded, client.upgraded], [true, true, false]);
        await Promise.all([client.opened, server.opened]);
        for (const old of [a, b]) {
          await fails(old.readv([new Uint8Array(1)]), "ECONNABORTED");
          await fails(old.writev([pattern(1)]), "ECONNABORTED");
          await old.closed;
          old.abort();
        }
        const [total] = await Promise.all([
          drainPattern(client),
          server.writev([pattern(200_000)]).then(() => server.shutdown()),
        ]);
        assertEquals(total, 200_000);
      }),
  );
}

function laterAsTold(rig: TlsRig): void {
  if (!rig.canServerStart) return;
  define(
    rig,
    71,
    "startTls takes what is left out from what connect was told",
    () =>
      withServer(rig, {}, async ({ connect, accept, keep }) => {
        const tls = { ca: OTHER_AUTHORITY, sni: "localhost" };
        const a = connect({ secureTransport: "starttls", alpn: ["b", "a"], tls });
        const b = await accept();
        await greet(a, b);
        const server = keep(b.startTls({ ...SERVER, alpn: ["a"] }));
        const client = keep(a.startTls({ ca: AUTHORITY }));
        const [{ alpn }] = await Promise.all([client.opened, server.opened]);
        assertEquals(alpn, "a");
      }),
  );
}

function laterRefusals(rig: TlsRig): void {
  define(
    rig,
    71,
    "startTls with a bad certificate fails the new socket",
    () =>
      withServer(rig, {}, async ({ connect, accept, keep }) => {
        const a = connect({ secureTransport: "starttls" });
        const b = await accept();
        await greet(a, b);
        const server = rig.canServerStart ? keep(b.startTls(SERVER)) : b;
        const client = keep(a.startTls({ ca: OTHER_AUTHORITY, sni: "localhost" }));
        if (!rig.canServerStart) await b.close();
        await fails(client.opened, "EPROTO", "ECONNRESET");
        assert(await failure(client.writev([pattern(1)])) instanceof SocketError);
        await a.closed.catch(() => {});
        await drainToEnd(server);
      }),
  );

  define(rig, 71, "startTls can be given up", () =>
    withServer(rig, {}, async ({ connect, accept, keep }) => {
      const a = connect({ secureTransport: "starttls" });
      const b = await accept();
      await greet(a, b);
      const client = keep(a.startTls({ ca: AUTHORITY, sni: "localhost" }));
      await turns(2);
      const reason = new Error("no TLS after all");
      client.abort(reason);
      assertStrictEquals(await failure(client.opened), reason);
      if (rig.endsHandshakes) await drainToEnd(b);
    }));
}
