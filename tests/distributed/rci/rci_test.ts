/** RCIs: coroutine functions that peers run. */
import {
  Coro,
  MessageTooLargeError,
  race,
  sleep,
  TimeoutError,
  UnsupportedError,
  until,
  withTimeout,
} from "@asyncoro/asyncoro";
import { assert, assertEquals, assertInstanceOf, assertStrictEquals, assertThrows } from "@std/assert";
import { PeerLostError, PermissionError, RemoteError, SerializationError } from "../../../core/distributed/errors.ts";
import type { NetworkOptions } from "../../../core/distributed/network_options.ts";
import type { PeerRequest } from "../../../core/distributed/permissions.ts";
import { creatorOf } from "../../../core/distributed/rci/creators.ts";
import { RCI } from "../../../core/distributed/rci/rci.ts";
import { eventually, pair, QUICK } from "../pair.ts";
import { type Here, together } from "../together.ts";

type Steps = Generator<unknown, unknown, unknown>;

function* square(_coro: Coro, n: number): Generator<unknown, number, unknown> {
  return n * n;
}

/** The coroutines that `idle` has made, and how they ended. */
class Idlers {
  readonly started: Coro[] = [];
  readonly ended: string[] = [];

  get rci(): RCI<[name?: string], string> {
    const { started, ended } = this;
    return new RCI(function* idle(coro: Coro, name = "idler") {
      started.push(coro);
      try {
        return yield* coro.receive<string>();
      } finally {
        ended.push(name);
      }
    });
  }
}

/** `b` has registered what `serve` makes, and `a` uses it. */
function served(
  serve: (here: Here) => RCI,
  // deno-lint-ignore no-explicit-any -- each test knows the type of its RCI
  use: (rci: RCI<any[], any>, here: Here, coro: Coro) => Steps,
  after: (here: Here) => Steps = function* () {},
  options: (name: string) => NetworkOptions = () => QUICK,
): Promise<unknown> {
  return pair(
    function* (coro, here) {
      yield* until(here.meet());
      const rci = yield* RCI.locate(here.shared.name as string, 5);
      yield* use(rci!, here, coro);
      yield* eventually(() => here.network.stats().pending === 0);
      yield* until(here.meet());
    },
    function* (_coro, here) {
      const rci = serve(here);
      here.shared.name = rci.name;
      yield* until(here.meet());
      yield* until(here.meet());
      yield* after(here);
    },
    options,
  );
}

function* thrown(wait: Steps | Iterable<unknown>): Generator<unknown, unknown, unknown> {
  try {
    yield* wait as Steps;
  } catch (error) {
    return error;
  }
  throw new TypeError("nothing was thrown");
}

function registered(rci: RCI, options = {}): RCI {
  assert(rci.register(options));
  return rci;
}

Deno.test("run creates a coroutine at the peer and returns a handle to it", async () => {
  const idlers = new Idlers();
  await served(
    () => registered(idlers.rci),
    function* (rci, { network }) {
      const coro = yield* rci.run("first");
      assertEquals([coro.name, coro.location], ["idle", network.peers()[0]]);
      assertEquals(rci.location, network.peers()[0]);
      assertEquals(String(rci), "idle@b@memory:b");
      coro.send("hello");
      assertEquals(yield* coro.finish(), "hello");
    },
    function* (here) {
      assertEquals(idlers.started.length, 1);
      assertEquals(creatorOf(idlers.started[0])!.id, here.network.peers()[0].id);
      assertEquals(here.reported, []);
    },
  );
});

