/**
 * A peer in a process of its own, for tests: `peer_process.ts NAME PORT [OPTIONS as JSON]`. It prints its address, and serves
 * as the coroutine NAME until its standard input ends or it is killed:
 *
 * - `{ ask, to }`: sends `["pong", ask]` to the coroutine.
 * - `{ count: true, to }`: sends how many other messages came, and whether they came in order and once.
 * - `{ stats: true, to }`: sends `network.stats()`, the memory and the number of descriptors.
 * - `{ sendFile: path, to }`: sends the file to the peer of the coroutine, and the coroutine what comes of it.
 * - `{ slow: seconds }`: does not receive for so long. `{ fail: text }`: fails.
 * - a number: counted, and expected to be the one after the last.
 */
import { Coro, main } from "@asyncoro/asyncoro";
import { Network, type NetworkOptions, tcp, type TcpOptions } from "@asyncoro/asyncoro/distributed";

interface Command {
  readonly to: Coro;
  readonly ask?: unknown;
  readonly count?: true;
  readonly stats?: true;
  readonly sendFile?: string;
  readonly fail?: string;
}

const [name, port, json = "{}"] = Deno.args;
const { engine, ...options } = JSON.parse(json) as NetworkOptions & { engine?: TcpOptions };

/** How many descriptors this process has. */
function descriptors(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

function* serve(coro: Coro, network: Network): Generator<unknown, void, unknown> {
  coro.register(name);
  let next = 0;
  let inOrder = true;
  for (;;) {
    const message = yield* coro.receive<number | unknown[] | Command>();
    // A pong, of a ping that another peer has sent in the name of this one.
    if (Array.isArray(message)) continue;
    if (typeof message === "number") inOrder &&= message === next++;
    else if (message.fail !== undefined) throw new Error(message.fail);
    else if (message.count) message.to.send({ count: next, inOrder });
    else if (message.stats) {
      message.to.send({ ...network.stats(), rss: Deno.memoryUsage().rss, descriptors: descriptors() });
    } else if (message.sendFile !== undefined) {
      message.to.send(yield* network.sendFile(message.to.location!, message.sendFile, { overwrite: true }));
    } else message.to.send(["pong", message.ask]);
  }
}

main(function* () {
  const network = yield* Network.join({
    name,
    secret: "the secret of the tests",
    heartbeat: 0.3,
    peerTimeout: 1.5,
    engines: [tcp({ port: Number(port), ...engine })],
    ...options,
  });
  new Coro(serve, network);
  console.log(network.location.address);
  yield* network.closed();
});
