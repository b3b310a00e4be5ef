/**
 * VLAN tags of frames (IEEE 802.1Q, 802.1ad) as options.
 *
 * @module
 */
import { EtherType, isVlanTag } from "../../packet/ethernet_types.ts";

/** A VLAN by its identifier, with the tag of 802.1Q, or by more of its tag. */
export type VlanOption = number | {
  /** 1 to 4094. */
  readonly id: number;
  /** Priority code point of what is sent, 0 to 7. @default {0} */
  readonly priority?: number | undefined;
  /** Tag protocol identifier. @default {EtherType.VLAN} */
  readonly protocol?: number | undefined;
};

/** Largest identifier of a VLAN; 4095 is reserved. */
const MAX_VLAN = 4094;

/**
 * Checks the identifier of a VLAN.
 *
 * @throws {RangeError} when it is none
 */
export function checkVlan(name: string, id: number): number {
  if (!Number.isInteger(id) || id < 1 || id > MAX_VLAN) {
    throw new RangeError(`${name} must be an integer from 1 to ${MAX_VLAN}, got ${id}`);
  }
  return id;
}

/**
 * Tag protocol and tag control of each VLAN.
 *
 * @throws {RangeError} when one is out of range
 */
export function vlanTags(vlans: readonly VlanOption[]): (readonly [protocol: number, control: number])[] {
  return vlans.map((vlan) => {
    const { id, priority = 0, protocol = EtherType.VLAN } = typeof vlan === "number" ? { id: vlan } : vlan;
    if (!isVlanTag(protocol)) throw new RangeError(`protocol of a VLAN must be that of a tag, got ${protocol}`);
    if (!Number.isInteger(priority) || priority < 0 || priority > 7) {
      throw new RangeError(`priority of a VLAN must be an integer from 0 to 7, got ${priority}`);
    }
    return [protocol, (priority << 13) | checkVlan("id of a VLAN", id)] as const;
  });
}
