/**
 * What `console.log` shows of objects whose state is private: a line with what matters.
 *
 * @module
 */

/** Asked for by Node, Deno and Bun. */
const INSPECT: unique symbol = Symbol.for("nodejs.util.inspect.custom") as never;

/**
 * Has instances of a class shown as `Name { key: value, ... }`. No member, as types cannot tell of such a name. What `show`
 * throws is shown in place of its values: looking at an object must not fail.
 */
export function shownAs<T extends object>(
  type: { readonly prototype: T },
  name: string,
  show: (value: T) => Readonly<Record<string, unknown>>,
): void {
  Object.defineProperty(type.prototype, INSPECT, {
    value(this: T): string {
      let fields: Readonly<Record<string, unknown>>;
      try {
        fields = show(this);
      } catch (error) {
        fields = { error: String(error) };
      }
      const parts = Object.entries(fields).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
      return `${name} { ${parts.join(", ")} }`;
    },
  });
}
