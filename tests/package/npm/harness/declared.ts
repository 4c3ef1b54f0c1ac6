/** The tests that the running file has declared and that have not begun. */

/** One test, as `Deno.test` takes it. */
export interface Declared {
  readonly name: string;
  readonly fn: () => unknown;
}

/** In the order of their declaration. */
export const declared: Declared[] = [];
