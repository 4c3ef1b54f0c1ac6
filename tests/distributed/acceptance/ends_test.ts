/** DISTRIBUTED.md: "Ends", and everyday concurrency with coroutines of peers. */
import {
  all,
  Coro,
  type MonitorException,
  race,
  run,
  scope,
  select,
  shield,
  sleep,
  supervise,
  TimeoutError,
  withTimeout,
} from "@asyncoro/asyncoro";
import { Network, PeerLostError, RCI, RemoteError, SerializationError } from "@asyncoro/asyncoro/distributed";
import { assert, assertEquals, assertInstanceOf, assertRejects, assertStrictEquals } from "@std/assert";
import { found, type Program, simulate, thrown } from "./world.ts";

/** RCIs of all kinds of ends. */
const server: Program = function* (coro, { network, world, reported }) {
  world.shared.reported = reported;
  world.shared.network = network;
  world.shared.scheduler = coro.scheduler;
  new RCI(function* gives(_coro: Coro, value: unknown, after: number) {
    yield* sleep(after);
    return value;
  }).register();
  new RCI(function* fails(_coro: Coro, error: unknown, after: number) {
    yield* sleep(after);
    throw error;
  }).register();
  new RCI(function* unsendable(_coro: Coro) {
    yield* sleep(0.1);
    return { f: () => {} };
  }).register();
  new RCI(function* lasting(coro: Coro) {
    coro.setDaemon();
    while (true) yield* coro.receive();
  }).register({ orphans: "keep" });
  new RCI(function* last(coro: Coro) {
    yield* coro.receive();
    yield* coro.receive();
  }).register();
  new RCI(function* talks(_coro: Coro, to: Coro, n: number) {
    for (let i = 0; i < n; i++) to.send(i);
    return "end";
  }).register();
  yield* network.peer("sim:a");
  yield* network.closed();
};

/** The same, and a coroutine that tells whoever asks it of the first end that it is told of. */
const serverWithWatcher: Program = function* (coro, here) {
  coro.scheduler.spawnWith({ daemon: true }, function* (coro: Coro) {
    coro.register("watcher");
    const to = yield* coro.receive<Coro>();
    const told = yield* coro.receive<MonitorException>();
    to.send([told.coro, told.outcome]);
  });
  yield* server(coro, here);
};

// deno-lint-ignore no-explicit-any
function* rci(name: string): Generator<unknown, RCI<any[], any>, unknown> {
  return (yield* RCI.locate(name, 5)) as RCI;
}

// deno-lint-ignore no-explicit-any
function* notice(coro: Coro): Generator<unknown, MonitorException & { outcome: any }, unknown> {
  return (yield* coro.receive<MonitorException>(60)) as MonitorException;
}

Deno.test("monitor, finish and value give returns, errors and terminations", async () => {
  await simulate({
    *a(coro, { network, world }) {
      const gives = yield* rci("gives");
      const returned = yield* gives.run({ x: 1 }, 1);
      const value = returned.value();
      assertEquals(yield* coro.monitor(returned), true);
      assertEquals(yield* coro.monitor(returned), true);
      assertEquals(yield* returned.finish(), { x: 1 });
      assertEquals(yield value, { x: 1 });
      const told = yield* notice(coro);
      assertStrictEquals(told.coro, returned);
      assertEquals(told.outcome, { kind: "return", value: { x: 1 } });
      assertEquals(told.args, [returned, ["return", { x: 1 }]]);
      assertEquals(yield* coro.receive(1), undefined);
      assertEquals(returned.isAlive(), false);
      // Again, after the end.
      assertEquals(yield* returned.finish(), { x: 1 });
      assertEquals(yield* coro.monitor(returned), true);
      assertEquals((yield* notice(coro)).outcome, { kind: "return", value: { x: 1 } });

      const failed = yield* (yield* rci("fails")).run(new TypeError("bad"), 1);
      yield* coro.monitor(failed);
      const error = yield* thrown(() => failed.finish());
      assertInstanceOf(error, TypeError);
      assertStrictEquals(yield* thrown(() => failed.finish()), error);
      const { outcome } = yield* notice(coro);
      assert(outcome.kind === "throw");
      assertStrictEquals(outcome.error, error);

      const ended = yield* (yield* rci("last")).run();
      yield* coro.monitor(ended);
      ended.send("one");
      yield* sleep(1);
      ended.terminate();
      assertEquals(yield* ended.finish(), "one");
      assertEquals((yield* notice(coro)).outcome, { kind: "terminate" });
      assertEquals(world.shared.reported, []);
      assertEquals(network.stats().pending, 0);
    },
    b: server,
  });
});

