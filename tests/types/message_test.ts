/** The types of channels, categories, supervisors and locks. */
import {
  type Ask,
  CategorizeMessages,
  Channel,
  type ChildInfo,
  Condition,
  Coro,
  Event,
  Lock,
  type Operation,
  Semaphore,
  supervise,
  type SuperviseOptions,
  type Supervisor,
} from "@asyncoro/asyncoro";
import { runVirtual } from "@asyncoro/asyncoro/testing";
import { assertEquals } from "@std/assert";
import { expectType } from "./expect_type.ts";

interface Price {
  readonly of: string;
  readonly cents: number;
}

function* square(_coro: Coro, n: number): Generator<unknown, number, unknown> {
  return n * n;
}

function* greet(_coro: Coro): Generator<unknown, string, unknown> {
  return "hello";
}

Deno.test("a channel has the type of its messages, declared or from its transform", () =>
  runVirtual(function* (coro) {
    using prices = new Channel<Price>("prices", (name, price) => {
      expectType<string>()(name);
      expectType<Price>()(price);
      return price.cents > 0 ? price : null;
    });
    using lengths = new Channel("lengths", (_name, n: number) => n);
    expectType<Channel<number>>()(lengths);
    using anything = new Channel("anything");
    expectType<Channel>()(anything);
    expectType<boolean>()(prices.send({ of: "tea", cents: 1 }));
    expectType<number>()(yield* prices.deliver({ of: "tea", cents: 1 }, 1));
    expectType<boolean>()(yield* prices.subscribe(coro));
    expectType<Channel<Price> | null>()(yield* Channel.locate<Price>("prices"));
    expectType<Channel | null>()(yield* Channel.locate("prices"));
  }));

Deno.test("a channel may subscribe to one whose messages have a narrower type", () =>
  runVirtual(function* (coro) {
    using numbers = new Channel<number>("numbers");
    using same = new Channel<number>("same");
    using either = new Channel<number | string>("either");
    using anything = new Channel("anything");
    for (const channel of [numbers, same]) yield* channel.subscribe(either);
    yield* either.subscribe(anything);
    yield* numbers.subscribe(same);
    yield* anything.subscribe(coro);
    numbers.send(1);
    assertEquals(yield* coro.receive(), 1);
    expectType<boolean>()(yield* numbers.unsubscribe(either));
  }));

Deno.test("messages of a category have the type that is declared", () =>
  runVirtual(function* (coro) {
    const messages = new CategorizeMessages(coro);
    messages.add((price: Price) => price.cents > 0 ? "dear" : null);
    coro.send({ of: "tea", cents: 1 });
    expectType<Price>()(yield* messages.receive<Price>("dear"));
    expectType<unknown>()(yield* messages.recv("dear", 0, null));
    expectType<Price | undefined>()(yield* messages.receive<Price>("dear", 0));
    expectType<Price | undefined>()(yield* messages.recv<Price>(null, 0));
    expectType<Price | null>()(yield* messages.receive<Price, null>("dear", 0, null));
    expectType<Price>()(yield* messages.recv<Price>("dear", 0, { of: "tea", cents: 0 }));
    expectType<boolean>()(messages.remove(() => null));
  }));

Deno.test("supervise() takes each child's arguments and returns each child's result", () =>
  runVirtual(function* () {
    const supervisor = supervise([{ target: square, args: [3] }, { target: greet, name: "greeter" }]);
    expectType<Supervisor<[number | undefined, string | undefined]>>()(supervisor);
    const coro: Coro<[number | undefined, string | undefined]> = supervisor;
    expectType<Coro<number>>()(supervisor.startChild({ target: square, args: [3], restart: "temporary" }));
    expectType<Operation<boolean>>()(supervisor.stopChild(coro));
    expectType<ChildInfo[]>()(supervisor.children());
    assertEquals(yield* supervisor.finish(), [9, "hello"]);
    const inline = supervise([{
      target: function* (coro, text: string) {
        yield* coro.sleep(1);
        return text.length;
      },
      args: ["four"],
    }]);
    expectType<[number | undefined]>()(yield* inline.finish());
    const children = [1, 2].map((n) => ({ target: square, args: [n] }));
    expectType<(number | undefined)[]>()(yield* supervise(children, { strategy: "one-for-all" }).finish());
  }));

