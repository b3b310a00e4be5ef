import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { BsdHost } from "./bsd_host.ts";
import type { DrillFlow, DrillListener, DrillStack, SocketSettings } from "./drill_stack.ts";
import { parseScript } from "./parser.ts";
import { runScript, ScriptFailure } from "./runner.ts";
import { folders, scriptsBelow } from "./script_files.ts";

/** A flow that is as the test says. */
class TestFlow implements DrillFlow {
  state = "ESTABLISHED";
  error: string | undefined;
  readable = 0;
  hasEnded = false;
  receiveBuffer = 65_700;
  readonly done: string[] = [];
  room = 1000;

  read(length: number): void {
    this.readable -= length;
  }
  write(length: number): number {
    const count = Math.min(length, this.room);
    this.room -= count;
    return count;
  }
  shutdown(): void {
    this.done.push("shutdown");
  }
  close(): void {
    this.done.push("close");
  }
}

/** A stack in which things happen at the times that the test says, in milliseconds from the start. */
class TestStack implements DrillStack {
  readonly flow = new TestFlow();
  readonly receiveBuffer = 65_536;
  readonly done: string[] = [];
  settings: SocketSettings = new Map();
  plan: [number, () => void][] = [];
  accepted: (flow: DrillFlow) => void = () => {};
  push(): void {}
  transmit(): Uint8Array[] {
    return [];
  }
  timeoutAt(): number {
    return this.plan.length === 0 ? Infinity : this.plan[0]![0] + 1_000_000;
  }
  onTimeout(now: number): void {
    while (this.timeoutAt() <= now) this.plan.shift()![1]();
  }
  connect(settings: SocketSettings): DrillFlow {
    this.settings = settings;
    this.flow.state = "SYN-SENT";
    return this.flow;
  }
  listen(_: SocketSettings, backlog: number, accepted: (flow: DrillFlow) => void): DrillListener {
    this.done.push(`listen ${backlog}`);
    this.accepted = accepted;
    return { close: () => void this.done.push("unlisten") };
  }
  set(name: string, value: number): boolean {
    this.done.push(`${name}=${value}`);
    return name !== "unknown";
  }
  states(): string[] {
    return [this.flow.state];
  }
  drop(state: string): void {
    this.done.push(`drop ${state}`);
  }
}

function run(text: string, stack = new TestStack()): TestStack {
  runScript(parseScript(text), () => new BsdHost(stack), text, "t");
  return stack;
}

function failure(text: string, stack = new TestStack()): string {
  return (assertThrows(() => run(text, stack), ScriptFailure) as ScriptFailure).message;
}

const SOCKET = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n";
const NONBLOCK = `${SOCKET}+0 fcntl(3, F_SETFL, O_RDWR | O_NONBLOCK) = 0\n`;

test("connect on a socket that does not block, its error told once", () => {
  const stack = new TestStack();
  stack.plan = [[100, () => {
    stack.flow.state = "CLOSED";
    stack.flow.error = "ECONNREFUSED";
  }]];
  run(
    `${NONBLOCK}+0 fcntl(3, F_GETFL) = 6
+0 setsockopt(3, IPPROTO_TCP, TCP_NOOPT, [1], 4) = 0
+0 getsockopt(3, IPPROTO_TCP, TCP_NOOPT, [1], [4]) = 0
+0 getsockopt(3, IPPROTO_TCP, TCP_OTHER, [1], [4]) = -1 ENOPROTOOPT
+0 getsockopt(3, SOL_SOCKET, SO_RCVBUF, [65536], [4]) = 0
+0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
+0 %{ assert tcpi_state == TCPI_SYN_SENT }%
+0 getsockopt(3, SOL_SOCKET, SO_ERROR, [0], [4]) = 0
+0.1 getsockopt(3, SOL_SOCKET, SO_ERROR, [ECONNREFUSED], [4]) = 0
+0 getsockopt(3, SOL_SOCKET, SO_ERROR, [0], [4]) = 0
+0 close(3) = 0
+0 close(3) = -1 EBADF (Bad file descriptor)`,
    stack,
  );
  assertEquals(stack.settings.get("TCP_NOOPT"), 1);
  assertEquals(stack.flow.done, ["close"]);
});

