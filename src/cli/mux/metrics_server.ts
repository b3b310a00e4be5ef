/**
 * Serves the metrics over HTTP.
 *
 * @module
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { InetAddress, type SocketTarget } from "../../tsocket/mod.ts";

/** Scrapers at a time. */
const MAX_CONNECTIONS = 32;
/** How long a request may take to come. */
const REQUEST_MS = 5000;

/** A server that is running. */
export interface MetricsServer {
  /** Its address, as URLs have it. */
  readonly authority: string;
  /** Ends it. */
  close(): void;
}

/** Serves what `text` returns at `/metrics`. Rejects when it cannot listen. */
export function serveMetrics(target: SocketTarget, text: () => string): Promise<MetricsServer> {
  const host = "hostname" in target ? target.hostname : target.kind === "inet" ? target.address : undefined;
  const port = "port" in target ? target.port : 0;
  const server = createServer((request, response) => {
    const isRight = request.url === "/metrics" && (request.method === "GET" || request.method === "HEAD");
    response.writeHead(isRight ? 200 : 404, { "content-type": "text/plain; version=0.0.4; charset=utf-8" });
    response.end(isRight ? text() : "metrics are at /metrics\n");
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.requestTimeout = server.headersTimeout = REQUEST_MS;
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      const close = (): void => {
        server.close();
        server.closeAllConnections();
      };
      const { address, port } = server.address() as AddressInfo;
      resolve({ authority: InetAddress.from(address, port).toHostPort(), close });
    });
  });
}
