/** The number of random trials that a test makes: `standard`, or the value of the environment variable `RUNS`. */
export function runs(standard: number): number {
  return Number(Deno.env.get("RUNS") ?? standard);
}
