import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { AUTHORITY, SERVER_CERTIFICATE, SERVER_KEY } from "../tsocket/support/certificates.ts";
import { Child, runChild, runInto } from "./support/child.ts";
import { MuxChild, RpcClient, RpcServer } from "./support/mux_peers.ts";

/** Runs with two servers, and with a folder. */
async function withServers(
  run: (servers: [RpcServer, RpcServer], to: string, folder: string) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "leat-mux-"));
  const servers: [RpcServer, RpcServer] = [new RpcServer("a"), new RpcServer("b")];
  const to = [await servers[0].listen(), await servers[1].listen()].join(",");
  try {
    await run(servers, to, folder);
  } finally {
    await Promise.all(servers.map((server) => server.close()));
    rmSync(folder, { recursive: true });
  }
}

test("requests of one client are spread, replies are in order; SIGTERM: exit code 0, and the log is written", () =>
  withServers(async (servers, to, folder) => {
    const log = join(folder, "access.log");
    const mux = await MuxChild.start("--to", to, "--parser", "len32", "--access-log", log);
    const client = RpcClient.to(mux.port);
    const bodies = Array.from({ length: 100 }, (_, i) => `request ${i}`);
    client.send(...bodies);
    const replies = await client.until(100);
    assertEquals(replies.map((reply) => reply.slice(2)), bodies);
    assertEquals(servers.map(({ requests }) => requests.length), [50, 50]);
    await client.close();
    assertEquals(await mux.stop(), 0);
    const line = JSON.parse(readFileSync(log, "utf8")) as Record<string, unknown>;
    const { outcome, requests, replies: answered } = line;
    assertEquals({ outcome, requests, answered }, { outcome: "closed", requests: 100, answered: 100 });
    assertMatch(String(line["client"]), /^127\.0\.0\.1:\d+$/);
  }));

test("SIGTERM lets what is under way finish, and takes nobody new", () =>
  withServers(async (servers, to) => {
    const mux = await MuxChild.start("--to", to, "--parser", "len32");
    const [idle, busy] = [RpcClient.to(mux.port), RpcClient.to(mux.port)];
    idle.send("1");
    await idle.until(1);
    // half a request keeps it busy
    busy.send("1");
    await busy.until(1);
    busy.socket.write(Uint8Array.of(0, 0, 0, 4, 119));
    const other = RpcClient.to(mux.port);
    other.send("2");
    await other.until(1);
    mux.signal("SIGTERM");
    await Promise.all([idle.closed, other.closed]);
    const late = connect(mux.port, "127.0.0.1");
    await new Promise((resolve) => late.on("error", resolve));
    busy.socket.write("hen");
    await busy.closed;
    assertEquals(busy.replies.map((reply) => reply.slice(2)), ["1", "when"]);
    assertEquals((await mux.child.done).code, 0);
    assert(servers.some(({ requests }) => requests.includes("when")));
  }));

test("a file of backends is read again on SIGHUP; one with a mistake changes nothing", () =>
  withServers(async (servers, to, folder) => {
    const [a, b] = to.split(",") as [string, string];
    const file = join(folder, "backends");
    writeFileSync(file, `# only one\n${a}\n`);
    const mux = await MuxChild.start("--to-file", file, "--parser", "len32");
    const client = RpcClient.to(mux.port);
    client.send("1", "2");
    await client.until(2);
    assertEquals(servers.map(({ requests }) => requests.length), [2, 0]);
    writeFileSync(file, `${a}*nonsense\n`);
    mux.signal("SIGHUP");
    await mux.child.untilError(/backends stay as they are: .*, line 1: /);
    writeFileSync(file, `${b}\n`);
    mux.signal("SIGHUP");
    await mux.child.untilError(/backends were read again/);
    client.send("3", "4");
    await client.until(4);
    assertEquals(servers.map(({ requests }) => requests.length), [2, 2]);
    await client.close();
    assertEquals(await mux.stop(), 0);
  }));

test("a file of backends is read again when it changes", () =>
  withServers(async (servers, to, folder) => {
    const [a, b] = to.split(",") as [string, string];
    const file = join(folder, "backends");
    writeFileSync(file, `${a}\n`);
    const mux = await MuxChild.start("--to-file", file, "--parser", "len32");
    writeFileSync(file, `${b}\n# changed\n`);
    await mux.child.untilError(/backends were read again/);
    const client = RpcClient.to(mux.port);
    client.send("1", "2");
    await client.until(2);
    assertEquals(servers.map(({ requests }) => requests.length), [0, 2]);
    await client.close();
    await mux.stop();
  }));

