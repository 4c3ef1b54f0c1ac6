/** Handles to coroutines of peers. */
import { Coro, MonitorException, sleep, UnsupportedError, until } from "@asyncoro/asyncoro";
import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { PeerLostError, RemoteError, SerializationError } from "../../../core/distributed/errors.ts";
import type { Network } from "../../../core/distributed/network.ts";
import { type Here, type Program, together } from "../together.ts";

/** Gives a coroutine out under a key, past the network, as names would. */
function give(here: Here, key: string, coro: Coro): void {
  here.shared[key] = [here.network.location, here.network.coros.exports.numberOf(coro), coro.name];
}

function take(here: Here, key: string): Coro {
  const [location, number, name] = here.shared[key] as [Network["location"], number, string];
  const { bytes } = location.peerId;
  return here.network.coros.handleType
    .unpack([bytes.buffer, number, name, location.name, location.addresses]) as Coro;
}

/** `b` gives out what `serve` makes; then `ask` runs on `a`. */
function pair(
  serve: (coro: Coro, here: Here) => Coro,
  ask: (remote: Coro, coro: Coro, here: Here) => Generator<unknown, unknown, unknown>,
): Promise<Record<string, unknown>> {
  const a: Program = function* (coro, here) {
    yield* until(here.meet());
    const result = yield* ask(take(here, "coro"), coro, here);
    yield* until(here.meet());
    return result;
  };
  const b: Program = function* (coro, here) {
    give(here, "coro", serve(coro, here));
    yield* until(here.meet());
    yield* until(here.meet());
    return here.reported;
  };
  return together({ a, b });
}

Deno.test("messages arrive in the order sent, by send and deliver", async () => {
  const got: unknown[] = [];
  const { b } = await pair(
    () =>
      new Coro(function* collector(coro) {
        do got.push(yield* coro.receive()); while (got.at(-1) !== "last");
      }),
    function* (remote) {
      assertInstanceOf(remote, Coro);
      assertEquals(String(remote), "collector/1@b@memory:b");
      assertEquals(remote.location?.name, "b");
      for (let i = 0; i < 1000; i++) assert(remote.send({ i }));
      assertEquals(yield* remote.deliver("last"), 1);
      yield* remote.finish();
    },
  );
  assertEquals(b, []);
  assertEquals(got, [...Array.from({ length: 1000 }, (_, i) => ({ i })), "last"]);
});

Deno.test("a message is a copy, made at the call", async () => {
  const got: unknown[] = [];
  await pair(
    () =>
      new Coro(function* (coro) {
        while (got.length < 2) got.push(yield* coro.receive());
      }),
    function* (remote) {
      const message = { list: [1] };
      remote.send(message);
      const deliver = remote.deliver(message);
      message.list.push(2);
      assertEquals(yield* deliver, 1);
      assertThrows(() => remote.send({ a: [() => 0] }), SerializationError, "message.a[0]");
      assertThrows(() => remote.deliver(() => 0), SerializationError);
      yield* remote.finish();
    },
  );
  assertEquals(got, [{ list: [1] }, { list: [1] }]);
});

Deno.test("a handle that comes home is the original", async () => {
  await pair(
    (server) =>
      new Coro(function* (coro) {
        const [own, asker, same] = yield* coro.receive<[Coro, Coro, Coro]>();
        assert(own === coro);
        assert(asker === same);
        asker.send(["back", asker, server]);
      }),
    function* (remote, coro) {
      remote.send([remote, coro, coro]);
      const [back, self, server] = yield* coro.receive<[string, Coro, Coro]>();
      assertEquals(back, "back");
      assert(self === coro);
      assert(server.location?.equals(remote.location));
    },
  );
});

