/**
 * Client and server on two machines: a coroutine that finds another one by its name and exchanges messages with it.
 *
 *     deno run --allow-net=127.0.0.1 --allow-env=NETWORK_SECRET --allow-run --allow-read examples/distributed/client_server.ts
 *
 * plays both parts. In two terminals:
 *
 *     deno run --allow-net --allow-env=NETWORK_SECRET examples/distributed/client_server.ts server
 *     deno run --allow-net --allow-env=NETWORK_SECRET examples/distributed/client_server.ts client ADDRESS
 *
 * ADDRESS is what the server prints first. The processes may be on two machines if NETWORK_SECRET is set to the same
 * secret on both, and the server listens with `tcp({ hostname: "0.0.0.0" })`.
 */
import { Coro, main } from "@asyncoro/asyncoro";
import { Network } from "@asyncoro/asyncoro/distributed";
import { playAll, SECRET } from "./roles.ts";

/** A request to the server: numbers to add up, and the coroutine that gets the sum. */
interface Request {
  readonly from: Coro;
  readonly numbers: readonly number[];
}

/** Serves one request after the other. */
function* adder(coro: Coro): Generator<unknown, void, unknown> {
  coro.register("adder");
  for (;;) {
    const { from, numbers } = yield* coro.receive<Request>();
    console.log(`${numbers.length} numbers from ${from.name}`);
    from.send(numbers.reduce((sum, number) => sum + number, 0));
  }
}

function* server(coro: Coro): Generator<unknown, void, unknown> {
  const network = yield* Network.join({ name: "server", secret: SECRET });
  console.log(network.location.address);
  const child = new Coro(adder);
  // Told when a client has come, and when it has left: then the server has nothing more to do.
  network.peerStatus(coro);
  for (;;) {
    const { location, reason } = yield* coro.receive<{ location: { name: string }; reason: string }>();
    console.log(`${location.name} has ${reason}`);
    if (reason !== "joined") break;
  }
  child.terminate();
  yield* network.leave();
}

function* client(coro: Coro, address: string): Generator<unknown, void, unknown> {
  const network = yield* Network.join({ name: "client", secret: SECRET });
  console.log(network.location.address);
  yield* network.peer(address);
  const adder = yield* Coro.locate("adder", 5);
  if (adder === null) throw new Error("There is no server");
  console.log(`found ${adder.name} at ${adder.location?.name}`);
  for (const numbers of [[1, 2, 3], [10, 20], []]) {
    const request: Request = { from: coro, numbers };
    // 1 means that the request is in the server's mailbox, on the other machine.
    const delivered = yield* adder.deliver(request, 5);
    const sum = yield* coro.receive<number>(5, NaN);
    console.log(`delivered ${delivered}, sum ${sum}`);
  }
  yield* network.leave();
}

const [role, address] = Deno.args;
if (role === "server") main(server);
else if (role === "client") main(client, address);
else {
  await playAll(import.meta.url, ["--allow-net=127.0.0.1", "--allow-env=NETWORK_SECRET"], [
    { name: "server" },
    { name: "client", args: ["ADDRESS"] },
  ]);
}
