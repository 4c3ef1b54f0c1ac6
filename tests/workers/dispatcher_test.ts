/** Which worker of a pool runs which task, with workers that a test controls step by step. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { WorkerError } from "../../core/workers/errors.ts";
import { Dispatcher, type DispatcherPlan } from "../../core/workers/pool/dispatcher.ts";
import { CODE } from "../../core/workers/remote/protocol.ts";
import { Task, type TaskPlan } from "../../core/workers/pool/task.ts";
import type { Target } from "../../core/workers/pool/targets.ts";
import type { WorkerHandle } from "../../core/workers/pool/worker_handle.ts";
import { promiseOf } from "../../core/workers/tasks/task_promise.ts";
import { Random } from "../soak/random.ts";
import { FakeHost, type FakeWorker, turns } from "./fake_host.ts";

const TARGET: Target = { id: 1, note: { source: "() => 1", method: false, name: "" }, label: "function" };

function newDispatcher(size: number, plan: Partial<DispatcherPlan> = {}): { dispatcher: Dispatcher; host: FakeHost } {
  const host = new FakeHost();
  const whole = { name: "workers", size, keep: 0, idleSeconds: Infinity, queueLimit: Infinity, graceSeconds: 5 };
  return { dispatcher: new Dispatcher({ ...whole, ...plan }, host), host };
}

/** A task and its outcomes. */
interface Probe {
  readonly task: Task;
  readonly outcomes: { ok: boolean; value: unknown }[];
}

function submit(dispatcher: Dispatcher, args: unknown[], plan: Partial<TaskPlan> = {}): Probe {
  const outcomes: Probe["outcomes"] = [];
  const whole: TaskPlan = { priority: 4, stream: false, limit: 0, transfer: [], worker: null, ...plan };
  const task = new Task(TARGET, args, whole, { settled: (ok, value) => void outcomes.push({ ok, value }) });
  dispatcher.submit(task);
  return { task, outcomes };
}

function messageOf(probe: Probe): string {
  assertEquals(probe.outcomes.map(({ ok }) => ok), [false]);
  const { value } = probe.outcomes[0];
  assert(value instanceof WorkerError);
  return (value as WorkerError).message;
}

function causeOf(probe: Probe): Error {
  return (probe.outcomes[0].value as WorkerError).cause as Error;
}

Deno.test("when a worker is replaced, tasks that it had done while the pool was busy keep their results", async () => {
  const { dispatcher, host } = newDispatcher(1, { graceSeconds: 0.001 });
  const [slow, second, third] = [1, 2, 3].map((n) => submit(dispatcher, [n]));
  await turns();
  const [worker] = host.workers;
  worker.start();
  worker.take();
  // When the grace is over, the worker has done two tasks and begun another, and the pool has read none of it.
  setTimeout(() => {
    for (const n of [1, 2]) {
      worker.finish(n);
      worker.take();
    }
  }, 1);
  dispatcher.cancel(slow.task);
  const blocked = performance.now() + 20;
  while (performance.now() < blocked);
  await turns();
  worker.finish(3);
  await turns();
  assertEquals([slow, second, third].map(({ outcomes }) => outcomes), [
    [],
    [{ ok: true, value: 2 }],
    [{ ok: true, value: 3 }],
  ]);
  assertEquals([dispatcher.counts.replaced, host.workers.length], [0, 1]);
  await dispatcher.terminate();
});

Deno.test("when a worker is replaced, tasks that it had not begun run elsewhere", async () => {
  const { dispatcher, host } = newDispatcher(1, { graceSeconds: 0.001 });
  const [hung, second, third] = [1, 2, 3].map((n) => submit(dispatcher, [n]));
  await turns();
  host.workers[0].start();
  host.workers[0].take();
  dispatcher.cancel(hung.task);
  while (host.workers.length < 2) await turns();
  serveAll(host);
  await turns();
  assertEquals([hung, second, third].map(({ outcomes }) => outcomes), [
    [],
    [{ ok: true, value: 2 }],
    [{ ok: true, value: 3 }],
  ]);
  assertEquals(dispatcher.counts.replaced, 1);
  await dispatcher.terminate();
});

/** Lets every worker run all its tasks. */
function serveAll(host: FakeHost): void {
  for (const worker of host.live) {
    if (!worker.started) worker.start();
    for (worker.take(); worker.running !== null; worker.take()) worker.finish(worker.running.args[0]);
  }
}

Deno.test("a cancellation that reaches a worker late does not take back that of the task it runs", async () => {
  const { dispatcher, host } = newDispatcher(1);
  const [first, second] = [1, 2].map((n) => submit(dispatcher, [n]));
  await turns();
  const [worker] = host.workers;
  worker.start();
  worker.take();
  worker.finish(1);
  worker.take();
  dispatcher.cancel(second.task);
  assert(worker.asked);
  dispatcher.cancel(first.task);
  assert(worker.asked);
  await dispatcher.terminate();
});

