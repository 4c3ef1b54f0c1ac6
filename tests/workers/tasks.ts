/** Functions that tests run in workers by module and name. */

/** Twice the number. */
export function double(n: number): number {
  return 2 * n;
}

/** Uses a variable that does not exist. */
export function missing(): unknown {
  // deno-lint-ignore no-explicit-any -- it is not there
  return (0, eval)("nowhere") as any;
}

/** Blocks for so many milliseconds. */
export function block(milliseconds: number): number {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
  return milliseconds;
}

/** The negative number. */
export default function negate(n: number): number {
  return -n;
}
