/**
 * Runs the smoke cases of every public subpath in Chromium: one page, served with cross-origin isolation. The browser
 * is Debian's, or what the environment variable CHROMIUM names.
 *
 * @module
 */
import { createServer, type Server } from "node:http";
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import process from "node:process";
import { type Browser, chromium } from "playwright-core";
import { Checks } from "../../scripts/lib/checks.ts";
import { at } from "../../scripts/lib/repo.ts";
import { bundleSmoke, type SmokeOutcome } from "./bundle.ts";

const page = `<!doctype html><meta charset="utf-8"><title>smoke</title>
<script type="module">
import { runSmoke } from "/smoke.js";
const capture = new Uint8Array(await (await fetch("/capture")).arrayBuffer());
globalThis.outcomes = { isolated: crossOriginIsolated, cases: await runSmoke(capture) };
</script>`;

/** Serves the page, the bundle and the capture on a port of its own. */
async function serve(code: string): Promise<{ server: Server; url: string }> {
  const files: Record<string, [type: string, body: string | Uint8Array]> = {
    "/": ["text/html", page],
    "/smoke.js": ["text/javascript", code],
    "/capture": ["application/octet-stream", readFileSync(at("examples/captures/framed_nanosecond.pcap"))],
  };
  const server = createServer((request, response) => {
    const [type, body] = files[request.url ?? ""] ?? ["text/plain", ""];
    response.writeHead(body === "" ? 404 : 200, {
      "content-type": type,
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-embedder-policy": "require-corp",
    });
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}

function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

interface PageOutcomes {
  isolated: boolean;
  cases: SmokeOutcome[];
}

async function runInBrowser(url: string, checks: Checks): Promise<void> {
  const browser = await launch();
  try {
    console.log(`Chromium ${browser.version()}`);
    const tab = await browser.newPage();
    const complaints: string[] = [];
    tab.on("pageerror", (error) => complaints.push(String(error.stack ?? error)));
    tab.on("crash", () => complaints.push("the page crashed"));
    await tab.goto(url);
    // A module that does not load never sets the outcomes: after a complaint they get a few seconds more.
    const deadline = performance.now() + 60_000;
    let patience = 60;
    let outcomes: PageOutcomes | undefined;
    while (outcomes === undefined && performance.now() < deadline) {
      if (complaints.length > 0 && patience-- === 0) break;
      outcomes = await tab.evaluate("globalThis.outcomes ?? new Promise((done) => setTimeout(done, 50))");
    }
    checks.note("the cases have run", outcomes === undefined ? ["no outcome"] : []);
    for (const { name, error } of outcomes?.cases ?? []) checks.note(name, error === undefined ? [] : [error]);
    checks.note("the page is isolated", outcomes?.isolated === true ? [] : ["crossOriginIsolated is false"]);
    checks.note("no error outside of the cases", complaints);
  } finally {
    await browser.close();
  }
}

const checks = new Checks();
const { code, missing } = await bundleSmoke("source");
checks.note("every public subpath has smoke cases", missing);
const { server, url } = await serve(code);
await checks.run("the browser runs", () => runInBrowser(url, checks));
server.close();
checks.finish();
