/** The module of a thread whose top level says what it sees, and takes its time. */
import { Coro, Scheduler, sleep } from "@asyncoro/asyncoro";
import { Network } from "@asyncoro/asyncoro/distributed";

const network = Network.of()!;
const isDefault = Network.of(Scheduler.instance()) === network;
await new Coro(function* () {
  const main = (yield* Coro.locate("main", 20))!;
  main.send([network.location.name, network.peers().map(({ name }) => name), isDefault]);
  yield* sleep(0.05);
  yield* main.deliver("done");
}).value();
