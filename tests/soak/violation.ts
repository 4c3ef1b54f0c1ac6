/** An invariant that did not hold: what the soak is looking for. */
export class Violation extends Error {
  override readonly name = "Violation";
  readonly invariant: string;
  readonly detail: string;

  /**
   * @param invariant What should have held, in general.
   * @param detail What was seen instead.
   */
  constructor(invariant: string, detail: string) {
    super(`${invariant}: ${detail}`);
    this.invariant = invariant;
    this.detail = detail;
  }
}

/** What the chaos throws into coroutines: the one error that any of them may fail with. */
export class Thrown extends Error {
  override readonly name = "Thrown";
}

/** How an error reads in a detail. */
export function text(error: unknown): string {
  return error instanceof Error ? error.stack ?? String(error) : String(error);
}
