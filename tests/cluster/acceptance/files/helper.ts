/** A file that a module of jobs imports. */

/** Three times as much. */
export function triple(n: number): number {
  return 3 * n;
}
