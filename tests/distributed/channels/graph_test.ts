/** Channels of several peers that subscribe to each other, and coroutines that others subscribe. */
import { ChannelClosedError, type Coro, sleep } from "@asyncoro/asyncoro";
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import type { Here } from "../together.ts";
import { type Body, channelOf, eventually, give, inSteps, listener, open, take } from "./helpers.ts";

Deno.test("a channel subscribes to one of another peer, and applies its own transform there", async () => {
  let got: unknown[] = [];
  await inSteps(
    {
      *a(_coro, here) {
        open(here, "top", (_name, message) => `top ${message}`);
      },
    },
    {
      *b(coro, here) {
        const below = open(here, "below", (_name, message) => `below ${message}`);
        const near = listener(coro);
        got = near.got;
        yield* below.subscribe(near.coro);
        assertEquals(yield* channelOf(here, "top").subscribe(below), true);
      },
    },
    {
      *a(_coro, here) {
        const top = channelOf(here, "top");
        assertEquals(top.statistics(), { subscribers: 0, channels: 1, waiting: 0, dropped: 0 });
        assertEquals(yield* top.deliver(1, null, 1), 1);
        top.send(2);
      },
    },
    {
      *b(_coro, here) {
        const [top, below] = [channelOf(here, "top"), channelOf(here, "below")];
        yield* eventually(() => got.length === 2);
        assertEquals(yield* top.unsubscribe(below), true);
        assertEquals(yield* top.unsubscribe(below), false);
        below.close();
      },
    },
    {
      *a(_coro, here) {
        assertEquals(channelOf(here, "top").statistics().channels, 0);
        channelOf(here, "top").close();
      },
    },
  );
  assertEquals(got, ["below top 1", "below top 2"]);
});

Deno.test("a closed channel is unsubscribed at the other peer", () =>
  inSteps(
    {
      *a(_coro, here) {
        open(here, "top");
      },
    },
    {
      *b(_coro, here) {
        const below = open(here, "below");
        yield* channelOf(here, "top").subscribe(below);
        below.close();
      },
    },
    {
      *a(_coro, here) {
        const top = channelOf(here, "top");
        yield* eventually(() => top.statistics().channels === 0);
        top.close();
      },
    },
  ));

Deno.test("a coroutine gets a message once, whatever the cycles and paths across peers", async () => {
  const lists: Record<string, unknown[]> = {};
  await inSteps(
    {
      *a(_coro, here) {
        open(here, "A");
      },
      *b(_coro, here) {
        open(here, "B");
      },
      *c(_coro, here) {
        open(here, "C");
      },
    },
    // Each subscribes to each other one, and each peer has a coroutine at all three.
    {
      ...Object.fromEntries(
        [..."abc"].map((name) => [name, function* (coro: Coro, here: Here): Body {
          const own = channelOf(here, name.toUpperCase());
          for (const other of ["A", "B", "C"]) yield* channelOf(here, other).subscribe(own);
          const { coro: near, got } = listener(coro);
          lists[name] = got;
          for (const other of ["A", "B", "C"]) assert(yield* channelOf(here, other).subscribe(near));
        }]),
      ),
    },
    {
      *a(_coro, here) {
        assertEquals(yield* channelOf(here, "A").deliver(1), 3);
        assertEquals(yield* channelOf(here, "B").deliver(2), 3);
        for (let i = 3; i < 100; i++) channelOf(here, "A").send(i);
        assertEquals(yield* channelOf(here, "A").deliver(100), 3);
      },
    },
    {
      *a(_coro, here) {
        for (const list of Object.values(lists)) {
          assertEquals(list, Array.from({ length: 100 }, (_, i) => i + 1));
        }
        channelOf(here, "A").close();
      },
      *b(_coro, here) {
        channelOf(here, "B").close();
      },
      *c(_coro, here) {
        channelOf(here, "C").close();
      },
    },
  );
});