Deno.test("finish returns the result, throws the error, and tells of a loss", async () => {
  await pair(
    (server) => {
      server.scheduler.onError = () => {};
      return new Coro(function* (coro) {
        for (;;) {
          const [kind, reply] = yield* coro.receive<[string, Coro]>();
          reply.send(
            new Coro(function* () {
              yield* sleep(0.01);
              if (kind === "type error") throw new TypeError("wrong type");
              if (kind === "own error") {
                throw Object.assign(
                  new (class OwnError extends Error {
                    override name = "OwnError";
                  })("own"),
                  { code: 7 },
                );
              }
              if (kind === "function") return () => 0;
              return { kind };
            }),
          );
        }
      });
    },
    function* (remote, coro, { network }) {
      const make = function* (kind: string): Generator<unknown, Coro, unknown> {
        remote.send([kind, coro]);
        return yield* coro.receive<Coro>();
      };
      // deno-lint-ignore no-explicit-any -- a test of several types
      const failure = function* (kind: string): Generator<unknown, any, unknown> {
        try {
          return ["returned", yield* (yield* make(kind)).finish()];
        } catch (error) {
          return error;
        }
      };
      assertEquals(yield* (yield* make("x")).finish(), { kind: "x" });
      assertInstanceOf(yield* failure("type error"), TypeError);
      const own = yield* failure("own error");
      assertInstanceOf(own, RemoteError);
      assertEquals([own.name, own.message, own.data.code], ["OwnError", "own", 7]);
      assertInstanceOf(yield* failure("function"), SerializationError);
      const ended = yield* make("y");
      yield* sleep(0.05);
      assertEquals(yield* ended.finish(), { kind: "y" });
      assertEquals(ended.isAlive(), false);
      assertEquals(ended.send(1), false);
      assertEquals(yield* ended.deliver(1), -1);
      assertEquals(network.stats().pending, 0);
    },
  );
});

Deno.test("a monitor is told of the end after the last message", async () => {
  await pair(
    () =>
      new Coro(function* (coro) {
        const monitor = yield* coro.receive<Coro>();
        for (let i = 0; i < 10; i++) monitor.send(i);
        return "done";
      }),
    function* (remote, coro) {
      assert(remote.notify(coro));
      assert(yield* coro.monitor(remote));
      remote.send(coro);
      for (let i = 0; i < 10; i++) assertEquals(yield* coro.receive(), i);
      const end = yield* coro.receive<MonitorException>();
      assertInstanceOf(end, MonitorException);
      assert(end.coro === remote);
      assertEquals(end.outcome, { kind: "return", value: "done" });
      assertEquals(yield* coro.receive(0.02), undefined);
    },
  );
});

Deno.test("a coroutine of a peer may monitor one of this side", async () => {
  const { b } = await pair(
    () =>
      new Coro(function* (coro) {
        const end = yield* coro.receive<MonitorException>();
        return [end.outcome, end.coro.name];
      }),
    function* (remote) {
      const child = new Coro(function* child() {
        yield* sleep(0.01);
        return 5;
      });
      assert(child.notify(remote));
      assertEquals(yield* remote.finish(), [{ kind: "return", value: 5 }, "child"]);
    },
  );
  assertEquals(b, []);
});

Deno.test("when the peer is closed, what waits is told of the loss", async () => {
  await pair(
    () =>
      new Coro(function* (coro) {
        for (;;) yield* coro.receive({ where: () => false });
      }),
    function* (remote, coro, { network }) {
      assertEquals(yield* remote.deliver(1), 1);
      remote.notify(coro);
      // deno-lint-ignore no-explicit-any -- a test of several types
      const finish = new Coro<any>(function* () {
        try {
          yield* remote.finish();
        } catch (error) {
          return error;
        }
      });
      // deno-lint-ignore no-explicit-any -- a test of several types
      const ask = new Coro<any>(function* () {
        try {
          yield* remote.ask(1);
        } catch (error) {
          return error;
        }
      });
      yield* sleep(0.01);
      assert(network.closePeer(remote.location!));
      const end = yield* coro.receive<MonitorException>();
      assertEquals(end.outcome.kind, "lost");
      for (const waiter of [finish, ask]) {
        const error = yield* waiter.finish();
        assertInstanceOf(error, PeerLostError);
        assertEquals([error.reason, error.location.name], ["left", "b"]);
      }
      assertEquals(remote.send(1), false);
      assertEquals(yield* remote.deliver(1), -1);
      assertEquals(network.stats().pending, 0);
      assertEquals(remote.isAlive(), true);
    },
  );
});

Deno.test("ask waits for the reply", async () => {
  await pair(
    () =>
      new Coro(function* (coro) {
        for (;;) {
          const request = yield* coro.receive<
            { message: number; reply(value: unknown): boolean; fail(error: unknown): boolean }
          >();
          if (request.message < 0) request.fail(new RangeError("negative"));
          else request.reply(request.message * 2);
        }
      }),
    function* (remote) {
      assertEquals(yield* remote.ask(21), 42);
      try {
        yield* remote.ask(-1);
        throw new Error("no error");
      } catch (error) {
        assertInstanceOf(error, RangeError);
      }
    },
  );
});

