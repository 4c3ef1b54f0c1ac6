/** The engine of a simulation passes the suite of all engines. Its faults have tests in `tests/testing/simulation/`. */
import { sleep } from "@asyncoro/asyncoro";
import { SimulatedNetwork } from "@asyncoro/asyncoro/testing";
import { assertEquals } from "@std/assert";
import { linkSuite } from "./link_suite.ts";

let seed = 0;
let network: SimulatedNetwork;

linkSuite({
  name: "simulated",
  nowhere: "sim:nowhere",
  async run(test) {
    network = new SimulatedNetwork({ seed: ++seed });
    const scheduler = network.scheduler("near");
    const errors: unknown[] = [];
    scheduler.onError = (error) => errors.push(error);
    scheduler.spawn(function* () {
      yield* test(network.engine("near"), network.engine("far"));
      // A timer that was left would still be set, and a dial would go on.
      yield* sleep(1);
      const { live, timers, hostOperations } = scheduler.stats();
      assertEquals([live, timers, hostOperations], [1, 0, 0]);
    });
    await network.run();
    if (errors.length > 0) throw errors[0];
  },
  *silence(_far, address, test) {
    network.partition(["near"], ["far"]);
    yield* test(address);
    network.heal();
  },
});
