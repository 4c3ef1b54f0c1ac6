/**
 * A timeout of zero or less, for every operation that takes one: an available value is taken, and nothing waits.
 */
import {
  all,
  AsyncDatagram,
  AsyncFile,
  AsyncPipe,
  AsyncSocket,
  call,
  CategorizeMessages,
  Channel,
  Condition,
  Coro,
  Event,
  Lock,
  type Operation,
  race,
  Scheduler,
  Semaphore,
  sleep,
  type Timeout,
  until,
  withTimeout,
} from "@asyncoro/asyncoro";
import { timeout as limited, waitFor } from "@asyncoro/asyncoro/asyncio";
import * as asyncio from "@asyncoro/asyncoro/asyncio";
import { VirtualClock } from "@asyncoro/asyncoro/testing";
import { assertEquals } from "@std/assert";
import { inLab } from "../helpers/lab.ts";

type Waits = Generator<unknown, unknown, unknown>;

const LATE = "TimeoutError";

/** The value of an operation, or the name of its error. */
function* outcome(operation: Operation<unknown>): Waits {
  try {
    return yield* operation;
  } catch (error) {
    return (error as Error).name;
  }
}

/** Operations with a timeout, and their outcomes with a timeout of zero. */
type Case = (coro: Coro, zero: Timeout) => Generator<unknown, [unknown, unknown], unknown>;

