/**
 * One run of `leat tun`: the interface, the stack behind it, and what peers meet there.
 *
 * @module
 */
import { L3L4, type L3L4Socket } from "../../l3l4/mod.ts";
import { CaptureWriterStream } from "../../pcap/mod.ts";
import { ImpairStream } from "../../sim/impair_stream.ts";
import type { LinkOptions } from "../../sim/link.ts";
import { LeatError } from "../../core/errors.ts";
import type { DgramSocket } from "../../tsocket/dgram_socket.ts";
import { SocketError } from "../../tsocket/errors.ts";
import { InetAddress } from "../../tsocket/inet_address.ts";
import type { Tun, TunOptions } from "../../tsocket/tun/tun_types.ts";
import { FileProblem } from "../bpf/program_source.ts";
import { formatBytes } from "../format/bytes.ts";
import { type CliIo, ExitCode, outputProblem, systemMessage, wordsOf } from "../io.ts";
import { runtimeName, runtimeSockets } from "../mux/runtime.ts";
import type { OptionValues } from "../options.ts";
import { endSignal, note } from "../rx/endpoint.ts";
import { ProxyDoor } from "./proxy_door.ts";
import { serveDatagrams, serveFlow } from "./services.ts";
import type { TunCommandSettings } from "./tun_command_settings.ts";

/** What those who are served share. */
interface Serving {
  readonly settings: TunCommandSettings;
  readonly values: OptionValues;
  readonly io: CliIo;
  readonly door: ProxyDoor | undefined;
  /** Nobody reads any more what is printed. */
  unread(): void;
}

/** Runs until a signal comes, the interface is removed, or nobody reads what is printed. */
export async function runTun(settings: TunCommandSettings, values: OptionValues, io: CliIo): Promise<number> {
  const tun = await open(settings.tun);
  const { stack, door } = await stackFor(settings, tun.mtu, values, io);
  const signal = endSignal(io);
  let unread = (): void => {};
  const isUnread = new Promise<"unread">((resolve) => unread = () => resolve("unread"));
  try {
    const writing = settings.file === undefined ? undefined : await writeCapture(stack, settings.file, io);
    const carried = carry(tun, stack, settings.impair);
    note(io, values, `${tun.name} is open: ${(settings.tun.address as string[]).join(", ")}`);
    // why it ends early is what `carried` says
    const serving = serve(stack, { settings, values, io, door, unread }).catch(() => {});
    const ending = await Promise.race([signal.came, carried, isUnread]);
    door?.close();
    await stack.close();
    await tun.close();
    await Promise.all([serving, writing?.done]);
    if (ending instanceof Error) throw new FileProblem(undefined, failureOf(ending));
    const problem = outputProblem(io);
    if (problem !== undefined) throw new FileProblem(undefined, problem);
    return ending === "SIGINT" ? ExitCode.INTERRUPTED : ExitCode.OK;
  } finally {
    signal.stop();
    await tun.close();
  }
}

/** The stack; with `--proxy`, a door decides who is let in. */
export async function stackFor(
  { service }: Pick<TunCommandSettings, "service">,
  mtu: number,
  values: OptionValues,
  io: CliIo,
): Promise<{ readonly stack: L3L4; readonly door: ProxyDoor | undefined }> {
  if (service.kind !== "proxy") return { stack: new L3L4({ mtu }), door: undefined };
  const door = new ProxyDoor(await runtimeSockets(), service.to, {
    decide: (token, verdict) => stack.decide(token, verdict),
    refused: ({ remoteAddress, remotePort, localAddress, localPort }, error) => {
      const [from, to] = [InetAddress.from(remoteAddress, remotePort), InetAddress.from(localAddress, localPort)];
      note(io, values, `${from.toHostPort()} to ${to.toHostPort()}: refused: ${failureOf(error)}`);
    },
  });
  const stack: L3L4 = new L3L4({ mtu, onIncoming: (request) => door.incoming(request) });
  return { stack, door };
}

async function open(options: TunOptions): Promise<Tun> {
  try {
    switch (runtimeName()) {
      case "deno":
        return await (await import("../../tsocket/drivers/deno/tun.ts")).openTunDeno(options);
      default:
        return await (await import("../../tsocket/drivers/node/tun.ts")).openTunNode(options);
    }
  } catch (error) {
    throw new FileProblem(undefined, failureOf(error));
  }
}