Deno.test("call returns the result, and throws the error, which nobody else hears of", async () => {
  const rci = new RCI(function* risky(_coro: Coro, what: string) {
    yield* sleep(0.001);
    if (what === "type") throw new TypeError("wrong");
    if (what === "own") throw Object.assign(new Error("own"), { name: "OwnError", code: 7 });
    if (what === "result") return () => 0;
    if (what === "error") throw Object.assign(new Error("no"), { socket: () => 0 });
    if (what === "last") yield* sleep(0.001);
    return what === "last" ? undefined : { what };
  });
  await served(
    () => registered(rci),
    function* (rci) {
      assertEquals(yield* rci.call("value"), { what: "value" });
      assertInstanceOf(yield* thrown(rci.call("type")), TypeError);
      const own = (yield* thrown(rci.call("own"))) as RemoteError;
      assertInstanceOf(own, RemoteError);
      assertEquals([own.name, own.message, own.data], ["OwnError", "own", { code: 7 }]);
      assertInstanceOf(yield* thrown(rci.call("result")), SerializationError);
      assertInstanceOf(yield* thrown(rci.call("error")), SerializationError);
      assertEquals(yield* rci.call("last"), undefined);
    },
    function* ({ reported }) {
      assertEquals(reported, []);
    },
  );
});

Deno.test("the result is by the rule of the last value, if that is sendable", async () => {
  await served(
    () =>
      registered(
        new RCI(function* (coro: Coro, value: unknown) {
          yield* coro.sleep(0.001, value);
          if (value === 2) yield* coro.sleep(0.001, () => 0);
        }, "last"),
      ),
    function* (rci) {
      assertEquals(yield* rci.call(1), 1);
      assertEquals(yield* rci.call(2), undefined);
    },
  );
});

Deno.test("a coroutine that run has created and that fails is reported where it is, if nobody waits for its end", async () => {
  await served(
    () =>
      registered(
        new RCI(function* failing() {
          yield* sleep(0.01);
          throw new Error("boom");
        }),
      ),
    function* (rci) {
      const watched = yield* rci.run();
      assertEquals(((yield* thrown(watched.finish())) as Error).message, "boom");
      yield* rci.run();
    },
    function* ({ reported }) {
      yield* eventually(() => reported.length > 0);
      assertEquals(reported.map((error) => (error as Error).message), ["boom"]);
    },
  );
});

Deno.test("arguments are copied at the call, and what is not sendable is refused there", async () => {
  await served(
    () =>
      registered(
        new RCI(function* (_coro: Coro, ...args: unknown[]) {
          return args;
        }, "echo"),
      ),
    function* (rci, { network }, coro) {
      const list = [1, undefined, coro];
      const [call, run] = [rci.call(list), rci.run(list)];
      list.push(2);
      assertEquals(yield* call, [[1, undefined, coro]]);
      const created = yield* run;
      assertEquals(yield* created.finish(), [[1, undefined, coro]]);
      const { sent } = network.stats();
      for (const act of [() => rci.run(1, { a: [() => 0] }), () => rci.call(1, { a: [() => 0] })]) {
        const error = assertThrows(act, SerializationError);
        assertEquals(error.path, "args[1].a[0]");
      }
      assertThrows(() => rci.call("x".repeat(2000)), MessageTooLargeError);
      rci.call("never yielded");
      assertEquals(network.stats(), { ...network.stats(), sent, pending: 0 });
    },
    undefined,
    () => ({ ...QUICK, maxMessageSize: 1000 }),
  );
});

Deno.test("an RCI that is not registered is a PermissionError, and is counted as refused", async () => {
  let rci: RCI;
  await served(
    () => rci = registered(new RCI(square)),
    function* (handle) {
      assertEquals(yield* handle.call(3), 9);
      rci.unregister();
      for (const wait of [handle.run(3), handle.call(3)]) {
        const error = (yield* thrown(wait)) as Error;
        assertInstanceOf(error, PermissionError);
        assertEquals(
          error.message,
          "Cannot run RCI 'square' at b@memory:b as it is not registered there, or this peer may not run it",
        );
      }
      assertEquals(yield* RCI.locate("square", 0.02), null);
    },
    function* ({ network }) {
      assertEquals(network.stats().refused, 2);
    },
  );
});

