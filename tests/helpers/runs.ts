/** How many random trials a test makes: `standard`, or what the environment says in `RUNS`. */
export function runs(standard: number): number {
  return Number(Deno.env.get("RUNS") ?? standard);
}