Deno.test("a worker is started for tasks that wait behind a long one after another worker has crashed", async () => {
  const { dispatcher, host } = newDispatcher(2);
  submit(dispatcher, ["long"]);
  submit(dispatcher, ["crash"]);
  await turns();
  for (const worker of host.workers) {
    worker.start();
    worker.take();
  }
  const quick = submit(dispatcher, ["quick"]);
  await turns();
  host.workers[1].crash();
  await turns();
  assertEquals(host.live.length, 2);
  host.workers[2].start();
  host.workers[2].take();
  host.workers[2].finish("quick");
  await turns();
  assertEquals(quick.outcomes, [{ ok: true, value: "quick" }]);
  await dispatcher.terminate();
});

Deno.test("a task behind a long one is moved although another worker has more tasks, all pinned", async () => {
  const { dispatcher, host } = newDispatcher(3);
  const pinned = dispatcher.pin();
  submit(dispatcher, ["long"], { worker: pinned });
  submit(dispatcher, ["long"]);
  submit(dispatcher, ["crash"]);
  await turns();
  for (const worker of host.workers) {
    worker.start();
    worker.take();
  }
  for (let i = 0; i < 5; i++) submit(dispatcher, ["pinned"], { worker: pinned });
  submit(dispatcher, ["quick"]);
  await turns();
  const crashing = host.workers.find((worker) => worker.running!.args[0] === "crash")!;
  const other = host.workers.find((worker) => worker !== crashing && worker !== host.workers[0])!;
  // The quick task is not in the worker that crashes, so the new worker has to find it.
  crashing.crash();
  await turns();
  assertEquals(host.live.length, 3);
  const fresh = host.workers[3];
  fresh.start();
  fresh.take();
  assertEquals([fresh.running?.args, other.running?.args], [["quick"], ["long"]]);
  await dispatcher.terminate();
});

Deno.test("an idle worker takes the task of another worker that has yet to start", async () => {
  const { dispatcher, host } = newDispatcher(2);
  submit(dispatcher, [1]);
  submit(dispatcher, [2]);
  await turns();
  const [ready, starting] = host.workers;
  ready.start();
  for (const n of [1, 2]) {
    ready.take();
    assertEquals(ready.running?.args, [n]);
    ready.finish(n);
    await turns();
  }
  assertEquals([dispatcher.pending, starting.started], [0, false]);
  await dispatcher.terminate();
});

Deno.test("a task that finds the ring full of cancelled tasks is sent when these have left the ring", async () => {
  const { dispatcher, host } = newDispatcher(1);
  const text = "x".repeat(240);
  for (const { task } of Array.from({ length: 66 }, (_, i) => submit(dispatcher, [i, text]))) {
    await turns(1);
    dispatcher.cancel(task);
  }
  const last = submit(dispatcher, ["last", text]);
  await turns();
  assertEquals(dispatcher.queue.length, 1);
  const [worker] = host.workers;
  worker.start();
  worker.take();
  await turns();
  worker.take();
  worker.finish("last");
  await turns();
  assertEquals(last.outcomes, [{ ok: true, value: "last" }]);
  await dispatcher.terminate();
});

Deno.test("if no worker can be created, waiting tasks fail, and the next task tries again", async () => {
  const { dispatcher, host } = newDispatcher(2);
  host.broken = true;
  const lost = submit(dispatcher, [1]);
  while (lost.outcomes.length === 0) await turns();
  assertEquals(messageOf(lost), "Cannot run tasks as no worker can be started");
  assertEquals(causeOf(lost).message, "The worker could not be created: no threads left");
  assertEquals([dispatcher.counts.started, dispatcher.counts.crashed, dispatcher.pending], [3, 3, 0]);
  host.broken = false;
  const found = submit(dispatcher, [2]);
  await turns();
  serveAll(host);
  await turns();
  assertEquals(found.outcomes, [{ ok: true, value: 2 }]);
  await dispatcher.terminate();
});

Deno.test("the error of a worker that ends tells whether it was ready, and whether a task ran", async () => {
  const { dispatcher, host } = newDispatcher(1);
  const lost = submit(dispatcher, [1]);
  while (lost.outcomes.length === 0) {
    await turns();
    for (const worker of host.live) worker.crash(new Error("no memory"));
  }
  assertEquals(causeOf(lost).message, "The worker ended before it was ready: no memory");
  const running = submit(dispatcher, [2]);
  await turns();
  const [worker] = host.live;
  worker.start();
  worker.take();
  worker.crash();
  await turns();
  assertEquals(messageOf(running), "The worker ended with code 1 while the task ran");
  await dispatcher.terminate();
});

