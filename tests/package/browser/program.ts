/** The program of the tests' page: what a test makes the browser do, by name. */
import {
  all,
  AsyncDatagram,
  AsyncDBCursor,
  AsyncFile,
  AsyncPipe,
  AsyncSocket,
  Channel,
  Coro,
  Event,
  Lock,
  race,
  run,
  Scheduler,
  sleep,
  stdin,
  TimeoutError,
  until,
  withTimeout,
  WorkerPool,
} from "@asyncoro/asyncoro";
import { activityBeside, wakeUps } from "./activity.ts";
import { page } from "./page.ts";

async function spawnAndJoin(): Promise<string> {
  const scheduler = Scheduler.instance();
  const log: string[] = [];
  for (const name of ["a", "b", "c"]) {
    scheduler.spawn(function* () {
      for (let i = 0; i < 2; i++) {
        log.push(`${name}${i}`);
        yield;
      }
    });
  }
  await scheduler.join();
  return log.join(" ");
}

/** The order in which sleepers wake, and whether any woke too early. */
function sleepers(): Promise<unknown> {
  return run(function* () {
    const order: number[] = [];
    const start = performance.now();
    const early = yield* all([0.03, 0.01, 0.02].map((seconds) =>
      new Coro(function* (coro) {
        yield* coro.sleep(seconds);
        order.push(seconds);
        return performance.now() - start < seconds * 1000;
      })
    ));
    return { order, early };
  });
}

/** A thousand requests to another coroutine and its replies. */
function messages(): Promise<number> {
  const double = new Coro(function* (coro) {
    for (;;) {
      const { from, value } = yield* coro.receive<{ from: Coro; value: number }>();
      from.send(value * 2);
    }
  });
  return run(function* (coro) {
    let sum = 0;
    for (let value = 1; value <= 1000; value++) {
      double.send({ from: coro, value });
      sum += (yield* coro.receive<number>(5))!;
    }
    double.terminate();
    return sum;
  });
}

function channels(): Promise<unknown> {
  return run(function* () {
    const channel = new Channel<number>("numbers");
    const readers = [1, 2].map((factor) =>
      new Coro(function* (coro) {
        yield* channel.subscribe(coro);
        return factor * (yield* coro.receive<number>(5))!;
      })
    );
    const reached = yield* channel.deliver(21, 5, 2);
    const values = yield* all(readers);
    channel.close();
    return { reached, values };
  });
}

function locks(): Promise<string> {
  return run(function* () {
    const lock = new Lock();
    const log: string[] = [];
    yield* all(["a", "b", "c"].map((name) =>
      new Coro(function* () {
        using _ = yield* lock.hold();
        log.push(`${name} in`);
        yield* sleep(0.002);
        log.push(`${name} out`);
      })
    ));
    return log.join(", ");
  });
}

function timeouts(): Promise<unknown> {
  return run(function* (coro) {
    const message = yield* coro.receive(0.005, "none");
    const quicker = yield* race(sleep(60), coro.sleep(0.005, "short"));
    let cleaned = false;
    let late = false;
    try {
      yield* withTimeout(0.005, tidySleep(() => cleaned = true));
    } catch (error) {
      late = error instanceof TimeoutError;
    }
    return { message, quicker, late, cleaned, timers: coro.scheduler.stats().timers };
  });
}

function* tidySleep(clean: () => void) {
  try {
    yield* sleep(60);
  } finally {
    clean();
  }
}

/** A coroutine waits for an event of the page, and for a promise from it. */
function pageEvents(): Promise<unknown> {
  return run(function* (coro) {
    addEventListener("message", (event) => coro.send((event as MessageEvent).data), { once: true });
    page.postMessage("an event");
    return [yield* coro.receive(5), yield* until(new Response("a promise").text(), 5)];
  });
}

/** How often the page is woken while coroutines wait in every way, some with timeouts. */
async function idle(seconds: number): Promise<unknown> {
  const scheduler = new Scheduler();
  const [lock, event] = [new Lock(), new Event()];
  scheduler.spawn(function* (coro) {
    using _ = yield* lock.hold();
    yield* coro.receive();
  });
  const waits = [() => sleep(3600), () => lock.acquire(), () => event.wait(600), () => until(new Promise(() => {}))];
  for (const wait of waits) {
    scheduler.spawn(function* () {
      yield* wait();
    });
  }
  // By then the first turns of coroutines that begin to wait are over.
  await new Promise((resolve) => setTimeout(resolve, 100));
  const counts = await wakeUps(seconds);
  const { live, ready } = scheduler.stats();
  await scheduler.terminate();
  return { counts, live, ready };
}

/** How often the page is woken by timers while only a daemon runs, which never waits. */
async function daemon(seconds: number): Promise<unknown> {
  const scheduler = new Scheduler();
  scheduler.spawnWith({ daemon: true }, function* () {
    for (;;) yield;
  });
  const { setTimeout } = await wakeUps(seconds);
  const { switches } = scheduler.stats();
  await scheduler.terminate();
  return { timers: setTimeout, ran: switches > 10_000 };
}

/** The errors of using features that a browser lacks. */
async function unsupported(): Promise<Record<string, string>> {
  const uses = {
    connect: () => AsyncSocket.connect({ hostname: "127.0.0.1", port: 1 }),
    listen: () => AsyncSocket.listen({ port: 0 }),
    bind: () => AsyncDatagram.bind({ port: 0 }),
    command: () => new AsyncPipe("true"),
    open: () => AsyncFile.open("file"),
    readline: () => stdin.readline(),
    pool: () => new WorkerPool(1),
    database: () => new AsyncDBCursor(":memory:"),
  };
  const errors: Record<string, string> = {};
  for (const [name, use] of Object.entries(uses)) {
    errors[name] = await run(function* () {
      const used: unknown = yield use();
      return `${used}`;
    }).catch(String);
  }
  return errors;
}

page.scenarios = {
  spawnAndJoin,
  sleepers,
  messages,
  channels,
  locks,
  timeouts,
  pageEvents,
  activityBeside,
  idle,
  daemon,
  unsupported,
};
