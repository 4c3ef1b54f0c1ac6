/**
 * The host driver: it shares the event loop with timers, promises and sockets of others, and is never early.
 *
 * Limits are generous: these tests distinguish starving from sharing, not fast from slow.
 */
import { type Coro, type Drivable, Scheduler, sleep, until } from "@asyncoro/asyncoro";
import { assert, assertEquals } from "@std/assert";
import type { CoroLoop } from "../../core/coroutine/coro_loop.ts";
import { HostDriver } from "../../core/host/host_driver.ts";

/** Runs `probe` while coroutines that never wait keep a scheduler busy. */
async function whileBusy(probe: (scheduler: Scheduler) => Promise<void>): Promise<void> {
  const scheduler = new Scheduler();
  let stop = false;
  const busy = (coro: Coro, kind: number) =>
    kind === 0 ? undefined : kind === 1 ? coro.sleep(0) : kind === 2 ? 7 : coro.receive(0);
  for (let kind = 0; kind < 4; kind++) {
    scheduler.spawn(function* (coro) {
      while (!stop) yield busy(coro, kind);
    });
  }
  try {
    await probe(scheduler);
  } finally {
    stop = true;
    await scheduler.join();
    await scheduler.terminate();
  }
}

Deno.test("coroutines that never wait do not starve timers of others", () =>
  whileBusy(async () => {
    const start = performance.now();
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setTimeout(resolve, 1));
    assert(performance.now() - start < 2_000);
  }));

Deno.test("coroutines that never wait do not starve promises of others", () =>
  whileBusy(async () => {
    const start = performance.now();
    for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
    for (let i = 0; i < 20; i++) await crypto.subtle.digest("SHA-256", new Uint8Array(10));
    assert(performance.now() - start < 2_000);
  }));

Deno.test("where the clock stands still while code runs, turns are counted", async () => {
  // As in edge runtimes, whose clock moves on when the host had a turn; this one does not move even then.
  const scheduler = new Scheduler({ clock: { now: () => 0 } });
  let stop = false;
  for (const wait of [() => undefined, (coro: Coro) => coro.sleep(0), () => until(Promise.resolve())]) {
    scheduler.spawn(function* (coro) {
      while (!stop) yield wait(coro);
    });
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  stop = true;
  await scheduler.join();
  await scheduler.terminate();
});

Deno.test("coroutines that only wait for promises give the host its turns where the clock stands still", async () => {
  const scheduler = new Scheduler({ clock: { now: () => 0 } });
  let stop = false;
  scheduler.spawn(function* () {
    while (!stop) yield* until(Promise.resolve());
  });
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setTimeout(resolve, 1));
  stop = true;
  await scheduler.join();
  await scheduler.terminate();
});

Deno.test("coroutines that never wait do not starve sockets of others", () =>
  whileBusy(async () => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const client = Deno.connect({ hostname: "127.0.0.1", port: (listener.addr as Deno.NetAddr).port });
    const [server, socket] = await Promise.all([listener.accept(), client]);
    const buffer = new Uint8Array(1);
    const start = performance.now();
    for (let i = 0; i < 30; i++) {
      await socket.write(Uint8Array.of(i));
      await server.read(buffer);
      assertEquals(buffer[0], i);
    }
    const each = (performance.now() - start) / 30;
    server.close();
    socket.close();
    listener.close();
    assert(each < 50, `a byte took ${each} ms`);
  }));

Deno.test("coroutines that never wait do not starve sleepers of their own scheduler or another", () =>
  whileBusy(async (scheduler) => {
    const other = new Scheduler();
    const target = function* (coro: Coro): Generator<unknown, string, unknown> {
      for (let i = 0; i < 10; i++) yield* coro.sleep(0.002);
      return "slept";
    };
    assertEquals(await Promise.all([scheduler.spawn(target).value(), other.spawn(target).value()]), ["slept", "slept"]);
    await other.terminate();
  }));

