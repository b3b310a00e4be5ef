/**
 * Checks that relative links in Markdown pages lead to files, and their anchors to headings; that files named in
 * backticks are there (but in the change log, which tells of old ones too); that no placeholder was left.
 *
 * @module
 */
import { dirname, join } from "node:path/posix";
import { Checks } from "./lib/checks.ts";
import { missingFiles, placeholders, withoutBlocks } from "./lib/pages.ts";
import { exists, filesUnder, read } from "./lib/repo.ts";

const pages = filesUnder(".", (path) => path.endsWith(".md"));

/** Markdown without code blocks and inline code. */
function prose(page: string): string {
  return withoutBlocks(read(page)).replace(/`[^`\n]*`/g, "");
}

/** The anchors that a renderer makes of headings. */
function anchors(page: string): Set<string> {
  const headings = [...withoutBlocks(read(page)).matchAll(/^#+\s+(.*)$/gm)];
  return new Set(headings.map((found) => slug(found[1] ?? "")));
}

function slug(heading: string): string {
  return heading.trim().toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "").replace(/\s/g, "-");
}

function problemOf(page: string, link: string): string | undefined {
  if (/^(?:[a-z][a-z+.-]*:|\/\/)/i.test(link)) return undefined;
  const [path = "", anchor] = link.split("#");
  const target = path === "" ? page : join(dirname(page), decodeURIComponent(path));
  if (target.startsWith("..") || !exists(target)) return `${link}: no such file`;
  if (anchor !== undefined && target.endsWith(".md") && !anchors(target).has(anchor)) return `${link}: no such heading`;
  return undefined;
}

/** What the npm package holds: who reads its pages there has no other files to follow links to. */
const { files: published } = JSON.parse(read("package.json")) as { files: readonly string[] };
const isWithin = (path: string, folder: string) => path === folder || path.startsWith(`${folder}/`);
const isPublished = (path: string) =>
  published.some((one) => isWithin(path, one)) &&
  !published.some((one) => one[0] === "!" && isWithin(path, one.slice(1)));

function unpublished(page: string, link: string): string | undefined {
  if (!isPublished(page) || /^(?:[a-z][a-z+.-]*:|\/\/|#)/i.test(link)) return undefined;
  const target = join(dirname(page), decodeURIComponent(link.split("#")[0]!));
  return isPublished(target) ? undefined : `${link}: not in the npm package, which has this page`;
}

const checks = new Checks();
for (const page of pages) {
  const links = [...prose(page).matchAll(/\]\(<?([^()\s>]+)>?(?:\s+"[^"]*")?\)/g)].map((found) => found[1] ?? "");
  const problems = links.map((link) => problemOf(page, link) ?? unpublished(page, link)).filter((one) =>
    one !== undefined
  );
  if (page !== "CHANGELOG.md") {
    problems.push(...missingFiles(read(page), exists).map((name) => `\`${name}\`: no such file`));
  }
  problems.push(...placeholders(read(page)).map((text) => `${text}: a placeholder`));
  checks.note(`${links.length} links of ${page}`, problems);
}
checks.finish();
