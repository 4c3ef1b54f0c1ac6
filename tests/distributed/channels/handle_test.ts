/** Channels in messages, and what peers say of channels that are not there. */
import { Channel, ChannelClosedError, Coro, Scheduler, until } from "@asyncoro/asyncoro";
import { assert, assertEquals, assertInstanceOf, assertStrictEquals, assertThrows } from "@std/assert";
import { RemoteChannel } from "../../../core/distributed/channels/remote_channel.ts";
import { SerializationError } from "../../../core/distributed/errors.ts";
import { Kind } from "../../../core/distributed/peers/operation_kind.ts";
import type { OperationWriter } from "../../../core/distributed/peers/operation_writer.ts";
import { type Here, together } from "../together.ts";
import { channelOf, eventually, give, inSteps, listener, open, take } from "./helpers.ts";

Deno.test("a channel travels in messages and is the original at home, also when it is closed", () =>
  inSteps(
    {
      *a(coro, here) {
        const channel = open(here, "news");
        const echo = new Coro(function* (self) {
          for (;;) {
            const { from, back } = yield* self.receive<{ from: Coro; back: Channel }>();
            assertStrictEquals(back, channel);
            from.send([back, back]);
          }
        });
        echo.setDaemon();
        give(here, "echo", echo);
        here.shared.channel = channel;
        void coro;
      },
    },
    {
      *b(coro, here) {
        const news = channelOf(here, "news");
        const echo = take<Coro>(here, "echo");
        for (let i = 0; i < 2; i++) {
          echo.send({ from: coro, back: news });
          const [one, two] = yield* coro.receive<Channel[]>();
          assertInstanceOf(one, RemoteChannel);
          assertStrictEquals(one, news);
          assertStrictEquals(two, news);
          if (i === 0) (here.shared.channel as Channel).close();
          yield* eventually(() => i === 1 || !(news as RemoteChannel).isOpen);
        }
      },
    },
    {
      *a(_coro, here) {
        const closed = here.shared.channel as Channel;
        assertThrows(() => closed.send(1), ChannelClosedError);
        // One that is closed before it is sent.
        const other = new Channel("other");
        other.close();
        give(here, "other", other);
        assertStrictEquals(take(here, "other"), other);
      },
    },
    {
      *b(coro, here) {
        const other = channelOf(here, "other");
        other.send("dropped");
        yield* eventually(() => !(other as RemoteChannel).isOpen);
        assertThrows(() => other.subscribe(coro), ChannelClosedError);
      },
    },
  ));

Deno.test("a handle to a channel that is not known any more is closed", () =>
  inSteps({
    *a(_coro, here) {
      const type = here.network.channels.handleType;
      const [id, , ...rest] = type.pack(new Channel("news"))!;
      const unknown = type.unpack([id, 99, ...rest]) as Channel;
      assertThrows(() => unknown.send(1), ChannelClosedError);
      assertThrows(() => type.unpack([id, 1, "", "a", []]), SerializationError);
      assertThrows(() => type.unpack([id, "1", "news", "a", []]), SerializationError);
      assertEquals(type.pack(here.network), null);
      (yield* Channel.locate("news"))!.close();
    },
  }));

Deno.test("a handle cannot be made by its constructor", () => {
  assertThrows(
    () => new (RemoteChannel as unknown as new (name: string) => unknown)("news"),
    TypeError,
    "Cannot make a RemoteChannel",
  );
});

Deno.test("a channel of another scheduler of the process cannot be sent", async () => {
  const other = new Scheduler();
  const channel = await other.spawn(function* () {
    return new Channel("elsewhere");
  }).value();
  await inSteps({
    *a(_coro, here) {
      assertEquals(here.network.channels.handleType.pack(channel), null);
    },
  });
  channel.close();
  await other.terminate();
});

Deno.test("console.log shows a handle, and a channel that was given out, without the network", () =>
  inSteps(
    {
      *a(_coro, here) {
        assert(Deno.inspect(open(here, "news")).length < 200);
      },
    },
    {
      *b(_coro, here) {
        assertEquals(Deno.inspect(channelOf(here, "news")), "RemoteChannel news@a@memory:a");
      },
    },
    {
      *a(_coro, here) {
        channelOf(here, "news").close();
      },
    },
  ));

