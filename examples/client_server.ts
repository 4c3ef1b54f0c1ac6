/**
 * Client and server: coroutines that find each other by name and exchange messages.
 *
 *     deno run examples/client_server.ts
 */
import { Coro, main } from "@asyncoro/asyncoro";

/** A request to the server: numbers to add up, and the coroutine that gets the sum. */
interface Request {
  readonly from: Coro;
  readonly numbers: readonly number[];
}

/** Serves one request after the other, for as long as the program runs. */
function* server(coro: Coro): Generator<unknown, void, unknown> {
  // The program does not wait for daemons.
  coro.setDaemon();
  coro.register("adder");
  for (;;) {
    const { from, numbers } = yield* coro.receive<Request>();
    console.log(`server: ${numbers.length} numbers from ${from.name}`);
    from.send(numbers.reduce((sum, number) => sum + number, 0));
  }
}

/** Sends a request, and prints the sum, or NaN after a timeout. */
function* client(coro: Coro, numbers: readonly number[]): Generator<unknown, void, unknown> {
  const adder = yield* Coro.locate("adder", 5);
  if (adder === null) throw new Error("There is no server");
  const request: Request = { from: coro, numbers };
  // 1 means that the request is in the server's mailbox.
  const delivered = yield* adder.deliver(request);
  const sum = yield* coro.receive<number>(5, NaN);
  console.log(`${coro.name}: delivered ${delivered}, sum ${sum}`);
}

main(function* (coro) {
  const { scheduler } = coro;
  const clients = [
    scheduler.spawnWith({ name: "Ada" }, client, [1, 2, 3]),
    scheduler.spawnWith({ name: "Grace" }, client, [10, 20]),
    scheduler.spawnWith({ name: "Alan" }, client, []),
  ];
  // The server starts late, but the clients wait for its name.
  yield* coro.sleep(0.01);
  const adder = new Coro(server);
  for (const each of clients) yield* each.finish();

  adder.terminate();
  yield* adder.finish();
  console.log("sent to one that has ended:", adder.send("anybody there?"));
});
