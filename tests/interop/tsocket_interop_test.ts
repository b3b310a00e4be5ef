/** The sockets of Node's driver against servers and clients that none of us wrote. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chmodSync, chownSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, test } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { connect, dgram, listen } from "../../src/tsocket/drivers/node/mod.ts";
import { InetAddress, type TStream, UnixAddress } from "../../src/tsocket/mod.ts";
import { AUTHORITY, SERVER_CERTIFICATE, SERVER_KEY } from "../tsocket/support/certificates.ts";

const folder = mkdtempSync(join(tmpdir(), "leat-tsocket-"));
const children: ChildProcess[] = [];
after(async () => {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGINT");
    await gone;
  }
  rmSync(folder, { recursive: true, force: true });
});

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytes = (words: string): Uint8Array => new TextEncoder().encode(words);

function path(name: string, content?: string): string {
  const full = join(folder, name);
  if (content !== undefined) writeFileSync(full, content);
  return full;
}

function start(program: string, ...args: string[]): ChildProcess {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
  children.push(child);
  return child;
}

/** Everything that a child prints until it ends. */
async function output(child: ChildProcess): Promise<string> {
  let all = "";
  child.stdout!.on("data", (data) => all += String(data));
  await new Promise((resolve) => child.once("close", resolve));
  return all;
}

