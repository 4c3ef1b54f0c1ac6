/** Full mailboxes, full queues, times that are up, and waits that are cut short. */
import {
  type Channel,
  type Coro,
  MessageTooLargeError,
  race,
  sleep,
  TimeoutError,
  withTimeout,
} from "@asyncoro/asyncoro";
import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import type { RemoteChannel } from "../../../core/distributed/channels/remote_channel.ts";
import { BackpressureError } from "../../../core/distributed/errors.ts";
import type { Here } from "../together.ts";
import { caught, channelOf, eventually, give, inSteps, inStepsWith, listener, open, pending, take } from "./helpers.ts";

/** A daemon with room for one message, which it receives each time it is resumed; and what it has received. */
function bounded(parent: Coro, overflow?: "wait" | "drop-oldest"): { coro: Coro; got: unknown[] } {
  const got: unknown[] = [];
  const options = { mailbox: { capacity: 1, overflow }, daemon: true };
  const coro = parent.scheduler.spawnWith(options, function* (self) {
    for (;;) {
      yield* self.sleep();
      got.push(yield* self.receive());
    }
  });
  return { coro: coro as Coro, got };
}

function kept(coro: Coro): unknown[] {
  return [...coro.mailbox ?? []];
}

Deno.test("send() passes a full mailbox of another peer by, and one that drops its oldest message is never full", () =>
  inSteps(
    {
      *a(_coro, here) {
        open(here, "news");
      },
    },
    {
      *b(coro, here) {
        const [full, latest, free] = [bounded(coro), bounded(coro, "drop-oldest"), listener(coro)];
        for (const { coro } of [full, latest, free]) yield* channelOf(here, "news").subscribe(coro);
        for (const n of [1, 2, 3]) channelOf(here, "news").send(n);
        yield* eventually(() => free.got.length === 3);
        assertEquals([kept(full.coro), kept(latest.coro), free.got], [[1], [3], [1, 2, 3]]);
      },
    },
    {
      *a(_coro, here) {
        channelOf(here, "news").close();
      },
    },
  ));

Deno.test("deliver() waits for room in mailboxes of all peers", () =>
  inSteps(
    {
      *a(coro, here) {
        const full = bounded(coro);
        here.shared.near = full;
        yield* open(here, "news").subscribe(full.coro);
      },
    },
    {
      *b(coro, here) {
        const [full, free] = [bounded(coro), listener(coro)];
        here.shared.far = full;
        for (const { coro } of [full, free]) yield* channelOf(here, "news").subscribe(coro);
        channelOf(here, "news").send("first");
        yield* eventually(() => free.got.length === 1);
        here.shared.free = free;
      },
    },
    {
      *c(_coro, here) {
        const [near, far, free] = [here.shared.near, here.shared.far, here.shared.free] as {
          coro: Coro;
          got: unknown[];
        }[];
        const delivery = caught(() => channelOf(here, "news").deliver("second"));
        yield* sleep(0.02);
        assertEquals([delivery.isAlive(), free.got], [true, ["first"]]);
        near.coro.resume();
        yield* sleep(0.02);
        // It waits at b now, where no mailbox is full but one: none of b gets it yet.
        assertEquals([delivery.isAlive(), kept(near.coro), free.got], [true, ["second"], ["first"]]);
        far.coro.resume();
        assertEquals(yield* delivery.finish(), 3);
        assertEquals([kept(far.coro), free.got], [["second"], ["first", "second"]]);
      },
    },
    {
      *a(_coro, here) {
        channelOf(here, "news").close();
      },
    },
  ));

Deno.test("deliver() returns how many have acknowledged when time is up, and nobody gets the message later", async () => {
  let far: { coro: Coro; got: unknown[] };
  await inSteps(
    {
      *a(coro, here) {
        yield* open(here, "news").subscribe(listener(coro).coro);
      },
    },
    {
      *b(coro, here) {
        far = bounded(coro);
        far.coro.send("full");
        yield* channelOf(here, "news").subscribe(far.coro);
        yield* channelOf(here, "news").subscribe(listener(coro).coro);
      },
    },
    {
      *a(_coro, here) {
        assertEquals(yield* channelOf(here, "news").deliver("from a", 0.1), 1);
        assertEquals(here.network.stats().pending, 0);
      },
    },
    {
      *c(_coro, here) {
        assertEquals(yield* channelOf(here, "news").deliver("from c", 0.1), 1);
        assertEquals(here.network.stats().pending, 0);
      },
    },
    {
      *b() {
        yield* sleep(0.02);
        far.coro.resume();
        yield* sleep(0.02);
        assertEquals([far.got, kept(far.coro)], [["full"], []]);
      },
    },
    {
      *a(_coro, here) {
        channelOf(here, "news").close();
      },
    },
  );
});

