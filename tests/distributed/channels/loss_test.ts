/** Channels of peers that are cut off, lost, or leave. */
import { type Channel, ChannelClosedError, type Coro, sleep } from "@asyncoro/asyncoro";
import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { PeerLostError } from "../../../core/distributed/errors.ts";
import type { Here } from "../together.ts";
import { caught, channelOf, eventually, inSteps, inStepsWith, listener, open } from "./helpers.ts";

const IMPATIENT = { heartbeat: 0.05, peerTimeout: 0.3 };

/** Cuts all links, and lets nobody dial any more. */
function partition({ hub }: Here): void {
  for (const engine of hub.engines.values()) engine.incoming = null;
  hub.cut();
}

Deno.test("cut links lose nothing, double nothing and keep the order", async () => {
  const lists: unknown[][] = [];
  const count = 300;
  await inSteps(
    {
      *a(coro, here) {
        const near = listener(coro);
        lists.push(near.got);
        yield* open(here, "news").subscribe(near.coro);
      },
    },
    {
      *b(coro, here) {
        for (let i = 0; i < 2; i++) {
          const near = listener(coro);
          lists.push(near.got);
          yield* channelOf(here, "news").subscribe(near.coro);
        }
      },
    },
    {
      *b(_coro, here) {
        const news = channelOf(here, "news");
        for (let i = 0; i < count; i++) {
          if (i % 10 === 3) assertEquals(yield* news.deliver(i), 3);
          else news.send(i);
          if (i % 25 === 7) here.hub.cut();
          if (i % 5 === 0) yield* sleep(0);
        }
        assertEquals(yield* news.deliver(count), 3);
      },
    },
    {
      *a(_coro, here) {
        channelOf(here, "news").close();
      },
    },
  );
  for (const list of lists) assertEquals(list, Array.from({ length: count + 1 }, (_, i) => i));
});

Deno.test("when the owner is lost every use throws, waits fail, and subscribers are removed", async () => {
  let got: unknown[] = [];
  await inStepsWith(
    () => IMPATIENT,
    {
      *a(_coro, here) {
        open(here, "news");
      },
    },
    {
      *b(coro, here) {
        const news = channelOf(here, "news");
        const near = listener(coro);
        got = near.got;
        yield* news.subscribe(near.coro);
        const delivery = caught(() => news.deliver("never", null, 9));
        yield* sleep(0.02);
        partition(here);
        const subscription = caught(() => news.subscribe(coro));
        for (const wait of [delivery, subscription]) {
          const error = yield* wait.finish();
          assertInstanceOf(error, ChannelClosedError);
          assertInstanceOf(error.cause, PeerLostError);
          assertEquals([error.cause.reason, error.cause.location.name], ["lost", "a"]);
        }
        assertThrows(() => news.send(1), ChannelClosedError, "Cannot send as the peer of channel 'news' is not there");
        for (const act of [() => news.deliver(1), () => news.subscribe(coro), () => news.unsubscribe(coro)]) {
          assertThrows(act, ChannelClosedError);
        }
        assertEquals(here.network.stats().pending, 0);
      },
    },
    {
      *a(_coro, here) {
        const news = channelOf(here, "news");
        yield* eventually(() => news.statistics().subscribers === 0);
        assertEquals(yield* news.deliver("nobody"), 0);
        news.close();
      },
    },
  );
  assertEquals(got, []);
});

Deno.test("when a lost owner returns the handle works again, and who wants to hear it subscribes again", async () => {
  let got: unknown[] = [];
  const incoming = new Map();
  await inStepsWith(
    () => IMPATIENT,
    {
      *a(_coro, here) {
        open(here, "news");
      },
    },
    {
      *b(coro, here) {
        const news = channelOf(here, "news");
        const near = listener(coro, "near");
        got = near.got;
        yield* news.subscribe(near.coro);
        for (const engine of here.hub.engines.values()) incoming.set(engine, engine.incoming);
        partition(here);
        yield* eventually(() => here.network.peers().length === 0);
        for (const [engine, accept] of incoming) engine.incoming = accept;
        yield* eventually(() => here.network.peers().length === 1);
        assertEquals([yield* news.deliver("not heard"), news.send("not heard")], [0, true]);
        assertEquals(yield* news.subscribe(near.coro), true);
        assertEquals(yield* news.deliver("heard"), 1);
      },
    },
    {
      *a(_coro, here) {
        assertEquals(channelOf(here, "news").statistics().subscribers, 1);
        channelOf(here, "news").close();
      },
    },
  );
  assertEquals(got, ["heard"]);
});

