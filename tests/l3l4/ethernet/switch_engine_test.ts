/** A switch: who gets which frame, with which tags; limits. */
import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { SwitchEngine, type SwitchPort } from "../../../src/l3l4/ethernet/switch_engine.ts";
import type { SwitchOptions, SwitchPortOptions } from "../../../src/l3l4/ethernet/switch_settings.ts";
import { decodeEthernet, type VlanTag } from "../../../src/packet/ethernet.ts";
import { EtherType } from "../../../src/packet/ethernet_types.ts";
import { SeededRandom } from "../../../src/sim/seeded_random.ts";
import { A, ALL, B, C, frame, mac, Station } from "./support.ts";
import { ipv4 } from "./support.ts";

/** A switch whose ports have the names of what they are attached with. */
class Rig {
  readonly ports: SwitchPort[];
  readonly engine: SwitchEngine;
  now: number = 0;
  #got: [port: number, bytes: Uint8Array][] = [];

  constructor(ports: readonly SwitchPortOptions[], options: SwitchOptions = {}) {
    this.engine = new SwitchEngine(options, { frame: (port, bytes) => void this.#got.push([port.id - 1, bytes]) });
    this.ports = ports.map((one) => this.engine.attach(one));
  }

  /** A frame into a port: what comes out, and where. */
  push(port: number, bytes: Uint8Array): [port: number, bytes: Uint8Array][] {
    this.ports[port]!.push(bytes, this.now);
    const got = this.#got;
    this.#got = [];
    return got;
  }

  /** The ports that a frame comes out of. */
  where(port: number, from: Uint8Array, to: Uint8Array, vlan?: number): number[] {
    return this.push(port, data(from, to, vlan)).map(([at]) => at);
  }
}

const tag = (id: number, priority = 0): VlanTag => ({ protocol: EtherType.VLAN, priority, isDropEligible: false, id });
const data = (from: Uint8Array, to: Uint8Array, vlan?: number, priority = 0): Uint8Array =>
  frame(to, from, EtherType.IPV4, new Uint8Array(46).fill(9), vlan === undefined ? [] : [tag(vlan, priority)]);
const tagsOf = ([port, bytes]: [number, Uint8Array]): [number, number | undefined] => [
  port,
  decodeEthernet(bytes).tags[0]?.id,
];

test("IEEE 802.1D 7.7: frames go everywhere until their station is known, then to it alone, uncopied", () => {
  const rig = new Rig([{}, {}, {}]);
  assertEquals(rig.where(0, A, B), [1, 2]);
  assertEquals(rig.where(1, B, A), [0]);
  const bytes = data(A, B);
  const [[port, got]] = rig.push(0, bytes) as [[number, Uint8Array]];
  assertEquals(port, 1);
  assert(got === bytes);
  assertEquals(rig.where(0, A, ALL), [1, 2]);
  assertEquals(rig.where(2, C, mac("01:00:5e:00:00:05")), [0, 1]);
  assertEquals([rig.engine.stats.framesForwarded, rig.engine.stats.framesFlooded], [2, 3]);
});

test("IEEE 802.1D 7.7: a frame whose station is behind the port that it came by goes nowhere", () => {
  const rig = new Rig([{}, {}]);
  rig.where(0, A, ALL);
  rig.where(0, B, ALL);
  assertEquals([rig.where(0, A, B), rig.engine.stats.framesFiltered], [[], 1]);
});

test("IEEE 802.1D 7.8: a station that moves is found behind its new port", () => {
  const rig = new Rig([{}, {}, {}]);
  rig.where(0, A, ALL);
  rig.where(1, A, ALL);
  assertEquals([rig.where(2, C, A), rig.engine.stats.stationsMoved], [[1], 1]);
  assertEquals(rig.ports.map((port) => port.addressCount), [0, 1, 1]);
});

test("IEEE 802.1D 7.9.2: ageingMs after it last sent, a station is forgotten", () => {
  const rig = new Rig([{}, {}, {}], { ageingMs: 1000 });
  rig.where(0, A, ALL);
  assertEquals(rig.engine.timeoutAt(), 1000);
  rig.now = 600;
  rig.where(0, A, ALL);
  rig.now = 1599;
  assertEquals(rig.where(1, B, A), [0]);
  rig.engine.onTimeout(rig.now);
  assertEquals([rig.engine.addressCount, rig.engine.timeoutAt()], [2, 1600]);
  rig.now = 1600;
  assertEquals(rig.where(1, B, A), [0, 2]);
  rig.now = 9000;
  rig.engine.onTimeout(rig.now);
  assertEquals([rig.engine.addressCount, rig.engine.timeoutAt()], [0, Infinity]);
  assertEquals(rig.ports.map((port) => port.addressCount), [0, 0, 0]);
});

test("frames that no switch forwards", () => {
  const rig = new Rig([{}, {}]);
  const bad = [
    data(A, B).subarray(0, 13),
    data(ALL, B),
    data(new Uint8Array(6), B),
    data(A, mac("01:80:c2:00:00:00")),
    data(A, mac("01:80:c2:00:00:0f")),
  ];
  for (const one of bad) assertEquals(rig.push(0, one), []);
  assertEquals([rig.engine.stats.badFrames, rig.engine.addressCount], [bad.length, 0]);
  assertEquals(rig.where(0, A, mac("01:80:c2:00:00:10")), [1]);
});

test("maxFrameBytes: longer frames are dropped", () => {
  const rig = new Rig([{ maxFrameBytes: 60 }, {}]);
  assertEquals(rig.push(0, data(A, B)).length, 1);
  assertEquals(rig.push(0, frame(B, A, EtherType.IPV4, new Uint8Array(51))), []);
});

test("IEEE 802.1Q: VLANs are apart, and each learns for itself", () => {
  const rig = new Rig([{ vlan: 10 }, { vlan: 10 }, { vlan: 20 }, { vlan: 20 }]);
  assertEquals(rig.where(0, A, ALL), [1]);
  assertEquals(rig.where(2, B, ALL), [3]);
  assertEquals(rig.where(2, B, A), [3]);
  assertEquals(rig.where(1, B, A), [0]);
  // the same address in both
  rig.where(3, A, ALL);
  assertEquals([rig.where(1, B, A), rig.where(2, B, A)], [[0], [3]]);
});

test("IEEE 802.1Q: tags are put in and taken out, with the priority kept where there is a tag", () => {
  const rig = new Rig([{ vlan: 10 }, { vlan: 20 }, { taggedVlans: [10, 20] }, { vlan: 10, taggedVlans: "all" }]);
  assertEquals(rig.push(0, data(A, ALL)).map(tagsOf), [[2, 10], [3, undefined]]);
  assertEquals(rig.push(1, data(B, ALL)).map(tagsOf), [[2, 20], [3, 20]]);
  const [[, plain]] = rig.push(2, data(C, A, 10, 6)) as [[number, Uint8Array]];
  assertEquals(plain, data(C, A));
  const [, [, tagged]] = rig.push(2, data(C, ALL, 20, 6)) as [unknown, [number, Uint8Array]];
  assertEquals(tagged, data(C, ALL, 20, 6));
  // a tag with a priority only is a frame without a VLAN
  assertEquals(rig.push(0, data(A, ALL, 0, 5)), [[2, data(A, ALL, 10, 5)], [3, data(A, ALL)]]);
});

test("IEEE 802.1Q: tagged frames of VLANs that a port is not in are dropped", () => {
  const rig = new Rig([{ vlan: 10 }, { taggedVlans: [10] }]);
  assertEquals([rig.where(0, A, ALL, 10), rig.where(1, A, ALL, 20)], [[], []]);
  assertEquals(rig.where(1, A, ALL), []);
  assertEquals(rig.engine.stats.otherVlan, 2);
  // half a tag is none
  assertEquals(rig.push(1, data(B, ALL, 10).subarray(0, 16)).length, 0);
});

test("isIsolated: the machines of strangers see the way out and not each other", () => {
  const rig = new Rig([{ isIsolated: true }, { isIsolated: true }, {}]);
  assertEquals([rig.where(0, A, ALL), rig.where(1, B, ALL), rig.where(2, C, ALL)], [[2], [2], [0, 1]]);
  assertEquals([rig.where(0, A, B), rig.where(2, C, B)], [[], [1]]);
});

test("maxAddresses of a port and of the switch: no more are learnt, and nobody is pushed out", () => {
  const rig = new Rig([{ maxAddresses: 3 }, {}, {}], { maxAddresses: 5 });
  rig.where(1, B, ALL);
  for (let i = 0; i < 100; i++) rig.where(0, mac(`02:00:00:00:01:${i.toString(16).padStart(2, "0")}`), ALL);
  assertEquals([rig.ports[0]!.addressCount, rig.engine.addressCount], [3, 4]);
  for (let i = 0; i < 100; i++) rig.where(2, mac(`02:00:00:00:02:${i.toString(16).padStart(2, "0")}`), ALL);
  assertEquals([rig.engine.addressCount, rig.engine.stats.addressesRefused], [5, 97 + 99]);
  assertEquals(rig.where(2, C, B), [1]);
});

test("floodsPerSecond: a storm is bounded, frames for known stations are not concerned", () => {
  const rig = new Rig([{ floodsPerSecond: 10 }, {}]);
  rig.where(1, B, ALL);
  let flooded = 0;
  for (let i = 0; i < 100; i++) flooded += rig.where(0, A, ALL).length;
  assertEquals([flooded, rig.engine.stats.floodsDropped, rig.where(0, A, B)], [10, 90, [1]]);
  rig.now = 1000;
  assertEquals(rig.where(0, A, ALL), [1]);
});

test("maxPorts, and a port that is taken away: who was behind it is forgotten, and its frames are ignored", () => {
  const rig = new Rig([{}, {}, {}], { maxPorts: 3 });
  assertThrows(() => rig.engine.attach(), RangeError, "maxPorts");
  rig.where(1, B, ALL);
  rig.ports[1]!.detach();
  rig.ports[1]!.detach();
  assertEquals([rig.engine.portCount, rig.engine.addressCount], [2, 0]);
  assertEquals([rig.where(1, B, ALL), rig.where(0, A, B)], [[], [2]]);
  assertEquals(rig.engine.attach().id, 4);
});

test("wrong options throw at once", () => {
  const engine = new SwitchEngine({}, { frame() {} });
  const bad = [
    { vlan: 0 },
    { vlan: 4095 },
    { taggedVlans: [0] },
    { maxAddresses: 0 },
    { maxFrameBytes: 13 },
    { floodsPerSecond: 0 },
  ];
  for (const one of bad) assertThrows(() => engine.attach(one), RangeError);
  assertThrows(() => engine.attach({ taggedVlans: "10" } as unknown as SwitchPortOptions), TypeError);
  for (const one of [{ maxAddresses: 0 }, { ageingMs: 0 }, { maxPorts: 0.5 }]) {
    assertThrows(() => new SwitchEngine(one, { frame() {} }), RangeError);
  }
});

test("a model: frames of random stations, VLANs and moves reach just who a slow list of rules says", () => {
  const random = new SeededRandom(3);
  for (let round = 0; round < 30; round++) {
    const options = Array.from({ length: 5 }, (): SwitchPortOptions => ({
      vlan: random.between(1, 3),
      taggedVlans: random.chance(0.3) ? "all" : [1, 2, 3].filter(() => random.chance(0.3)),
      isIsolated: random.chance(0.3),
    }));
    const rig = new Rig(options);
    const isIn = (port: number, vlan: number): boolean =>
      options[port]!.vlan === vlan || options[port]!.taggedVlans === "all" ||
      (options[port]!.taggedVlans as number[]).includes(vlan);
    const lastPort = new Map<string, number>();
    for (let i = 0; i < 200; i++) {
      const port = random.below(5);
      const from = random.pick([A, B, C]);
      const to = random.pick([A, B, C, ALL]);
      const id = random.chance(0.5) ? undefined : random.between(1, 3);
      const vlan = id ?? options[port]!.vlan!;
      const isAccepted = id === undefined || options[port]!.taggedVlans === "all" ||
        (options[port]!.taggedVlans as number[]).includes(id);
      if (isAccepted) lastPort.set(`${vlan} ${from}`, port);
      const known = to === ALL ? undefined : lastPort.get(`${vlan} ${to}`);
      const expected = [0, 1, 2, 3, 4].filter((other) =>
        isAccepted && other !== port && (known === undefined ? isIn(other, vlan) : other === known) &&
        !(options[port]!.isIsolated && options[other]!.isIsolated)
      );
      const got = rig.push(port, data(from, to, id));
      assertEquals(got.map(([at]) => at), expected, `round ${round}, frame ${i}`);
      for (const [at, bytes] of got) {
        assertEquals(decodeEthernet(bytes).tags[0]?.id, options[at]!.vlan === vlan ? undefined : vlan);
      }
    }
  }
});

test("stations behind a switch find each other, in their VLAN and no other", () => {
  const stations = [1, 2, 3].map((n) =>
    new Station({ mac: mac(`02:00:00:00:00:0${n}`), networks: [`10.0.0.${n}/24`], claim: "announce" })
  );
  const rig = new Rig([{ vlan: 5 }, { vlan: 5 }, { vlan: 6 }]);
  const settle = (): void => {
    for (let isMoving = true; isMoving;) {
      isMoving = false;
      stations.forEach((station, port) => {
        station.port.onTimeout(rig.now);
        for (const bytes of station.sent()) {
          for (const [to, got] of rig.push(port, bytes)) stations[to]!.port.push(got, rig.now);
          isMoving = true;
        }
      });
    }
  };
  settle();
  for (const [port, to] of [[0, "10.0.0.2"], [0, "10.0.0.3"]] as const) {
    const framed = stations[port]!.port.over(stations[port]!.out, 0);
    framed.alloc(28)!.set(ipv4("10.0.0.1", to));
    framed.commit(28);
  }
  settle();
  assertEquals(stations.map(({ packets }) => packets.length), [0, 1, 0]);
  assertEquals(stations[0]!.port.neighbors().map(({ state }) => state), ["reachable", "incomplete"]);
});