Deno.test("with zero or less nothing is sent to other peers", async () => {
  let far: { coro: Coro; got: unknown[] };
  await inSteps(
    {
      *a(coro, here) {
        yield* open(here, "news").subscribe(listener(coro).coro);
      },
    },
    {
      *b(coro, here) {
        const news = channelOf(here, "news");
        far = listener(coro);
        assertEquals([yield* news.subscribe(far.coro, 0), yield* news.subscribe(far.coro, -1)], [false, false]);
        assertEquals(yield* news.subscribe(far.coro), true);
        assertEquals([yield* news.subscribe(far.coro, 0), yield* news.deliver("x", 0)], [true, 0]);
      },
    },
    {
      *a(_coro, here) {
        assertEquals(yield* channelOf(here, "news").deliver("x", 0), 1);
      },
    },
    {
      *b(_coro, here) {
        yield* sleep(0.02);
        assertEquals(far.got, []);
        assertEquals(yield* channelOf(here, "news").unsubscribe(far.coro, 0), true);
      },
    },
    {
      *a(_coro, here) {
        yield* eventually(() => channelOf(here, "news").statistics().subscribers === 1);
        channelOf(here, "news").close();
      },
    },
  );
});

Deno.test("waits that are cut short leave nothing behind, here and there", async () => {
  let got: unknown[] = [];
  await inSteps(
    {
      *a(coro, here) {
        const near = listener(coro);
        got = near.got;
        yield* open(here, "news").subscribe(near.coro);
      },
    },
    {
      *b(coro, here) {
        const news = channelOf(here, "news");
        assertEquals(yield* news.deliver("late", 0.02, 5), 0);
        assertEquals(yield* race(news.deliver("raced", null, 5), sleep(0.02)), undefined);
        const limited = caught(() => withTimeout(0.02, news.deliver("limited", null, 5)));
        assertInstanceOf(yield* limited.finish(), TimeoutError);
        const terminated = caught(() => news.deliver("terminated", null, 5));
        const thrown = caught(() => news.deliver("thrown", null, 5));
        const aborted = caught(() => news.deliver("aborted", AbortSignal.timeout(20), 5));
        yield* sleep(0.01);
        terminated.terminate();
        thrown.throw(new Error("stop"));
        yield* sleep(0.02);
        assertEquals(((yield* aborted.finish()) as Error).name, "TimeoutError");
        assertEquals(here.network.stats().pending, 0);
        // It is cut short in the turn in which it was sent.
        for (let i = 0; i < 20; i++) {
          const [near, other] = [listener(coro).coro, listener(coro).coro];
          const subscription = caught(() => news.subscribe(near));
          for (let turn = 0; turn < i % 5; turn++) yield;
          if (!subscription.terminate()) assertEquals(yield* news.unsubscribe(near), true);
          assertEquals(yield* race(news.subscribe(other), sleep(0)), undefined);
        }
        assertEquals(here.network.stats().pending, 0);
      },
    },
    {
      *a(_coro, here) {
        const news = channelOf(here, "news");
        yield* eventually(() => {
          const { subscribers, waiting } = news.statistics();
          return subscribers === 1 && waiting === 0;
        });
        // The same for a coroutine of another peer.
        give(here, "a's", listener(_coro).coro);
      },
    },
    {
      *b(_coro, here) {
        for (let i = 0; i < 20; i++) {
          const [news, near] = [channelOf(here, "news"), take<Coro>(here, "a's")];
          const subscription = caught(() => news.subscribe(near));
          for (let turn = 0; turn < i % 10; turn++) yield* sleep(0);
          if (!subscription.terminate()) assertEquals(yield* news.unsubscribe(near), true);
        }
      },
    },
    {
      *a(_coro, here) {
        const news = channelOf(here, "news");
        yield* eventually(() => news.statistics().subscribers === 1);
        news.close();
      },
    },
  );
  assertEquals(got, []);
});

