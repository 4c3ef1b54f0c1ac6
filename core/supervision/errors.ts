/** A supervisor gave up, as its children failed too often. */
export class SupervisionError extends Error {
  /** Always `"SupervisionError"`. */
  override name = "SupervisionError";
  /** The errors that ended children within the time that counts, in order; the last one is also the `cause`. */
  readonly failures: readonly unknown[];

  /**
   * Creates the error.
   *
   * @param message What happened.
   * @param failures The errors, in order.
   */
  constructor(message: string, failures: readonly unknown[]) {
    super(message, { cause: failures.at(-1) });
    this.failures = failures;
  }
}
