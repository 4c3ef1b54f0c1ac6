/**
 * Remote calls: a server lets its peers run two functions as coroutines. The client gets their results, watches them with a
 * monitor, starts one anew that has failed, and gives up one that takes too long.
 *
 *     deno run --allow-net=127.0.0.1 --allow-env=NETWORK_SECRET --allow-run --allow-read examples/distributed/remote_calls.ts
 *
 * plays both parts. In two terminals:
 *
 *     deno run --allow-net=127.0.0.1 --allow-env=NETWORK_SECRET examples/distributed/remote_calls.ts server
 *     deno run --allow-net=127.0.0.1 --allow-env=NETWORK_SECRET examples/distributed/remote_calls.ts client ADDRESS
 */
import { type Coro, main, type MonitorException, TimeoutError, withTimeout } from "@asyncoro/asyncoro";
import { Network, type PeerStatus, RCI } from "@asyncoro/asyncoro/distributed";
import { playAll, SECRET } from "./roles.ts";

/** Adds numbers, and takes its time. */
function* sum(coro: Coro, numbers: readonly number[], seconds = 0): Generator<unknown, number, unknown> {
  try {
    yield* coro.sleep(seconds);
    return numbers.reduce((sum, number) => sum + number, 0);
  } finally {
    if (seconds > 0) console.log("a long sum has ended");
  }
}

let attempts = 0;

/** Fails the first two times. It receives what to work on as messages. */
function* flaky(coro: Coro): Generator<unknown, string, unknown> {
  attempts++;
  console.log(`attempt ${attempts}`);
  const text = yield* coro.receive<string>();
  if (attempts < 3) throw new Error(`attempt ${attempts} has failed`);
  return text.toUpperCase();
}

function* server(coro: Coro): Generator<unknown, void, unknown> {
  const network = yield* Network.join({ name: "server", secret: SECRET });
  console.log(network.location.address);
  new RCI(sum).register();
  new RCI(flaky).register();
  network.peerStatus(coro);
  // Until the client has left.
  while ((yield* coro.receive<PeerStatus>()).online);
  yield* network.leave();
}

function* client(coro: Coro, address: string): Generator<unknown, void, unknown> {
  const network = yield* Network.join({ name: "client", secret: SECRET });
  console.log(network.location.address);
  yield* network.peer(address);

  const add = (yield* RCI.locate<typeof sum>("sum", 5))!;
  console.log(`1 + 2 + 3 is ${yield* add.call([1, 2, 3])}`);
  try {
    // Cut short here, it is terminated there.
    yield* withTimeout(0.2, add.call([1, 2], 3600));
  } catch (error) {
    if (error instanceof TimeoutError) console.log("a sum took too long");
  }

  // Another process cannot replace the code of a coroutine. It starts another one.
  const work = (yield* RCI.locate<typeof flaky>("flaky", 5))!;
  for (;;) {
    const worker = yield* work.run();
    yield* coro.monitor(worker);
    worker.send("done at last");
    const { outcome } = yield* coro.receive<MonitorException>();
    if (outcome.kind === "return") {
      console.log(outcome.value);
      break;
    }
    console.log(outcome.kind === "throw" ? (outcome.error as Error).message : outcome.kind);
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