Deno.test("another RCI under the name of an old one is not run through handles to that", async () => {
  await pair(
    function* (_coro, here) {
      const handle = (yield* RCI.locate<typeof square>("f", 5))!;
      yield* until(here.meet());
      yield* until(here.meet());
      assertInstanceOf(yield* thrown(handle.call(3)), PermissionError);
      const other = (yield* RCI.locate("f", 5))!;
      assert(other !== handle);
      assertEquals(yield* other.call(), "other");
    },
    function* (_coro, here) {
      const old = registered(new RCI(square, "f"));
      yield* until(here.meet());
      old.unregister();
      registered(
        new RCI(function* () {
          return "other";
        }, "f"),
      );
      yield* until(here.meet());
    },
  );
});

Deno.test("locate and invoke are allowed separately", async () => {
  const asked: unknown[] = [];
  const allow = ({ action, name, target, peer }: PeerRequest): boolean => {
    asked.push([action, name, (target as RCI).name, peer.name]);
    return action === "locate";
  };
  await served(
    () => registered(new RCI(square)),
    function* (rci) {
      assertInstanceOf(yield* thrown(rci.run(3)), PermissionError);
      assertInstanceOf(yield* thrown(rci.call(3)), PermissionError);
    },
    function* ({ network }) {
      assertEquals(network.stats().refused, 2);
    },
    (name) => name === "b" ? { ...QUICK, allow } : QUICK,
  );
  const invoke = ["invoke", "square", "square", "a"];
  assertEquals(asked, [["locate", "square", "square", "a"], invoke, invoke]);
});

Deno.test("limit: so many of its coroutines may live at once, whoever has created them", async () => {
  const idlers = new Idlers();
  let local: Coro;
  await served(
    () => {
      const rci = registered(idlers.rci, { limit: 3 });
      local = new Coro(function* () {
        return yield* rci.call();
      });
      return rci;
    },
    function* (rci) {
      const coros = [yield* rci.run(), yield* rci.run()];
      for (const wait of [rci.run(), rci.call()]) {
        const error = (yield* thrown(wait)) as Error;
        assertInstanceOf(error, RemoteError);
        assertEquals(
          error.message,
          "Cannot run RCI 'idle' as 3 of its coroutines live: raise 'limit' or try later",
        );
      }
      coros[0].send("end");
      yield* coros[0].finish();
      coros.push(yield* rci.run());
      assertInstanceOf(yield* thrown(rci.run()), RemoteError);
      for (const coro of coros) coro.terminate();
      for (const coro of coros) yield* coro.finish();
    },
    function* () {
      local.terminate();
      yield* local.finish();
      assertEquals(idlers.ended.length, 4);
    },
  );
});

Deno.test("default values of parameters that throw are a RemoteError", async () => {
  await served(
    () =>
      registered(
        new RCI(function* (_coro: Coro, what: string, _value = fail(what)) {
          yield;
        }, "defaults"),
      ),
    function* (rci) {
      for (const wait of [rci.run("type"), rci.call("type")]) {
        const error = (yield* thrown(wait)) as RemoteError;
        assertInstanceOf(error, RemoteError);
        assertEquals([error.name, error.message], ["TypeError", "bad default"]);
        assertInstanceOf(error.cause, TypeError);
      }
      assertEquals(((yield* thrown(rci.run("number"))) as Error).message, "5");
      assertInstanceOf(yield* thrown(rci.run("permission")), RemoteError);
    },
    function* ({ network, reported }) {
      assertEquals([network.stats().refused, reported], [0, []]);
    },
  );
});

function fail(what: string): never {
  if (what === "number") throw 5;
  throw what === "permission" ? new PermissionError("mine") : new TypeError("bad default");
}

Deno.test("a run that is cut short has its coroutine terminated, if it was created", async () => {
  const idlers = new Idlers();
  await served(
    () => registered(idlers.rci),
    function* (rci, { network }) {
      // Before it is sent, on the way, and when it is answered.
      for (const steps of [0, 1, 2, 3, 4, 5, 10, 20]) {
        let created: Coro | null = null;
        const running = new Coro(function* () {
          created = yield* rci.run();
        });
        for (let i = 0; i < steps; i++) yield* until(Promise.resolve());
        running.terminate();
        yield* running.finish();
        (created as Coro | null)?.terminate();
        assertEquals(network.stats().pending, 0);
      }
      const raced = yield* race(rci.run(), sleep(0));
      if (raced instanceof Coro) raced.terminate();
      const failing = new Coro(function* () {
        yield* rci.run();
      });
      yield;
      failing.throw(new Error("stop"));
      yield* thrown(failing.finish());
    },
    function* ({ reported }) {
      yield* eventually(() => idlers.ended.length === idlers.started.length);
      assertEquals(reported, []);
    },
  );
});

