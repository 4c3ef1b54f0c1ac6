/** Names across peers: `Coro.locate` on schedulers that have joined a network. */
import { Channel, Coro, race, sleep, until, withTimeout } from "@asyncoro/asyncoro";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Location } from "../../../core/distributed/location.ts";
import type { Network } from "../../../core/distributed/network.ts";
import type { PeerRequest } from "../../../core/distributed/permissions.ts";
import { eventually, pair, QUICK } from "../pair.ts";
import { type Here, type Program, together } from "../together.ts";

function* idle(coro: Coro): Generator<unknown, unknown, unknown> {
  return yield* coro.receive();
}

/** Nothing waits for a peer or for a name on this side. */
function* isIdle({ network }: Here): Generator<unknown, void, unknown> {
  assertEquals(network.stats().pending, 0);
  yield* eventually(() => network.names.statistics().waiting === 0);
  assertEquals(network.names.statistics(), { searches: 0, waiting: 0 });
}

Deno.test("locate finds what a peer has registered", async () => {
  const { b } = await pair(
    function* (_coro, here) {
      const server = (yield* Coro.locate("server", 5))!;
      assertEquals(server.location?.name, "b");
      assertEquals(server.name, "idle");
      assert(server.send("hello"));
      yield* isIdle(here);
    },
    function* () {
      const server = new Coro(idle);
      server.register("server");
      return yield* server.finish();
    },
  );
  assertEquals(b, "hello");
});

Deno.test("locate looks here first, and the same name may be registered at each peer", async () => {
  await pair(
    function* (coro, { network }) {
      assert(coro.register("server"));
      assertEquals(yield* Coro.locate("server"), coro);
      const { sent } = network.stats();
      assertEquals(yield* Coro.locate("server", 0), coro);
      assertEquals(network.stats().sent, sent);
    },
    function* (coro) {
      assert(coro.register("server"));
      assertEquals(yield* Coro.locate("server", 0), coro);
    },
  );
});

Deno.test("locate waits until a peer registers the name", async () => {
  await pair(
    function* (_coro, here) {
      const found = yield* Coro.locate("late", 5);
      assertEquals(found!.location, here.network.peers()[0]);
      yield* isIdle(here);
    },
    function* (_coro, here) {
      yield* eventually(() => here.network.names.statistics().waiting === 1);
      const server = new Coro(idle);
      server.register("late");
      yield* isIdle(here);
      server.terminate();
    },
  );
});

Deno.test("locate waits for peers that are met later", async () => {
  await together({
    *a(_coro, here) {
      const finding = new Coro(function* () {
        return yield* Coro.locate("server", 5);
      });
      yield* sleep(0.01);
      yield* here.network.peer("memory:b");
      assertEquals((yield* finding.finish())!.location?.name, "b");
      yield* isIdle(here);
      yield* until(here.meet());
    },
    *b(coro, here) {
      coro.register("server");
      yield* until(here.meet());
    },
  });
});

Deno.test("locate returns null only when time is up, and with zero or less looks only here", async () => {
  await pair(
    function* (_coro, here) {
      assertEquals(yield* Coro.locate("nobody", 0.02), null);
      yield* isIdle(here);
      const { sent } = here.network.stats();
      assertEquals(yield* Coro.locate("server", 0), null);
      assertEquals(yield* Coro.locate("server", -1), null);
      assertEquals(yield* Coro.locate("server", 0, here.network.peers()[0]), null);
      assertEquals(here.network.stats().sent, sent);
    },
    function* (coro, here) {
      coro.register("server");
      yield* sleep(0.05);
      yield* isIdle(here);
    },
  );
});

Deno.test("locate at a location looks only there", async () => {
  await pair(
    function* (coro, here) {
      const [b] = here.network.peers();
      assert(coro.register("both"));
      assertEquals((yield* Coro.locate("both", 5, b))!.location, b);
      assertEquals(yield* Coro.locate("both", 0, here.network.location), coro);
      assertEquals(yield* Coro.locate("b only", 0.02, here.network.location), null);
      assert(coro.register("a only"));
      assertEquals(yield* Coro.locate("a only", 0.02, b), null);
      const finding = new Coro(function* () {
        return yield* Coro.locate("late", 5, here.network.location);
      });
      yield;
      assert(coro.register("late"));
      assertEquals(yield* finding.finish(), coro);
      yield* isIdle(here);
    },
    function* (coro) {
      assert(coro.register("both"));
      assert(coro.register("b only"));
    },
  );
});

Deno.test("locate at the location of a peer that was never met connects to it", async () => {
  await together({
    *a(_coro, here) {
      yield* until(here.meet());
      const b = here.shared.b as Location;
      const found = yield* Coro.locate("server", 5, new Location(b.peerId, b.name, b.addresses));
      assertEquals(found!.location?.id, b.id);
      yield* isIdle(here);
      yield* until(here.meet());
    },
    *b(coro, here) {
      here.shared.b = here.network.location;
      coro.register("server");
      yield* until(here.meet());
      yield* until(here.meet());
    },
  });
});

