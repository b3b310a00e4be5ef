export class UnixAddress {
  declare readonly kind: "unix";
}
export class PipeAddress {
  declare readonly kind: "pipe";
}
export class VirtualAddress {
  declare readonly kind: "virtual";
}
