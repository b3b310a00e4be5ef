/**
 * Parsers of protocols, each named after its protocol, for {@linkcode StreamParser} and {@linkcode MessageStream} of
 * `./strparser`, and the encoders that go with them.
 *
 * {@linkcode parserByName} makes one from a name, {@linkcode detectParser} finds out which one fits. Framings without a
 * protocol (length fields, delimiters, varints) are in `./strparser`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { MessageStream } from "@leat/streams/strparser";
 * import { netstring } from "@leat/streams/parsers";
 *
 * const bytes = new Blob(["5:he", "llo,0:", ","]).stream();
 * const messages: string[] = [];
 * for await (const message of bytes.pipeThrough(new MessageStream({ parser: netstring() }))) {
 *   messages.push(new TextDecoder().decode(message));
 * }
 * assertEquals(messages, ["5:hello,", "0:,"]);
 * ```
 *
 * @module
 */
export { type DetectInput, type Detection, detectParser, type Recognition } from "../detect.ts";
export { bitcoinEncoder, type BitcoinEncoderOptions, type BitcoinMessage } from "../encoders/bitcoin_encoder.ts";
export { cassandraEncoder, type CassandraEncoderOptions, type CassandraFrame } from "../encoders/cassandra_encoder.ts";
export { dnsEncoder } from "../encoders/dns_encoder.ts";
export { fixEncoder, type FixEncoderOptions } from "../encoders/fix_encoder.ts";
export { http1ChunkEncoder } from "../encoders/http1_chunk_encoder.ts";
export { http2Encoder, type Http2Frame } from "../encoders/http2_encoder.ts";
export { memcachedBinaryEncoder, type MemcachedBinaryMessage } from "../encoders/memcached_binary_encoder.ts";
export { natsEncoder, type NatsMessage } from "../encoders/nats_encoder.ts";
export { ninepEncoder, type NinepMessage } from "../encoders/ninep_encoder.ts";
export { postgresEncoder, type PostgresEncoderOptions, type PostgresMessage } from "../encoders/postgres_encoder.ts";
export { respEncoder, type RespValue } from "../encoders/resp_encoder.ts";
export { tlsEncoder, type TlsRecord } from "../encoders/tls_encoder.ts";
export { tnsEncoder, type TnsEncoderOptions, type TnsPacket } from "../encoders/tns_encoder.ts";
export { typeByteEncoder, type TypeByteEncoderOptions, type TypedPayload } from "../encoders/type_byte_encoder.ts";
export { parserByName, type ParserEntry, parserTable } from "../registry.ts";
export { amqp091, amqp091Encoder, type Amqp091Frame, type Amqp091Options } from "./amqp091.ts";
export { amqp10, amqp10Encoder, type Amqp10Frame, type Amqp10Options } from "./amqp10.ts";
export { ber, berEncoder, type BerMessageOptions, type BerOptions, ldap, snmp } from "./ber.ts";
export { bgp, bgpEncoder, type BgpMessage, type BgpOptions } from "./bgp.ts";
export { bitcoin, type BitcoinOptions } from "./bitcoin.ts";
export { cassandra, type CassandraOptions } from "./cassandra.ts";
export { dceRpc, type DceRpcOptions } from "./dce_rpc.ts";
export { diameter, diameterEncoder, type DiameterOptions } from "./diameter.ts";
export { dns } from "./dns.ts";
export { erlang, erlangEncoder, type ErlangOptions } from "./erlang.ts";
export { espInTcp, espInTcpEncoder } from "./esp_in_tcp.ts";
export { fix, type FixOptions } from "./fix.ts";
export { grpc, grpcEncoder, type GrpcMessage, type GrpcOptions } from "./grpc.ts";
export { http1, type Http1Options, type Http1Pair, http1Pair, type Http1PairOptions } from "./http1.ts";
export { http2, type Http2Options } from "./http2.ts";
export { iec104, iec104Encoder } from "./iec104.ts";
export { kafka, kafkaEncoder, type KafkaOptions } from "./kafka.ts";
export { lsp, lspEncoder, type LspOptions, type LspParserOptions } from "./lsp.ts";
export { memcachedBinary, type MemcachedBinaryOptions } from "./memcached_binary.ts";
export { minecraft, minecraftEncoder } from "./minecraft.ts";
export { modbus, modbusEncoder, type ModbusMessage } from "./modbus.ts";
export { mongodb, mongodbEncoder, type MongodbOptions } from "./mongodb.ts";
export { mqtt, mqttEncoder, type MqttOptions, type MqttPacket } from "./mqtt.ts";
export { mysql, type MysqlOptions } from "./mysql.ts";
export { mysqlEncoder, type MysqlPayload } from "./mysql_encoder.ts";
export { nats, type NatsOptions } from "./nats.ts";
export { netstring, netstringEncoder, type NetstringOptions, type NetstringParserOptions } from "./netstring.ts";
export { ninep, type NinepOptions } from "./ninep.ts";
export { oncRpc, oncRpcEncoder, type OncRpcEncoderOptions, type OncRpcOptions } from "./onc_rpc.ts";
export { postgres } from "./postgres.ts";
export { resp, type RespOptions } from "./resp.ts";
export { rtpTcp, rtpTcpEncoder, type RtpTcpOptions } from "./rtp_tcp.ts";
export { rtsp, rtspInterleavedEncoder, type RtspInterleavedEncoderOptions, type RtspOptions } from "./rtsp.ts";
export { smb2, smb2Encoder, type Smb2Options } from "./smb2.ts";
export { smpp, smppEncoder, type SmppOptions } from "./smpp.ts";
export { ssh, type SshOptions } from "./ssh.ts";
export { stun, turnChannelEncoder, type TurnChannelEncoderOptions } from "./stun.ts";
export { syslog, syslogEncoder, type SyslogEncoderOptions, type SyslogFraming, type SyslogOptions } from "./syslog.ts";
export { tds, tdsEncoder, type TdsEncoderOptions, type TdsMessage, type TdsOptions } from "./tds.ts";
export { thrift, thriftEncoder, type ThriftOptions } from "./thrift.ts";
export { tls } from "./tls.ts";
export { tns, type TnsOptions } from "./tns.ts";
export { tpkt, tpktEncoder, type TpktOptions } from "./tpkt.ts";
export {
  websocket,
  websocketEncoder,
  type WebsocketEncoderOptions,
  type WebsocketFrame,
  type WebsocketOptions,
} from "./websocket.ts";
export { x11 } from "./x11.ts";
export { yamux, type YamuxData, yamuxEncoder, type YamuxOptions } from "./yamux.ts";
export { zmtp, zmtpEncoder, type ZmtpEncoderOptions, type ZmtpOptions } from "./zmtp.ts";
export { zookeeper, zookeeperEncoder, type ZookeeperOptions } from "./zookeeper.ts";
export { jsonSequence, jsonSequenceEncoder, type JsonSequenceOptions } from "./json_sequence.ts";
export { ndjson, ndjsonEncoder } from "./ndjson.ts";
export { cobs, cobsDecode, cobsEncode, cobsEncoder, type CobsOptions, type CobsParserOptions } from "./cobs.ts";
