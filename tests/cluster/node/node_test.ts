/** `Node` itself: its options, and one that serves nobody. */
import { run } from "@asyncoro/asyncoro";
import { Node, type NodeOptions } from "@asyncoro/asyncoro/cluster";
import { Network, type NetworkOptions } from "@asyncoro/asyncoro/distributed";
import { assertEquals, assertThrows } from "@std/assert";

const SECRET = "the secret of the tests";

/** Runs a test in a coroutine that has joined a network. */
async function joined<T>(body: (network: Network) => Generator<unknown, T, unknown>, options?: NetworkOptions) {
  return await run(function* () {
    const network = yield* Network.join({ secret: SECRET, ...options });
    try {
      return yield* body(network);
    } finally {
      yield* network.leave();
    }
  });
}

Deno.test("a node needs a network with a secret", async () => {
  await joined(function* (network) {
    assertThrows(() => Node.start({ network }), TypeError, "its network has no secret");
    yield* [];
  }, { secret: null });
  for (const network of [undefined, null, {}]) {
    assertThrows(() => Node.start({ network } as unknown as NodeOptions), TypeError, "'network' must be a Network");
  }
});

Deno.test("options are checked at the call", () =>
  joined(function* (network) {
    const refuse = (options: object, Class: new () => Error, message: string) =>
      assertThrows(() => Node.start({ network, ...options } as NodeOptions), Class, message);
    refuse({ cpu: 1 }, TypeError, "no option 'cpu': use network, cpus, serve, permissions, directory");
    refuse({ cpus: 0 }, RangeError, "'cpus' must be a positive integer, or a negative one");
    refuse({ cpus: 1.5 }, RangeError, "current value is 1.5");
    refuse({ cpus: "2" }, TypeError, `'cpus' must be a number: current value is "2"`);
    refuse({ serve: 0 }, RangeError, "'serve' must be a positive integer");
    refuse({ permissions: { all: true } }, TypeError, "no option 'all'");
    refuse({ directory: "" }, TypeError, "'directory' must be a path");
    refuse({ directory: "jobs/a,b" }, TypeError, "no comma");
    yield* [];
  }));

Deno.test("a network has one node, which may be closed twice, and another after that", () =>
  joined(function* (network) {
    for (let i = 0; i < 2; i++) {
      const node = yield* Node.start({ network, cpus: -1000, serve: 3 });
      assertEquals(node.location, network.location);
      assertEquals(node.status, { current: null, waiting: 0, served: 0 });
      let message = "";
      try {
        yield* Node.start({ network });
      } catch (error) {
        message = (error as Error).message;
      }
      assertEquals(message, `Cannot start a node as the scheduler of ${network.location} has one: close it first`);
      yield* i === 0 ? node.close() : node.drain();
      yield* node.close();
      yield* node.closed();
    }
  }));