Deno.test("notify is the same, seen from the observed", async () => {
  await simulate({
    *a(coro) {
      const handle = yield* (yield* rci("gives")).run(5, 1);
      assertEquals(handle.notify(coro), true);
      assertEquals((yield* notice(coro)).outcome, { kind: "return", value: 5 });
      // A coroutine of the peer monitors one of here.
      const watcher = yield* found("watcher");
      const mine = coro.scheduler.spawn(function* () {
        yield* sleep(1);
        return "mine";
      });
      assertEquals(mine.notify(watcher), true);
      watcher.send(coro);
      const [about, outcome] = yield* coro.receive<[Coro, unknown]>();
      assertStrictEquals(about, mine);
      assertEquals(outcome, { kind: "return", value: "mine" });
    },
    b: serverWithWatcher,
  });
});

Deno.test("a monitor at home of a handle: a remote coroutine observes itself at home", async () => {
  await simulate({
    *a(coro) {
      const observed = yield* (yield* rci("gives")).run("x", 1);
      const watcher = yield* found("watcher");
      // Both are at b: no message of the end passes the network.
      assertEquals(yield* watcher.monitor(observed), true);
      watcher.send(coro);
      const [about, outcome] = yield* coro.receive<[Coro, unknown]>();
      assertStrictEquals(about, observed);
      assertEquals(outcome, { kind: "return", value: "x" });
    },
    b: serverWithWatcher,
  });
});

Deno.test("the notice follows all that the ended coroutine sent", async () => {
  for (let seed = 0; seed < 20; seed++) {
    await simulate(
      {
        *a(coro) {
          const talker = yield* (yield* rci("talks")).run(coro, 200);
          yield* coro.monitor(talker);
          for (let i = 0; i < 200; i++) assertEquals(yield* coro.receive(), i);
          assertEquals((yield* notice(coro)).outcome, { kind: "return", value: "end" });
        },
        b: server,
      },
      () => ({}),
      { seed, loss: 0.02 },
    );
  }
});

Deno.test("an unsendable result is a throw of SerializationError", async () => {
  await simulate({
    *a(coro) {
      const handle = yield* (yield* rci("unsendable")).run();
      yield* coro.monitor(handle);
      const error = yield* thrown(() => handle.finish());
      assertInstanceOf(error, SerializationError);
      assertEquals(error.path, "result.f");
      const { outcome } = yield* notice(coro);
      assertEquals(outcome.kind, "throw");
      const other = yield* thrown(function* () {
        yield* (yield* rci("unsendable")).call();
      });
      assertInstanceOf(other, SerializationError);
    },
    b: server,
  });
});

Deno.test("an error that is not sendable, or too large, still arrives as an error", async () => {
  await simulate({
    *a() {
      const error = yield* thrown(function* () {
        yield* (yield* rci("breaks")).call();
      });
      assertInstanceOf(error, Error);
      assert(error.message.length > 0);
      const large = yield* thrown(function* () {
        yield* (yield* rci("gives large")).call();
      });
      assertInstanceOf(large, Error);
    },
    *b(coro, here) {
      new RCI(function* breaks(_coro: Coro) {
        throw Object.assign(new Error("with a function"), { f: () => {} });
      }).register();
      new RCI(function* (_coro: Coro) {
        return new Uint8Array(10_000);
      }, "gives large").register();
      yield* server(coro, here);
    },
  }, () => ({ maxMessageSize: 5000 }));
});