Deno.test("two busy schedulers share the host", async () => {
  const schedulers = [new Scheduler(), new Scheduler()];
  const counts = [0, 0];
  let stop = false;
  schedulers.forEach((scheduler, i) =>
    scheduler.spawn(function* () {
      while (!stop) {
        counts[i]++;
        yield;
      }
    })
  );
  const bothRan = (): boolean => counts.every((count) => count > 100);
  // How far they get in a time depends on what else the machine does.
  for (let turn = 0; turn < 1_000 && !bothRan(); turn++) await new Promise((resolve) => setTimeout(resolve, 1));
  stop = true;
  await Promise.all(schedulers.map((scheduler) => scheduler.join()));
  assert(bothRan(), `${counts}`);
  for (const scheduler of schedulers) await scheduler.terminate();
});

Deno.test("a chain of microtasks through value() does not starve the host", async () => {
  const scheduler = new Scheduler();
  let fired = false;
  setTimeout(() => fired = true, 1);
  const start = performance.now();
  while (!fired && performance.now() - start < 3_000) {
    await scheduler.spawn(function* () {
      yield;
    }).value();
  }
  assertEquals(fired, true);
  await scheduler.terminate();
});

Deno.test("wake-ups are never early, and in the order of their deadlines", async () => {
  const scheduler = new Scheduler();
  const early: number[] = [];
  const order: number[] = [];
  const delays = Array.from({ length: 200 }, (_, i) => ((i * 37) % 100) / 2000);
  const start = performance.now();
  await Promise.all(delays.map((seconds) =>
    scheduler.spawn(function* (coro) {
      const began = performance.now();
      if (seconds * 2000 % 2 === 0) yield* coro.sleep(seconds);
      else yield* coro.receive(seconds);
      if (performance.now() - began < seconds * 1000) early.push(seconds);
      order.push(seconds);
    }).value()
  ));
  assertEquals(early, []);
  assert(performance.now() - start < 3_000);
  assertEquals(order.length, 200);
  await scheduler.terminate();
});

Deno.test("value() with a timeout is never early, either", async () => {
  const scheduler = new Scheduler();
  const coro = scheduler.spawn(function* (self) {
    yield* self.receive();
  });
  for (const ms of [1, 3, 10]) {
    const start = performance.now();
    await coro.value(ms / 1000).catch(() => {});
    assert(performance.now() - start >= ms);
  }
  await scheduler.terminate();
});

Deno.test("far deadlines, beyond what a host timer takes, do not fire early", async () => {
  const scheduler = new Scheduler();
  let woken = 0;
  for (const seconds of [2 ** 31 / 1000 - 1, 2 ** 31 / 1000 + 1, 2 ** 32 / 1000 + 1, 1e9, 1e300, Number.MAX_VALUE]) {
    scheduler.spawnWith({ daemon: true }, function* (coro) {
      yield* coro.sleep(seconds);
      woken++;
    });
    scheduler.spawnWith({ daemon: true }, function* (coro) {
      yield* coro.receive({ weeks: 1000 });
      woken++;
    });
  }
  const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  // A busy machine may not have started them all at once.
  for (let i = 0; i < 500 && scheduler.stats().timers < 12; i++) await wait(10);
  await wait(60);
  assertEquals([woken, scheduler.stats().timers], [0, 12]);
  await scheduler.terminate();
});

Deno.test("a host timer that fires too early, as a far deadline needs several, is set again", async () => {
  // A clock that runs slower than the host's.
  const scheduler = new Scheduler({ clock: { now: () => performance.now() / 5000 } });
  const start = performance.now();
  await scheduler.spawn(function* (coro) {
    yield* coro.sleep(0.01);
  }).value();
  const took = performance.now() - start;
  assert(took >= 50 && took < 2_000, `${took} ms`);
  await scheduler.terminate();
});

Deno.test("an earlier deadline that is set while the host waits for a later one is met", async () => {
  const scheduler = new Scheduler();
  const late = scheduler.spawnWith({ daemon: true }, function* (coro) {
    yield* coro.sleep(30);
  });
  await new Promise((resolve) => setTimeout(resolve, 5));
  const start = performance.now();
  await scheduler.spawn(function* () {
    yield* sleep(0.02);
  }).value();
  const took = performance.now() - start;
  assert(took >= 20 && took < 2_000, `${took} ms`);
  assertEquals(late.isAlive(), true);
  await late.value(0.01).catch(() => {});
  await scheduler.terminate();
});

/** Uses a part of the time by its own clock whenever the host wakes it, like a busy server. */
class Busy implements Drivable {
  time = 0;
  slices = 0;