test("a backend that dies is left out, and gets requests again when it is back", () =>
  withServers(async ([a], to) => {
    const address = Number(to.split(",")[0]!.split(":")[1]);
    const quick = ["--fall", "1", "--rise", "1", "--eject", "100", "--slow-start", "0", "--check-interval", "100"];
    const mux = await MuxChild.start("--to", to, "--parser", "len32", "--idempotent", ...quick);
    const client = RpcClient.to(mux.port);
    client.send("1", "2");
    await client.until(2);
    await a.close();
    await mux.child.untilError(/backend 127\.0\.0\.1:\d+ down/);
    client.send("3", "4");
    assertEquals((await client.until(4)).slice(2), ["b:3", "b:4"]);
    const again = new RpcServer("c");
    await again.listen(address);
    await mux.child.untilError(/backend 127\.0\.0\.1:\d+ up/);
    for (let count = 5; again.requests.length === 0; count++) {
      client.send("again");
      await client.until(count);
    }
    await client.close();
    await again.close();
    assertEquals(await mux.stop(), 0);
  }));

test("metrics are served as Prometheus reads them", () =>
  withServers(async (_servers, to) => {
    const mux = await MuxChild.start("--to", to, "--parser", "len32", "--metrics", "127.0.0.1:0");
    const [, port] = await mux.child.untilError(/metrics on http:\/\/127\.0\.0\.1:(\d+)\/metrics/);
    const client = RpcClient.to(mux.port);
    client.send("1", "2", "3");
    await client.until(3);
    const response = await fetch(`http://127.0.0.1:${port}/metrics`);
    const text = await response.text();
    assertStringIncludes(text, "# TYPE leat_mux_requests_total counter\nleat_mux_requests_total 3\n");
    assertStringIncludes(text, `leat_mux_backend_up{backend="${to.split(",")[0]}"} 1\n`);
    assertStringIncludes(text, `leat_mux_reply_seconds_count{backend="${to.split(",")[0]}"} 2\n`);
    for (const line of text.trimEnd().split("\n")) {
      assertMatch(line, /^(?:# (?:HELP|TYPE) \w+ .+|\w+(?:\{[^}]*\})? [\d.e+-]+)$/);
    }
    assertEquals((await fetch(`http://127.0.0.1:${port}/`)).status, 404);
    await client.close();
    await mux.stop();
  }));

test("--watch shows backends and channels", () =>
  withServers(async (_servers, to) => {
    const mux = await MuxChild.start("--to", to, "--parser", "len32", "--connections", "2", "--watch");
    const client = RpcClient.to(mux.port);
    client.send("1", "2", "3");
    await client.until(3);
    await mux.child.until("1 clients");
    await mux.child.until("channel 1");
    await client.close();
    await mux.stop();
  }));

test("--watch that nobody sees any more ends the run, as SIGTERM does: exit code 0", () =>
  withServers(async (_servers, to) => {
    const mux = await MuxChild.start("--to", to, "--parser", "len32", "--watch");
    const client = RpcClient.to(mux.port);
    client.send("1");
    await client.until(1);
    await mux.child.until("1 clients");
    mux.child.process.stdout.destroy();
    await client.closed;
    const { code, stderr } = await mux.child.done;
    assertEquals(code, 0);
    assertStringIncludes(stderr, "nobody sees --watch any more: 1 clients may finish");
  }));

test("--watch that cannot be written ends the run with a line that says why, also with -q: exit code 1", () =>
  withServers(async (_servers, to) => {
    if (process.platform !== "linux") return;
    const args = ["mux", "--listen", "127.0.0.1:0", "--to", to, "--parser", "len32", "--watch", "-q"];
    const { code, stderr } = await runInto("/dev/full", args);
    assertEquals([code, stderr], [1, "leat: cannot write to standard output: no space left on the device\n"]);
  }));

test("unix sockets on both sides", () =>
  withServers(async (_servers, _to, folder) => {
    if (process.platform === "win32") return;
    const server = new RpcServer("unix");
    const to = await server.listen(join(folder, "server"));
    const path = join(folder, "mux");
    const mux = await MuxChild.start("--listen", `127.0.0.1:0,unix:${path}`, "--to", to, "--parser", "len32");
    await mux.child.untilError(/listening on .*mux/);
    const client = new RpcClient(connect(path));
    client.send("1");
    assertEquals(await client.until(1), ["unix:1"]);
    await client.close();
    await server.close();
    await mux.stop();
  }));

test("TLS on both sides", () =>
  withServers(async (_servers, _to, folder) => {
    const file = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    const [cert, key] = [file("cert", SERVER_CERTIFICATE), file("key", SERVER_KEY)];
    const server = createTlsServer({ cert: SERVER_CERTIFICATE, key: SERVER_KEY }, (socket) => void socket.pipe(socket));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    const toTls = ["--to-tls", "--to-ca", file("ca", AUTHORITY), "--to-name", "localhost"];
    const mux = await MuxChild.start(
      ...["--to", `127.0.0.1:${port}`, ...toTls, "--tls-cert", cert, "--tls-key", key, "--parser", "len32"],
    );
    const socket = connectTls({ port: mux.port, host: "127.0.0.1", servername: "localhost", ca: AUTHORITY });
    const client = new RpcClient(socket);
    client.send("secret");
    assertEquals(await client.until(1), ["secret"]);
    await client.close();
    await mux.stop();
    server.close();
  }));

test("a BPF program as parser", () =>
  withServers(async () => {
    const program = fileURLToPath(new URL("../bpf/data/plain/01_len16be.o", import.meta.url));
    const echo = createServer((socket) => void socket.on("error", () => {}).pipe(socket));
    const port = await new Promise<number>((resolve) =>
      echo.listen(0, "127.0.0.1", () => resolve((echo.address() as { port: number }).port))
    );
    const mux = await MuxChild.start("--to", `127.0.0.1:${port}`, "--parser", program);
    const socket = connect(mux.port, "127.0.0.1");
    let heard = "";
    const all = new Promise<void>((resolve) =>
      socket.on("data", (chunk) => (heard += String(chunk)).length === 9 && resolve())
    );
    socket.write("\x00\x02ab\x00");
    socket.write("\x03abc");
    await all;
    assertEquals(heard, "\x00\x02ab\x00\x03abc");
    socket.destroy();
    await mux.stop();
    echo.close();
  }));

test("nothing that cannot work is begun: exit code 2 and a line that says why", async () => {
  const { code, stderr } = await runChild([
    "mux",
    "--listen",
    "127.0.0.1:0",
    "--to",
    "127.0.0.1:1",
    "--parser",
    "postgres",
  ]);
  assertEquals(code, 2);
  assertStringIncludes(stderr, "a PostgreSQL connection is a session");
  assertStringIncludes(stderr, "--replies sticky");
});

test("a program that is none: exit code 1 and a line that says why", async () => {
  const file = fileURLToPath(new URL("../bpf/data/plain/11_cfg_array.o", import.meta.url));
  const ends = ["--listen", "127.0.0.1:0", "--to", "127.0.0.1:1"];
  const { code, stderr } = await runChild(["mux", ...ends, "--parser", file]);
  assertEquals(code, 1);
  assertEquals(stderr.split("\n").length, 2, stderr);
  assertStringIncludes(stderr, "compile with -g");
});

test("an address that is taken: exit code 1 and a line that says so", () =>
  withServers(async (_servers, to) => {
    const [taken, other] = to.split(",") as [string, string];
    const { code, stderr } = await runChild(["mux", "--listen", taken, "--to", other, "--parser", "len32"]);
    assertEquals(code, 1);
    assertMatch(stderr, /^leat: --listen: .*\bin use\b.*\n$/);
  }));

for (
  const [listen, to] of [
    ["127.0.0.1:7101", "127.0.0.1:7101"],
    ["127.0.0.1:7101", "localhost:7101"],
    ["0.0.0.0:7101", "127.0.0.9:7101"],
    ["[::]:7101", "[::1]:7101"],
    ["unix:/tmp/leat-mux-own", "unix:/tmp/leat-mux-own"],
  ] as const
) {
  test(`a balancer on ${listen} is no backend of itself, not as ${to} either: exit code 2`, async () => {
    const { code, stderr } = await runChild(["mux", "--listen", listen, "--to", to, "--parser", "len32"]);
    assertEquals(code, 2);
    assertStringIncludes(stderr, `backend ${to} is where this listens: requests would go round`);
  });
}

test("without permission to ask for this machine's addresses it balances all the same", () =>
  withServers(async (_servers, to) => {
    const args = ["mux", "--listen", "127.0.0.1:0", "--to", to, "--parser", "len32"];
    const child = new Child(args, undefined, ["sys"]);
    const [, port] = await child.untilError(/listening on 127\.0\.0\.1:(\d+)/);
    const client = RpcClient.to(Number(port));
    client.send("1");
    assertEquals(await client.until(1), ["a:1"]);
    await client.close();
    process.kill(child.process.pid!, "SIGTERM");
    assertEquals((await child.done).code, 0);
  }));

test("metrics that cannot be served: a line that names the option, and nothing was listened on before", () =>
  withServers(async (_servers, to) => {
    const [taken] = to.split(",") as [string];
    const args = ["mux", "--listen", "127.0.0.1:0", "--to", to, "--parser", "len32", "--metrics", taken];
    const { code, stderr } = await runChild(args);
    assertEquals(code, 1);
    assertMatch(stderr, /^leat: --metrics: .*\bin use\b.*\n$/);
  }));

test("SIGTERM: a reply that is still being written to a slow reader arrives whole", () =>
  withServers(async (_servers, to) => {
    const mux = await MuxChild.start("--to", to, "--parser", "len32", "--max-message", "20000000");
    const client = RpcClient.to(mux.port);
    const body = "x".repeat(8_000_000);
    client.socket.pause();
    client.send(body);
    await mux.child.untilError(/listening/);
    // the first bytes of the reply are there, the rest is not read
    await new Promise<void>((resolve) => {
      client.socket.once("readable", resolve);
      client.socket.read(0);
    });
    mux.signal("SIGTERM");
    await mux.child.untilError(/clients may finish/);
    client.socket.resume();
    assertEquals((await client.until(1))[0]!.length, body.length + 2);
    assertEquals((await mux.child.done).code, 0);
  }));