Deno.test("a subscription that was granted to a wait that is cut short is undone", () =>
  inSteps(
    {
      *a(_coro, here) {
        open(here, "news");
      },
    },
    {
      *b(coro, here) {
        const news = channelOf(here, "news") as RemoteChannel;
        const near = listener(coro).coro;
        give(here, "b's", near);
        here.shared.isSubscribed = () => news.has(near);
        // Of a lower priority, so that it does not run before this coroutine.
        const subscription = coro.scheduler.spawnWith({ priority: 5 }, function* () {
          yield* news.subscribe(near);
        });
        while (!news.has(near)) yield;
        assertEquals([subscription.terminate(), yield* subscription.finish()], [true, undefined]);
        assertEquals(news.has(near), false);
      },
    },
    {
      *a(coro, here) {
        const news = channelOf(here, "news");
        assertEquals(news.statistics().subscribers, 0);
        const granted = coro.scheduler.spawnWith({ priority: 5 }, function* () {
          yield* news.subscribe(take<Coro>(here, "b's"));
        });
        while (news.statistics().subscribers === 0 || here.network.stats().pending > 0) yield;
        assertEquals(granted.terminate(), true);
        yield* eventually(() => news.statistics().subscribers === 0);
        // It is added at its peer before the home hears of that, and the home asks for it no more at any time meanwhile.
        const isSubscribed = here.shared.isSubscribed as () => boolean;
        for (let turns = 0; turns < 20; turns++) {
          const subscription = caught(() => news.subscribe(take<Coro>(here, "b's")));
          while (news.statistics().subscribers === 0) yield;
          for (let turn = 0; turn < turns; turn++) yield;
          const isOver = !subscription.terminate();
          assertEquals(here.network.stats().pending, 0);
          if (isOver) assertEquals(yield* news.unsubscribe(take<Coro>(here, "b's")), true);
          yield* eventually(() => news.statistics().subscribers === 0 && !isSubscribed());
        }
        news.close();
      },
    },
  ));

Deno.test("too much for a peer: send() of its channels throws, deliver() waits, others are unaffected", async () => {
  const lists: Record<string, unknown[]> = {};
  const message = "x".repeat(1000);
  const options = { maxQueue: 10_000 };
  await inStepsWith(
    () => options,
    {
      *a(coro, here) {
        const near = listener(coro);
        lists.a = near.got;
        yield* open(here, "news").subscribe(near.coro);
      },
      *c(coro, here) {
        const near = listener(coro);
        lists.c = near.got;
        yield* open(here, "other").subscribe(near.coro);
      },
    },
    {
      *b(_coro, here) {
        const [news, other] = [channelOf(here, "news"), channelOf(here, "other")];
        let sent = 0;
        const error = assertThrows(() => {
          for (;; sent++) news.send(message);
        });
        assertInstanceOf(error, BackpressureError);
        assertEquals(sent, 9);
        assertEquals(other.send(message), true);
        assertEquals(yield* news.deliver("last"), 1);
        assertEquals(lists.a, [...Array(9).fill(message), "last"]);
        yield* eventually(() => lists.c.length === 1);
      },
    },
    {
      *a(_coro, here) {
        channelOf(here, "news").close();
      },
      *c(_coro, here) {
        channelOf(here, "other").close();
      },
    },
  );
});

Deno.test("too much for a peer with subscribers: send() passes it by and counts that, deliver() waits", async () => {
  let got: unknown[] = [];
  const message = "x".repeat(1000);
  await inStepsWith(
    () => ({ maxQueue: 10_000 }),
    {
      *a(coro, here) {
        yield* open(here, "news").subscribe(listener(coro).coro);
      },
    },
    {
      *b(coro, here) {
        const near = listener(coro);
        got = near.got;
        yield* channelOf(here, "news").subscribe(near.coro);
      },
    },
    {
      *a(_coro, here) {
        const news = channelOf(here, "news");
        for (let i = 0; i < 15; i++) assertEquals(news.send(message), true);
        assertEquals(news.statistics().dropped, 6);
        assertEquals(yield* news.deliver("last"), 2);
        assertEquals(got, [...Array(9).fill(message), "last"]);
        news.close();
      },
    },
  );
});

Deno.test("deliver() to subscribers on a peer waits for room in the queue to it", () =>
  inStepsWith(
    () => ({ maxQueue: 10_000 }),
    {
      *a(_coro, here) {
        open(here, "news");
      },
    },
    {
      *b(coro, here) {
        yield* channelOf(here, "news").subscribe(listener(coro).coro);
      },
    },
    {
      *a(_coro, here) {
        const news = channelOf(here, "news");
        // If nothing is queued, anything may be.
        news.send("x".repeat(12_000));
        assertEquals(yield* news.deliver("late", 0), 0);
        assertEquals([yield* news.deliver("last", 5), news.statistics().waiting], [1, 0]);
        news.close();
      },
    },
  ));

