/**
 * Deep equality as `@std/assert` 1.x defines it: `0` equals `-0`, `NaN` equals `NaN`, prototypes must agree (a plain
 * object and one without a prototype count as the same), typed arrays compare by content, keys that hold `undefined`
 * are not the same as missing ones, sets and maps ignore order, getters of class instances are compared as well.
 *
 * Note that a node `Buffer` and a `Uint8Array` with the same content are *not* equal there, so they are not here.
 *
 * @module
 */

type Seen = Map<object, object>;
type Key = string | symbol;

const typedArrayBase: unknown = Object.getPrototypeOf(Uint8Array);
const stringForm: ReadonlySet<unknown> = new Set([RegExp.prototype, URL.prototype, URLSearchParams.prototype]);

/** Says whether two values are deeply equal. */
export function equal(a: unknown, b: unknown): boolean {
  return compare(a, b, new Map());
}

function compare(a: unknown, b: unknown, seen: Seen): boolean {
  if (a === b || Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (a instanceof Date && b instanceof Date) return Object.is(a.getTime(), b.getTime());
  if (!samePrototype(a, b)) return false;
  if (a instanceof (typedArrayBase as typeof Uint8Array)) return sameElements(a, b as Uint8Array);
  if (isBuffer(a)) return sameElements(new Uint8Array(a), new Uint8Array(b as ArrayBuffer));
  if (a instanceof WeakMap || a instanceof WeakSet) {
    throw new TypeError(`Cannot compare ${a.constructor.name} instances`);
  }
  if (a instanceof WeakRef) return compare(a.deref(), (b as WeakRef<object>).deref(), seen);
  if (seen.get(a) === b) return true;
  if (Object.keys(a).length !== Object.keys(b).length) return false;
  seen.set(a, b);
  if (a instanceof Set || a instanceof Map) return sameCollection(a, b as typeof a, seen);
  if (stringForm.has(Object.getPrototypeOf(a))) return String(a) === String(b);
  return sameProperties(a, b, seen);
}

function samePrototype(a: object, b: object): boolean {
  const ofA: unknown = Object.getPrototypeOf(a) ?? Object.prototype;
  return ofA === (Object.getPrototypeOf(b) ?? Object.prototype);
}

function isBuffer(value: object): value is ArrayBuffer {
  return value instanceof ArrayBuffer ||
    (typeof SharedArrayBuffer === "function" && value instanceof SharedArrayBuffer);
}

function sameElements(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i] && !Object.is(a[i], b[i])) return false;
  }
  return true;
}

type Collection = Set<unknown> | Map<unknown, unknown>;

function sameCollection(a: Collection, b: Collection, seen: Seen): boolean {
  if (a.size !== b.size) return false;
  const valueAt = (of: Collection, key: unknown) => of instanceof Map ? of.get(key) : key;
  if ([...a.keys()].every(isPrimitive)) {
    for (const key of a.keys()) {
      if (!b.has(key) || !compare(valueAt(a, key), valueAt(b, key), seen)) return false;
    }
    return true;
  }
  const free = new Set(b.keys());
  for (const key of a.keys()) {
    const matches = (other: unknown) => compare(key, other, seen) && compare(valueAt(a, key), valueAt(b, other), seen);
    const twins = [...free].filter(matches);
    if (twins.length === 0) return false;
    free.delete(twins[0]);
  }
  return true;
}

function isPrimitive(value: unknown): boolean {
  return value === null || (typeof value !== "object" && typeof value !== "function");
}

function sameProperties(a: object, b: object, seen: Seen): boolean {
  for (const key of new Set([...comparedKeys(a), ...comparedKeys(b)])) {
    if (key in a !== key in b) return false;
    if (!compare(Reflect.get(a, key), Reflect.get(b, key), seen)) return false;
  }
  return true;
}

/** Enumerable own keys of plain objects and arrays; every key up the chain of anything else. */
function comparedKeys(value: object): Key[] {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null || prototype === Object.prototype || prototype === Array.prototype) {
    return Reflect.ownKeys(value).filter((key) => Object.prototype.propertyIsEnumerable.call(value, key));
  }
  const keys: Key[] = [];
  for (let at: object | null = value; at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    keys.push(...Reflect.ownKeys(at));
  }
  return keys;
}
