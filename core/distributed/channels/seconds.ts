/** How long a peer lets something wait. What is no time at all is none. */
export function secondsOf(value: unknown): number {
  return typeof value === "number" && value > 0 ? value : 0;
}
