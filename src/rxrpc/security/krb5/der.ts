/**
 * As much of DER (X.690) as a ticket of Kerberos 5 is made of.
 *
 * @module
 */

/** One element: what it is, and its content. */
export interface DerElement {
  /** The identifier byte: class, form and number, none of which is above 30 in a ticket. */
  readonly tag: number;
  /** What is in it. */
  readonly content: Uint8Array;
}

/** Most elements that are looked at in one content. */
const MAX_ELEMENTS = 256;

/**
 * The elements that `bytes` are made of.
 *
 * @returns `undefined` when they are no DER
 */
export function derElements(bytes: Uint8Array): DerElement[] | undefined {
  const elements: DerElement[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (elements.length === MAX_ELEMENTS || at + 2 > bytes.length) return undefined;
    const tag = bytes[at]!;
    let length = bytes[at + 1]!;
    at += 2;
    if (length >= 0x80) {
      const more = length & 0x7f;
      if (more === 0 || more > 3 || at + more > bytes.length) return undefined;
      length = bytes.subarray(at, at + more).reduce((sum, byte) => sum << 8 | byte, 0);
      at += more;
    }
    if (at + length > bytes.length) return undefined;
    elements.push({ tag, content: bytes.subarray(at, at + length) });
    at += length;
  }
  return elements;
}

/** The content of the only element, when it has this tag. */
export function derContent(bytes: Uint8Array | undefined, tag: number): Uint8Array | undefined {
  const [element, ...more] = bytes === undefined ? [] : derElements(bytes) ?? [];
  return more.length === 0 && element?.tag === tag ? element.content : undefined;
}

/** The fields of a SEQUENCE, by the numbers of their context tags; what each holds still has its own tag. */
export function derFields(bytes: Uint8Array | undefined): Map<number, Uint8Array> | undefined {
  const content = derContent(bytes, 0x30);
  const elements = content === undefined ? undefined : derElements(content);
  return elements && new Map(elements.map(({ tag, content }) => [tag - 0xa0, content]));
}

/** An INTEGER of up to 4 bytes. */
export function derInteger(bytes: Uint8Array | undefined): number | undefined {
  const content = derContent(bytes, 0x02);
  if (content === undefined || content.length === 0 || content.length > 4) return undefined;
  const first = content[0]! << 24 >> 24;
  return content.subarray(1).reduce((sum, byte) => sum << 8 | byte, first);
}

/** Encodes one element. */
export function derElement(tag: number, ...contents: Uint8Array[]): Uint8Array {
  const length = contents.reduce((sum, content) => sum + content.length, 0);
  const head = length < 0x80 ? [tag, length] : [tag, 0x82, length >>> 8, length & 255];
  const element = new Uint8Array(head.length + length);
  element.set(head);
  let at = head.length;
  for (const content of contents) {
    element.set(content, at);
    at += content.length;
  }
  return element;
}
