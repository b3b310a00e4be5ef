/** BSD sockets over a stack: file descriptors, calls that block, errno. */
import type { CallAction, Expression } from "./ast.ts";
import type { DrillFlow, DrillListener, DrillStack } from "./drill_stack.ts";
import type { Outcome } from "./runner.ts";

const FIRST_FD = 3;
const O_RDWR = 2;
const O_NONBLOCK = 4;

interface Socket {
  flags: number;
  settings: Map<string, number>;
  flow: DrillFlow | undefined;
  listener: DrillListener | undefined;
  /** Established, not accepted. */
  queue: DrillFlow[];
  /** Whether the flow's error has been told. */
  hasToldError: boolean;
}

type Attempt = () => Outcome | undefined;

const done = (result: number): Outcome => ({ result });
const failed = (errno: string): Outcome => ({ result: -1, errno });

/** Settings that change nothing that a script can see. */
const WITHOUT_EFFECT = ["SO_REUSEADDR", "SO_REUSEPORT", "SO_DEBUG"];

export class Sockets {
  readonly #stack: DrillStack;
  readonly #open = new Map<number, Socket>();
  #attempt: Attempt | undefined;

  constructor(stack: DrillStack) {
    this.#stack = stack;
  }

  /** Makes a call; undefined when it blocks. */
  call({ name, args }: CallAction, now: number): Outcome | undefined {
    if (name === "socket") return done(this.#add(undefined));
    const socket = this.#open.get(numberOf(args[0]));
    if (socket === undefined) return failed("EBADF");
    const run = Object.hasOwn(calls, name) ? calls[name] : undefined;
    if (run === undefined) throw new Error(`${name}() is not supported`);
    const attempt = (at: number): Attempt => () => run(this, socket, args, at);
    const outcome = attempt(now)();
    if (outcome !== undefined) return outcome;
    if ((socket.flags & O_NONBLOCK) !== 0) return failed(name === "connect" ? "EINPROGRESS" : "EAGAIN");
    this.#attempt = attempt(now);
    return undefined;
  }

  /** Looks again at the call that blocks. */
  poll(): Outcome | undefined {
    const outcome = this.#attempt?.();
    if (outcome !== undefined) this.#attempt = undefined;
    return outcome;
  }

  /** The flow of the socket that was opened last and has one. */
  get latestFlow(): DrillFlow | undefined {
    return [...this.#open.values()].findLast(({ flow }) => flow !== undefined)?.flow;
  }

  /** State of the socket that was opened last. */
  get latestState(): string {
    const flow = this.latestFlow;
    if (flow !== undefined) return flow.state;
    return [...this.#open.values()].at(-1)?.listener === undefined ? "CLOSED" : "LISTEN";
  }

  /** States of the connections that have a descriptor. */
  get states(): string[] {
    return [...this.#open.values()].flatMap(({ flow }) => flow === undefined ? [] : [flow.state]);
  }

  get stack(): DrillStack {
    return this.#stack;
  }

  accept(flow: DrillFlow): Outcome {
    return done(this.#add(flow));
  }

  close(socket: Socket, now: number): void {
    for (const [fd, one] of this.#open) {
      if (one === socket) this.#open.delete(fd);
    }
    socket.listener?.close(now);
    for (const flow of socket.queue) flow.close(now);
    socket.flow?.close(now);
  }

  #add(flow: DrillFlow | undefined): number {
    let fd = FIRST_FD;
    while (this.#open.has(fd)) fd++;
    const socket: Socket = {
      flags: O_RDWR,
      settings: new Map(),
      flow,
      listener: undefined,
      queue: [],
      hasToldError: false,
    };
    this.#open.set(fd, socket);
    return fd;
  }
}

type Call = (sockets: Sockets, socket: Socket, args: readonly Expression[], now: number) => Outcome | undefined;

const calls: Readonly<Record<string, Call>> = {
  bind: () => done(0),
  listen({ stack }, socket, args, now) {
    const accepted = (flow: DrillFlow): void => void socket.queue.push(flow);
    socket.listener = stack.listen(socket.settings, numberOf(args[1]), accepted, now);
    return done(0);
  },
  accept(sockets, { queue, listener }) {
    if (listener === undefined) return failed("EINVAL");
    const flow = queue.shift();
    return flow === undefined ? undefined : sockets.accept(flow);
  },
  connect({ stack }, socket, _, now) {
    socket.flow ??= stack.connect(socket.settings, now);
    const errno = takeError(socket);
    if (errno !== undefined) return failed(errno);
    const isOpening = socket.flow.state === "SYN-SENT" || socket.flow.state === "SYN-RECEIVED";
    return isOpening ? undefined : done(0);
  },
  close(sockets, socket, _, now) {
    sockets.close(socket, now);
    return done(0);
  },
  shutdown(_, { flow }, args, now) {
    if (flow === undefined || flow.state === "CLOSED") return failed("ENOTCONN");
    if (nameOf(args[1]) !== "SHUT_RD") flow.shutdown(now);
    return done(0);
  },
  read: (_, socket, args, now) => receive(socket, numberOf(args[2]), false, now),
  recv: (_, socket, args, now) => receive(socket, numberOf(args[2]), nameOf(args[3]) === "MSG_PEEK", now),
  write: (_, socket, args, now) => send(socket, numberOf(args[2]), now),
  send: (_, socket, args, now) => send(socket, numberOf(args[2]), now),
  sendto: (_, socket, args, now) => send(socket, numberOf(args[2]), now),
  fcntl(_, socket, args) {
    if (nameOf(args[1]) === "F_GETFL") return done(socket.flags);
    if (nameOf(args[1]) !== "F_SETFL") return failed("EINVAL");
    const parts = args[2]?.kind === "or" ? args[2].parts : [args[2]];
    socket.flags = O_RDWR | (parts.some((part) => nameOf(part) === "O_NONBLOCK") ? O_NONBLOCK : 0);
    return done(0);
  },
  setsockopt(_, socket, args) {
    const name = nameOf(args[2]);
    const value = args[3];
    if (name === undefined) return failed("ENOPROTOOPT");
    if (!WITHOUT_EFFECT.includes(name)) {
      socket.settings.set(name, value?.kind === "list" ? numberOf(value.items[0]) : 0);
    }
    return done(0);
  },
  getsockopt({ stack }, socket, args) {
    const name = nameOf(args[2]);
    const output = (value: number | string): Outcome => ({ result: 0, outputs: [{ argument: 3, value }] });
    if (name === "SO_ERROR") return output(takeError(socket) ?? 0);
    if (name === "SO_RCVBUF") return output(socket.flow?.receiveBuffer ?? stack.receiveBuffer);
    const value = name === undefined ? undefined : socket.settings.get(name);
    return value === undefined ? failed("ENOPROTOOPT") : output(value);
  },
};

function receive(socket: Socket, length: number, isPeek: boolean, now: number): Outcome | undefined {
  const { flow } = socket;
  if (flow === undefined) return failed("ENOTCONN");
  const count = Math.min(length, flow.readable);
  if (count > 0 && !isPeek) flow.read(count, now);
  if (count > 0) return done(count);
  const errno = takeError(socket);
  if (errno !== undefined) return failed(errno);
  return flow.hasEnded || flow.state === "CLOSED" ? done(0) : undefined;
}

function send(socket: Socket, length: number, now: number): Outcome | undefined {
  const { flow } = socket;
  if (flow === undefined) return failed("ENOTCONN");
  const errno = takeError(socket);
  if (errno !== undefined) return failed(errno);
  if (flow.state === "CLOSED") return failed("EPIPE");
  const count = flow.write(length, now);
  return count === 0 && length > 0 ? undefined : done(count);
}

/** The error of the connection, once. */
function takeError(socket: Socket): string | undefined {
  const errno = socket.flow?.error;
  if (errno === undefined || socket.hasToldError) return undefined;
  socket.hasToldError = true;
  return errno;
}

function numberOf(expression: Expression | undefined): number {
  return expression?.kind === "number" ? expression.value : NaN;
}

function nameOf(expression: Expression | undefined): string | undefined {
  return expression?.kind === "name" ? expression.name : undefined;
}