Deno.test("while one worker runs, failed starts of others fail no task and are repeated with pauses", async () => {
  const { dispatcher, host } = newDispatcher(2);
  const reports: unknown[] = [];
  const { error } = console;
  console.error = (...args: unknown[]) => void reports.push(args[1]);
  try {
    const long = submit(dispatcher, ["long"]);
    await turns();
    const [worker] = host.workers;
    worker.start();
    worker.take();
    const behind = submit(dispatcher, ["behind"]);
    await turns();
    for (let i = 0; i < 4; i++) {
      for (const other of host.live) if (other !== worker) other.crash(new Error("no memory"));
      const { started } = dispatcher.counts;
      await turns();
      // Not at once.
      if (i === 3) assertEquals(dispatcher.counts.started, started);
      while (dispatcher.counts.started === started) await turns();
    }
    assertEquals(reports.length, 1);
    // A start that succeeds ends the pauses.
    const late = host.live.find((other) => other !== worker)!;
    late.start();
    late.take();
    late.finish("behind");
    await turns();
    assertEquals(behind.outcomes, [{ ok: true, value: "behind" }]);
    worker.finish("long");
    await turns();
    assertEquals(long.outcomes, [{ ok: true, value: "long" }]);
  } finally {
    console.error = error;
  }
  await dispatcher.terminate();
});

Deno.test("the error that ends a worker is printed even if all its tasks run elsewhere", async () => {
  const { dispatcher, host } = newDispatcher(1);
  const first = submit(dispatcher, [1]);
  await turns();
  const [worker] = host.workers;
  worker.start();
  const reports: unknown[] = [];
  const { error } = console;
  console.error = (...args: unknown[]) => void reports.push((args[1] as Error).message);
  try {
    worker.crash(new Error("left over"));
  } finally {
    console.error = error;
  }
  await turns();
  assertEquals(reports, ["The worker ended while no task ran: left over"]);
  serveAll(host);
  await turns();
  assertEquals(first.outcomes, [{ ok: true, value: 1 }]);
  await dispatcher.terminate();
});

/** An `AbortSignal`, and its listeners. */
function watchedSignal(): { signal: AbortSignal; listeners: Set<unknown> } {
  const { signal } = new AbortController();
  const listeners = new Set<unknown>();
  signal.addEventListener = (_type: string, listener: unknown) => void listeners.add(listener);
  signal.removeEventListener = (_type: string, listener: unknown) => void listeners.delete(listener);
  return { signal, listeners };
}

Deno.test("a task of async code that settles at once leaves neither a timer nor a listener", async () => {
  const { dispatcher } = newDispatcher(1);
  const worker = dispatcher.pin();
  const { signal, listeners } = watchedSignal();
  const call = (worker: WorkerHandle | null) =>
    promiseOf(dispatcher, {
      target: TARGET,
      args: [],
      plan: { priority: 4, stream: false, limit: 0, transfer: [], worker },
      timeoutSeconds: 3600,
      signal,
      progressSink: undefined,
      inheritsPriority: false,
    });
  dispatcher.dropIdle(worker);
  await assertRejects(() => call(worker), WorkerError, "holds the state of this task");
  assertEquals(listeners.size, 0);
  await dispatcher.terminate();
  assertThrows(() => call(null), WorkerError, "has been terminated");
  assertEquals(listeners.size, 0);
});