Deno.test("a run that is cut short in the turn of its answer has its coroutine terminated", async () => {
  const idlers = new Idlers();
  await served(
    () => registered(idlers.rci),
    function* (rci) {
      const running = new Coro(function* () {
        yield* rci.run("unwanted");
      });
      yield;
      while (!running.ready) yield* until(Promise.resolve());
      assertEquals(running.wait!.hasOutcome, true);
      running.terminate();
      yield* running.finish();
      yield* eventually(() => idlers.ended.length === 1);
    },
  );
});

Deno.test("the failure of a call that is cut short in the turn of its answer is reported", async () => {
  const reported: unknown[] = [];
  await served(
    () =>
      registered(
        new RCI(function* failing() {
          yield* sleep(0.005);
          throw new Error("boom");
        }),
      ),
    function* (rci, here) {
      const calling = new Coro(function* () {
        yield* rci.call();
      });
      yield;
      while (!calling.ready) yield* until(Promise.resolve());
      assertEquals(calling.wait!.hasOutcome, true);
      calling.terminate();
      yield* calling.finish();
      reported.push(...here.reported);
      assertEquals(here.reported.map((error) => (error as Error).message), ["boom"]);
    },
    function* (here) {
      assertEquals(here.reported, []);
    },
  );
  assertEquals(reported.length, 1);
});

Deno.test("a call that is cut short terminates its coroutine", async () => {
  const idlers = new Idlers();
  await served(
    () => registered(idlers.rci),
    function* (rci, { network }) {
      const calling = new Coro(function* () {
        yield* rci.call("terminated");
      });
      const timed = new Coro(function* () {
        yield* withTimeout(0.03, rci.call("timeout"));
      });
      const racing = new Coro(function* () {
        yield* race(rci.call("race"), sleep(0.03));
      });
      yield* eventually(() => idlers.started.length === 3);
      calling.terminate();
      assertInstanceOf(yield* thrown(timed.finish()), TimeoutError);
      yield* racing.finish();
      assertEquals(network.stats().pending, 0);
      yield* eventually(() => idlers.ended.length === 3);
      assertEquals(idlers.ended.sort(), ["race", "terminated", "timeout"]);
    },
    function* ({ reported }) {
      assertEquals(reported, []);
    },
  );
});

for (const how of ["left", "lost"] as const) {
  Deno.test(`coroutines of a creator that is ${how} are terminated, or kept as "orphans" says`, async () => {
    const [idlers, kept] = [new Idlers(), new Idlers()];
    await served(
      () => {
        registered(new RCI(keep(kept), "kept"), { orphans: "keep" });
        return registered(idlers.rci);
      },
      function* (rci, { network }) {
        const keeping = (yield* RCI.locate<ReturnType<typeof keep>>("kept", 5))!;
        const handle = yield* rci.run("run");
        const keptHandle = yield* keeping.run();
        const waits = [rci.call("call"), keeping.call(), handle.finish()].map((wait) =>
          new Coro(function* () {
            return yield* thrown(wait);
          })
        );
        yield* eventually(() => idlers.started.length === 2 && kept.started.length === 2);
        if (how === "left") network.closePeer(network.peers()[0]);
        else for (const peer of network.peerTable) peer.session?.lose();
        for (const coro of waits) {
          const error = (yield* coro.finish()) as PeerLostError;
          assertInstanceOf(error, PeerLostError);
          assertEquals(error.reason, how);
        }
        yield* eventually(() => idlers.ended.length === 2);
        yield* sleep(0.02);
        assertEquals(kept.ended, []);
        yield* network.peer("memory:b");
        assert(keptHandle.send("again"));
        assertEquals(yield* keptHandle.finish(), "again");
      },
      function* ({ reported }) {
        assertEquals([kept.ended.length, kept.started.length], [1, 2]);
        for (const coro of kept.started) coro.terminate();
        yield* eventually(() => kept.ended.length === 2);
        assertEquals(reported, []);
      },
    );
  });
}

