/** The module of a thread whose top level says what it sees, and takes its time. */
import { Coro, Scheduler, sleep } from "@asyncoro/asyncoro";
import { Network } from "../../../core/distributed/network.ts";
import { given } from "./joined.ts";

const network = Network.of()!;
const main = given(import.meta.url);
const isDefault = Network.of(Scheduler.instance()) === network;
main.send([network.location.name, network.peers().map(({ name }) => name), isDefault]);
await new Coro(function* () {
  yield* sleep(0.05);
  yield* main.deliver("done");
}).value();