Deno.test("a loss tells each monitor once for each coroutine, and fails finish and value", async () => {
  await simulate({
    *a(coro, { network, world }) {
      const lasting = yield* rci("lasting");
      const one = yield* lasting.run();
      const two = yield* lasting.run();
      const other = coro.scheduler.spawn(function* (coro: Coro) {
        yield* coro.monitor(one);
        return [yield* coro.receive(), yield* coro.receive(30)];
      });
      yield* coro.monitor(one);
      yield* coro.monitor(two);
      const waiter = coro.scheduler.spawn(function* () {
        return yield* thrown(() => one.finish());
      });
      const value = assertRejects(() => two.value(), PeerLostError);
      yield* sleep(0.5);
      const b = network.peers()[0];
      const before = coro.scheduler.now();
      world.net.partition(["a"], ["b"]);
      const first = yield* notice(coro);
      const second = yield* notice(coro);
      assert(coro.scheduler.now() - before <= 10.1);
      assertEquals(new Set([first.coro, second.coro]), new Set([one, two]));
      for (const { outcome } of [first, second]) {
        assert(outcome.kind === "lost");
        assertInstanceOf(outcome.error, PeerLostError);
        assertEquals(outcome.error.reason, "lost");
        assert(outcome.error.location.equals(b));
      }
      assertInstanceOf(yield* waiter.finish(), PeerLostError);
      yield value;
      world.net.heal();
      yield* network.peer(b);
      yield* sleep(30);
      assertEquals(yield* coro.receive(0), undefined);
      const seen = (yield* other.finish()) as unknown[];
      assertEquals(seen[1], undefined);
      assertEquals(network.stats().pending, 0);
      // The joining is back: handles work again.
      assertEquals(yield* one.deliver("x"), 1);
    },
    b: server,
  });
});

Deno.test("monitoring one whose peer is lost tells at once", async () => {
  await simulate({
    *a(coro, { world }) {
      const one = yield* (yield* rci("lasting")).run();
      world.net.crash("b");
      yield* sleep(30);
      const before = coro.scheduler.now();
      assertEquals(yield* coro.monitor(one), true);
      const { outcome } = yield* notice(coro);
      assertEquals(outcome.kind, "lost");
      assertEquals(coro.scheduler.now(), before);
    },
    b: server,
  });
});

Deno.test("a refused monitor is told lost, reason gone", async () => {
  await simulate({
    *a(coro, { world }) {
      const one = yield* found("private");
      assertEquals(yield* coro.monitor(one), true);
      const { outcome } = yield* notice(coro);
      assert(outcome.kind === "lost");
      assertEquals(outcome.error.reason, "gone");
      const error = yield* thrown(() => one.finish());
      assertInstanceOf(error, PeerLostError);
      assertEquals(error.reason, "gone");
      assertEquals(one.isAlive(), true);
      assert(world.shared.network.stats().refused >= 2);
      assertEquals(yield* one.deliver(1), 1);
    },
    *b(coro, here) {
      coro.register("private");
      yield* server(coro, here);
    },
  }, (name) => name === "b" ? { allow: ({ action }) => action !== "monitor" } : {});
});

Deno.test("outcomes are kept for 60 s, then gone", async () => {
  await simulate({
    *a(coro) {
      const gives = yield* rci("gives");
      const early = yield* gives.run(1, 0);
      const late = yield* gives.run(2, 0);
      yield* sleep(55);
      assertEquals(yield* early.finish(), 1);
      yield* sleep(10);
      const error = yield* thrown(() => late.finish());
      assertInstanceOf(error, PeerLostError);
      assertEquals(error.reason, "gone");
      // What was told stays known.
      assertEquals(yield* early.finish(), 1);
      yield* coro.monitor(late);
      const { outcome } = yield* notice(coro);
      assert(outcome.kind === "lost" && outcome.error.reason === "gone");
      assertEquals(yield* late.deliver(1), -1);
    },
    b: server,
  });
});

Deno.test("a waiter at a peer takes an error: it is not reported at home", async () => {
  await simulate({
    *a(coro, { world }) {
      const fails = yield* rci("fails");
      const taken = yield* fails.run(new Error("taken"), 1);
      assertEquals((yield* thrown(() => taken.finish())).message, "taken");
      const monitored = yield* fails.run(new Error("monitored"), 1);
      yield* coro.monitor(monitored);
      yield* notice(coro);
      const valued = yield* fails.run(new Error("valued"), 1);
      yield assertRejects(() => valued.value(), Error, "valued");
      yield* sleep(1);
      assertEquals(world.shared.reported, []);
      yield* fails.run(new Error("nobody waits"), 1);
      yield* sleep(5);
      // deno-lint-ignore no-explicit-any
      assertEquals(world.shared.reported.map(({ error }: any) => error.message), ["nobody waits"]);
    },
    b: server,
  });
});

Deno.test("a remote monitor keeps no failed coroutine restartable", async () => {
  await simulate({
    *a(coro) {
      const one = yield* (yield* rci("fails")).run(new Error("x"), 1);
      yield* coro.monitor(one);
      yield* notice(coro);
      assertEquals(one.isAlive(), false);
      assertEquals(one.send(1), false);
      assertEquals(yield* one.deliver(1), -1);
    },
    b: server,
  });
});