function keep(idlers: Idlers) {
  return function* (coro: Coro): Generator<unknown, string, unknown> {
    idlers.started.push(coro);
    try {
      return yield* coro.receive<string>();
    } finally {
      idlers.ended.push("kept");
    }
  };
}

Deno.test("when its own scheduler leaves the network, coroutines that peers have created are orphans", async () => {
  const [idlers, kept] = [new Idlers(), new Idlers()];
  await pair(
    function* (_coro, here) {
      const handles = [yield* (yield* RCI.locate("idle", 5))!.run("x"), yield* (yield* RCI.locate("kept", 5))!.run()];
      yield* until(here.meet());
      for (const handle of handles) assertInstanceOf(yield* thrown(handle.finish()), PeerLostError);
    },
    function* (_coro, here) {
      registered(idlers.rci);
      registered(new RCI(keep(kept), "kept"), { orphans: "keep" });
      yield* until(here.meet());
      yield* here.network.leave();
      yield* eventually(() => idlers.ended.length === 1);
      assertEquals(kept.ended, []);
      for (const coro of kept.started) coro.send("end");
      yield* eventually(() => kept.ended.length === 1);
    },
  );
});

Deno.test("a run creates one coroutine, also when links are cut", async () => {
  const idlers = new Idlers();
  await served(
    () => registered(idlers.rci),
    function* (rci, { hub }) {
      const running = Array.from({ length: 50 }, (_, i) =>
        new Coro(function* () {
          yield* sleep(0.001 * i);
          return yield* rci.run(String(i));
        }));
      for (let i = 0; i < 5; i++) {
        yield* sleep(0.01);
        hub.cut();
      }
      for (const coro of running) (yield* coro.finish()).send("end");
    },
    function* () {
      yield* eventually(() => idlers.ended.length >= 50);
      assertEquals(idlers.started.length, 50);
      assertEquals(new Set(idlers.ended).size, 50);
    },
  );
});

Deno.test("an RCI can be sent: at home it is the original, and a third peer connects to its home", async () => {
  await together({
    *a(coro, here) {
      yield* until(here.meet());
      yield* here.network.peer("memory:b");
      const rci = (yield* RCI.locate<typeof square>("square", 5))!;
      assertStrictEquals(yield* RCI.locate("square", 5), rci);
      const echo = (yield* RCI.locate("echo", 5))!;
      assertEquals(yield* echo.call(rci), [true, true]);
      yield* here.network.peer("memory:c");
      const c = (yield* Coro.locate("c", 5))!;
      assertEquals(yield* c.ask({ rci, a: coro }), 25);
      yield* until(here.meet());
    },
    *b(_coro, here) {
      const original = registered(new RCI(square));
      const lonely = new RCI(square, "lonely");
      registered(
        new RCI(function* echo(_coro: Coro, rci: unknown) {
          return [rci === original, lonely.location === null];
        }),
      );
      yield* until(here.meet());
      yield* until(here.meet());
    },
    *c(coro, here) {
      coro.register("c");
      yield* until(here.meet());
      const request = (yield* coro.receive()) as { message: { rci: RCI }; reply(value: unknown): void };
      assertEquals(here.network.peers().map(({ name }) => name), ["a"]);
      request.reply(yield* request.message.rci.call(5));
      assertEquals(here.network.peers().map(({ name }) => name).sort(), ["a", "b"]);
      yield* until(here.meet());
    },
  });
});

