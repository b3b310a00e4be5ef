export class InetAddress {
  declare readonly kind: "inet";
}