Deno.test("the first peer to answer wins, and the others are not asked any more", async () => {
  const server = (name: string): Program =>
    function* (_coro, here) {
      yield* until(here.meet());
      yield* here.network.peer("memory:a");
      yield* until(here.meet());
      yield* eventually(() => here.network.names.statistics().waiting === 1);
      const coro = new Coro(idle);
      yield* until(here.meet());
      if (name === "c") coro.register("server");
      yield* isIdle(here);
      yield* until(here.meet());
      coro.terminate();
    };
  await together({
    *a(_coro, here) {
      yield* until(here.meet());
      yield* until(here.meet());
      const finding = new Coro(function* () {
        return yield* Coro.locate("server", 5);
      });
      yield* sleep(0.01);
      assertEquals(here.network.stats().pending, 2);
      yield* until(here.meet());
      assertEquals((yield* finding.finish())!.location?.name, "c");
      yield* isIdle(here);
      yield* until(here.meet());
    },
    b: server("b"),
    c: server("c"),
  });
});

Deno.test("what a peer may not locate looks as if it were not registered", async () => {
  const asked: unknown[] = [];
  const allow = ({ action, name, target, peer }: PeerRequest): boolean => {
    asked.push([action, name, (target as Coro).name, peer.name]);
    return (target as Coro).name === "open";
  };
  const named = (name: string): Coro => {
    const coro = new Coro(idle);
    coro.name = name;
    assert(coro.register("server"));
    return coro;
  };
  const end = function* (coro: Coro): Generator<unknown, void, unknown> {
    coro.terminate();
    yield* coro.finish();
  };
  await pair(
    function* (_coro, here) {
      assertEquals(yield* Coro.locate("server", 0.02), null);
      const found = yield* Coro.locate("server", 5);
      assertEquals(found!.name, "open");
      yield* isIdle(here);
    },
    function* (_coro, here) {
      const { network } = here;
      const first = named("secret 1");
      yield* eventually(() => network.stats().refused === 2);
      yield* end(first);
      // Now it waits, and goes on waiting.
      yield* end(named("secret 2"));
      assertEquals(network.stats().refused, 3);
      yield* end(named("secret 3"));
      assertEquals(network.stats().refused, 4);
      const open = named("open");
      yield* isIdle(here);
      yield* end(open);
    },
    (name) => name === "b" ? { ...QUICK, allow } : QUICK,
  );
  const names = ["secret 1", "secret 1", "secret 2", "secret 3", "open"];
  assertEquals(asked, names.map((name) => ["locate", "server", name, "a"]));
});

Deno.test("an allow may end the session, or the waits of others, while it decides", async () => {
  let refuse = () => {};
  const ended: unknown[] = [];
  await pair(
    function* (_coro, here) {
      const finding = new Coro(function* () {
        return yield* Coro.locate("server", 5);
      });
      yield* until(here.meet());
      yield* until(here.meet());
      assertEquals(here.network.peers(), []);
      finding.terminate();
      yield* finding.finish();
    },
    function* (_coro, here) {
      yield* until(here.meet());
      yield* eventually(() => here.network.names.statistics().waiting === 1);
      const local = new Coro(function* () {
        ended.push(yield* Coro.locate("server", 5));
      });
      yield;
      refuse = () => {
        local.terminate();
        here.network.closePeer(here.network.peers()[0]);
      };
      const server = new Coro(idle);
      assert(server.register("server"));
      yield* isIdle(here);
      yield* until(here.meet());
      server.terminate();
    },
    (name) => ({
      ...QUICK,
      allow: () => {
        if (name === "b") refuse();
        return false;
      },
    }),
  );
  assertEquals(ended, []);
});

Deno.test("an allow that throws refuses, and that is reported", async () => {
  const boom = new Error("boom");
  await pair(
    function* () {
      assertEquals(yield* Coro.locate("server", 0.05), null);
    },
    function* (coro, { network, reported }) {
      coro.register("server");
      yield* eventually(() => network.stats().refused === 1);
      assertEquals(reported, [boom]);
    },
    (name) => ({
      ...QUICK,
      allow: () => {
        if (name === "b") throw boom;
        return true;
      },
    }),
  );
});