/** Connects as soon as somebody listens. */
async function reached(make: () => TStream): Promise<TStream> {
  for (let tries = 0;; tries++) {
    const socket = make();
    try {
      await socket.opened;
      return socket;
    } catch (error) {
      if (tries === 400) throw error;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const listener = listen("127.0.0.1:0");
  const { localAddress } = await listener.opened;
  await listener.close();
  return (localAddress as InetAddress).port;
}

async function readAll(socket: TStream): Promise<string> {
  const decoder = new TextDecoder();
  let all = "";
  for await (const chunk of socket.readable) all += decoder.decode(chunk, { stream: true });
  return all;
}

/** One bulk string of Redis: `$5\r\nhello\r\n`. */
async function readBulk(socket: TStream): Promise<string> {
  let header = "";
  const one = new Uint8Array(1);
  let body: Uint8Array | undefined;
  await socket.readvPdu(({ total }) => {
    if (body !== undefined) return null;
    if (total > 0) header += text(one);
    if (!header.endsWith("\r\n")) return [one];
    body = new Uint8Array(Number(header.slice(1, -2)) + 2);
    return [body];
  }, { deadlineAt: performance.now() + 10_000 });
  return text(body!.subarray(0, -2));
}

test("redis-server over a unix socket and TCP: pipelined commands, answers read as PDUs", async () => {
  const port = await freePort();
  const unix = path("redis.sock");
  start("redis-server", "--port", String(port), "--unixsocket", unix, "--save", "", "--dir", folder);
  for (const make of [() => connect(UnixAddress.from(unix)), () => connect(`127.0.0.1:${port}`)]) {
    const socket = await reached(make);
    const words = Array.from({ length: 500 }, (_, i) => "x".repeat(i * 40));
    for (const word of words) {
      socket.writev([bytes("*2\r\n$4\r\nECHO\r\n"), bytes(`$${word.length}\r\n${word}\r\n`)]);
    }
    for (const word of words) assertEquals(await readBulk(socket), word);
    await socket.close();
  }
});

test("nginx: a request through web streams, and the end of the connection", async () => {
  const port = await freePort();
  const config = path(
    "nginx.conf",
    `daemon off; master_process off; error_log stderr; pid ${folder}/nginx.pid; events {}
     http { access_log off; client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p; fastcgi_temp_path ${folder}/f;
     uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s; server { listen 127.0.0.1:${port};
     location / { return 200 "${"leat".repeat(500)}"; } } }`,
  );
  start("nginx", "-c", config, "-p", folder);
  const socket = await reached(() => connect(`127.0.0.1:${port}`));
  const writer = socket.writable.getWriter();
  await writer.write(bytes("GET / HTTP/1.1\r\nHost: leat\r\nConnection: close\r\n\r\n"));
  const answer = await readAll(socket);
  assertMatch(answer, /^HTTP\/1\.1 200 OK\r\n/);
  assert(answer.endsWith("leat".repeat(500)));
  await socket.closed;
});

test("openssl s_server: the handshake, the protocol by ALPN, and an echo reversed", async () => {
  const port = await freePort();
  const [cert, key] = [path("cert.pem", SERVER_CERTIFICATE), path("key.pem", SERVER_KEY)];
  const args = ["s_server", "-accept", `127.0.0.1:${port}`, "-cert", cert, "-key", key, "-quiet", "-rev"];
  start("openssl", ...args, "-alpn", "leat/1");
  const socket = await reached(() =>
    connect(`127.0.0.1:${port}`, {
      secureTransport: "on",
      sni: "localhost",
      alpn: ["other", "leat/1"],
      tls: { ca: AUTHORITY },
    })
  );
  assertEquals((await socket.opened).alpn, "leat/1");
  await socket.writev([bytes("stream\n")]);
  const answer = new Uint8Array(7);
  await socket.readv([answer], { deadlineAt: performance.now() + 10_000 });
  assertEquals(text(answer), "maerts\n");
  await socket.close();
});

test("curl over TLS to a listener of ours", async () => {
  const listener = listen("127.0.0.1:0", { tls: { cert: SERVER_CERTIFICATE, key: SERVER_KEY } });
  const { port } = (await listener.opened).localAddress as InetAddress;
  const ca = path("ca.pem", AUTHORITY);
  const curl = output(
    start("curl", "-sS", "--cacert", ca, "--connect-to", `::127.0.0.1:${port}`, `https://localhost:${port}/`),
  );
  const connection = await listener.accept({ deadlineAt: performance.now() + 10_000 });
  const request = new Uint8Array(4096);
  const length = await connection.readSome(request, { deadlineAt: performance.now() + 10_000 });
  assertMatch(text(request.subarray(0, length!)), /^GET \/ HTTP\/1\.1\r\n/);
  const body = "hello from a stream\n".repeat(10_000);
  await connection.writev([bytes(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`), bytes(body)]);
  await connection.close();
  assertEquals(await curl, body);
  await listener.close();
});

test("openssl s_client that does not trust the certificate is an error of the listener, and no more", async () => {
  const listener = listen("127.0.0.1:0", { tls: { cert: SERVER_CERTIFICATE, key: SERVER_KEY } });
  const { port } = (await listener.opened).localAddress as InetAddress;
  const accepted = listener.accept({ deadlineAt: performance.now() + 20_000 });
  const distrustful = start("openssl", "s_client", "-connect", `127.0.0.1:${port}`, "-verify_return_error", "-tls1_2");
  await output(distrustful);
  const trusting = start("openssl", "s_client", "-connect", `127.0.0.1:${port}`, "-quiet");
  const connection = await accepted;
  trusting.stdin!.end("bye");
  const word = new Uint8Array(3);
  await connection.readv([word], { deadlineAt: performance.now() + 10_000 });
  assertEquals([text(word), listener.stats.acceptErrors], ["bye", 1]);
  connection.abort();
  await listener.close();
});

test("PostgreSQL: SSLRequest, then startTls on the same connection", async () => {
  const port = await freePort();
  const data = path("pg");
  const [version] = readdirSync("/usr/lib/postgresql");
  const bin = `/usr/lib/postgresql/${version}/bin`;
  const user = process.getuid?.() === 0 ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] : [];
  chmodSync(folder, 0o777);
  const run = ([program, ...args]: string[]) => execFileSync(program!, args, { cwd: folder, stdio: "pipe" });
  run([...user, `${bin}/initdb`, "-D", data, "-A", "trust", "-U", "leat", "--no-sync"]);
  const [cert, key] = [path("pg.crt", SERVER_CERTIFICATE), path("pg.key", SERVER_KEY)];
  chmodSync(key, 0o600);
  if (user.length > 0) {
    const id = (flag: string) => Number(String(execFileSync("id", [flag, "postgres"])));
    chownSync(key, id("-u"), id("-g"));
  }
  const settings = [`port=${port}`, "ssl=on", `ssl_cert_file=${cert}`, `ssl_key_file=${key}`];
  settings.push("listen_addresses=127.0.0.1", `unix_socket_directories=${folder}`, "fsync=off");
  const [program, ...args] = [...user, `${bin}/postgres`, "-D", data, ...settings.flatMap((one) => ["-c", one])];
  const server = start(program!, ...args);
  await new Promise<void>((resolve) => server.stderr!.on("data", (log) => /ready to accept/.test(log) && resolve()));

  const plain = await reached(() => connect(`127.0.0.1:${port}`, { secureTransport: "starttls" }));
  await plain.writev([Uint8Array.of(0, 0, 0, 8, 4, 210, 22, 47)]);
  const answer = new Uint8Array(1);
  await plain.readv([answer], { deadlineAt: performance.now() + 10_000 });
  assertEquals(text(answer), "S");
  const secure = plain.startTls({ sni: "localhost", ca: AUTHORITY });
  assertEquals(plain.upgraded, true);
  await plain.closed;
  const parameters = bytes("user\0leat\0database\0postgres\0\0");
  const header = new Uint8Array(8);
  new DataView(header.buffer).setUint32(0, header.length + parameters.length);
  new DataView(header.buffer).setUint32(4, 196608);
  await secure.writev([header, parameters]);
  const first = new Uint8Array(9);
  await secure.readv([first], { deadlineAt: performance.now() + 10_000 });
  assertEquals([...first], [0x52, 0, 0, 0, 8, 0, 0, 0, 0], "AuthenticationOk");
  await secure.close();
});

/** A question for the address of `name`. */
function question(name: string): Uint8Array {
  const labels = name.split(".").map((label) => `${String.fromCharCode(label.length)}${label}`).join("");
  return bytes(`\x12\x34\x01\0\0\x01\0\0\0\0\0\0${labels}\0\0\x01\0\x01`);
}

test("dnsmasq over UDP: 200 questions in one batch, each answered", async () => {
  const port = await freePort();
  const args = ["--no-daemon", "--no-resolv", "--no-hosts", "--listen-address=127.0.0.1", "--bind-interfaces"];
  const server = start("dnsmasq", ...args, `--port=${port}`, "--address=/leat.example/192.0.2.1");
  await new Promise<void>((resolve) => server.stderr!.on("data", (line) => /started/.test(line) && resolve()));
  const socket = dgram({ remoteAddress: InetAddress.from("127.0.0.1", port) });
  await socket.opened;
  const asked = Array.from({ length: 200 }, (_, i) => ({ data: question(`n${i}.leat.example`) }));
  assertEquals(await socket.sendMany(asked), 200);
  let answered = 0;
  while (answered < 200) {
    for (const { data } of await socket.recvMany(64, { deadlineAt: performance.now() + 10_000 })) {
      assertEquals([...data.subarray(-4)], [192, 0, 2, 1]);
      answered++;
    }
  }
  await socket.close();
});

test("dig asks a datagram socket of ours", async () => {
  const socket = dgram({ localAddress: InetAddress.from("127.0.0.1", 0) });
  await socket.opened;
  const { port } = socket.localAddress as InetAddress;
  const dig = output(start("dig", "+short", "+noedns", "+tries=1", "@127.0.0.1", "-p", String(port), "leat.example"));
  const { data, source } = await socket.recvfrom({ deadlineAt: performance.now() + 10_000 });
  const answer = new Uint8Array([...data, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7]);
  answer.set([0x84, 0, 0, 1, 0, 1], 2);
  await socket.sendto(answer, source);
  assertEquals((await dig).trim(), "192.0.2.7");
  await socket.close();
});