Deno.test("the coroutines of a peer share one copy, and what is sent is not changed by its sender later", () =>
  inSteps(
    {
      *a(_coro, here) {
        open(here, "news");
      },
    },
    {
      *b(coro, here) {
        const all = [listener(coro), listener(coro)];
        here.shared.all = all.map(({ got }) => got);
        for (const { coro } of all) yield* channelOf(here, "news").subscribe(coro);
      },
    },
    {
      *a(_coro, here) {
        const [one, two] = here.shared.all as unknown[][];
        const message = { list: [1] };
        channelOf(here, "news").send(message);
        message.list.push(2);
        yield* eventually(() => one.length + two.length === 2);
        assertEquals(one, [{ list: [1] }]);
        assertStrictEquals(one[0], two[0]);
        channelOf(here, "news").close();
      },
    },
  ));

Deno.test("a transform that throws, or makes what cannot be sent, is reported at the home", async () => {
  await together({
    *a(coro, here) {
      using channel = new Channel<unknown>("sick", (_name, message) => {
        if (message === 1) throw new Error("cannot transform");
        return message === 2 ? () => 2 : message;
      });
      give(here, "sick", channel);
      const near = listener(coro);
      yield* channel.subscribe(near.coro);
      yield* until(here.meet());
      yield* until(here.meet());
      assertEquals(here.reported.map((error) => (error as Error).name), ["Error", "SerializationError"]);
      // Those here get it all the same.
      assertEquals(near.got.map((message) => typeof message), ["function", "number"]);
    },
    *b(coro, here) {
      yield* until(here.meet());
      const channel = take<Channel>(here, "sick");
      const near = listener(coro);
      yield* channel.subscribe(near.coro);
      assertEquals([yield* channel.deliver(1), yield* channel.deliver(2), yield* channel.deliver(3)], [0, 1, 2]);
      assertEquals([near.got, here.reported], [[3], []]);
      yield* until(here.meet());
    },
  });
});

/** Sends operations to the peers of a network that no handle would send. */
function forge({ network }: Here, write: (writer: OperationWriter) => void): void {
  const { peerTable } = network;
  for (const peer of peerTable.online()) {
    write(peerTable.writer);
    peer.post(peerTable.writer);
  }
}

Deno.test("a peer that asks for channels that it cannot know, or for nonsense, gets nothing and breaks nothing", async () => {
  await together({
    *a(coro, here) {
      using channel = open(here, "news");
      const near = listener(coro);
      yield* channel.subscribe(near.coro);
      yield* until(here.meet());
      yield* until(here.meet());
      assertEquals(near.got, ["valid"]);
      assertEquals(channel.statistics().subscribers, 1);
      for (const error of here.reported) assertInstanceOf(error, Error);
      assert(here.reported.length > 0);
    },
    *b(_coro, here) {
      yield* until(here.meet());
      const news = channelOf(here, "news");
      yield* here.network.peer("memory:a");
      const { SUBSCRIBE, UNSUBSCRIBE, INVITE, PUBLISH, BROADCAST, SPREAD, CLOSED, SETTLED, PROGRESS } = Kind;
      forge(here, (writer) => writer.begin(SUBSCRIBE).integer(1001).integer(99).integer(0).integer(0));
      forge(here, (writer) => writer.begin(UNSUBSCRIBE).integer(0).integer(1).integer(2 ** 40).integer(2 ** 40));
      forge(here, (writer) => writer.begin(UNSUBSCRIBE).integer(0).integer(99).integer(1).integer(1));
      forge(
        here,
        (writer) => writer.begin(INVITE).integer(1002).integer(1).value(1).value(news).value("no subscriber"),
      );
      forge(here, (writer) => writer.begin(INVITE).integer(1003).integer(1).value("soon").value(1).value(2));
      forge(here, (writer) => writer.begin(PUBLISH).integer(99).value("unknown"));
      forge(here, (writer) => writer.begin(BROADCAST).integer(1004).integer(1).integer(5).value(NaN).value("never"));
      forge(here, (writer) => writer.begin(BROADCAST).integer(1005).integer(1).integer(5).value(-1).value("never"));
      forge(here, (writer) => writer.begin(SPREAD).integer(1006).integer(1).value(null).integer(0).value("not mine"));
      forge(
        here,
        (writer) => writer.begin(SPREAD).integer(1007).integer(1).value(1).integer(1).bytes(new Uint8Array(3)),
      );
      forge(here, (writer) => writer.begin(CLOSED).integer(1));
      forge(here, (writer) => writer.begin(SETTLED).bytes(new Uint8Array(16)).integer(1));
      forge(here, (writer) => writer.begin(PROGRESS).integer(1).integer(1));
      for (const kind of [SUBSCRIBE, UNSUBSCRIBE, INVITE, PUBLISH, BROADCAST, SPREAD, CLOSED, SETTLED]) {
        forge(here, (writer) => writer.begin(kind).value("nonsense"));
      }
      assertEquals(yield* news.deliver("valid"), 1);
      yield* until(here.meet());
    },
  });
});