Deno.test("a restart at home by hotSwap: the handle works on", async () => {
  await simulate({
    *a(coro) {
      const handle = yield* found("worker");
      yield* coro.monitor(handle);
      handle.send("fail");
      const { outcome } = yield* notice(coro);
      assertEquals(outcome.kind, "throw");
      yield* sleep(1);
      assertEquals(yield* handle.ask("again"), "restarted: again");
    },
    *b(coro, here) {
      const { scheduler } = coro;
      scheduler.spawnWith({ daemon: true }, function* (coro: Coro) {
        const worker = scheduler.spawnWith({ daemon: true }, function* (coro: Coro) {
          coro.register("worker");
          yield* coro.receive();
          throw new Error("failed");
        });
        yield* coro.monitor(worker);
        yield* coro.receive();
        worker.hotSwap(function* (coro: Coro) {
          while (true) {
            const ask = yield* coro.receive<{ message: string; reply(value: string): void }>();
            ask.reply(`restarted: ${ask.message}`);
          }
        });
        yield* coro.sleep();
      });
      yield* server(coro, here);
    },
  });
});

Deno.test("finish with a limit: TimeoutError, signal; nothing stays", async () => {
  await simulate({
    *a(coro, { network }) {
      const one = yield* (yield* rci("lasting")).run();
      assertInstanceOf(yield* thrown(() => one.finish(1)), TimeoutError);
      assertInstanceOf(yield* thrown(() => one.finish(0)), TimeoutError);
      const signal = AbortSignal.abort(new Error("reason"));
      assertStrictEquals(yield* thrown(() => one.finish(signal)), signal.reason);
      const controller = new AbortController();
      coro.scheduler.spawn(function* () {
        yield* sleep(1);
        controller.abort(new Error("enough"));
      });
      assertStrictEquals(yield* thrown(() => one.finish(controller.signal)), controller.signal.reason);
      yield assertRejects(() => one.value(1), TimeoutError);
      yield assertRejects(() => one.value(signal), Error, "reason");
      assertEquals(network.stats().pending, 0);
      assertEquals(one.isAlive(), true);
    },
    b: server,
  });
});

Deno.test("race, all, select, scope, shield and withTimeout take coroutines of peers", async () => {
  await simulate({
    *a(coro, { network, world }) {
      const gives = yield* rci("gives");
      const [fast, slow] = [yield* gives.run("fast", 1), yield* gives.run("slow", 3)];
      assertEquals(yield* race(fast, slow), "fast");
      assertEquals(network.stats().pending, 0);
      assertEquals(yield* all(fast, slow), ["fast", "slow"]);
      const third = yield* gives.run("third", 3);
      assertEquals(yield* select({ third, time: sleep(1) }), ["time", undefined]);
      assertEquals(yield* select({ third, time: sleep(30) }), ["third", "third"]);
      const fails = yield* rci("fails");
      const failing = yield* fails.run(new RangeError("of all"), 1);
      const lasting = yield* (yield* rci("lasting")).run();
      const error = yield* thrown(() => all(failing, lasting));
      assertInstanceOf(error, RangeError);
      assertEquals(lasting.isAlive(), true);
      assertInstanceOf(yield* thrown(() => withTimeout(1, lasting.finish())), TimeoutError);
      assertEquals(yield* shield(gives.call("shielded", 1)), "shielded");
      const inScope = yield* scope(function* (scope) {
        scope.spawn(function* () {
          yield* lasting.deliver("x");
        });
        scope.service(function* () {
          yield* lasting.finish();
        });
        return yield* gives.call("scope", 1);
      });
      assertEquals(inScope, "scope");
      // A call that loses a race terminates its coroutine.
      yield* race((yield* rci("lasting")).call(), sleep(1));
      yield* sleep(1);
      const names = [...world.shared.scheduler.coros()].map((coro: Coro) => coro.name);
      assertEquals(names.filter((name) => name === "lasting").length, 1);
      assertEquals(network.stats().pending, 0);
      // A loss fails a race and all.
      coro.scheduler.spawn(function* () {
        yield* sleep(1);
        world.net.crash("b");
      });
      assertInstanceOf(yield* thrown(() => all(lasting, sleep(100))), PeerLostError);
    },
    b: server,
  });
});