const CASES: Readonly<Record<string, Case>> = {
  *"receive with a message in the mailbox"(coro, zero) {
    coro.send("message");
    return [yield* coro.receive(zero), "message"];
  },
  *"receive without a message"(coro, zero) {
    return [yield* coro.receive(zero, "alarm"), "alarm"];
  },
  *"receive of a category"(coro, zero) {
    const sorted = new CategorizeMessages(coro);
    sorted.add((message: unknown) => typeof message);
    coro.send("text");
    const outcomes = [yield* sorted.receive("number", zero, "alarm"), yield* sorted.receive("string", zero)];
    return [outcomes, ["alarm", "text"]];
  },
  *"sleep"(coro, zero) {
    return [yield* coro.sleep(zero, "alarm"), "alarm"];
  },
  *"finish of a coroutine that has ended"(coro, zero) {
    const ended = coro.scheduler.spawn(function* () {
      return "ended";
    });
    yield* ended.finish();
    return [yield* ended.finish(zero), "ended"];
  },
  *"finish and value of a coroutine that has not ended"(coro, zero) {
    const alive = coro.scheduler.spawn(function* (self) {
      yield* self.sleep(1);
    });
    return [[yield* outcome(alive.finish(zero)), yield* outcome(until(alive.value(zero)))], [LATE, LATE]];
  },
  *"deliver"(coro, zero) {
    return [[yield* coro.deliver("message", zero), yield* coro.receive(zero)], [1, "message"]];
  },
  *"locate"(coro, zero) {
    coro.register("zero");
    return [[yield* Coro.locate("zero", zero), yield* Coro.locate("nobody", zero)], [coro, null]];
  },
  *"deliver of a channel"(coro, zero) {
    using channel = disposable(new Channel("zero"));
    const outcomes = [yield* channel.deliver("nobody", zero, 1)];
    yield* channel.subscribe(coro);
    return [[...outcomes, yield* channel.deliver("one", zero, 1), yield* coro.receive(zero)], [0, 1, "one"]];
  },
  *"acquire"(_coro, zero) {
    const permits = new Semaphore(1);
    return [[yield* permits.acquire(true, zero), yield* permits.acquire(true, zero)], [true, false]];
  },
  *"acquire of a lock that another holds"(coro, zero) {
    const lock = new Lock();
    yield* lock.acquire();
    const other = coro.scheduler.spawn(function* () {
      return yield* lock.acquire(true, zero);
    });
    const got = yield* other.finish();
    lock.release();
    return [got, false];
  },
  *"wait of an event"(_coro, zero) {
    const event = new Event();
    const before = yield* event.wait(zero);
    event.set();
    return [[before, yield* event.wait(zero)], [false, true]];
  },
  *"wait of a condition"(_coro, zero) {
    const condition = new Condition();
    yield* condition.acquire();
    const outcomes = [
      yield* condition.wait(zero),
      yield* condition.waitFor(() => true, zero),
      yield* condition.waitFor(() => false, zero),
    ];
    condition.release();
    return [outcomes, [false, true, false]];
  },
  *"until, as a promise never settles at once"(_coro, zero) {
    const settled = Promise.resolve("settled");
    return [[yield* outcome(until(settled, zero)), yield* outcome(withTimeout(zero, settled))], [LATE, LATE]];
  },
  *"withTimeout of an available value"(coro, zero) {
    coro.send("message");
    return [yield* withTimeout(zero, coro.receive()), "message"];
  },
  *"withTimeout of a race"(coro, zero) {
    coro.send("message");
    return [yield* withTimeout(zero, race(sleep(1), coro.receive())), "message"];
  },
  *"withTimeout of an all"(coro, zero) {
    for (let i = 1; i <= 2; i++) coro.send("message");
    return [yield* withTimeout(zero, all(coro.receive(), sleep(0), coro.receive())), ["message", undefined, "message"]];
  },
  *"withTimeout of an all with one available item"(coro, zero) {
    for (let i = 1; i <= 3; i++) coro.send(i);
    const failed = yield* outcome(withTimeout(zero, all(coro.receive(), all(coro.receive(), sleep(1)))));
    return [[failed, yield* coro.receive(0), yield* coro.receive(0), yield* coro.receive(0)], [LATE, 1, 2, 3]];
  },
  *"withTimeout of several levels"(coro, zero) {
    for (let i = 1; i <= 3; i++) coro.send("message");
    const tree = race(sleep(1), all(race(coro.receive(), sleep(1)), withTimeout(zero, race(all(coro.receive())))));
    return [[yield* withTimeout(zero, tree), yield* coro.receive(0)], [["message", ["message"]], "message"]];
  },
  *"withTimeout of fifty levels"(coro, zero) {
    coro.send("message");
    let whole: Operation<unknown> = coro.receive();
    for (let i = 0; i < 50; i++) whole = i % 2 === 0 ? race(sleep(1), whole) : withTimeout(zero, race(whole));
    return [yield* withTimeout(zero, whole), "message"];
  },
  *"withTimeout of a generator that combines"(coro, zero) {
    for (let i = 1; i <= 3; i++) coro.send(i);
    const body = function* (): Generator<unknown, unknown[], unknown> {
      const first = yield* race(coro.receive(), sleep(1));
      return [first, ...(yield* all(coro.receive(), call(received(coro))))];
    };
    return [(yield* withTimeout(zero, body())).toSorted(), [1, 2, 3]];
  },
  *"withTimeout of a generator that has to wait after that"(coro, zero) {
    coro.send("taken");
    const body = function* (): Waits {
      yield* race(coro.receive(), sleep(1));
      return yield* race(coro.receive(), sleep(1));
    };
    return [[yield* outcome(withTimeout(zero, body())), yield* coro.receive(0)], [LATE, undefined]];
  },
  *"withTimeout of a race whose loser cleans up"(coro, zero) {
    coro.send("message");
    return [yield* withTimeout(zero, race(tidy(), coro.receive())), "message"];
  },
  *"withTimeout of work that never waits and never ends"(_coro, zero) {
    const body = function* (): Waits {
      for (;;) yield* race(sleep(0), sleep(1));
    };
    return [[yield* outcome(withTimeout(zero, body())), yield* outcome(withTimeout(zero, race(body())))], [LATE, LATE]];
  },
  *"withTimeout in a race"(coro, zero) {
    coro.send("message");
    return [yield* race(withTimeout(zero, race(coro.receive())), sleep(1)), "message"];
  },
  *"connect, bind and open do not begin"(_coro, zero) {
    const path = `${Deno.makeTempDirSync()}/never`;
    const outcomes = [
      yield* outcome(AsyncSocket.connect({ port: 9 }, zero)),
      yield* outcome(AsyncDatagram.bind({ port: 0 }, zero)),
      yield* outcome(AsyncFile.open(path, "w", zero)),
      exists(path),
    ];
    return [outcomes, [LATE, LATE, LATE, false]];
  },
};

