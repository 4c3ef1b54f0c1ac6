/** What peers may do: `allow`, and what it is asked. */
import { Channel, Coro, MonitorException, sleep } from "@asyncoro/asyncoro";
import {
  type NetworkOptions,
  PeerLostError,
  type PeerRequest,
  PermissionError,
  RCI,
} from "@asyncoro/asyncoro/distributed";
import { assert, assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import { eventually, type Here, onMachines, type Program, type Steps, thrownBy } from "./machines.ts";

/** What `b` has. */
interface Things {
  coro: Coro;
  channel: Channel<unknown>;
  rci: RCI;
  got: unknown[];
}

const actions = ["locate", "send", "monitor", "control", "subscribe", "publish", "invoke"] as const;

/** Everything that a peer may ask for, once each. */
function* askForAll(
  self: Coro,
  b: { coro: Coro; channel: Channel<unknown>; rci: RCI },
): Steps<Record<string, unknown>> {
  const results: Record<string, unknown> = {};
  results.send = b.coro.send("sent");
  results.deliver = yield* b.coro.deliver("delivered", 20);
  results.monitor = yield* self.monitor(b.coro);
  results.resume = b.coro.resume("resumed");
  results.subscribe = yield* b.channel.subscribe(self, 20);
  results.publish = b.channel.send("published");
  results.broadcast = yield* b.channel.deliver("broadcast", 20);
  try {
    const coro = yield* b.rci.run();
    results.invoke = yield* coro.finish();
  } catch (error) {
    results.invoke = error;
  }
  yield* sleep(2);
  return results;
}

/** Lets `a` do what `program` does at `b`, which has `allow`. Hands of the things of `b` are given out by a message. */
async function withThings(
  allow: NetworkOptions["allow"],
  program: (coro: Coro, here: Here, b: { coro: Coro; channel: Channel<unknown>; rci: RCI }) => Steps,
  check: (here: Here, things: Things) => void,
): Promise<void> {
  let done = false;
  let joined = false;
  const things = {} as Things;
  const b: Program = function* (_self, here) {
    things.got = [];
    things.channel = new Channel<unknown>("channel");
    // deno-lint-ignore require-yield
    things.rci = new RCI(function* function_(): Steps<string> {
      return "invoked";
    });
    things.rci.register();
    things.coro = new Coro(function* coroutine(self: Coro): Steps<void> {
      self.register();
      things.got.push(["woken", yield* self.sleep(120)]);
    });
    const receiver = new Coro(function* receiver(self: Coro): Steps<void> {
      yield* self.receive(1000);
    });
    receiver.setDaemon();
    yield* eventually(() => joined);
    const a = here.network.peers().find(({ name }) => name === "a")!;
    const inbox = (yield* Coro.locate("inbox", 10, a))!;
    inbox.send({ coro: things.coro, channel: things.channel, rci: things.rci });
    yield* eventually(() => done);
    check(here, things);
  };
  await onMachines({
    *a(self, here) {
      self.register("inbox");
      yield* here.network.peer("sim:b");
      joined = true;
      const b = (yield* self.receive<{ coro: Coro; channel: Channel<unknown>; rci: RCI }>(20))!;
      yield* program(self, here, b);
      done = true;
    },
    b,
  }, (name) => name === "b" ? { allow } : {});
}

Deno.test("by default a peer may locate, send, monitor, subscribe, publish and invoke, and not control", async () => {
  await withThings(undefined, function* (self, _here, b) {
    assert((yield* Coro.locate("coroutine", 10)) !== null);
    const results = yield* askForAll(self, b);
    assertEquals(results, {
      send: true,
      deliver: 1,
      monitor: true,
      resume: true,
      subscribe: true,
      publish: true,
      broadcast: 1,
      invoke: "invoked",
    });
    assertEquals(yield* self.receive(1), "published");
    assertEquals(yield* self.receive(1), "broadcast");
  }, ({ network, reported }, { got }) => {
    assertEquals(got, []);
    assertEquals(network.stats().refused, 1);
    assertEquals(reported, []);
  });
});

Deno.test("allow is asked with the peer, the action, the name and the very target", async () => {
  const asked: PeerRequest[] = [];
  await withThings((request) => {
    asked.push(request);
    return true;
  }, function* (self, here, b) {
    assert((yield* Coro.locate("coroutine", 10)) !== null);
    assert((yield* Channel.locate("channel", 10)) !== null);
    assert((yield* RCI.locate("function_", 10)) !== null);
    yield* askForAll(self, b);
    assertEquals(here.network.stats().pending, 0);
  }, ({ network }, { coro, channel, rci, got }) => {
    assertEquals(got, [["woken", "resumed"]]);
    assertEquals(network.stats().refused, 0);
    const targets: unknown[] = [coro, channel, rci];
    const summary = asked.map(({ peer, action, name, target }) => {
      assertEquals(peer.name, "a");
      return [action, name, targets.indexOf(target)];
    });
    for (
      const expected of [
        ["locate", "coroutine", 0],
        ["locate", "channel", 1],
        ["locate", "function_", 2],
      ]
    ) assert(summary.some((each) => `${each}` === `${expected}`), JSON.stringify(summary));
    for (
      const [action, target] of [["send", 0], ["monitor", 0], ["control", 0], ["subscribe", 1], ["publish", 1], [
        "invoke",
        2,
      ]]
    ) {
      assert(summary.some((each) => each[0] === action && each[2] === target), `${action}: ${JSON.stringify(summary)}`);
    }
  });
});

Deno.test("what allow refuses: each action has its effect there and here, and is counted", async () => {
  for (const refused of actions) {
    await withThings(({ action }) => action !== refused, function* (self, here, b) {
      if (refused === "locate") {
        assertEquals(yield* Coro.locate("coroutine", 2), null);
        assertEquals(yield* Channel.locate("channel", 2), null);
        assertEquals(yield* RCI.locate("function_", 2), null);
      }
      const results = yield* askForAll(self, b);
      assertEquals(results.send, true);
      assertEquals(results.deliver, refused === "send" ? -1 : 1);
      assertEquals(results.subscribe, refused !== "subscribe");
      assertEquals(results.publish, true);
      const subscribed = refused !== "subscribe" && refused !== "publish";
      assertEquals(results.broadcast, subscribed ? 1 : 0, refused);
      if (refused === "invoke") assertInstanceOf(results.invoke, PermissionError);
      else assertEquals(results.invoke, refused === "monitor" ? results.invoke : "invoked");
      const got: unknown[] = [];
      for (;;) {
        const message = yield* self.receive(1);
        if (message === undefined) break;
        got.push(message);
      }
      const lost = got.find((message) => message instanceof MonitorException);
      if (refused === "monitor") {
        assertInstanceOf(lost, MonitorException);
        assertEquals(lost!.outcome.kind, "lost");
        assertEquals((lost!.outcome as unknown as { error: PeerLostError }).error.reason, "gone");
      }
      assertEquals(got.filter((message) => message === "published").length, subscribed ? 1 : 0, refused);
      // A monitor waits for its notice.
      assertEquals(here.network.stats().pending, refused === "control" ? 1 : 0);
    }, ({ network, reported }, { got }) => {
      assertEquals(got.length, refused === "control" ? 0 : 1);
      assert(network.stats().refused > 0, refused);
      assertEquals(reported, []);
    });
  }
});

Deno.test("a refused finish of a remote coroutine is lost, reason gone", async () => {
  await withThings(({ action }) => action !== "monitor", function* (_self, _here, b) {
    assertEquals((yield* thrownBy(PeerLostError, b.coro.finish(30))).reason, "gone");
  }, ({ network }) => {
    assertEquals(network.stats().refused, 1);
  });
});

const bad: Record<string, () => unknown> = {
  "throws": () => {
    throw new RangeError("allow has thrown");
  },
  "returns nothing": () => undefined,
  "returns 1": () => 1,
  "returns a promise": () => Promise.resolve(true),
  "returns a string": () => "yes",
};
for (const [title, allow] of Object.entries(bad)) {
  Deno.test(`an allow that ${title} refuses, is reported with the coroutine that has joined, and the peer lives`, async () => {
    const reporters: unknown[] = [];
    let joiner: Coro | null = null;
    let done = false;
    await onMachines({
      *a(_self, { network }) {
        yield* network.peer("sim:b");
        assertEquals(yield* Coro.locate("coroutine", 1), null);
        done = true;
      },
      *b(self, { network, simulation }) {
        joiner = self;
        simulation.scheduler("b").onError = (error, coro) => reporters.push([error, coro]);
        self.register("coroutine");
        yield* eventually(() => done);
        assertEquals(network.stats().refused, 1);
        assertEquals(network.peers().length, 1);
      },
    }, (name) => name === "b" ? { allow: allow as unknown as NetworkOptions["allow"] } : {});
    assertEquals(reporters.length, 1);
    const [error, coro] = reporters[0] as [Error, Coro];
    assertStrictEquals(coro, joiner);
    if (title === "throws") assertEquals(error.message, "allow has thrown");
    else assertInstanceOf(error, TypeError);
  });
}

Deno.test("a refused locate is answered once another registration is allowed", async () => {
  let allowed = false;
  let done = false;
  await onMachines({
    *a(_self, { network }) {
      yield* network.peer("sim:b");
      const found = yield* Coro.locate("name", 60);
      assert(found !== null);
      done = true;
    },
    *b(self, { network }) {
      self.register("name");
      yield* sleep(10);
      assertEquals(network.stats().refused, 1);
      allowed = true;
      self.unregister("name");
      self.register("name");
      yield* eventually(() => done);
    },
  }, (name) => name === "b" ? { allow: () => allowed } : {});
});

Deno.test("allow may leave the network, close the peer or end the coroutine that it is asked about", async () => {
  let done = false;
  await onMachines({
    *a(_self, { network }) {
      yield* network.peer("sim:b");
      const coro = yield* Coro.locate("name", 5);
      assertEquals(coro, null);
      done = true;
    },
    *b(self, here) {
      self.register("name");
      closing.push(() => here.network.closePeer(here.network.peers()[0]));
      yield* eventually(() => done);
      assertEquals(here.network.peers(), []);
      assertEquals(here.reported, []);
    },
  }, (name) => name === "b" ? { allow: () => closing.pop()?.() === true } : {});
});
const closing: (() => boolean)[] = [];

Deno.test("a monitor that has ended waits for nothing", async () => {
  await withThings(undefined, function* (_self, { network }, b) {
    const monitor = new Coro(function* (coro) {
      yield* coro.monitor(b.coro);
      yield* coro.receive();
    });
    yield* sleep(1);
    assertEquals(network.stats().pending, 1);
    monitor.terminate();
    yield* sleep(1);
    assertEquals(network.stats().pending, 0);
  }, () => {});
});
