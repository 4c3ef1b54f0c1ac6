/**
 * Joined peers in simulations of their own, among random faults of links and peers: order is kept, nothing arrives twice or
 * is lost in silence, every wait ends, and losses are told once. `tests/distributed/schedules/` says what they do. That it
 * finds faults is shown with those of `tests/distributed/session/mutants.ts`.
 */
import { Schedule } from "../../distributed/schedules/schedule.ts";
import type { Society } from "../society.ts";
import type { World } from "../world.ts";

/** See the head of this file. */
export const networks: Society = {
  name: "networks",
  // A simulation has a virtual time of its own.
  host: true,
  async run(world: World): Promise<void> {
    while (!world.over) {
      const seed = world.random.below(2 ** 31);
      try {
        await new Schedule(seed).run();
      } catch (error) {
        world.violate("A schedule of peers runs as it must", `${error}, SEED=${seed}`);
      }
      world.done("network: schedule");
      // The others have their turn.
      await new Promise((resolve) => setTimeout(resolve));
    }
  },
};
