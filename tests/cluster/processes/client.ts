/** A client in a process of its own, for tests: `client.ts OPTIONS`. Its job prints the number of its process, and computes. */
import { main } from "@asyncoro/asyncoro";
import { Computation } from "@asyncoro/asyncoro/cluster";
import { Network } from "@asyncoro/asyncoro/distributed";

main(function* () {
  const secret = Deno.env.get("ASYNCORO_SECRET")!;
  const network = yield* Network.join({ ...JSON.parse(Deno.args[0]), secret });
  console.log(network.location.address);
  const jobs = new Computation({
    network,
    name: "killed",
    *serverSetup() {
      console.log(`job in ${Deno.pid}`);
    },
  });
  yield* jobs.runResult(function* () {
    for (;;);
  });
});
