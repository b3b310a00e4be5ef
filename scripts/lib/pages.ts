/**
 * What can be wrong in a Markdown page beside its links.
 *
 * @module
 */

/** Folders whose files pages name. */
const named = /^(?:bench|docs|examples|scripts|src|tests)\/[\w./-]*\.[a-z]+$|^[A-Z]+\.md$/;

/** Files of the repository that a page names in backticks, in its prose, and that are not there. */
export function missingFiles(page: string, exists: (path: string) => boolean): string[] {
  const names = [...withoutBlocks(page).matchAll(/`([^`\n]+)`/g)].map((found) => found[1] ?? "");
  return [...new Set(names)].filter((name) => named.test(name) && !exists(name));
}

/** Paragraphs of nothing but capitals: what somebody wanted to fill in later. */
export function placeholders(page: string): string[] {
  const paragraphs = withoutBlocks(page).split(/\n[ \t]*\n/).map((paragraph) => paragraph.trim());
  return paragraphs.filter((paragraph) => /^[A-Z][A-Z0-9 _.:-]{2,}$/.test(paragraph));
}

/** Markdown without code blocks. */
export function withoutBlocks(page: string): string {
  return page.replace(/^(```|~~~)[\s\S]*?^\1/gm, "");
}