  constructor(readonly seconds: number, readonly hostOperations = 0) {}

  slice(): boolean {
    this.slices++;
    this.time += this.seconds;
    return false;
  }

  now(): number {
    return this.time;
  }

  nextDeadline(): number {
    return Infinity;
  }

  keepsAlive(): boolean {
    return true;
  }

  ranDry(): boolean {
    return false;
  }
}

/** Wakes it 200 times in turns of the host, `idle` seconds apart. Returns how often it did not run at once. */
async function waits(loop: Busy, idle = 0): Promise<number> {
  const driver = new HostDriver(loop);
  let waited = 0;
  for (let event = 1; event <= 200; event++) {
    await new Promise((resolve) => setImmediate(resolve));
    loop.time += idle;
    driver.wake();
    await null;
    if (loop.slices === event) continue;
    waited++;
    while (loop.slices < event) await new Promise((resolve) => setImmediate(resolve));
  }
  driver.stop();
  return waited;
}

Deno.test("a scheduler that the host wakes in its own turns rarely waits until I/O is polled", async () => {
  const start = performance.now();
  const waited = await waits(new Busy(0.0003));
  // At first, and again when the last poll is long ago.
  const most = 2 + (performance.now() - start) / 5;
  assert(waited <= most, `waited ${waited} times, at most ${most}`);
});

Deno.test("with more operations than the host ends in a turn, I/O is polled whenever the budget is used up", async () => {
  for (const idle of [0, 0.001]) {
    const waited = await waits(new Busy(0.0003, 1000), idle);
    assert(waited >= 40, `waited ${waited} times`);
  }
  assertEquals(await waits(new Busy(0.0003, 100), 0.001), 0);
});

Deno.test("a chain of microtasks uses the budget up in spite of a turn that the host owes", async () => {
  const loop = new Busy(0.0003);
  const driver = new HostDriver(loop);
  let events = 0;
  while (loop.slices === events && events < 100) {
    events++;
    driver.wake();
    await null;
  }
  assert(events < 20, `${events}`);
  await new Promise((resolve) => setTimeout(resolve, 5));
  assertEquals(loop.slices, events);
  driver.stop();
});

/** Counts the slices of a scheduler, and those in which nothing ran. */
class Counting implements Drivable {
  slices = 0;
  empty = 0;

  constructor(readonly inner: CoroLoop) {}

  slice(budget: number, start: number): boolean {
    const before = this.inner.switches;
    const more = this.inner.slice(budget, start);
    this.slices++;
    if (this.inner.switches === before) this.empty++;
    return more;
  }

  now(): number {
    return this.inner.now();
  }

  nextDeadline(): number {
    return this.inner.nextDeadline();
  }

  keepsAlive(): boolean {
    return this.inner.keepsAlive();
  }

  get hostOperations(): number {
    return this.inner.hostOperations;
  }

  get precise(): boolean {
    return this.inner.precise;
  }

  ranDry(ending: boolean): boolean {
    return this.inner.ranDry(ending);
  }
}

for (const precise of [false, true]) {
  Deno.test(`sleepers cost a slice for each wake-up, and no empty ones${precise ? ", on a precise scheduler too" : ""}`, async () => {
    let loop: Counting | undefined;
    const scheduler = new Scheduler({
      precise,
      driver: (inner) => new HostDriver(loop = new Counting(inner as CoroLoop)),
    });
    const naps = function* (coro: Coro, seconds: number): Generator<unknown, void, unknown> {
      for (let i = 0; i < 10; i++) {
        const due = performance.now() + seconds * 1000;
        yield* coro.sleep(seconds);
        assert(performance.now() >= due, "early");
      }
    };
    for (const seconds of [0.01, 0.0073]) scheduler.spawn(naps, seconds);
    await scheduler.join();
    assertEquals(loop!.empty, 0);
    assert(loop!.slices <= 22, `${loop!.slices} slices`);
    await scheduler.terminate();
  });
}

/** Records the delays of host timers that are started while a function runs. */
async function delaysDuring(work: () => Promise<unknown>): Promise<number[]> {
  const delays: number[] = [];
  const { setTimeout } = globalThis;
  globalThis.setTimeout = ((callback: () => void, ms: number) => {
    delays.push(ms);
    return setTimeout(callback, ms);
  }) as typeof setTimeout;
  try {
    await work();
  } finally {
    globalThis.setTimeout = setTimeout;
  }
  return delays;
}

