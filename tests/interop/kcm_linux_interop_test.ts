/** The engine with `compat: "linux"` beside the KCM of Linux 6.1, in a virtual machine. */
import { after, before, test } from "node:test";
import { assertEquals, assertMatch } from "@std/assert";
import { kcmText, MultiplexorEngine } from "../../src/kcm/mod.ts";
import { type Difference, differences } from "./kcm/differing_scenarios.ts";
import { EngineWorld } from "./kcm/engine_world.ts";
import { type Guest, KernelWorld } from "./kcm/kernel_world.ts";
import { randomSchedule } from "./kcm/random_schedule.ts";
import { comparable, joinedHeaders, type Scenario } from "./kcm/scenario.ts";
import { scenarios } from "./kcm/scenarios.ts";
import { LinuxVm } from "./linux_vm/linux_vm.ts";

const seeds = 40;
const steps = 80;

let vm: LinuxVm | undefined;
let guest: Guest;

before(async () => {
  vm = await LinuxVm.start();
  guest = { shd: await vm.client("shd"), kcmd: await vm.client("kcmd"), tcpd: await vm.client("tcpd") };
}, { timeout: 400_000 });

after(() => vm?.stop());

async function compare({ setup, but, run }: Scenario): Promise<void> {
  const kernel = await KernelWorld.open(guest, setup);
  const engine = new EngineWorld(setup);
  for (const world of [kernel, engine]) {
    await run(world);
    await world.close();
  }
  assertEquals(comparable(engine.notes, but), comparable(kernel.notes, but));
}

for (const scenario of scenarios) test(scenario.name, () => compare(scenario));

async function checkDifference({ setup, run, seen, ...expected }: Difference): Promise<void> {
  const worlds = { kernel: await KernelWorld.open(guest, setup), engine: new EngineWorld(setup) };
  for (const name of ["kernel", "engine"] as const) {
    const world = worlds[name];
    await run(world);
    assertEquals(world.notes.filter((note) => seen.test(note)), expected[name], name);
    await world.close();
  }
}

for (const one of differences) test(`differs: ${one.name}`, () => checkDifference(one));

for (const hasRoom of [false, true]) {
  test(`${seeds} random schedules${hasRoom ? ", sockets with little room" : ""}`, async () => {
    for (let seed = 1; seed <= seeds; seed++) {
      const schedule = await randomSchedule(seed, steps, hasRoom);
      const kernel = await KernelWorld.open(guest, schedule.setup);
      for (const step of schedule.steps) await step(kernel);
      const but = hasRoom ? undefined : joinedHeaders;
      assertEquals(comparable(schedule.notes, but), comparable(kernel.notes, but), `seed ${seed}`);
    }
  });
}

test("the kernel is the one that the differences are listed for", async () => {
  assertMatch((await guest.shd.ask("sh uname -r"))[0]!, /^6\.1\./);
});

test("the columns of /proc/net/kcm", async () => {
  const kernel = await KernelWorld.open(guest, { program: "01_len16be", sockets: 2 });
  await kernel.connect();
  const theirs = await guest.kcmd.ask("kcm");
  const engine = new MultiplexorEngine({ compat: "linux" });
  for (let i = 0; i < 2; i++) engine.socket({ message: () => {}, end: () => {} });
  engine.attach({ parser: { name: "none", parse: () => 0 } });
  const ours = kcmText([engine.report()]).split("\n").slice(0, -1);
  // what an idle TCP socket has reserved to send is not ours
  assertEquals(ours, theirs.map((line) => line.startsWith("   psock") ? line.replace(/1( +)$/, "0$1") : line));
  await kernel.close();
});

test("the columns of /proc/net/kcm_stats", async () => {
  const theirs = await guest.kcmd.ask("stats");
  const world = new EngineWorld({ program: "01_len16be" });
  const ours = world.statsText.trimEnd().split("\n");
  const columns = (line: string): number[] => [...line.matchAll(/\S+/g)].map(({ index }) => index);
  assertEquals([ours[0], ours[2]], [theirs[0], theirs[2]]);
  assertEquals(columns(ours[1]!), columns(theirs[1]!));
  assertEquals(columns(ours[3]!), columns(theirs[3]!));
});
