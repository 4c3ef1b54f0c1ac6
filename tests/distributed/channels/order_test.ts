/** The order in which messages arrive that go different ways. */
import type { Coro } from "@asyncoro/asyncoro";
import { assertEquals } from "@std/assert";
import { channelOf, give, inSteps, listener, open, take } from "./helpers.ts";

Deno.test("send, deliver and channels of either peer arrive in the order sent", async () => {
  let got: unknown[] = [];
  let count = 0;
  await inSteps(
    {
      *a(_coro, here) {
        open(here, "a's");
      },
      *b(coro, here) {
        open(here, "b's");
        const near = listener(coro);
        got = near.got;
        give(here, "recipient", near.coro);
      },
    },
    {
      *b(_coro, here) {
        for (const name of ["a's", "b's"]) yield* channelOf(here, name).subscribe(take<Coro>(here, "recipient"));
      },
    },
    {
      *a(_coro, here) {
        const recipient = take<Coro>(here, "recipient");
        const channels = [channelOf(here, "a's"), channelOf(here, "b's")];
        let state = 1;
        const random = (n: number): number => (state = Math.imul(state, 1103515245) + 12345 >>> 0) / 65_536 % n | 0;
        for (; count < 500; count++) {
          const way = random(8);
          if (way < 3) recipient.send(count);
          else if (way < 5) channels[way - 3].send(count);
          else if (way === 5) assertEquals(yield* recipient.deliver(count), 1);
          else assertEquals(yield* channels[way - 6].deliver(count), 1);
          if (random(50) === 0) here.hub.cut();
        }
        assertEquals(yield* recipient.deliver(count), 1);
        channels[0].close();
      },
      *b() {},
    },
    {
      *b(_coro, here) {
        channelOf(here, "b's").close();
      },
    },
  );
  assertEquals(got, Array.from({ length: count + 1 }, (_, i) => i));
});

Deno.test("through the channel of a third peer the order holds within that channel", async () => {
  let got: string[] = [];
  await inSteps(
    {
      *a(_coro, here) {
        open(here, "third");
      },
    },
    {
      *b(coro, here) {
        const near = listener(coro);
        got = near.got as string[];
        give(here, "recipient", near.coro);
        yield* channelOf(here, "third").subscribe(near.coro);
      },
    },
    {
      *c(_coro, here) {
        const third = channelOf(here, "third");
        const recipient = take<Coro>(here, "recipient");
        for (let i = 0; i < 200; i++) {
          recipient.send(`direct ${i}`);
          if (i % 20 === 0) assertEquals(yield* third.deliver(`third ${i}`), 1);
          else third.send(`third ${i}`);
        }
        assertEquals([yield* third.deliver("third 200"), yield* recipient.deliver("direct 200")], [1, 1]);
      },
    },
    {
      *a(_coro, here) {
        channelOf(here, "third").close();
      },
    },
  );
  for (const way of ["direct", "third"]) {
    assertEquals(
      got.filter((message) => message.startsWith(way)),
      Array.from({ length: 201 }, (_, i) => `${way} ${i}`),
    );
  }
});
