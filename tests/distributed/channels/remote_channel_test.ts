/** Channels of other peers. */
import { Channel, ChannelClosedError, Coro, sleep, UnsupportedError, until } from "@asyncoro/asyncoro";
import { assertEquals, assertInstanceOf, assertStrictEquals, assertThrows } from "@std/assert";
import { RemoteChannel } from "../../../core/distributed/channels/remote_channel.ts";
import { SerializationError } from "../../../core/distributed/errors.ts";
import { type Here, together } from "../together.ts";
import { type Body, eventually, give, listener, pending, take } from "./helpers.ts";

/** `a` opens a channel; then `use` runs on `b` with the handle, and `look` on `a` meanwhile. */
async function pair(
  use: (remote: RemoteChannel<unknown>, coro: Coro, here: Here) => Body,
  look: (channel: Channel, coro: Coro, here: Here) => Body = function* () {},
  transform?: (name: string, message: unknown) => unknown,
): Promise<void> {
  await together({
    *a(coro, here) {
      using channel = new Channel("remote news", transform);
      give(here, "channel", channel);
      yield* until(here.meet());
      yield* look(channel, coro, here);
      yield* until(here.meet());
      assertEquals(here.reported, []);
      yield* eventually(() => pending(here).pending === 0);
    },
    *b(coro, here) {
      yield* until(here.meet());
      yield* use(take(here, "channel"), coro, here);
      yield* until(here.meet());
      assertEquals(here.reported, []);
      yield* eventually(() => pending(here).pending === 0);
    },
  });
}

Deno.test("a handle is a channel that tells where it is, the same object each time", () =>
  pair(function* (remote, _coro, here) {
    assertInstanceOf(remote, Channel);
    assertInstanceOf(remote, RemoteChannel);
    assertEquals([remote.name, String(remote), remote.location.name], ["remote news", "remote news@a@memory:a", "a"]);
    assertStrictEquals(take(here, "channel"), remote);
  }, function* (channel, _coro, here) {
    assertEquals(channel.location, null);
    assertStrictEquals(take(here, "channel"), channel);
  }));

Deno.test("coroutines of two peers subscribe, get what is sent there and here, and unsubscribe", () =>
  pair(function* (remote, coro, here) {
    const near = listener(coro);
    assertEquals(yield* remote.subscribe(near.coro), true);
    assertEquals(yield* remote.subscribe(near.coro), true);
    yield* until(here.meet());
    assertEquals(remote.send({ from: "b" }), true);
    yield* eventually(() => near.got.length === 2);
    assertEquals(near.got, [{ from: "a" }, { from: "b" }]);
    assertEquals([yield* remote.unsubscribe(near.coro), yield* remote.unsubscribe(near.coro)], [true, false]);
    remote.send("not here");
    yield* until(here.meet());
    assertEquals(near.got.length, 2);
  }, function* (channel, coro, here) {
    const there = listener(coro);
    yield* channel.subscribe(there.coro);
    yield* until(here.meet());
    assertEquals(channel.statistics(), { subscribers: 2, channels: 0, waiting: 0, dropped: 0 });
    assertEquals(channel.send({ from: "a" }), true);
    yield* until(here.meet());
    yield* eventually(() => there.got.length === 3);
    assertEquals(there.got, [{ from: "a" }, { from: "b" }, "not here"]);
    assertEquals(channel.statistics().subscribers, 1);
  }));

Deno.test("deliver() counts the coroutines of both peers that have got the message", () =>
  pair(function* (remote, coro, here) {
    const all = [listener(coro), listener(coro)];
    for (const { coro } of all) yield* remote.subscribe(coro);
    assertEquals(yield* remote.deliver("from b"), 3);
    assertEquals(all.map(({ got }) => got), [["from b"], ["from b"]]);
    yield* until(here.meet());
    yield* until(here.meet());
    assertEquals(all.map(({ got }) => got), [["from b", "from a"], ["from b", "from a"]]);
  }, function* (channel, coro, here) {
    const there = listener(coro);
    yield* channel.subscribe(there.coro);
    yield* until(here.meet());
    assertEquals(yield* channel.deliver("from a"), 3);
    yield* until(here.meet());
    assertEquals(there.got, ["from b", "from a"]);
  }));