Deno.test("control without right is refused and counted; what only its process can do is not supported", async () => {
  await together({
    *a(_coro, here) {
      yield* until(here.meet());
      const remote = take(here, "coro");
      assert(remote.terminate());
      assert(remote.resume(1));
      assert(remote.throw(new Error("x")));
      assertEquals(yield* remote.deliver("go"), 1);
      for (
        const action of [
          () => remote.hotSwap(function* () {}),
          () => remote.receive(),
          () => remote.recv(),
          () => remote.sleep(1),
          () => remote.suspend(1),
          () => remote.setDaemon(),
          () => remote.name = "x",
          () => remote.priority = 1,
          () => remote.hotSwappable(true),
        ]
      ) assertThrows(action, UnsupportedError, "is on another peer");
      yield* until(here.meet());
    },
    *b(_coro, here) {
      const served = new Coro(function* (coro) {
        return yield* coro.receive();
      });
      give(here, "coro", served);
      yield* until(here.meet());
      assertEquals(yield* served.finish(), "go");
      assertEquals(here.network.stats().refused, 3);
      yield* until(here.meet());
    },
  });
});

Deno.test("an allow that ends the connection leaves nothing behind, and the peer is not dialed again", async () => {
  let close = () => {};
  await together({
    *a(_coro, here) {
      yield* until(here.meet());
      const remote = take(here, "coro");
      for (const wait of [() => remote.deliver(1), () => remote.ask(1), () => remote.finish()]) {
        yield* here.network.peer("memory:b");
        try {
          assertEquals(yield* wait(), -1);
        } catch (error) {
          assertInstanceOf(error, PeerLostError);
          assertEquals((error as PeerLostError).reason, "left");
        }
        yield* sleep(0.05);
        assertEquals(here.network.peers(), []);
      }
      yield* until(here.meet());
    },
    *b(_coro, here) {
      close = () => here.network.closePeer(here.network.peers()[0]);
      const served = new Coro(function* () {
        yield* sleep(Infinity);
      });
      give(here, "coro", served);
      yield* until(here.meet());
      yield* until(here.meet());
      served.terminate();
      yield* sleep(0.05);
      assertEquals([here.network.peers(), here.network.stats().pending, here.reported], [[], 0, []]);
    },
  }, (name) =>
    name === "a" ? {} : {
      allow: () => {
        close();
        return true;
      },
    });
});

Deno.test("terminate with the right runs finally, and the outcome says so", async () => {
  let cleaned = false;
  await together({
    *a(coro, here) {
      yield* until(here.meet());
      const remote = take(here, "coro");
      remote.notify(coro);
      assertEquals(yield* remote.deliver("begin"), 1);
      remote.terminate();
      assertEquals((yield* coro.receive<MonitorException>()).outcome, { kind: "terminate" });
      assert(cleaned);
    },
    *b(_coro, here) {
      const served = new Coro(function* (coro) {
        try {
          for (;;) yield* coro.receive();
        } finally {
          cleaned = true;
        }
      });
      give(here, "coro", served);
      yield* until(here.meet());
      yield* served.finish();
      yield* sleep(0.02);
    },
  }, () => ({ allow: () => true }));
});

Deno.test("the value of a last yield need not be sendable, but a result must be", async () => {
  const unsendable = () => 0;
  const outcomes: unknown[] = [];
  for (const how of ["return nothing", "return it", "be terminated"]) {
    await pair(
      () =>
        new Coro(function* (coro) {
          yield* coro.sleep(0.001, unsendable);
          if (how === "return it") return unsendable;
          if (how === "return nothing") return;
          coro.terminate();
          yield;
        }),
      function* (remote, coro) {
        yield* coro.monitor(remote);
        const { args: [, [kind, value]] } = yield* coro.receive<MonitorException>();
        outcomes.push([kind, value instanceof SerializationError ? value.path : value]);
      },
    );
  }
  assertEquals(outcomes, [["return", undefined], ["throw", "result"], ["terminate", undefined]]);
});
