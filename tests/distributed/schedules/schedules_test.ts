/**
 * Random schedules of three joined peers with every fault. `RUNS=100000 deno test -A tests/distributed/schedules` runs more
 * of them, and `SEED=107` one again and prints its trace.
 */
import { assert, assertEquals } from "@std/assert";
import { runs } from "../../helpers/runs.ts";
import { Schedule } from "./schedule.ts";

async function run(seed: number, isRelayed = false): Promise<Schedule> {
  const schedule = new Schedule(seed, { isRelayed });
  try {
    await schedule.run();
  } catch (error) {
    throw new Error(`Seed ${seed} has failed: SEED=${seed} repeats it`, { cause: error });
  }
  return schedule;
}

for (const isRelayed of [false, true]) {
  const where = isRelayed ? "with a peer that is reached through another" : "";
  const name =
    `in every schedule ${where} order is kept, nothing is lost in silence, every wait ends, losses are told once`;
  Deno.test(name.replace("  ", " "), async () => {
    const seed = Deno.env.get("SEED");
    if (seed !== undefined) {
      const schedule = new Schedule(Number(seed), { isRelayed });
      await schedule.run().finally(() => console.log(schedule.simulation.trace().join("\n")));
      return;
    }
    let arrivals = 0;
    let losses = 0;
    for (let seed = 1; seed <= runs(isRelayed ? 200 : 400); seed++) {
      const { ledger } = await run(seed, isRelayed);
      arrivals += ledger.arrivals;
      losses += ledger.losses;
    }
    assert(arrivals > 0 && losses > 0);
  });
}

Deno.test("the same seed leads to the same trace", async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const [first, second] = [await run(seed, seed > 5), await run(seed, seed > 5)];
    assertEquals(first.simulation.trace(), second.simulation.trace());
  }
});
