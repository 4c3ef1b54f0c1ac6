/** The seconds in a request of a peer; 0 if it is not a positive number. */
export function secondsOf(value: unknown): number {
  return typeof value === "number" && value > 0 ? value : 0;
}