Deno.test("a precise scheduler sets its timers early, and 'precise' may change at any time", async () => {
  const scheduler = new Scheduler();
  assertEquals(scheduler.precise, false);
  const nap = () =>
    delaysDuring(() =>
      scheduler.spawn(function* (coro) {
        yield* coro.sleep(0.02);
      }).value()
    );
  const usual = await nap();
  assert(usual.length > 0 && usual.every((ms) => Number.isInteger(ms)), `${usual}`);
  scheduler.precise = true;
  const precise = await nap();
  assert(precise.every((ms) => ms < 19), `${precise}`);
  // Also while it sleeps: the timer that was set for the deadline is replaced.
  scheduler.precise = 0 as unknown as boolean;
  assertEquals(scheduler.precise, false);
  const changed = await delaysDuring(async () => {
    const coro = scheduler.spawn(function* (coro) {
      yield* coro.sleep(0.03);
    });
    await new Promise((resolve) => setImmediate(resolve));
    scheduler.precise = true;
    await coro.value();
  });
  assert(changed.length >= 2 && changed.at(-1)! < 29, `${changed}`);
  assertEquals(new Scheduler({ precise: 1 as unknown as boolean }).precise, true);
  await scheduler.terminate();
});

Deno.test("a precise scheduler does not block the thread while it waits for the host", async () => {
  const scheduler = new Scheduler({ precise: true });
  const { wait } = Atomics;
  let naps = 0;
  Atomics.wait = ((...args: Parameters<typeof wait>) => {
    naps++;
    return wait(...args);
  }) as typeof wait;
  try {
    const nap = function* (coro: Coro): Generator<unknown, void, unknown> {
      for (let i = 0; i < 5; i++) yield* coro.sleep(0.003);
    };
    // On a busy machine a deadline may pass before the scheduler could nap.
    for (let attempt = 0; naps === 0 && attempt < 200; attempt++) await scheduler.spawn(nap).value();
    assert(naps > 0);
    naps = 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiter = scheduler.spawn(function* () {
      yield* until(promise);
    });
    await scheduler.spawn(nap).value();
    resolve();
    await waiter.value();
    assertEquals(naps, 0);
  } finally {
    Atomics.wait = wait;
  }
  await scheduler.terminate();
});

Deno.test("an idle scheduler does nothing", async () => {
  const scheduler = new Scheduler();
  scheduler.spawnWith({ daemon: true }, function* (coro) {
    yield* coro.sleep(100);
  });
  scheduler.spawnWith({ daemon: true }, function* (coro) {
    yield* coro.receive();
  });
  await new Promise((resolve) => setTimeout(resolve, 20));
  const before = scheduler.stats().switches;
  await new Promise((resolve) => setTimeout(resolve, 50));
  assertEquals(scheduler.stats().switches, before);
  await scheduler.terminate();
});

Deno.test("a step that runs for long delays the others but loses no wake-up", async () => {
  const scheduler = new Scheduler();
  const done: string[] = [];
  const sleepers = ["a", "b", "c"].map((name, i) =>
    scheduler.spawn(function* (coro) {
      yield* coro.sleep(0.005 * (i + 1));
      done.push(name);
    })
  );
  await scheduler.spawn(function* () {
    yield;
    const start = performance.now();
    while (performance.now() - start < 40);
  }).value();
  await Promise.all(sleepers.map((coro) => coro.value()));
  assertEquals(done, ["a", "b", "c"]);
  await scheduler.terminate();
});

Deno.test("daemons are on time, and run, while only other code keeps the process alive", async () => {
  const scheduler = new Scheduler();
  let naps = 0;
  let steps = 0;
  scheduler.spawnWith({ daemon: true }, function* (coro: Coro) {
    for (;; naps++) yield* coro.sleep(0.005);
  });
  scheduler.spawnWith({ daemon: true }, function* () {
    for (;; steps++) yield;
  });
  await new Promise((resolve) => setTimeout(resolve, 500));
  await scheduler.terminate();
  assert(naps > 10, `${naps} naps`);
  assert(steps > 1000, `${steps} steps`);
});