/** What our own errors say, without their class, and else what the system says. */
function failureOf(error: unknown): string {
  const isOurs = error instanceof LeatError || error instanceof SocketError;
  return isOurs ? wordsOf(error) : systemMessage(error);
}

/** Carries packets both ways; resolves with why it ended, an error where it was not the stack that ended it. */
async function carry(tun: Tun, stack: L3L4, impair: LinkOptions | undefined): Promise<Error | undefined> {
  const ways: Promise<void>[] = impair === undefined
    ? [tun.readable.pipeTo(stack.writable), stack.readable.pipeTo(tun.writable)]
    : [
      tun.readable.pipeThrough(new ImpairStream({ ...impair, batch: true })).pipeTo(stack.writable),
      stack.readable.pipeThrough(new ImpairStream({ ...impair, seed: 2, batch: true })).pipeTo(tun.writable),
    ];
  const ended = ways.map((way) => way.then(() => undefined, (error: unknown) => error));
  const error = await Promise.race(ended);
  return error instanceof Error ? error : undefined;
}

/** Writes all packets; `done` when the stack is over. */
async function writeCapture(stack: L3L4, file: string, io: CliIo): Promise<{ readonly done: Promise<void> }> {
  const output = await io.createFile(file).catch((error: unknown) => {
    throw new FileProblem(file, systemMessage(error));
  });
  const format = file.endsWith(".pcapng") ? "pcapng" : "pcap";
  const written = stack.tap().pipeThrough(new CaptureWriterStream({ format })).pipeTo(
    new WritableStream({ write: (bytes) => output.write(bytes), close: () => output.close() }),
  );
  const done = written.catch((error: unknown) => {
    throw new FileProblem(file, systemMessage(error));
  });
  // it is awaited at the end, and may fail long before
  done.catch(() => {});
  return { done };
}

async function serve(stack: L3L4, serving: Serving): Promise<void> {
  const { settings: { service }, values, io } = serving;
  const unreachable = (flow: DgramSocket, code: string): void => {
    stack.refuseUdp(flow);
    const [from, to] = [flow.remoteAddress, flow.localAddress] as InetAddress[];
    note(io, values, `${from!.toHostPort()} to ${to!.toHostPort()}: datagrams reach nobody (${code})`);
  };
  const datagrams = service.kind === "http" ? undefined : (async () => {
    for await (const socket of stack.udpFlows) void serveDatagrams(service, socket, unreachable);
  })();
  datagrams?.catch(() => {});
  for await (const flow of stack.flows) void serveOne(flow, serving);
  await datagrams;
}

async function serveOne(flow: L3L4Socket, serving: Serving): Promise<void> {
  const { io, values } = serving;
  const line = await served(flow, serving);
  if (values.quiet === true) return;
  await io.stdout.write(line);
  // a pipe that nobody reads from says so only when something was written to it
  await io.stdout.flush();
  if (io.stdout.failure !== undefined) serving.unread();
}

/** Serves one connection; what is to be said of it. */
async function served(flow: L3L4Socket, { settings, values, door }: Serving): Promise<string> {
  const { remoteAddress, localAddress } = flow;
  let failure: string | undefined;
  try {
    await serveFlow(settings.service, flow, door);
  } catch (error) {
    failure = failureOf(error);
  }
  const { bytesReceived, bytesAcked, retransmits } = flow.info();
  if (values.json === true) {
    const [client, server] = [remoteAddress, localAddress].map(({ address, port }) => ({ address, port }));
    const line = { client, server, bytesReceived, bytesSent: bytesAcked, retransmits, error: failure ?? null };
    return `${JSON.stringify(line)}\n`;
  }
  const amounts = `${formatBytes(bytesReceived)} received, ${formatBytes(bytesAcked)} sent`;
  const again = retransmits === 0 ? "" : `, ${retransmits} segments again`;
  const outcome = failure === undefined ? "" : `: ${failure}`;
  return `${remoteAddress.toHostPort()} to ${localAddress.toHostPort()}: ${amounts}${again}${outcome}\n`;
}