Deno.test("a coroutine of another peer is subscribed at its home", async () => {
  const near: Record<string, { coro: Coro; got: unknown[] }> = {};
  await inSteps(
    {
      *a(_coro, here) {
        open(here, "news");
      },
      *b(coro, here) {
        near.b = listener(coro, "b");
        give(here, "b's", near.b.coro);
      },
    },
    // The home of the channel subscribes it.
    {
      *a(_coro, here) {
        const news = channelOf(here, "news");
        const coro = take<Coro>(here, "b's");
        assertEquals(yield* news.subscribe(coro), true);
        assertEquals(news.statistics().subscribers, 1);
        assertEquals(yield* news.subscribe(coro), true);
        assertEquals(news.statistics().subscribers, 1);
        assertEquals(yield* news.deliver("one"), 1);
        assertEquals([yield* news.unsubscribe(coro), yield* news.unsubscribe(coro)], [true, false]);
        assertEquals(yield* news.deliver("not this"), 0);
      },
    },
    // A third peer does.
    {
      *c(_coro, here) {
        const news = channelOf(here, "news");
        const coro = take<Coro>(here, "b's");
        assertEquals(yield* news.subscribe(coro), true);
        assertEquals(yield* news.deliver("two"), 1);
        assertEquals(yield* news.unsubscribe(coro), true);
        assertEquals(yield* news.deliver("not this"), 0);
      },
    },
    // It has ended.
    {
      *b() {
        near.b.coro.terminate();
        yield* sleep(0.01);
      },
    },
    {
      *a(_coro, here) {
        assertEquals(yield* channelOf(here, "news").subscribe(take<Coro>(here, "b's")), false);
        channelOf(here, "news").close();
      },
    },
  );
  assertEquals(near.b.got, ["one", "two"]);
});

Deno.test("a coroutine of the channel's own home is subscribed by another peer", async () => {
  let got: unknown[] = [];
  await inSteps(
    {
      *a(coro, here) {
        open(here, "news");
        const near = listener(coro);
        got = near.got;
        give(here, "a's", near.coro);
      },
    },
    {
      *b(_coro, here) {
        const news = channelOf(here, "news");
        assertEquals(yield* news.subscribe(take<Coro>(here, "a's")), true);
        assertEquals(yield* news.deliver("one"), 1);
        assertEquals(yield* news.unsubscribe(take<Coro>(here, "a's")), true);
      },
    },
    {
      *a(_coro, here) {
        assertEquals(channelOf(here, "news").statistics().subscribers, 0);
        channelOf(here, "news").close();
      },
    },
  );
  assertEquals(got, ["one"]);
});

Deno.test("a channel of another peer is subscribed by the home of the channel, and by a third peer", async () => {
  let got: unknown[] = [];
  await inSteps(
    {
      *a(_coro, here) {
        open(here, "top");
      },
      *b(coro, here) {
        const below = open(here, "below");
        const near = listener(coro);
        got = near.got;
        yield* below.subscribe(near.coro);
      },
    },
    {
      *a(_coro, here) {
        const [top, below] = [channelOf(here, "top"), channelOf(here, "below")];
        assertEquals(yield* top.subscribe(below), true);
        assertEquals(yield* top.deliver(1), 1);
        assertEquals(yield* top.unsubscribe(below), true);
      },
    },
    {
      *c(_coro, here) {
        const [top, below] = [channelOf(here, "top"), channelOf(here, "below")];
        assertEquals(yield* top.subscribe(below), true);
        assertEquals(yield* top.deliver(2), 1);
      },
    },
    {
      *b(_coro, here) {
        channelOf(here, "below").close();
      },
    },
    {
      *a(_coro, here) {
        const [top, below] = [channelOf(here, "top"), channelOf(here, "below")];
        yield* eventually(() => top.statistics().channels === 0);
        let error;
        try {
          yield* top.subscribe(below);
        } catch (thrown) {
          error = thrown;
        }
        assertInstanceOf(error, ChannelClosedError);
        top.close();
      },
    },
  );
  assertEquals(got, [1, 2]);
});

Deno.test("a coroutine that ends, or whose peer leaves, is unsubscribed at the home", async () => {
  let near: Coro;
  await inSteps(
    {
      *a(_coro, here) {
        open(here, "news");
      },
    },
    {
      *b(coro, here) {
        near = listener(coro).coro;
        yield* channelOf(here, "news").subscribe(near);
      },
      *c(coro, here) {
        yield* channelOf(here, "news").subscribe(listener(coro).coro);
        yield* channelOf(here, "news").subscribe(listener(coro).coro);
      },
    },
    {
      *a(_coro, here) {
        assertEquals(channelOf(here, "news").statistics().subscribers, 3);
      },
    },
    {
      *b() {
        near.terminate();
        yield* sleep(0.01);
      },
    },
    {
      *a(_coro, here) {
        const news = channelOf(here, "news");
        yield* eventually(() => news.statistics().subscribers === 2);
        assertEquals(yield* news.deliver("x"), 2);
      },
      *c(_coro, here) {
        yield* eventually(() => here.network.stats().received > 0);
      },
    },
    {
      *c(_coro, here) {
        yield* here.network.leave();
      },
    },
    {
      *a(_coro, here) {
        const news = channelOf(here, "news");
        yield* eventually(() => news.statistics().subscribers === 0);
        news.close();
      },
    },
  );
});
