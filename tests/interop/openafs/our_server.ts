/** Services of AFS as our server has them: the least that satisfies OpenAFS's programs. */
import { type RxCallStream, RxEndpoint } from "../../../src/rxrpc/mod.ts";
import { dgram } from "../../../src/tsocket/drivers/node/mod.ts";
import { InetAddress } from "../../../src/tsocket/mod.ts";
import { serverSecurity } from "./security.ts";
import { body, name64, words } from "./words.ts";

const END_OF_LIST = 39_429;
/** Users of our protection server. */
export const USERS = 300;

type Answer = Uint8Array | number;

function users(): Uint8Array {
  const entries = Array.from({ length: USERS }, (_, index) => [
    ...[0, 1000 + index, -204, -204, 0, 0, 0, 0, 0, 0, 0, 0],
    name64(`user${index}`),
  ]);
  return body(USERS, ...entries.flat(), -1);
}

const OPERATIONS: Readonly<Record<number, (question: readonly number[]) => Answer>> = {
  510: () => body(4321, -205),
  521: () => users(),
  534: () => body(0, 0, -1),
  118: () => body(0),
  84: () => END_OF_LIST,
  94: () => body("test.cell"),
  95: () => END_OF_LIST,
  10006: () => body(...new Array<number>(285).fill(0)),
  10007: () => 2,
};

async function answer(call: RxCallStream): Promise<number | undefined> {
  const question = words(await call.bytes());
  const found = OPERATIONS[question[0]!]?.(question) ?? -455;
  if (typeof found === "number") call.abort(found);
  else {
    await call.write(found);
    await call.end();
  }
  const saidAt = performance.now();
  await call.closed;
  // a long reply is still on its way when all was said
  return typeof found !== "number" && found.length > 1000 ? undefined : performance.now() - saidAt;
}

/** A server at an address. */
export interface OurServer {
  readonly endpoint: RxEndpoint;
  /** Milliseconds from the end of our reply to the end of the call. */
  readonly lingered: readonly number[];
  close(): Promise<void>;
}

/** Serves there. */
export async function ourServer(address: string, port: number, services: readonly number[]): Promise<OurServer> {
  const socket = dgram({ localAddress: InetAddress.parse(`${address}:${port}`) });
  const endpoint = await RxEndpoint.open(socket, { version: "leat interop", answersDebug: () => true });
  const listener = endpoint.listen({ services: services.map((id) => ({ id, security: serverSecurity() })) });
  const lingered: number[] = [];
  const serving = (async () => {
    for await (const call of listener) {
      // those that were aborted tell nothing
      answer(call).then((ms) => ms !== undefined && lingered.push(ms), () => {});
    }
  })();
  return {
    endpoint,
    lingered,
    close: async () => {
      await endpoint.close();
      await serving;
    },
  };
}
