/** Errors of reading, in addition to Deno's. */

/** The stream ended before all the bytes of a read had come. */
export class EOFError extends Error {
  /** Always `"EOFError"`. */
  override name = "EOFError";
  /** The bytes that came before the end; they have been taken from the stream. */
  readonly partial: Uint8Array;

  /**
   * Makes the error.
   *
   * @param message The text.
   * @param partial The bytes that came.
   */
  constructor(message: string, partial: Uint8Array = new Uint8Array(0)) {
    super(message);
    this.partial = partial;
  }
}

/** A message or a line is longer than its limit. */
export class MessageTooLargeError extends RangeError {
  /** Always `"MessageTooLargeError"`. */
  override name = "MessageTooLargeError";
}