function* received(coro: Coro): Waits {
  return yield* coro.receive();
}

function* tidy(): Generator<unknown, void, unknown> {
  try {
    yield* sleep(1);
  } finally {
    yield;
    yield;
  }
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

function disposable<T extends { close(): void }>(thing: T): T & Disposable {
  return Object.assign(thing, { [Symbol.dispose]: () => thing.close() });
}

const SCHEDULES = [undefined, 1, 2, 3, 4, 5, 6];

for (const [name, test] of Object.entries(CASES)) {
  Deno.test(`zero or less does not wait: ${name}`, async () => {
    for (const shuffle of SCHEDULES) {
      await inLab(async ({ scheduler, clock }) => {
        for (const zero of [0, -1, { seconds: 0 }, -Infinity]) {
          await scheduler.spawn(function* (coro) {
            const [actual, expected] = yield* call(test(coro, zero));
            assertEquals(actual, expected);
            assertEquals(clock.now() < 1, true);
          }).value();
        }
      }, shuffle === undefined ? {} : { shuffle });
    }
  });
}

Deno.test("zero or less takes what a socket, a pipe and a file have read already, and no more", async () => {
  const scheduler = new Scheduler();
  const listener = AsyncSocket.listen({ port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  await scheduler.spawn(function* () {
    using client = yield* AsyncSocket.connect({ port });
    assertEquals(yield* outcome(client.recv(10, 0)), LATE);
    using server = yield* listener.accept(5);
    assertEquals(yield* outcome(listener.accept(0)), LATE);
    yield* client.sendall("one\ntwo\nrest");
    assertEquals(yield* server.readline(5), "one");
    assertEquals(yield* server.readline(0), "two");
    assertEquals(yield* outcome(server.readline(-1)), LATE);
    assertEquals(new TextDecoder().decode(yield* server.recvall(4, 0)), "rest");
    const pipe = new AsyncPipe(Deno.execPath(), { args: ["--version"] });
    yield* pipe.wait(20);
    assertEquals((yield* pipe.wait(0)).code, 0);
    pipe.close();
  }).value();
  listener.close();
  await scheduler.terminate();
});

Deno.test("in an event loop, timeout and waitFor with zero or less are CPython's", async () => {
  await asyncio.run(
    function* (coro) {
      for (const zero of [0, -1]) {
        const done = asyncio.getRunningLoop().createFuture<string>();
        done.setResult("done");
        const queue = new asyncio.Queue<string>();
        queue.putNowait("item");
        // A future that is done is taken; a coroutine is not begun.
        assertEquals(yield* waitFor(done, zero), "done");
        assertEquals(yield* outcome(waitFor(queue.get(), zero)), LATE);
        assertEquals(yield* outcome(waitFor(race(queue.get()), zero)), LATE);
        assertEquals(queue.qsize(), 1);
        // A block runs until it has to wait; an iteration of the loop is a wait.
        assertEquals(yield* limited(zero, done), "done");
        assertEquals(yield* limited(zero, queue.get()), "item");
        assertEquals(yield* outcome(limited(zero, queue.get())), LATE);
        assertEquals(yield* outcome(limited(zero, asyncio.sleep(0))), LATE);
        assertEquals(yield* outcome(limited(zero, asyncio.wait([done]))), LATE);
        assertEquals(yield* limited(zero, asyncio.gather(done)), ["done"]);
        coro.send("message");
        assertEquals(yield* limited(zero, coro.receive()), "message");
        assertEquals(yield* withTimeout(zero, race(done, coro.receive())), "done");
      }
    },
    { loopFactory: () => asyncio.newEventLoop({ clock: new VirtualClock() }) },
  );
});
