/** A client in a process of its own: it runs jobs until it is killed. Its arguments: the address of a node, and its name. */
import { type Coro, main } from "@asyncoro/asyncoro";
import { Computation } from "@asyncoro/asyncoro/cluster";
import { Network } from "@asyncoro/asyncoro/distributed";
import { SECRET, TIMES } from "./world.ts";

main(function* (coro) {
  const [address, name] = Deno.args;
  const network = yield* Network.join({ name, secret: SECRET, ...TIMES });
  yield* network.peer(address);
  const computation = new Computation({
    network,
    name,
    files: [new URL("./files/helper.ts", import.meta.url)],
    serverCleanup: function* () {
      console.log("cleaned up");
    },
  });
  yield* computation.schedule();
  const forever = function* (coro: Coro): Generator<unknown, void, unknown> {
    try {
      yield* coro.sleep();
    } finally {
      console.log("ended a job");
    }
  };
  yield* computation.run(forever);
  yield* computation.runAsync(forever);
  console.log("running");
  yield* coro.sleep();
});
