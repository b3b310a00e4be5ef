/**
 * A TCP/UDP/IP endpoint in user space: packets in and out on one side, connections on the other, for any address.
 * {@linkcode L3L4} is a stage with sockets, {@linkcode L3L4Engine} the same without any stream; {@linkcode EthernetStream}
 * and {@linkcode VirtualSwitch} bring packets over Ethernet.
 *
 * @module
 */
export type {
  IcmpReceived,
  IcmpSendOptions,
  IcmpSink,
  L3L4Sink,
  PingOptions,
  UdpDatagram,
  UdpOpenOptions,
  UdpPort,
  UdpSink,
  UdpTarget,
  UdpVerdict,
} from "./datagram_sink.ts";
export { L3L4Error, type L3L4ErrorOptions } from "./errors.ts";
export { EthernetPort, type EthernetSink, type NeighborInfo } from "./ethernet/ethernet_port.ts";
export type { EthernetPortOptions } from "./ethernet/ethernet_settings.ts";
export type { EthernetStats } from "./ethernet/ethernet_stats.ts";
export {
  ethernet,
  type EthernetOptions,
  type EthernetStackMedium,
  EthernetStream,
  type EthernetStreamOptions,
} from "./ethernet/ethernet_stream.ts";
export type { MacAddress } from "./ethernet/mac_address.ts";
export type { NeighborState } from "./ethernet/neighbor.ts";
export type { SwitchStats } from "./ethernet/switch_engine.ts";
export type { SwitchOptions, SwitchPortOptions } from "./ethernet/switch_settings.ts";
export {
  VirtualSwitch,
  type VirtualSwitchOptions,
  type VirtualSwitchPort,
  type VirtualSwitchPortOptions,
} from "./ethernet/virtual_switch_stream.ts";
export type { VlanOption } from "./ethernet/vlan_tags.ts";
export type { IcmpInputStats } from "./icmp_input.ts";
export type { IcmpOutputStats } from "./icmp_output.ts";
export type { L3L4PingOptions, L3L4PingResult } from "./icmp_side_stream.ts";
export { L3L4Request } from "./incoming_request.ts";
export { L3L4Engine } from "./l3l4_engine.ts";
export {
  type L3L4Filter,
  type L3L4FilterFields,
  L3L4Listener,
  type L3L4ListenOptions,
} from "./l3l4_listener_stream.ts";
export type { L3L4EngineOptions, L3L4Options } from "./l3l4_settings.ts";
export type { FlowPath, IncomingConnection, TcpInfo, TcpPort, TcpPortOptions, TcpSink, Verdict } from "./l3l4_sink.ts";
export { L3L4Socket } from "./l3l4_socket_stream.ts";
export type { L3L4Stats } from "./l3l4_stats.ts";
export { L3L4, type L3L4ConnectOptions, type L3L4StackOptions, type L3L4StageOptions } from "./l3l4_stream.ts";
export type { PacketOut } from "./packet_out.ts";
export type { PacketEngine, StackEngine, StackMedium, TcpConnectOptions } from "./stack_engine.ts";
export type { L3L4RuntimeOptions } from "./stack_runtime_stream.ts";
export type { CongestionAlgorithm, TcpOptions } from "./tcp/tcp_settings.ts";
export type { TcpStateName } from "./tcp/tcp_state.ts";
export type { TcpStats } from "./tcp/tcp_stats.ts";
export { UdpRequest } from "./udp_request.ts";
export type { L3L4UdpOptions } from "./udp_side_stream.ts";
export type { UdpStats } from "./udp_table.ts";
