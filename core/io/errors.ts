/** The errors of reading, beside those of Deno. */

/** The stream ended in the middle of what was to be received. */
export class EOFError extends Error {
  /** Always `"EOFError"`. */
  override name = "EOFError";
  /** The bytes that came before the end; they have been taken out of the stream. */
  readonly partial: Uint8Array;

  /**
   * Makes the error.
   *
   * @param message What was expected.
   * @param partial What came of it.
   */
  constructor(message: string, partial: Uint8Array = new Uint8Array(0)) {
    super(message);
    this.partial = partial;
  }
}

/** A message or line is longer than was agreed; nothing was allocated for it. */
export class MessageTooLargeError extends RangeError {
  /** Always `"MessageTooLargeError"`. */
  override name = "MessageTooLargeError";
}