test("connect that blocks returns when it is done, and at no other time", () => {
  const refused = (at: number): TestStack => {
    const stack = new TestStack();
    stack.plan = [[at, () => stack.flow.error = "ETIMEDOUT"]];
    return stack;
  };
  const text = `${SOCKET}1.0...6.0 connect(3, ..., ...) = -1 ETIMEDOUT (Operation timed out)\n6.0 close(3) = 0`;
  run(text, refused(6000));
  assertEquals(failure(text, refused(5000)).split("\n")[1], "    returned at 5.000000");
  assertEquals(failure(text, refused(9000)).split("\n")[1], "    still blocks at 6.004001");
});

test("a connection is accepted from the queue, and read and written", () => {
  const stack = new TestStack();
  stack.plan = [[50, () => stack.accepted(stack.flow)], [60, () => stack.flow.readable = 10], [90, () => {
    stack.flow.readable = 3;
  }], [100, () => stack.flow.hasEnded = true]];
  run(
    `${SOCKET}+0 bind(3, ..., ...) = 0
+0 accept(3, ..., ...) = -1 EINVAL (Invalid argument)
+0 listen(3, 2) = 0
+0...0.05 accept(3, ..., ...) = 4
0.07 recv(4, ..., 6, MSG_PEEK) = 6
+0 recv(4, ..., 6, 0) = 6
+0 read(4, ..., 100) = 4
+0...0.09 read(4, ..., 100) = 3
0.1 read(4, ..., 100) = 0
+0 getsockopt(4, SOL_SOCKET, SO_RCVBUF, [65700], [4]) = 0
+0 write(4, ..., 600) = 600
+0 send(4, ..., 600, 0) = 400
+0 fcntl(4, F_SETFL, O_RDWR | O_NONBLOCK) = 0
+0 send(4, ..., 600, 0) = -1 EWOULDBLOCK (Operation would block)
+0 shutdown(4, SHUT_WR) = 0
+0 close(4) = 0
+0 close(3) = 0`,
    stack,
  );
  assertEquals(stack.flow.done, ["shutdown", "close"]);
  assertEquals(stack.done, ["listen 2", "unlisten"]);
});

test("sysctl, sockstat and tcpdrop", () => {
  const stack = run(
    `${NONBLOCK}+0 \`sysctl -w net.inet.tcp.insecure_rst=1\`
+0 connect(3, ..., ...) = -1 EINPROGRESS
+0 \`sockstat -4 -P tcp -s -p 8080 | grep -c SYN_SENT | grep 1\`
+0 \`sockstat -4 -P tcp -s | grep packetdril | grep -c CLOSED | grep 0\`
+0 \`tcpdrop -s TIME_WAIT\``,
  );
  assertEquals(stack.done, ["net.inet.tcp.insecure_rst=1", "drop TIME-WAIT"]);
});

test("what is not as the script has it fails with the reason", () => {
  const reason = (text: string): string => failure(text).split("\n    ")[1]!;
  assertEquals(reason("0 `sysctl -w unknown=1`"), "no option is called unknown");
  assertEquals(reason("0 `rm -rf x`"), "unknown command rm -rf x");
  assertEquals(
    reason("0 `sockstat -s | grep -c SYN_RCVD | grep 1`"),
    "connections in SYN-RECEIVED: expected 1, got 0",
  );
  assertEquals(reason("0 %{ assert tcpi_state == TCPI_LISTEN }%"), "state: expected LISTEN, got CLOSED");
  assertEquals(reason("0 %{ print(1) }%"), "unknown assertion print(1)");
  assertEquals(reason(`${SOCKET}+0 close(3) = 5`), "expected 5 , got 0 ");
  assertEquals(reason(`${SOCKET}+0 read(3, ..., 5) = -1 EIO`), "expected -1 EIO, got -1 ENOTCONN");
  assertEquals(
    reason(`${SOCKET}+0 getsockopt(3, SOL_SOCKET, SO_RCVBUF, [1], [4]) = 0`),
    "expected [1], got [65536]",
  );
});

test("every call, command and assertion of the scripts is known", () => {
  for (const { name, text } of folders.flatMap(scriptsBelow)) {
    for (const define of ["FreeBSD", "STANDARD"]) {
      const host = new BsdHost(new TestStack());
      for (const { action, place } of parseScript(text, { file: name, defines: new Set([define]) }).events) {
        const where = `${name}:${place.line}`;
        if (action.kind === "call") host.call(action, 1000);
        if (action.kind === "shell") assert(!host.shell(action.command, 1000)?.startsWith("unknown"), where);
        if (action.kind === "code") assert(!host.check(action.text)?.startsWith("unknown"), where);
      }
    }
  }
});
