/**
 * What the network says of datagrams that were sent: that nobody can be reached there, or that they were too large.
 *
 * @module
 */
import type { RxConnection } from "./connection.ts";
import { RxrpcError } from "./errors.ts";
import type { RxPeer } from "./peer.ts";
import type { RxAddress } from "./ports.ts";
import type { Questions } from "./questions.ts";

/** Reports that are about the other end, not about a moment in which there was no buffer. */
const UNREACHABLE: readonly string[] = [
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EHOSTDOWN",
  "ENETDOWN",
  "EACCES",
  "EPERM",
];

/** Reports of this end's own system: it never will send to there. */
const IMPOSSIBLE: readonly string[] = ["EINVAL", "EAFNOSUPPORT", "EADDRNOTAVAIL", "EISCONN"];

/** A report. Such can be forged: a peer that was heard is believed to be gone only at the second one in a row. */
export interface RxNetworkFailure {
  /** errno name. */
  readonly code: string;
  /** Where the datagram went. */
  readonly to: RxAddress;
  /** Its length; for `EMSGSIZE`. */
  readonly bytes?: number | undefined;
}

/** Makes datagrams smaller, or ends calls and questions. */
export function networkFailed(
  { code, to, bytes }: RxNetworkFailure,
  peer: RxPeer,
  connections: Iterable<RxConnection>,
  questions: Questions,
  now: number,
): void {
  if (code === "EMSGSIZE") return peer.tooLarge(bytes ?? peer.maxMtu);
  const isImpossible = IMPOSSIBLE.includes(code);
  if (!isImpossible && (!UNREACHABLE.includes(code) || !peer.isUnreachable())) return;
  const failed = isImpossible ? impossibleError : unreachableError;
  questions.unreachable(failed(code, to), to);
  for (const connection of connections) {
    if (connection.peer !== peer) continue;
    for (const { call } of connection.channels) {
      if (call?.isExposed === true) call.close(failed(code, to), now);
    }
  }
}

/** What they fail with then. */
function unreachableError(code: string, to: RxAddress): RxrpcError {
  const what = `the network says that ${to.address} can't be reached at port ${to.port}`;
  return new RxrpcError(what, { code, blame: "remote" });
}

function impossibleError(code: string, to: RxAddress): RxrpcError {
  return new RxrpcError(`this end can't send to ${to.address} at port ${to.port}: ${code}`, { code, blame: "local" });
}