Deno.test("a receive with options has the type of its message and its alarm value", () =>
  runVirtual(function* (coro) {
    const price: Price = { of: "tea", cents: 1 };
    const isPrice = (message: unknown): message is Price => message === price;
    const dear = (each: Price): boolean => each.cents > 0;
    for (let n = 0; n < 9; n++) coro.send(price);
    expectType<Price>()(yield* coro.receive({ where: isPrice }));
    expectType<Price>()(yield* coro.receive({ where: dear }));
    expectType<Price>()(yield* coro.receive<Price>({ where: (each) => each.cents > 0 }));
    expectType<Price | undefined>()(yield* coro.receive({ where: dear, timeout: 1 }));
    expectType<Price | undefined>()(yield* coro.receive({ where: isPrice, timeout: 1 }));
    expectType<Price | string>()(yield* coro.receive({ where: dear, timeout: 1, alarm: "late" as string }));
    expectType<Price | null>()(yield* coro.receive<Price, null>({ timeout: 1, alarm: null }));
    expectType<Price | undefined>()(yield* coro.receive<Price>({ timeout: 1 }));
    expectType<unknown>()(yield* coro.recv({ alarm: 1 }));
  }));

Deno.test("an answer has the type that is declared", () =>
  runVirtual(function* () {
    const server = new Coro(function* (self) {
      const request = yield* self.receive<Ask<Price, number>>();
      expectType<Price>()(request.message);
      expectType<Coro | null>()(request.from);
      expectType<boolean>()(request.open);
      expectType<boolean>()(request.reply(request.message.cents));
    });
    expectType<number>()(yield* server.ask<number>({ of: "tea", cents: 1 }));
    expectType<Operation<unknown>>()(server.ask("?", null));
  }));

Deno.test("an acquire is a boolean, and a hold is disposable", () =>
  runVirtual(function* () {
    const lock = new Lock();
    expectType<boolean>()(yield* lock.acquire(true, 1));
    lock.release();
    const held = yield* lock.hold();
    expectType<Disposable>()(held);
    held[Symbol.dispose]();
    expectType<boolean>()(yield* new Semaphore(1).acquire());
    expectType<boolean>()(yield* new Event().wait(0));
    const condition = new Condition();
    using _ = yield* condition.hold();
    expectType<boolean>()(yield* condition.wait(0));
    expectType<number>()(yield* condition.waitFor(() => 1 + 1));
  }));

/** Not called: each use must not compile. */
export function refused(coro: Coro, prices: Channel<Price>, numbers: Channel<number>): void {
  // @ts-expect-error -- it takes prices
  prices.send(1);
  // @ts-expect-error -- it takes prices
  prices.deliver({ of: "tea" });
  // @ts-expect-error -- a transform returns what the channel takes
  prices.setTransform(() => 1);
  // @ts-expect-error -- it would be sent prices
  prices.subscribe(numbers);
  // @ts-expect-error -- it would be sent something other than numbers
  new Channel("anything").subscribe(numbers);
  // @ts-expect-error -- it can be sent nothing
  prices.subscribe("coro");
  // @ts-expect-error -- a coroutine is not found by another one
  Coro.locate(coro);
  // @ts-expect-error -- it takes a coroutine
  new CategorizeMessages(numbers);
  // @ts-expect-error -- it is null on timeout
  const price: Operation<Price> = new CategorizeMessages(coro).receive<Price>("dear", 1);
  // @ts-expect-error -- the same
  const late: Operation<Price> = new CategorizeMessages(coro).recv<Price>(price, 1);
  // @ts-expect-error -- the alarm value is not a price
  new CategorizeMessages(coro).receive<Price>("dear", 1, null);
  // @ts-expect-error -- a function returns the category
  new CategorizeMessages(coro).add("dear");
  // @ts-expect-error -- it takes a number
  supervise([{ target: square, args: ["3"] }]);
  // @ts-expect-error -- it takes nothing
  supervise([{ target: greet, args: [1] }]);
  // @ts-expect-error -- a child is an object, not a function
  supervise([greet]);
  // @ts-expect-error -- a child has a target
  supervise([{ args: [] }]);
  // @ts-expect-error -- there is no such strategy
  const options: SuperviseOptions = { strategy: "all-for-one" };
  // @ts-expect-error -- there is no such option
  supervise([], { ...options, restarts: 3 });
  // @ts-expect-error -- there is no such kind of restart
  supervise([]).startChild({ target: greet, restart: "always" });
  // @ts-expect-error -- it takes a number
  supervise([]).startChild({ target: square, args: ["3"] });
  // @ts-expect-error -- there is no such policy
  coro.scheduler.spawnWith({ mailbox: { capacity: 1, overflow: "drop" } }, greet);
  // @ts-expect-error -- a capacity is needed
  coro.scheduler.spawnWith({ mailbox: {} }, greet);
  // @ts-expect-error -- there is no such option
  coro.receive({ where: () => true, seconds: 1 });
  // @ts-expect-error -- it is undefined after a timeout
  const dear: Operation<Price> = coro.receive({ where: (each: Price) => each.cents > 0, timeout: 1 });
  // @ts-expect-error -- the answer is a number
  ({} as Ask<Price, number>).reply(dear);
  // @ts-expect-error -- release() takes no coroutine
  new Lock().release(late);
}
