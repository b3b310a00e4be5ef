/**
 * How the table of TCP makes its connections.
 *
 * @module
 */
import { TcpConnection } from "./tcp/tcp_connection.ts";
import type { ConnectionFactory } from "./tcp/tcp_table.ts";

/** Makes a {@linkcode TcpConnection} each, numbered from 1 on. */
export function tcpConnections(): ConnectionFactory {
  let id = 0;
  return {
    connect: (host, sink, path, handshake, options, template, now) =>
      TcpConnection.connect({ host, sink, id: ++id, path, options, template }, handshake, now),
    accept: (host, sink, path, handshake, options, template, now) =>
      TcpConnection.accept({ host, sink, id: ++id, path, options, template }, handshake, now),
  };
}