Deno.test("deliver() waits for n subscribers of all peers, wherever it was called", () =>
  pair(function* (remote, coro, here) {
    const delivery = new Coro(function* () {
      return yield* remote.deliver("from b", null, 2);
    });
    yield* until(here.meet());
    const [first, second] = [listener(coro), listener(coro)];
    yield* remote.subscribe(first.coro);
    yield* sleep(0.02);
    assertEquals([delivery.isAlive(), first.got], [true, []]);
    yield* remote.subscribe(second.coro);
    assertEquals(yield* delivery.finish(), 2);
    yield* until(here.meet());
    assertEquals([...first.got].sort(), ["from a", "from b"]);
  }, function* (channel, _coro, here) {
    const delivery = new Coro(function* () {
      return yield* channel.deliver("from a", null, 2);
    });
    yield* until(here.meet());
    assertEquals(yield* delivery.finish(), 2);
    yield* until(here.meet());
  }));

Deno.test("the transform runs once, where the channel was opened", async () => {
  let calls = 0;
  await pair(
    function* (remote, coro) {
      const near = listener(coro);
      yield* remote.subscribe(near.coro);
      assertEquals(yield* remote.deliver(1), 1);
      remote.send(0);
      assertEquals([yield* remote.deliver(0), yield* remote.deliver(2)], [0, 1]);
      assertEquals(near.got, ["remote news 1", "remote news 2"]);
      assertEquals(calls, 4);
    },
    undefined,
    (name, message) => {
      calls++;
      return message === 0 ? null : `${name} ${message}`;
    },
  );
});

Deno.test("what cannot be sent throws at the call, and nothing is sent", () =>
  pair(function* (remote, coro, here) {
    const near = listener(coro);
    yield* remote.subscribe(near.coro);
    assertThrows(() => remote.send({ f: () => 0 }), SerializationError, "message.f");
    assertThrows(() => remote.deliver({ f: () => 0 }), SerializationError, "message.f");
    assertThrows(() => remote.deliver(1, undefined, -1), RangeError);
    yield* until(here.meet());
    yield* until(here.meet());
    assertEquals(near.got, []);
  }, function* (channel, coro, here) {
    const there = listener(coro);
    yield* channel.subscribe(there.coro);
    yield* until(here.meet());
    assertThrows(() => channel.send({ f: () => 0 }), SerializationError, "message.f");
    let error;
    try {
      yield* channel.deliver({ f: () => 0 });
    } catch (thrown) {
      error = thrown;
    }
    assertInstanceOf(error, SerializationError);
    yield* until(here.meet());
    assertEquals(there.got, []);
  }));

Deno.test("what only the home can do is unsupported", () =>
  pair(function* (remote) {
    assertThrows(() => remote.close(), UnsupportedError, "Cannot close channel remote news@a@memory:a");
    assertThrows(() => remote.setTransform(null), UnsupportedError);
    assertThrows(() => remote.statistics(), UnsupportedError);
  }));

Deno.test("once it is closed at home every use of the handle throws, and waits fail", () =>
  pair(function* (remote, coro, here) {
    const near = listener(coro);
    yield* remote.subscribe(near.coro);
    const delivery = new Coro(function* () {
      try {
        return yield* remote.deliver("never", null, 5);
      } catch (error) {
        return error;
      }
    });
    yield* sleep(0.01);
    yield* until(here.meet());
    assertInstanceOf(yield* delivery.finish(), ChannelClosedError);
    assertThrows(
      () => remote.send(1),
      ChannelClosedError,
      "Cannot send as channel 'remote news' of a@memory:a is closed",
    );
    for (const act of [() => remote.deliver(1), () => remote.subscribe(coro), () => remote.unsubscribe(coro)]) {
      assertThrows(act, ChannelClosedError);
    }
    assertEquals(near.got, []);
  }, function* (channel, _coro, here) {
    yield* until(here.meet());
    channel.close();
  }));
