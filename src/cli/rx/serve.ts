/**
 * `leat rx serve`: a server to test clients with.
 *
 * @module
 */
import { isIP } from "node:net";
import type { RxAddress, RxCallStream, RxPeerIdentity } from "../../rxrpc/mod.ts";
import { guarded } from "../bpf/program_source.ts";
import { formatEndpoint } from "../filter_subject.ts";
import { formatBytes, formatDuration } from "../format/bytes.ts";
import { printable } from "../problem_log.ts";
import { type CliIo, UsageError } from "../io.ts";
import { type CommandSpec, numberOption, type OptionValues } from "../options.ts";
import { VERSION } from "../version.ts";
import { addressOf, failureText, openAt, serveCalls, withEndpoint } from "./endpoint.ts";
import { SERVER_KEY_OPTIONS, serverSecurity } from "./key_files.ts";
import { type ServedBytes, serveTest, TEST_SERVICES, type TestService } from "./test_services.ts";

/** The command. */
export const rxServeCommand: CommandSpec = {
  name: "rx serve",
  usage: "HOST:PORT",
  summary: "Serve RxRPC test calls: echo, sink, source",
  details: [
    "echo    says the request again, up to 64 MiB",
    "sink    answers with the request's length: 8 bytes",
    "source  answers with as many bytes as the request's first 4 bytes say",
    "",
    "It answers version and debug packets (leat rx debug, rxdebug); the latter of",
    "this machine only, unless --debug is given. Port 0 is any that is free.",
    "",
    "example:",
    "  leat rx serve 127.0.0.1:7100 &",
    "  leat rx call 127.0.0.1:7100 --service 1 --data 68656c6c6f",
    "",
  ],
  options: [
    { name: "echo", argument: "N", help: "Number of the service that echoes (default 1)" },
    { name: "sink", argument: "N", help: "Number of the one that takes (default 2)" },
    { name: "source", argument: "N", help: "Number of the one that gives (default 3)" },
    ...SERVER_KEY_OPTIONS,
    { name: "debug", help: "Answer debug packets of everybody, not only of this machine" },
    { name: "json", short: "j", help: "One JSON object for each call instead of a line" },
  ],
  run: (operands, values, io) =>
    guarded(io, values, async () => {
      if (operands.length > 1) throw new UsageError(`rx serve takes one address, got ${JSON.stringify(operands[1])}`);
      const at = await addressOf(operands[0], "the address to listen at");
      const numbers = serviceNumbers(values);
      const security = await serverSecurity(values, io);
      const answersDebug = values.debug === true ? () => true : isLoopback;
      const open = () => openAt(at, { version: `leat ${VERSION}`, answersDebug });
      return await withEndpoint(io, values, open, (endpoint) => {
        const listener = endpoint.listen({ services: [...numbers.keys()].map((id) => ({ id, security })) });
        const names = listener.services.map(({ id }) => `${numbers.get(id)!} ${id}`).join(", ");
        const serveCall = (call: RxCallStream): Promise<void> => serveOne(numbers.get(call.service)!, call, values, io);
        return serveCalls(endpoint, listener, names, serveCall, values, io);
      });
    }),
};

/** Whether an address is of this machine alone. */
export function isLoopback({ address }: RxAddress): boolean {
  return isIP(address) === 4 ? address.startsWith("127.") : address === "::1" || address.startsWith("::ffff:127.");
}

function serviceNumbers(values: OptionValues): Map<number, TestService> {
  const numbers = new Map<number, TestService>();
  TEST_SERVICES.forEach((what, index) => {
    const id = numberOption(values, what, 1, index + 1);
    if (id > 65_535) throw new UsageError(`--${what} must be at most 65535, got ${id}`);
    if (numbers.has(id)) throw new UsageError(`--${what} ${id} is the number of ${numbers.get(id)} already`);
    numbers.set(id, what);
  });
  return numbers;
}

/** Who a client is, with the realm where the ticket names one: without, the server's own is meant. */
function nameOf({ name, realm }: RxPeerIdentity): string {
  return printable(name.join(".") + (realm === "" ? "" : `@${realm}`));
}

async function serveOne(what: TestService, call: RxCallStream, values: OptionValues, io: CliIo): Promise<void> {
  const served: ServedBytes = { received: 0, sent: 0 };
  const startedAt = performance.now();
  let failure: string | undefined;
  try {
    await serveTest(what, call, served);
  } catch (error) {
    failure = failureText(error);
  }
  const timeMs = performance.now() - startedAt;
  const { remote, service, identity } = call;
  if (values.json === true) {
    const { address, port } = remote;
    const line = {
      type: "call",
      client: { address, port },
      identity: identity ?? null,
      service,
      what,
      ...served,
      timeMs: Number(timeMs.toFixed(3)),
      error: failure ?? null,
    };
    return void await io.stdout.write(`${JSON.stringify(line)}\n`);
  }
  const who = identity === undefined ? "" : ` as ${nameOf(identity)}, level ${identity.level}`;
  const amounts = `${formatBytes(served.received)} received, ${formatBytes(served.sent)} sent`;
  const outcome = failure === undefined ? "" : `: ${failure}`;
  await io.stdout.write(
    `${what} for ${formatEndpoint(remote)}${who}: ${amounts}, ${formatDuration(timeMs)}${outcome}\n`,
  );
}
