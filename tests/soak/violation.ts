/** An invariant that did not hold. */
export class Violation extends Error {
  override readonly name = "Violation";
  readonly invariant: string;
  readonly detail: string;

  /**
   * @param invariant What should have held, in general.
   * @param detail What was observed instead.
   */
  constructor(invariant: string, detail: string) {
    super(`${invariant}: ${detail}`);
    this.invariant = invariant;
    this.detail = detail;
  }
}

/** The error that the chaos throws into coroutines: the only one with which any of them may fail. */
export class Thrown extends Error {
  override readonly name = "Thrown";
}

/** The text of an error in a detail. */
export function text(error: unknown): string {
  return error instanceof Error ? error.stack ?? String(error) : String(error);
}