Deno.test("deliver() counts the others when a peer with subscribers is lost meanwhile", () =>
  inStepsWith(
    () => IMPATIENT,
    {
      *a(coro, here) {
        const news = open(here, "news");
        yield* news.subscribe(listener(coro).coro);
      },
    },
    {
      *b(coro, here) {
        const full = coro.scheduler.spawnWith({ mailbox: { capacity: 1 }, daemon: true }, function* (self) {
          yield* self.sleep();
        });
        full.send("full");
        yield* channelOf(here, "news").subscribe(full);
      },
    },
    {
      *a(_coro, here) {
        const news = channelOf(here, "news");
        const delivery = caught(() => news.deliver("x"));
        yield* sleep(0.05);
        assert(delivery.isAlive());
        partition(here);
        assertEquals(yield* delivery.finish(), 1);
        assertEquals(here.network.stats().pending, 0);
        news.close();
      },
    },
  ));

Deno.test("when the owner leaves a deliver() through it fails, and a broadcast around it ends", async () => {
  await inSteps(
    {
      *a(_coro, here) {
        open(here, "A");
      },
      *b(_coro, here) {
        open(here, "B");
      },
      *c(coro, here) {
        yield* open(here, "C").subscribe(listener(coro).coro);
      },
    },
    {
      *b(_coro, here) {
        yield* channelOf(here, "A").subscribe(channelOf(here, "B"));
      },
      *c(_coro, here) {
        yield* channelOf(here, "B").subscribe(channelOf(here, "C"));
      },
      *a(_coro, here) {
        yield* channelOf(here, "C").subscribe(channelOf(here, "A"));
      },
    },
    {
      *a(_coro, here) {
        assertEquals(yield* channelOf(here, "A").deliver("around"), 1);
        const waiting = caught(() => channelOf(here, "B").deliver("never", null, 9));
        yield* sleep(0.02);
        here.shared.waiting = waiting;
      },
    },
    {
      *b(_coro, here) {
        channelOf(here, "B").close();
        yield* here.network.leave();
      },
    },
    {
      *a(_coro, here) {
        assertInstanceOf(yield* (here.shared.waiting as Coro).finish(), ChannelClosedError);
        assertEquals(yield* channelOf(here, "A").deliver("not around"), 0);
        channelOf(here, "A").close();
      },
      *c(_coro, here) {
        channelOf(here, "C").close();
      },
    },
  );
});

Deno.test("when this side leaves handles are closed, and channels of its own stay open", async () => {
  let kept: Channel | null = null;
  await inSteps(
    {
      *a(_coro, here) {
        open(here, "news");
      },
      *b(_coro, here) {
        kept = open(here, "kept");
      },
    },
    {
      *a(coro, here) {
        yield* channelOf(here, "kept").subscribe(listener(coro).coro);
      },
    },
    {
      *b(coro, here) {
        const news = channelOf(here, "news");
        yield* news.subscribe(listener(coro).coro);
        yield* here.network.leave();
        assertThrows(() => news.send(1), ChannelClosedError);
        assertEquals(kept!.statistics().subscribers, 0);
        const near = listener(coro);
        yield* kept!.subscribe(near.coro);
        assertEquals(yield* kept!.deliver("x"), 1);
        kept!.close();
      },
    },
    {
      *a(_coro, here) {
        yield* eventually(() => channelOf(here, "news").statistics().subscribers === 0);
        channelOf(here, "news").close();
      },
    },
  );
});
