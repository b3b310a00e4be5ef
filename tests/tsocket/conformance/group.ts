/** All suites of stream sockets over one rig, and a look at what they left open. */
import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { openThings, untilNoLeaks } from "../support/leaks.ts";
import { closeSuite } from "./close_suite.ts";
import { networkSuite } from "./network_suite.ts";
import { pduSuite } from "./pdu_suite.ts";
import { propertySuite } from "./property_suite.ts";
import { readvSuite } from "./readv_suite.ts";
import { isNetwork, type StreamRig } from "./rig.ts";
import { webStreamsSuite } from "./web_streams_suite.ts";
import { writevSuite } from "./writev_suite.ts";

/** Registers what `suites` registers, and behind it a test that nothing stayed open. */
export function withLeakTest(name: string, suites: () => void): void {
  // Connections of others that are still closing must not count: the first test waits until nothing changes.
  let before = openThings();
  test(`${name}: before the first case`, () => {
    before = openThings();
  });
  suites();
  test(`${name}: no case left anything open`, async () => {
    assertEquals(await untilNoLeaks(before), []);
  });
}

/** Registers all suites of stream sockets. */
export function streamSuites(rig: StreamRig): void {
  withLeakTest(rig.name, () => {
    readvSuite(rig);
    pduSuite(rig);
    writevSuite(rig);
    closeSuite(rig);
    webStreamsSuite(rig);
    propertySuite(rig);
    if (isNetwork(rig)) networkSuite(rig);
  });
}