Deno.test("an RCI that is not registered can be sent, and run once it is", async () => {
  const rci = new RCI(square);
  await pair(
    function* (coro, here) {
      const server = (yield* Coro.locate("server", 5))!;
      const handle = yield* server.ask<RCI>("which?");
      assertInstanceOf(yield* thrown(handle.call(3)), PermissionError);
      assert((yield* server.ask({ handle })) === true);
      assertEquals(yield* handle.call(3), 9);
      void coro;
      void here;
    },
    function* (coro) {
      coro.register("server");
      const first = (yield* coro.receive()) as { reply(value: unknown): void };
      first.reply(rci);
      const second = (yield* coro.receive()) as { message: { handle: RCI }; reply(value: unknown): void };
      assertStrictEquals(second.message.handle, rci);
      rci.register();
      second.reply(true);
    },
  );
});

Deno.test("an RCI of this scheduler is found and run here, and nothing is copied", async () => {
  await together({
    *a(_coro, { network }) {
      const idlers = new Idlers();
      const rci = registered(idlers.rci);
      assertStrictEquals(yield* RCI.locate("idle", 0), rci);
      assertEquals(rci.location, network.location);
      const coro = yield* rci.run("here");
      assertEquals([coro.location, creatorOf(coro)], [null, null]);
      coro.send("hello");
      assertEquals(yield* coro.finish(), "hello");
      const same = registered(
        new RCI(function* (_coro: Coro, value: unknown) {
          return value;
        }, "same"),
      );
      const value = () => 0;
      assertStrictEquals(yield* same.call(value), value);
      const calling = new Coro(function* () {
        yield* rci.call("call");
      });
      const running = new Coro(function* () {
        yield* race(rci.run("run"), rci.run("run too"));
      });
      yield* eventually(() => idlers.started.length >= 3);
      calling.terminate();
      yield* running.finish();
      const failed = registered(
        new RCI(function* failed(_coro: Coro, _value = fail("type")) {
          yield;
        }),
      );
      assertInstanceOf(yield* thrown(failed.run()), RemoteError);
      assert(rci.unregister());
      assertInstanceOf(yield* thrown(rci.run()), PermissionError);
      assertInstanceOf(yield* thrown(rci.call()), PermissionError);
      for (const idler of idlers.started) idler.terminate();
    },
  });
});

Deno.test("register needs a joined scheduler, and a name that no other RCI has", async () => {
  const outside = new RCI(square);
  const error = assertThrows(() => outside.register(), Error);
  assertEquals(
    error.message,
    "Cannot register RCI 'square' as scheduler 'default' has joined no network: join one first",
  );
  await together({
    *a(_coro, { network }) {
      const [rci, other] = [new RCI(square), new RCI(square)];
      assertEquals([rci.location, rci.unregister()], [null, false]);
      assertEquals([rci.register(), rci.register(), other.register()], [true, false, false]);
      assertEquals([rci.unregister(), rci.unregister(), other.register()], [true, false, true]);
      assertThrows(() => rci.register({ orphans: "drop" as "keep" }), TypeError, "'orphans' must be");
      assertThrows(() => rci.register({ limit: 0 }), RangeError, "Cannot register an RCI as 'limit'");
      assertThrows(() => rci.register({ limits: 1 } as object), TypeError, "there is no option 'limits'");
      yield* network.leave();
      assertEquals([other.location, other.unregister()], [null, false]);
      assertThrows(() => other.register(), Error, "has joined no network");
    },
  });
  assertThrows(() => new RCI((() => {}) as never), TypeError, "Cannot make an RCI as 'target' must be a generator");
  assertThrows(() => new RCI(function* () {}), TypeError, "Cannot make an RCI as 'name' must be a string");
});

Deno.test("the handle of an RCI cannot be registered", async () => {
  await served(
    () => registered(new RCI(square)),
    function* (rci) {
      assertThrows(() => rci.register(), UnsupportedError, "Cannot register RCI 'square' as it is at peer b@memory:b");
      assertThrows(() => rci.unregister(), UnsupportedError);
      yield;
    },
  );
});

