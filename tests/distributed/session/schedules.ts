/** Random schedules: which faults a seed has. */
import { Random } from "../../soak/random.ts";
import { type Plan, Simulation } from "./simulation.ts";
import { Violation } from "./ledger.ts";

/** The plan of a seed. The kinds take turns. */
export function planOf(seed: number): Plan {
  const random = new Random(seed ^ 0x5bd1e995);
  const common = {
    peers: random.from(2, 5),
    operations: random.from(5, 15),
    longest: random.pick([60, 700, 5000]),
    maxFrame: random.pick([512, 600, 4096]),
    duration: random.from(3, 20),
    sealed: random.chance(0.7),
    leaves: 0,
    loss: 0,
    cuts: 0,
    partitions: 0,
    freezes: 0,
    crashes: 0,
    longestFault: 0,
    crossings: random.below(3),
  };
  if (seed % 4 === 0) return { ...common, crossings: 6, operations: 3 };
  // So mild that no peer may be lost.
  if (seed % 4 === 1) {
    // A goodbye within a partition is not heard: then the peer is lost.
    const [leaves, partitions] = random.pick([[0, 1], [1, 0]]);
    return { ...common, duration: 20, cuts: 6, partitions, freezes: 1, leaves, longestFault: 1.5 };
  }
  if (seed % 4 === 2) return { ...common, loss: 0.1, cuts: random.below(3), leaves: random.below(2) };
  return {
    ...common,
    loss: random.pick([0, 0, 0.02, 0.2]),
    cuts: random.below(8),
    partitions: random.below(5),
    freezes: random.below(3),
    crashes: random.below(3),
    leaves: random.below(3),
    longestFault: random.pick([2, 15]),
  };
}

/** Runs the schedule of a seed. Throws a `Violation` that names the seed. */
export function runSchedule(seed: number): Simulation {
  const plan = planOf(seed);
  const simulation = new Simulation(seed, plan);
  try {
    simulation.run();
    if (seed % 4 < 2 && simulation.ledger.losses > 0) throw new Violation("Nobody is lost without need");
    const pairs = plan.peers * (plan.peers - 1) / 2;
    if (seed % 4 === 0 && simulation.dials > 2 * pairs) throw new Violation("Crossing dials connect at once");
  } catch (error) {
    const time = simulation.queue.now.toFixed(3);
    throw new Violation(`Seed ${seed}, at ${time} s: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
  return simulation;
}
