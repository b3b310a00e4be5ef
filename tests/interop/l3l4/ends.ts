/** What is known of both ends of the wire, for a test that waits in vain. */
import type { EthernetStackMedium, L3L4, L3L4Socket } from "../../../src/l3l4/mod.ts";
import { formatAddress } from "../../../src/packet/address.ts";
import type { ControlClient, LinuxVm } from "../linux_vm/linux_vm.ts";
import type { RawLink } from "./raw_link.ts";

/** How long the guest may take to say something now. */
const PATIENCE_MS = 10_000;

/** States of sockets, as `/proc/net/tcp` numbers them. */
const STATES = [
  ..."- ESTABLISHED SYN_SENT SYN_RECV FIN_WAIT1 FIN_WAIT2 TIME_WAIT CLOSE CLOSE_WAIT LAST_ACK LISTEN CLOSING".split(
    " ",
  ),
];

/** All that there is. */
export interface Ends {
  readonly vm: LinuxVm;
  readonly clients: Readonly<Record<string, ControlClient>>;
  readonly stack: L3L4;
  readonly medium: EthernetStackMedium;
  readonly link: RawLink;
  /** Connections that are not closed. */
  readonly flows: Iterable<L3L4Socket>;
}

/** Lines about both ends. */
export async function stateOfEnds({ vm, clients, stack, medium, link, flows }: Ends): Promise<string> {
  const lines = Object.entries(clients).flatMap(([name, { waiting }]) =>
    waiting.map((line) => `${name} waits: ${line}`)
  );
  lines.push(
    `link ${JSON.stringify(link.counters)}`,
    `stack ${counted(stack.stats)}`,
    `medium ${counted(medium.stats)}`,
  );
  for (const { state, address } of medium.neighbors()) lines.push(`neighbor ${formatAddress(address)} ${state}`);
  for (const flow of flows) lines.push(`flow ${flow.localAddress} ${flow.remoteAddress} ${counted(flow.info())}`);
  // programs that wait for nothing but commands, on connections of their own
  lines.push(...await said(vm, "tcpd", "conns"), ...(await said(vm, "tcpd", "log")).slice(-20));
  for (const file of ["tcp", "tcp6"]) {
    const rows = (await said(vm, "rxc", `get /proc/net/${file}`)).slice(2);
    lines.push(...rows.map(socketLine).filter((row) => !row.includes("LISTEN")));
  }
  lines.push(...(await said(vm, "rxc", "get /proc/net/dev")).filter((line) => /eth1/.test(line)));
  lines.push(...(await said(vm, "rxc", "get /proc/net/arp")).filter((line) => /eth1/.test(line)));
  return lines.join("\n");
}

async function said(vm: LinuxVm, program: "tcpd" | "rxc", command: string): Promise<string[]> {
  try {
    const client = await vm.client(program);
    return (await client.ask(command, PATIENCE_MS)).map((line) => `guest: ${line}`);
  } catch (error) {
    return [`guest: ${(error as Error).message}`];
  }
}

/** Counters that are not 0. */
function counted(stats: object): string {
  return JSON.stringify(stats, (_, value) => value === 0 || value === Infinity ? undefined : value);
}

/** A row of `/proc/net/tcp`, with what does not matter left out. */
function socketLine(row: string): string {
  const [, local = "", remote = "", state = "", queues = "", timer = "", resent = ""] = row.replace("guest: ", "")
    .trim()
    .split(/ +/);
  const port = (end: string): string => end.replace(/:(\w+)$/, (_, digits) => `:${parseInt(digits, 16)}`);
  const name = STATES[parseInt(state, 16)];
  return `guest: ${port(local)} ${port(remote)} ${name} tx:rx ${queues} timer ${timer} resent ${parseInt(resent, 16)}`;
}