Deno.test("a peer may control the coroutines that its RCIs have created, and no others", async () => {
  const idlers = new Idlers();
  await served(
    () => {
      const other = new Coro(function* other(coro: Coro) {
        yield* coro.receive();
      });
      other.register("other");
      return registered(idlers.rci);
    },
    function* (rci) {
      const other = (yield* Coro.locate("other", 5))!;
      assert(other.terminate());
      const coro = yield* rci.run("mine");
      assert(coro.terminate());
      yield* coro.finish();
      other.send("end");
      yield* other.finish();
    },
    function* ({ network }) {
      assertEquals(idlers.ended, ["mine"]);
      assertEquals(network.stats().refused, 1);
    },
  );
});

Deno.test("what waits for an RCI of a peer that is lost fails, and leaves nothing behind", async () => {
  const idlers = new Idlers();
  await served(
    () => registered(idlers.rci),
    function* (rci, { network, hub }) {
      const calls = [rci.call(), rci.call()].map((wait) =>
        new Coro(function* () {
          return yield* thrown(wait);
        })
      );
      yield* eventually(() => idlers.started.length === 2);
      assertEquals(network.stats().pending, 2);
      hub.cut();
      network.closePeer(network.peers()[0]);
      for (const call of calls) assertInstanceOf(yield* call.finish(), PeerLostError);
      assertEquals(network.stats().pending, 0);
      assertInstanceOf(yield* thrown(rci.call()), PeerLostError);
    },
    function* () {
      yield* eventually(() => idlers.ended.length === 2);
    },
  );
});

Deno.test("the handle of an RCI works again when its peer is met again, which is sought as long as there is a handle", async () => {
  await served(
    () => registered(new RCI(square)),
    function* (rci, { network }) {
      for (const peer of network.peerTable) peer.session?.lose();
      assertInstanceOf(yield* thrown(rci.call(3)), PeerLostError);
      yield* eventually(() => network.peers().length === 1);
      assertEquals(yield* rci.call(3), 9);
    },
  );
});

Deno.test("a run waits while too much is queued", async () => {
  const idlers = new Idlers();
  await served(
    () => registered(idlers.rci),
    function* (rci) {
      const running = Array.from({ length: 20 }, (_, i) =>
        new Coro(function* () {
          return yield* rci.run(String(i).padStart(2, "0").repeat(200));
        }));
      for (const coro of running) (yield* coro.finish()).terminate();
    },
    function* () {
      yield* eventually(() => idlers.ended.length === 20);
      assertEquals(idlers.ended.map((name) => Number(name.slice(0, 2))), [...Array(20).keys()]);
    },
    () => ({ ...QUICK, maxQueue: 1000 }),
  );
});

function* ends(coro: Coro, how: string): Generator<unknown, string, unknown> {
  if (how === "throw") throw new RangeError("no");
  if (how === "terminate") coro.terminate();
  yield* coro.sleep(0.001);
  return how;
}

function* lookAtOutcomes(rci: RCI<[string], string>): Generator<unknown, void, unknown> {
  assertEquals(yield* rci.outcome("return"), { kind: "return", value: "return" });
  const failed = yield* rci.outcome("throw");
  assert(failed.kind === "throw" && failed.error instanceof RangeError);
  assertEquals(yield* rci.outcome("terminate"), { kind: "terminate" });
}

Deno.test("outcome tells how the coroutine has ended, and throws if there is none", async () => {
  let rci: RCI;
  await served(
    () => rci = registered(new RCI(ends)),
    function* (handle) {
      yield* lookAtOutcomes(handle);
      rci.unregister();
      assertInstanceOf(yield* thrown(handle.outcome("return")), PermissionError);
    },
  );
});

Deno.test("outcome of an RCI of this scheduler is the same", async () => {
  await together({
    *a() {
      const rci = registered(new RCI(ends)) as RCI<[string], string>;
      yield* lookAtOutcomes(rci);
    },
  });
});

Deno.test("an outcome that is cut short terminates the coroutine", async () => {
  const idlers = new Idlers();
  await served(
    () => registered(idlers.rci),
    function* (rci) {
      assertInstanceOf(yield* thrown(withTimeout(0.05, rci.outcome("cut"))), TimeoutError);
    },
    function* () {
      yield* eventually(() => idlers.ended.length === 1);
    },
  );
});