Deno.test("what is too large for either side throws at the call, and nobody gets it", async () => {
  const lists: unknown[][] = [];
  await inStepsWith(
    (name) => ({ maxMessageSize: name === "b" ? 1000 : 2000 }),
    {
      *a(coro, here) {
        const near = listener(coro);
        lists.push(near.got);
        yield* open(here, "news").subscribe(near.coro);
      },
    },
    {
      *b(coro, here) {
        const near = listener(coro);
        lists.push(near.got);
        const news = channelOf(here, "news");
        yield* news.subscribe(near.coro);
        assertThrows(() => news.send("x".repeat(1000)), MessageTooLargeError);
        assertEquals(yield* news.deliver("x".repeat(900)), 2);
      },
    },
    {
      *a(_coro, here) {
        const news = channelOf(here, "news");
        assertThrows(() => news.send("x".repeat(1000)), MessageTooLargeError);
        assertInstanceOf(yield* caught(() => news.deliver("x".repeat(1000))).finish(), MessageTooLargeError);
        assertEquals(yield* news.deliver("y".repeat(900)), 2);
        news.close();
      },
    },
  );
  assertEquals(lists.map((list) => list.length), [2, 2]);
});

Deno.test("one message goes to a peer, whatever its subscribers", async () => {
  const count = 20;
  await inSteps(
    {
      *a(_coro, here) {
        open(here, "news");
      },
    },
    {
      *b(coro, here) {
        for (let i = 0; i < count; i++) yield* channelOf(here, "news").subscribe(listener(coro).coro);
      },
    },
    {
      *a(_coro, here) {
        const news = channelOf(here, "news");
        const before = here.network.stats().sent;
        for (let i = 0; i < 10; i++) news.send(i);
        assertEquals(here.network.stats().sent, before);
        assertEquals(yield* news.deliver("last"), count);
        assertEquals(here.network.stats().sent, before + 11);
        assert(pending(here).underWay === 0);
        news.close();
      },
    },
  );
});

/** How many handles a peer has to channels of others. */
function handlesOf({ network }: Here): number {
  const { handles } = network.channels as unknown as { handles: { byPeer: Map<unknown, Map<number, unknown>> } };
  return [...handles.byPeer.values()].reduce((sum, { size }) => sum + size, 0);
}

Deno.test("a handle that has subscribers is kept, others are collected", async () => {
  const { gc } = globalThis as { gc?: () => void };
  let got: unknown[] = [];
  await inSteps(
    {
      *a(_coro, here) {
        for (let i = 0; i < 10; i++) open(here, `news ${i}`);
      },
    },
    {
      *b(coro, here) {
        const near = listener(coro);
        got = near.got;
        for (let i = 0; i < 10; i++) yield* channelOf(here, `news ${i}`).subscribe(near.coro);
        for (let i = 1; i < 10; i++) yield* channelOf(here, `news ${i}`).unsubscribe(near.coro);
        yield* sleep(0.01);
        gc?.();
        if (gc !== undefined) yield* eventually(() => handlesOf(here) === 1);
      },
    },
    {
      *a(_coro, here) {
        assertEquals(yield* channelOf(here, "news 0").deliver("kept"), 1);
        for (let i = 0; i < 10; i++) (channelOf(here, `news ${i}`) as Channel).close();
      },
    },
  );
  assertEquals(got, ["kept"]);
});

Deno.test("a deliver() that waits for peers counts as a wait for the host, and dump() says what it waits for", () =>
  inSteps(
    {
      *a(_coro, here) {
        open(here, "news");
      },
    },
    {
      *b(coro, here) {
        const far = bounded(coro);
        far.coro.send("full");
        here.shared.far = far.coro;
        yield* channelOf(here, "news").subscribe(far.coro);
      },
    },
    {
      *a(coro, here) {
        const news = channelOf(here, "news");
        const before = coro.loop.hostOperations;
        const delivery = caught(() => news.deliver("x"));
        yield* sleep(0.02);
        assertEquals(coro.loop.hostOperations, before + 1);
        const shown = coro.scheduler.dump().find(({ id }) => id === delivery.id)!;
        assertEquals(shown.waitsFor, "acknowledgements of the subscribers of channel 'news'");
        (here.shared.far as Coro).resume();
        assertEquals([yield* delivery.finish(), coro.loop.hostOperations], [1, before]);
        news.close();
      },
    },
  ));
