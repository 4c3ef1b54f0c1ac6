/**
 * Assertions about types: they hold when the file compiles.
 *
 * A use that must be wrong stands behind `// @ts-expect-error` with the reason, which is an error itself as soon as
 * the use compiles.
 */

/** Whether two types are the same, also where one of them is `any`. */
export type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;

/** What a value must be beside being of the expected type: nothing if it is of exactly that type. */
type Exactly<Actual, Expected> = Equal<Actual, Expected> extends true ? [] : [expected: Expected, actual: Actual];

/**
 * Holds if a value has exactly a type: `expectType<number>()(value)`.
 *
 * The type is given alone, so that it does not lend itself to the value.
 */
export function expectType<Expected>(): <Actual>(value: Actual, ...mismatch: Exactly<Actual, Expected>) => void {
  return () => {};
}
