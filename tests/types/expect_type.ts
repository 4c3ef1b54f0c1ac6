/**
 * Assertions about types: they hold when the file compiles.
 *
 * A use that must not compile is preceded by `// @ts-expect-error` with the reason; it is an error if the use compiles.
 */

/** Whether two types are the same. `any` is the same as `any` only. */
export type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;

/** What a value must have beside the expected type: nothing if it has exactly that type. */
type Exactly<Actual, Expected> = Equal<Actual, Expected> extends true ? [] : [expected: Expected, actual: Actual];

/**
 * Compiles if a value has exactly a type: `expectType<number>()(value)`.
 *
 * The type is given in a call of its own, so that it does not affect the inference of the value's type.
 */
export function expectType<Expected>(): <Actual>(value: Actual, ...mismatch: Exactly<Actual, Expected>) => void {
  return () => {};
}
