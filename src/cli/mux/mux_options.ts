/**
 * The options of `leat mux`, as a table.
 *
 * @module
 */
import { BALANCER_POLICIES, REPLIES_MODES } from "../../kcm/balancer/balancer_options.ts";
import type { OptionSpec } from "../options.ts";

/** Options of `leat mux`. */
export const MUX_OPTIONS: readonly OptionSpec[] = [
  { name: "listen", argument: "ADDRESS,...", help: "Where clients connect to: HOST:PORT, or unix:PATH" },
  {
    name: "to",
    argument: "ADDRESS,...",
    help: "The backends: HOST:PORT or unix:PATH, with *N behind it for N times the share",
  },
  {
    name: "to-file",
    argument: "FILE",
    help: "Backends from a file, one in each line, # for comments. Read again when it changes, and on SIGHUP",
  },
  {
    name: "parser",
    argument: "NAME",
    help:
      "How messages are told apart: resp, memcachedtext, memcached, dns, lines, len32, length:..., a BPF program as " +
      "./prog.o, or with other replies than correlate any of leat trace --help",
  },
  {
    name: "replies",
    argument: "HOW",
    choices: REPLIES_MODES,
    help:
      "correlate (default): one reply for each request, in order; sticky: each client has a connection of its own to " +
      "one backend; none: requests have no replies",
  },
  {
    name: "policy",
    argument: "HOW",
    choices: BALANCER_POLICIES,
    help:
      "round-robin (default, by share); least: fewest requests under way; sticky: all of a client to one backend; " +
      "key: all about one key to one backend",
  },
  { name: "connections", argument: "N", help: "Connections to each backend that clients share (default 1)" },
  {
    name: "id",
    argument: "OFFSET:SIZE",
    help: "Replies pair with requests by a number of 2 or 4 bytes at that offset, big-endian, not by their order",
  },
  { name: "unordered", help: "With numbers: pass replies on as they come, not in the order of requests" },
  { name: "idempotent", help: "Requests of a framing may be sent again when their backend was lost" },
  { name: "tls-cert", argument: "FILE", help: "TLS for clients: certificate chain (PEM)" },
  { name: "tls-key", argument: "FILE", help: "TLS for clients: private key (PEM)" },
  { name: "to-tls", help: "TLS to backends" },
  { name: "to-ca", argument: "FILE", help: "Authority of the backends' certificates (PEM); the system's by default" },
  { name: "to-name", argument: "NAME", help: "Name in the backends' certificates; the host by default" },
  {
    name: "check-interval",
    argument: "MS",
    help: "Connect to each backend that often (default 2000); 0: after failures",
  },
  {
    name: "probe",
    argument: "MESSAGE",
    help: "Message that a check sends, \\r \\n \\xHH for bytes; any reply is good",
  },
  { name: "fall", argument: "N", help: "Failures in a row after which a backend gets nothing (default 3)" },
  { name: "rise", argument: "N", help: "Good checks in a row after which it does again (default 2)" },
  {
    name: "eject",
    argument: "MS",
    help: "How long a backend is left alone at first (default 1000, doubles up to 32-fold)",
  },
  { name: "slow-start", argument: "MS", help: "How long a backend that came back gets less (default 10000)" },
  { name: "retries", argument: "N", help: "How often a request is tried again (default 2)" },
  {
    name: "retry-budget",
    argument: "PERCENT",
    help: "Second tries of what may have been carried out, of all requests (default 20)",
  },
  { name: "timeout", argument: "MS", help: "How long a reply may take (default 30000)" },
  { name: "wait", argument: "MS", help: "How long a request waits for a backend (default 5000)" },
  { name: "connect-timeout", argument: "MS", help: "How long connecting and checks may take (default 5000)" },
  { name: "message-timeout", argument: "MS", help: "How long a client may take to send one message (default 30000)" },
  { name: "linger", argument: "MS", help: "How long a client that is over may take to read the rest (default 30000)" },
  { name: "idle", argument: "MS", help: "Close clients that are quiet for so long (default: never)" },
  { name: "drain", argument: "MS", help: "How long clients may finish after SIGTERM (default 10000)" },
  { name: "max-clients", argument: "N", help: "Clients at a time (default 10000)" },
  { name: "max-pending", argument: "N", help: "Requests of one client under way (default 1024)" },
  { name: "max-message", argument: "BYTES", help: "Longest message (default 1048576)" },
  { name: "max-buffer", argument: "BYTES", help: "What may wait to be written to one connection (default 16777216)" },
  {
    name: "max-total",
    argument: "BYTES",
    help: "What is held for all clients together (default 268435456); beyond, who holds most is closed",
  },
  { name: "max-waiting", argument: "N", help: "Requests that may wait for a backend (default 10000)" },
  { name: "max-sessions", argument: "N", help: "Clients with a connection of their own, by backend (default 1024)" },
  { name: "access-log", argument: "FILE", help: "A line of JSON for each client that has gone; - for standard output" },
  { name: "metrics", argument: "HOST:PORT", help: "Serve metrics there, as Prometheus reads them" },
  { name: "watch", help: "Show what goes on, once a second. When nobody sees it any more, the run ends as on SIGTERM" },
];

/** What the help says besides. */
export const MUX_DETAILS: readonly string[] = [
  "  leat mux --listen 0.0.0.0:7000 --to 10.0.0.1:6379,10.0.0.2:6379 --parser resp",
  "",
  "Balances by message: requests of one client may go to different backends at the",
  "same time, over connections that clients share. What needs a connection of its",
  "own (Redis: SUBSCRIBE, MULTI, WATCH, SELECT, BLPOP, AUTH, ...) gets one: from",
  "there on its client stays with one backend. SIGTERM lets clients finish, SIGHUP",
  "reads the backends and opens the log again. More in docs/mux.md.",
  "",
];
