/** What becomes of names, and of what waits for one, when a scheduler joins a network and leaves it. */
import { Channel, Coro, run, Scheduler, sleep, until } from "@asyncoro/asyncoro";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { coroutineNames } from "../../../core/coroutine/coro.ts";
import { countNames } from "../../../core/coroutine/names.ts";
import { channelNames } from "../../../core/messages/channel.ts";
import { Network } from "../../../core/distributed/network.ts";
import { MemoryHub } from "../memory_engine.ts";
import { together } from "../together.ts";

function* idle(coro: Coro): Generator<unknown, unknown, unknown> {
  return yield* coro.receive();
}

/** Runs programs on schedulers that have joined no network, one for each. Afterwards no name is left. */
async function onSchedulers(
  ...programs: ((coro: Coro, hub: MemoryHub) => Generator<unknown, unknown, unknown>)[]
): Promise<void> {
  const hub = new MemoryHub();
  const schedulers = programs.map((_, i) => new Scheduler({ name: `scheduler ${i}` }));
  try {
    await Promise.all(schedulers.map((scheduler, i) => scheduler.spawn(programs[i], hub).value()));
  } finally {
    for (const scheduler of schedulers) await scheduler.terminate();
  }
  assertEquals(countNames(coroutineNames), { names: 0, waiting: 0 });
  assertEquals(countNames(channelNames), { names: 0, waiting: 0 });
}

/** A promise for each step, which any program resolves. */
function steps(): Record<string, PromiseWithResolvers<void>> {
  const known: Record<string, PromiseWithResolvers<void>> = {};
  return new Proxy(known, { get: (_, key: string) => known[key] ??= Promise.withResolvers() });
}

Deno.test("names of a scheduler's coroutines and channels move along when it joins, and back when it leaves", async () => {
  const at = steps();
  await onSchedulers(
    function* (coro, hub) {
      const server = new Coro(idle);
      assert(server.register("server") && server.register("alias") && coro.register("other"));
      using news = new Channel("news");
      yield* until(at.found.promise);
      const network = yield* Network.join({ engines: [hub.engine("a")] });
      assertEquals(coroutineNames.find("server"), null);
      assertEquals(yield* Coro.locate("server", 0), server);
      assertEquals(yield* Coro.locate("alias", 0), server);
      assertEquals(yield* Channel.locate("news", 0), news);
      assertEquals([server.register("server"), server.unregister("alias")], [false, true]);
      server.terminate();
      yield* server.finish();
      assertEquals(yield* Coro.locate("server", 0), null);
      at.joined.resolve();
      yield* until(at.seen.promise);
      yield* network.leave();
      assertEquals(yield* Coro.locate("other", 0), coro);
      assertEquals(coroutineNames.find("other"), coro);
      assertEquals(channelNames.find("news"), news);
      at.left.resolve();
      yield* until(at.done.promise);
      coro.unregister("other");
    },
    function* () {
      const found = yield* Coro.locate("other", 5);
      at.found.resolve();
      yield* until(at.joined.promise);
      assertEquals(yield* Coro.locate("other", 0), null);
      assertEquals(yield* Channel.locate("news", 0), null);
      at.seen.resolve();
      yield* until(at.left.promise);
      assertEquals(yield* Coro.locate("other", 0), found);
      assertEquals((yield* Channel.locate("news", 0))!.name, "news");
      at.done.resolve();
    },
  );
});

Deno.test("a name that another scheduler has taken meanwhile is lost", async () => {
  const at = steps();
  await onSchedulers(
    function* (coro, hub) {
      assert(coro.register("name"));
      const news = new Channel("news");
      const network = yield* Network.join({ engines: [hub.engine("a")] });
      at.joined.resolve();
      yield* until(at.taken.promise);
      yield* network.leave();
      assert((yield* Coro.locate("name", 0)) !== coro);
      assert((yield* Channel.locate("news", 0)) !== news);
      assertEquals(coro.unregister("name"), false);
      news.send("still open");
      news.close();
      assertEquals((yield* Channel.locate("news", 0))!.name, "news");
      at.left.resolve();
    },
    function* (coro) {
      yield* until(at.joined.promise);
      assert(coro.register("name"));
      using _news = new Channel("news");
      at.taken.resolve();
      yield* until(at.left.promise);
    },
  );
});

Deno.test("channels of two joined schedulers of a process may have the same name", async () => {
  await together({
    *a() {
      using _news = new Channel("news");
      assertThrows(() => new Channel("news"), Error, "another one of that name is open");
      yield* sleep(0.01);
    },
    *b() {
      using _news = new Channel("news");
      yield* sleep(0.01);
    },
  });
});