/** A random history of a dispatcher, and its invariants. */
class History {
  readonly dispatcher: Dispatcher;
  readonly host: FakeHost;
  readonly probes: Map<number, Probe> = new Map();
  readonly #random: Random;
  readonly #size: number;
  // Tasks that were cancelled, and those that were lost with the worker that ran them.
  readonly #cancelled: Set<number> = new Set();
  readonly #lost: Set<number> = new Set();
  readonly #pins: Map<WorkerHandle, FakeWorker> = new Map();
  #made = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
    this.#size = 1 + this.#random.below(4);
    const queueLimit = this.#random.chance(0.3) ? 5 : Infinity;
    ({ dispatcher: this.dispatcher, host: this.host } = newDispatcher(this.#size, { graceSeconds: 0.002, queueLimit }));
    this.host.onTerminate = (worker) => this.#terminated(worker);
  }

  step(): void {
    const dice = this.#random.next();
    if (dice < 0.35) this.#submit();
    else if (dice < 0.42) this.#cancel();
    else this.#work();
  }

  #submit(): void {
    const n = ++this.#made;
    const plan: { -readonly [K in keyof TaskPlan]?: TaskPlan[K] } = { priority: this.#random.below(8) };
    const args: unknown[] = [n];
    const dice = this.#random.next();
    if (dice < 0.1) plan.stream = true;
    else if (dice < 0.2) plan.transfer = [(args[1] = new ArrayBuffer(1)) as ArrayBuffer];
    else if (dice < 0.3) plan.worker = this.#pin();
    else if (dice < 0.5) args[1] = { n };
    else if (dice < 0.6) args[1] = "x".repeat(200);
    this.probes.set(n, submit(this.dispatcher, args, plan));
  }

  #pin(): WorkerHandle {
    const known = [...this.#pins.keys()].filter((worker) => !worker.stopped);
    if (known.length > 0 && this.#random.chance(0.8)) return this.#random.pick(known);
    const worker = this.dispatcher.pin();
    this.#pins.set(worker, this.host.workers[this.dispatcher.workers.indexOf(worker)]);
    return worker;
  }

  #open(): [number, Probe][] {
    return [...this.probes].filter(([n, { outcomes }]) => outcomes.length === 0 && !this.#cancelled.has(n));
  }

  #cancel(): void {
    const picked = this.#random.pick(this.#open());
    if (picked === undefined) return;
    this.#cancelled.add(picked[0]);
    this.dispatcher.cancel(picked[1].task);
  }

  #work(): void {
    const worker = this.#random.pick(this.host.live);
    if (worker === undefined) return;
    const dice = this.#random.next();
    if (!worker.started) dice < 0.9 ? worker.start() : undefined;
    else if (worker.running === null) dice < 0.95 ? worker.take() : this.#crash(worker);
    else if (dice < 0.93) this.#finish(worker);
    else this.#crash(worker);
  }

  #finish(worker: FakeWorker): void {
    // Some do not stop when they are asked to.
    if (worker.asked && this.#random.chance(0.5)) return;
    const [n] = worker.running!.args;
    if (this.#random.chance(0.2)) worker.respond(CODE.PROGRESS, { n });
    worker.finish(n);
    if (this.#random.chance(0.5)) worker.take();
  }

  #crash(worker: FakeWorker): void {
    if (worker.running !== null) this.#lost.add(worker.running.args[0] as number);
    worker.crash();
  }

  #terminated(worker: FakeWorker): void {
    const n = worker.running?.args[0] as number | undefined;
    if (n === undefined || this.#lost.has(n) || this.dispatcher.closed) return;
    assert(this.#cancelled.has(n), `The worker of task ${n}, which was not cancelled, was ended`);
  }

  /** The invariants after a flush. */
  check(): void {
    const { dispatcher } = this;
    assert(dispatcher.workers.length <= this.#size);
    const behind = dispatcher.workers.flatMap(({ sent }) => sent.slice(1).filter((task) => isOpenToOthers(task)));
    if (dispatcher.queue.length + dispatcher.blocked.length + behind.length === 0) return;
    assertEquals(dispatcher.workers.length, this.#size, "A task waits, and fewer workers live or start than may");
    const idle = dispatcher.workers.filter(({ sent, pinnedTasks }) => sent.length === 0 && pinnedTasks.length === 0);
    assertEquals(idle.length, 0, "A task waits, and a worker is idle");
  }

  async end(): Promise<void> {
    for (let i = 0; i < 10_000 && this.dispatcher.pending > 0; i++) {
      serveAll(this.host);
      await turns(1);
    }
    assertEquals(this.dispatcher.pending, 0, "A task never settles");
    for (const [n, { task, outcomes }] of this.probes) {
      if (this.#cancelled.has(n)) {
        assertEquals(outcomes, [], `Task ${n} was cancelled`);
        continue;
      }
      assertEquals(outcomes.length, 1, `Task ${n} settles once`);
      const [{ ok, value }] = outcomes;
      if (ok) assertEquals(value, n);
      // A task that moved objects, or is pinned, is lost with its worker.
      else assert(this.#lost.has(n) || task.plan.worker !== null || task.plan.transfer.length > 0, `${n}: ${value}`);
    }
    await this.dispatcher.terminate();
  }
}

/** Whether another worker may run it. */
function isOpenToOthers(task: Task): boolean {
  return task.plan.worker === null && task.plan.transfer.length === 0 && !task.plan.stream;
}

Deno.test("no task waits while a worker may be started or is idle, and each settles once", async () => {
  const seeds = Deno.env.get("DISPATCHER_SEED")?.split(",").map(Number) ?? Array.from({ length: 20 }, (_, i) => i + 1);
  for (const seed of seeds) {
    const history = new History(seed);
    try {
      for (let round = 0; round < 60; round++) {
        for (let i = 0; i < 6; i++) history.step();
        await turns();
        history.check();
      }
      await history.end();
    } catch (error) {
      throw new Error(`DISPATCHER_SEED=${seed}`, { cause: error });
    }
  }
});