Deno.test("supervise restarts a child that calls an RCI and fails with its peer", async () => {
  await simulate({
    *a(coro, { network, world }) {
      let attempts = 0;
      const restarts: unknown[] = [];
      const supervisor = supervise([{
        name: "caller",
        *target(_coro: Coro) {
          attempts++;
          yield* network.peer("sim:b", 60);
          const rci = (yield* RCI.locate("gives", 60))!;
          return yield* rci.call("done", attempts === 1 ? 1000 : 1);
        },
      }], { onRestart: (_child: unknown, error: unknown) => restarts.push(error) });
      yield* sleep(5);
      world.net.crash("b");
      world.start("b", server);
      yield* supervisor.finish();
      assertEquals(attempts, 2);
      assertInstanceOf(restarts[0], PeerLostError);
      coro;
    },
    b: server,
  });
});

Deno.test("a coroutine's signal aborts at its end, also when a peer terminates it", async () => {
  await simulate({
    *a(_coro, { world }) {
      const handle = yield* (yield* rci("signalled")).run();
      yield* sleep(1);
      assertEquals(world.shared.aborted, undefined);
      handle.terminate();
      yield* handle.finish();
      assert(world.shared.aborted instanceof Error);
    },
    *b(coro, here) {
      new RCI(function* signalled(coro: Coro) {
        coro.signal.addEventListener("abort", () => here.world.shared.aborted = coro.signal.reason);
        yield* coro.sleep();
      }).register();
      yield* server(coro, here);
    },
  });
});

Deno.test("dump shows what waits for a peer, with its location, and no secret", async () => {
  await simulate({
    *a(coro, { network }) {
      const lasting = yield* (yield* rci("lasting")).run();
      coro.scheduler.spawn(function* waiting() {
        yield* race(lasting.finish(), sleep(2));
      });
      coro.scheduler.spawn(function* finishing() {
        yield* thrown(() => lasting.finish(2));
      });
      coro.scheduler.spawn(function* locating() {
        yield* Coro.locate("nobody", 2);
      });
      yield* sleep(1);
      const dump = coro.scheduler.dump();
      const text = Deno.inspect(dump, { depth: 20 });
      const of = (name: string) => Deno.inspect(dump.find((info) => info.name === name));
      assert(of("finishing").includes("b@sim:b"), of("finishing"));
      assert(of("finishing").includes("lasting"), of("finishing"));
      assert(of("locating").includes("nobody"), of("locating"));
      assert(!text.includes("the secret of the tests"));
      assert(!Deno.inspect(network, { depth: 20, showHidden: true }).includes("the secret of the tests"));
    },
    b: server,
  });
});

Deno.test("waiting for a peer is no deadlock; waiting for each other still is", async () => {
  await simulate({
    *a(coro) {
      const lasting = yield* (yield* rci("lasting")).run();
      const waiter = coro.scheduler.spawn(function* () {
        yield* lasting.finish();
      });
      const two: Coro[] = [];
      for (const i of [0, 1]) {
        two.push(coro.scheduler.spawn(function* () {
          yield* sleep(1);
          yield* two[1 - i].finish();
        }));
      }
      const error = yield* thrown(() => two[0].finish());
      assertEquals(error.name, "DeadlockError");
      assertEquals(waiter.isAlive(), true);
      for (const coro of two) coro.terminate();
      lasting.terminate();
      yield* waiter.finish();
    },
    b: server,
  });
});

Deno.test("an error of another class ends as a RemoteError", async () => {
  class OwnError extends Error {
    override name = "OwnError";
    code = 5;
  }
  await simulate({
    *a() {
      const error = yield* thrown(function* () {
        yield* (yield* rci("own")).call();
      });
      assertInstanceOf(error, RemoteError);
      assertEquals([error.name, error.message, error.data], ["OwnError", "own", { code: 5 }]);
      assert(error.stack!.includes("ends_test"));
      const value = yield* thrown(function* () {
        yield* (yield* rci("throws text")).call();
      });
      assertEquals(value, "text");
    },
    *b(coro, here) {
      new RCI(function* own(_coro: Coro) {
        throw new OwnError("own");
      }).register();
      new RCI(function* (_coro: Coro) {
        throw "text";
      }, "throws text").register();
      yield* server(coro, here);
    },
  });
});

void run;
void Network;
