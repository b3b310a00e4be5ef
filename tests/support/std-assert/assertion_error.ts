/** What every failed assertion throws. */
export class AssertionError extends Error {
  /** Makes the error; `options.cause` is kept as with every `Error`. */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AssertionError";
  }
}