Deno.test("a locate leaves nothing behind, however it ends", async () => {
  await pair(
    function* (_coro, here) {
      const reason = new Error("enough");
      const controller = new AbortController();
      const ways: Record<string, () => Generator<unknown, unknown, unknown>> = {
        timeout: () => Coro.locate("nobody", 0.02) as never,
        *signal() {
          yield* Coro.locate("nobody", controller.signal);
        },
        *terminate() {
          yield* Coro.locate("nobody");
        },
        *throw() {
          yield* Coro.locate("nobody", 60);
        },
        *race() {
          yield* race(Coro.locate("nobody"), Coro.locate("nobody", 30), sleep(0.02));
        },
        *plain() {
          yield Coro.locate("nobody", 0.02);
        },
        *deadline() {
          yield* withTimeout(0.02, Coro.locate("nobody"));
        },
        *location() {
          yield* Coro.locate("nobody", 0.02, here.network.peers()[0]);
        },
      };
      const coros = Object.fromEntries(
        Object.entries(ways).map(([way, wait]) => [
          way,
          new Coro(function* () {
            yield* wait();
          }),
        ]),
      );
      yield* sleep(0.01);
      assert(here.network.stats().pending > 0);
      controller.abort(reason);
      coros.terminate.terminate();
      coros.throw.throw(reason);
      for (const [way, coro] of Object.entries(coros)) {
        try {
          yield* coro.finish();
        } catch (error) {
          assert(error === reason || way === "deadline", `${way}: ${error}`);
        }
      }
      yield* isIdle(here);
      yield* until(here.meet());
    },
    function* (_coro, here) {
      yield* until(here.meet());
      yield* isIdle(here);
    },
  );
});

Deno.test("a locate that is given up before anything was sent sends nothing", async () => {
  await pair(
    function* (_coro, { network }) {
      const { sent } = network.stats();
      const finding = new Coro(function* () {
        yield* Coro.locate("nobody");
      });
      yield;
      assertEquals(network.stats().pending, 1);
      finding.terminate();
      yield* finding.finish();
      assertEquals(network.stats(), { ...network.stats(), pending: 0, sent });
    },
    function* () {},
  );
});

Deno.test("a locate survives that its links are cut", async () => {
  await pair(
    function* (_coro, here) {
      const finding = new Coro(function* () {
        return yield* Coro.locate("late", 5);
      });
      for (let i = 0; i < 3; i++) {
        yield* sleep(0.01);
        here.hub.cut();
      }
      here.shared.cut = true;
      assertEquals((yield* finding.finish())!.name, "idle");
      yield* isIdle(here);
    },
    function* (_coro, here) {
      yield* eventually(() => here.shared.cut === true);
      const server = new Coro(idle);
      server.register("late");
      yield* isIdle(here);
      server.terminate();
    },
  );
});

for (const how of ["left", "lost"] as const) {
  Deno.test(`a peer that was asked and is ${how} is asked again when it is met`, async () => {
    await pair(
      function* (_coro, here) {
        const { network } = here;
        const finding = new Coro(function* () {
          return yield* Coro.locate("late", 5);
        });
        const targeted = new Coro(function* () {
          return yield* Coro.locate("late", 5, network.peers()[0]);
        });
        yield* sleep(0.02);
        if (how === "left") network.closePeer(network.peers()[0]);
        else loseAll(network);
        assertEquals(network.stats().pending, 0);
        if (how === "left") yield* network.peer("memory:b");
        yield* eventually(() => network.stats().pending === 2);
        yield* until(here.meet());
        assertEquals((yield* finding.finish())!.location?.name, "b");
        assertEquals(yield* targeted.finish(), yield* finding.finish());
        yield* isIdle(here);
      },
      function* (_coro, here) {
        yield* until(here.meet());
        const server = new Coro(idle);
        server.register("late");
        yield* isIdle(here);
        server.terminate();
      },
    );
  });
}

/** Has a network give up all its peers. */
function loseAll(network: Network): void {
  for (const peer of network.peerTable) peer.session?.lose();
}

Deno.test("channels are located in the same way, and have names of their own", async () => {
  const got: unknown[] = [];
  await pair(
    function* (_coro, here) {
      using news = new Channel<string>("news");
      assertEquals(yield* Channel.locate("news", 0), news);
      const remote = (yield* Channel.locate<string>("news", 5, here.network.peers()[0]))!;
      assertEquals([remote.name, remote.location], ["news", here.network.peers()[0]]);
      yield* remote.deliver("hello", 5, 1);
      assertEquals(yield* Coro.locate("news", 0.02), null);
      yield* isIdle(here);
    },
    function* (coro) {
      using news = new Channel<string>("news");
      assertEquals(yield* Channel.locate("news", 0), news);
      yield* news.subscribe(coro);
      got.push(yield* coro.receive());
      yield* sleep(0.03);
    },
  );
  assertEquals(got, ["hello"]);
});

Deno.test("a location that is none is a TypeError, and without a network there are no locations", async () => {
  await pair(
    function* () {
      try {
        yield* Coro.locate("server", 1, { id: "x", name: "x", address: "x" } as Location);
        assert(false);
      } catch (error) {
        assertEquals((error as Error).message.startsWith("Cannot locate a coroutine as 'location' must be a"), true);
      }
    },
    function* () {},
  );
  await assertRejects(
    () =>
      new Coro(function* () {
        yield* Coro.locate("server", 1, {
          id: "x",
          name: "x",
          address: "x",
          equals: () => true,
          toString: () => "x@y",
        });
      }).value(),
    Error,
    "Cannot locate a coroutine at x@y as the scheduler has joined no network: join one",
  );
});
