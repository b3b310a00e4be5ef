/**
 * Reads the sections with code from an object, unlinked: for comparing with other tools. The loader is elsewhere.
 *
 * @module
 */

/** The code of each executable section by its name. */
export function codeSections(object: Uint8Array): Map<string, Uint8Array> {
  const view = new DataView(object.buffer, object.byteOffset, object.byteLength);
  const table = Number(view.getBigUint64(40, true));
  const count = view.getUint16(60, true);
  const headers = Array.from({ length: count }, (_, index) => header(view, table + index * 64));
  const names = headers[view.getUint16(62, true)]!;
  const found = new Map<string, Uint8Array>();
  for (const { name, flags, offset, size } of headers) {
    const isCode = (flags & 4) !== 0;
    if (isCode) found.set(stringAt(object, names.offset + name), object.subarray(offset, offset + size));
  }
  return found;
}

function header(view: DataView, at: number): { name: number; flags: number; offset: number; size: number } {
  const wide = (offset: number) => Number(view.getBigUint64(at + offset, true));
  return { name: view.getUint32(at, true), flags: wide(8), offset: wide(24), size: wide(32) };
}

function stringAt(bytes: Uint8Array, at: number): string {
  return new TextDecoder().decode(bytes.subarray(at, bytes.indexOf(0, at)));
}
