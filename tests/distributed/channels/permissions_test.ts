/** What a peer may do with channels. */
import { type Channel, type Coro, sleep } from "@asyncoro/asyncoro";
import { assertEquals, assertStrictEquals } from "@std/assert";
import type { PeerRequest } from "../../../core/distributed/permissions.ts";
import { channelOf, eventually, give, inStepsWith, listener, open, take } from "./helpers.ts";

Deno.test("a refused subscribe is false, what is published is dropped, and both are counted", async () => {
  const asked: PeerRequest[] = [];
  let got: unknown[] = [];
  await inStepsWith(
    (name) =>
      name !== "a" ? {} : {
        allow: (request) => {
          asked.push(request);
          return false;
        },
      },
    {
      *a(coro, here) {
        const near = listener(coro);
        got = near.got;
        yield* open(here, "news").subscribe(near.coro);
        give(here, "a's", near.coro);
      },
    },
    {
      *b(coro, here) {
        const news = channelOf(here, "news");
        assertEquals(yield* news.subscribe(listener(coro).coro), false);
        assertEquals([news.send(1), yield* news.deliver(2), here.network.stats().refused], [true, 0, 0]);
        // A coroutine of a: that peer decides.
        assertEquals(yield* news.subscribe(take<Coro>(here, "a's")), false);
      },
    },
    {
      *a(_coro, here) {
        const news = channelOf(here, "news");
        assertEquals([here.network.stats().refused, news.statistics().subscribers], [4, 1]);
        const targets: unknown[] = [news, news, news, take<Coro>(here, "a's")];
        assertEquals(asked.map(({ peer, action }) => `${peer.name} ${action}`), [
          "b subscribe",
          "b publish",
          "b publish",
          "b subscribe",
        ]);
        for (const [i, { target }] of asked.entries()) assertStrictEquals(target, targets[i]);
        news.close();
      },
    },
  );
  assertEquals(got, []);
});

Deno.test("whom the home itself subscribes is not asked about", () =>
  inStepsWith(
    (name) => name === "a" ? { allow: () => false } : {},
    {
      *a(_coro, here) {
        open(here, "news");
      },
      *b(coro, here) {
        give(here, "b's", listener(coro).coro);
      },
    },
    {
      *a(_coro, here) {
        const news = channelOf(here, "news");
        assertEquals(yield* news.subscribe(take<Coro>(here, "b's")), true);
        assertEquals([yield* news.deliver(1), here.network.stats().refused], [1, 0]);
        news.close();
      },
    },
  ));

Deno.test("an allow that closes the channel, or the connection, breaks nothing", async () => {
  let act: (request: PeerRequest) => void = () => {};
  await inStepsWith(
    (name) =>
      name !== "a" ? {} : {
        allow: (request) => {
          act(request);
          return true;
        },
      },
    {
      *a(_coro, here) {
        for (const name of ["one", "two", "three"]) open(here, name);
        act = ({ target }) => (target as Channel).close();
      },
    },
    {
      *b(coro, here) {
        const failures = [];
        for (const name of ["one", "two", "three"]) {
          const channel = channelOf(here, name);
          try {
            if (name === "one") yield* channel.subscribe(listener(coro).coro);
            else if (name === "two") yield* channel.deliver("x");
            else channel.send("x");
            yield* sleep(0.02);
            channel.send("y");
          } catch (error) {
            failures.push((error as Error).name);
          }
        }
        assertEquals(failures, ["ChannelClosedError", "ChannelClosedError", "ChannelClosedError"]);
      },
    },
    {
      *a(_coro, here) {
        for (const name of ["four", "five", "six"]) open(here, name);
        act = ({ peer }) => here.network.closePeer(peer);
      },
    },
    {
      *b(coro, here) {
        const failures = [];
        for (const name of ["four", "five", "six"]) {
          const channel = channelOf(here, name);
          yield* here.network.peer("memory:a");
          try {
            if (name === "four") yield* channel.subscribe(listener(coro).coro);
            else if (name === "five") yield* channel.deliver("x");
            else channel.send("x");
            yield* eventually(() => here.network.peers().length === 0);
            channel.send("y");
          } catch (error) {
            failures.push((error as Error).name);
          }
        }
        assertEquals(failures, ["ChannelClosedError", "ChannelClosedError", "ChannelClosedError"]);
      },
    },
    {
      *a(_coro, here) {
        assertEquals(here.network.stats().pending, 0);
        for (const name of ["four", "five", "six"]) channelOf(here, name).close();
      },
    },
  );
});
