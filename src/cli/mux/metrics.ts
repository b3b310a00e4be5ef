/**
 * Counters as Prometheus reads them (text format 0.0.4).
 *
 * @module
 */
import type { Backend } from "../../kcm/balancer/backend.ts";
import type { Balancer } from "../../kcm/balancer/balancer.ts";
import { LATENCY_BOUNDS_MS } from "../../kcm/balancer/histogram.ts";

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number];

/** All metrics as text. */
export function metricsText(balancer: Balancer, logDropped: number): string {
  const backends = [...balancer.backends.values(), ...balancer.leaving];
  return [
    ...totals(balancer, logDropped),
    ...ofBackends(backends),
    ...latencies(backends),
    "",
  ].join("\n");
}

function totals(balancer: Balancer, logDropped: number): string[] {
  const { counts } = balancer;
  const single = (value: number): Sample[] => [[{}, value]];
  return [
    ...family("clients", "gauge", "Clients that are connected", single(balancer.clients.size)),
    ...family("waiting_requests", "gauge", "Requests that wait for a backend", single(balancer.waiting)),
    ...family("clients_accepted_total", "counter", "Clients taken", single(counts.accepted)),
    ...family("clients_refused_total", "counter", "Clients refused for want of room", single(counts.refused)),
    ...family("requests_total", "counter", "Requests from clients", single(counts.requests)),
    ...family("replies_total", "counter", "Replies to clients", single(counts.replies)),
    ...family("local_answers_total", "counter", "Requests answered without a backend", single(counts.local)),
    ...family("rejected_total", "counter", "Requests refused", single(counts.rejected)),
    ...family("failed_total", "counter", "Requests that failed, by reason", [
      [{ reason: "lost" }, counts.lost],
      [{ reason: "unavailable" }, counts.unavailable],
      [{ reason: "timeout" }, counts.timeout],
      [{ reason: "overload" }, counts.overload],
    ]),
    ...family("retried_total", "counter", "Requests sent again that may have been carried out", single(counts.retried)),
    ...family("moved_total", "counter", "Requests moved before any byte had left", single(counts.moved)),
    ...family("strays_total", "counter", "Replies to nobody", single(counts.strays)),
    ...family("aside_total", "counter", "Messages of backends that are no replies", single(counts.aside)),
    ...family("sessions_total", "counter", "Clients given a connection of their own", single(counts.sessions)),
    ...family("slow_clients_total", "counter", "Clients closed because they did not read", single(counts.slowClients)),
    ...family("evicted_clients_total", "counter", "Clients closed because all held too much", single(counts.evicted)),
    ...family(
      "maybe_lost_total",
      "counter",
      "Connections lost with messages without replies",
      single(counts.maybeLost),
    ),
    ...family("bad_clients_total", "counter", "Clients closed for breaking the protocol", single(counts.badClients)),
    ...family("log_lines_dropped_total", "counter", "Lines of the access log dropped", single(logDropped)),
  ];
}

function ofBackends(backends: readonly Backend[]): string[] {
  const each = (value: (backend: Backend) => number): Sample[] =>
    backends.map((backend) => [{ backend: backend.name }, value(backend)]);
  const channels = backends.flatMap((backend) =>
    backend.channels.map((channel, i) => ({ labels: { backend: backend.name, channel: String(i) }, channel }))
  );
  return [
    ...family("backend_up", "gauge", "Whether the backend gets requests", each(({ isUp }) => Number(isUp))),
    ...family("backend_outstanding", "gauge", "Requests under way", each(({ outstanding }) => outstanding)),
    ...family("backend_sessions", "gauge", "Connections of single clients", each(({ sessions }) => sessions.size)),
    ...family("backend_requests_total", "counter", "Requests handed over", each(({ requests }) => requests)),
    ...family("backend_replies_total", "counter", "Replies", each(({ replies }) => replies)),
    ...family(
      "backend_failures_total",
      "counter",
      "Connections and checks that failed",
      each(({ failures }) => failures),
    ),
    ...family("backend_falls_total", "counter", "Times it was taken out", each(({ falls }) => falls)),
    ...family(
      "channel_outstanding",
      "gauge",
      "Requests under way on a shared connection",
      channels.map(({ labels, channel }) => [labels, channel.outstanding]),
    ),
  ];
}

function latencies(backends: readonly Backend[]): string[] {
  const name = "leat_mux_reply_seconds";
  const lines = [`# HELP ${name} Time from handing a request over to its reply`, `# TYPE ${name} histogram`];
  for (const { name: backend, latency } of backends) {
    let sum = 0;
    for (let i = 0; i < LATENCY_BOUNDS_MS.length; i++) {
      sum += latency.counts[i]!;
      lines.push(`${name}_bucket${text({ backend, le: String(LATENCY_BOUNDS_MS[i]! / 1000) })} ${sum}`);
    }
    lines.push(`${name}_bucket${text({ backend, le: "+Inf" })} ${latency.total}`);
    lines.push(`${name}_sum${text({ backend })} ${latency.sum / 1000}`);
    lines.push(`${name}_count${text({ backend })} ${latency.total}`);
  }
  return lines;
}

function family(name: string, type: string, help: string, samples: readonly Sample[]): string[] {
  const full = `leat_mux_${name}`;
  const lines = samples.map(([labels, value]) => `${full}${text(labels)} ${value}`);
  return [`# HELP ${full} ${help}`, `# TYPE ${full} ${type}`, ...lines];
}

function text(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) =>
    `${name}="${value.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n")}"`
  );
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}