Deno.test("a locate that waits when its scheduler joins asks the peers that are met", async () => {
  const hub = new MemoryHub();
  const server = new Scheduler();
  const client = new Scheduler();
  const serving = server.spawn(function* (coro) {
    yield* Network.join({ name: "b", engines: [hub.engine("b")] });
    coro.register("server");
    return yield* coro.receive();
  });
  await client.spawn(function* () {
    const finding = new Coro(function* () {
      return yield* Coro.locate("server");
    });
    const late = new Coro(function* () {
      return yield* Coro.locate("server", 0.02);
    });
    yield;
    const network = yield* Network.join({ engines: [hub.engine("a")] });
    assertEquals(yield* late.finish(), null);
    yield* network.peer("memory:b");
    (yield* finding.finish())!.send("found");
    assertEquals(network.stats().pending, 0);
    assertEquals(network.names.statistics(), { searches: 0, waiting: 0 });
    yield* network.leave();
  }).value();
  assertEquals(await serving.value(), "found");
  await client.terminate();
  await server.terminate();
  assertEquals(countNames(coroutineNames), { names: 0, waiting: 0 });
});

Deno.test("a locate that waits when its scheduler leaves waits for names of the process", async () => {
  const at = steps();
  await onSchedulers(
    function* (coro, hub) {
      const network = yield* Network.join({ engines: [hub.engine("a")] });
      const locate = (name: string) =>
        new Coro(function* () {
          return yield* Coro.locate(name, 5);
        });
      const [taken, late, never] = [locate("taken"), locate("late"), locate("never")];
      yield;
      assertEquals(network.names.statistics(), { searches: 3, waiting: 3 });
      assertEquals(coro.loop.hostOperations, 3);
      yield* network.leave();
      assertEquals(network.names.statistics(), { searches: 0, waiting: 0 });
      assertEquals(coro.loop.hostOperations, 0);
      at.left.resolve();
      assertEquals((yield* taken.finish())!.name, "taken");
      assertEquals((yield* late.finish())!.name, "taken");
      never.terminate();
      yield* never.finish();
      at.done.resolve();
    },
    function* (coro) {
      coro.name = "taken";
      coro.register("taken");
      yield* until(at.left.promise);
      coro.register("late");
      yield* until(at.done.promise);
    },
  );
});

Deno.test("a locate at a location fails when its scheduler leaves", async () => {
  await onSchedulers(function* (_coro, hub) {
    const network = yield* Network.join({ name: "a", engines: [hub.engine("a")] });
    const finding = new Coro(function* () {
      return yield* Coro.locate("server", 5, network.location);
    });
    yield;
    yield* network.leave();
    try {
      yield* finding.finish();
      assert(false);
    } catch (error) {
      const { message } = error as Error;
      assertEquals(message, "Cannot locate coroutine 'server' at a@memory:a as the network has been left");
    }
  });
});

Deno.test("a scheduler that is terminated leaves no names behind", async () => {
  const hub = new MemoryHub();
  const scheduler = new Scheduler();
  const news = scheduler.spawn(function* (coro) {
    yield* Network.join({ engines: [hub.engine("a")] });
    coro.register("server");
    new Coro(idle).register("idle");
    new Coro(function* () {
      yield* Coro.locate("nobody");
    });
    yield;
    return new Channel("news");
  });
  const channel = await news.value();
  await scheduler.terminate();
  assertEquals(countNames(coroutineNames), { names: 0, waiting: 0 });
  assertEquals(channelNames.find("news"), channel);
  channel.close();
  assertEquals(countNames(channelNames), { names: 0, waiting: 0 });
});

Deno.test("channels that code outside coroutines opens are the default scheduler's", async () => {
  const hub = new MemoryHub();
  using before = new Channel("before");
  const other = new Scheduler();
  const network = await run(function* () {
    return yield* Network.join({ engines: [hub.engine("a")] });
  });
  using after = new Channel("after");
  const located = (name: string) =>
    function* () {
      return yield* Channel.locate(name, 0);
    };
  assertEquals(await run(located("before")), before);
  assertEquals(await run(located("after")), after);
  assertEquals(await other.spawn(located("before")).value(), null);
  assertEquals(await other.spawn(located("after")).value(), null);
  await run(function* () {
    yield* network.leave();
  });
  assertEquals(await other.spawn(located("before")).value(), before);
  assertEquals(await other.spawn(located("after")).value(), after);
  await other.terminate();
  await Scheduler.instance().terminate();
});

Deno.test("a scheduler that failed to join keeps its names among those of the process", async () => {
  await onSchedulers(function* (coro) {
    coro.register("server");
    const failing = new Coro(function* () {
      yield* Network.join({ engines: [new MemoryHub().engine("a")], secret: "short" });
    });
    yield* until(assertRejects(() => failing.value()));
    assertEquals(coroutineNames.find("server"), coro);
  });
});
