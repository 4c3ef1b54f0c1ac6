/**
 * Random programs of coroutines, checked against invariants: no message is lost, doubled or overtaken; no wake-up is
 * late, early or reaches the wrong wait; equal deadlines wake in their order; everything ends.
 *
 * Virtual time makes the check of times exact: it does not advance while anything runs.
 */
import {
  all,
  call,
  type Coro,
  DeadlockError,
  type Operation,
  race,
  Scheduler,
  sleep,
  TimeoutError,
  withTimeout,
} from "@asyncoro/asyncoro";
import { VirtualClock } from "@asyncoro/asyncoro/testing";
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { runs } from "../helpers/runs.ts";

type Seconds = number | null;

type Step =
  | { readonly op: "yield"; readonly value: number | null }
  | { readonly op: "sleep" | "pause" | "receive"; readonly t: Seconds; readonly plain: boolean }
  | { readonly op: "finish"; readonly of: number; readonly t: Seconds }
  | { readonly op: "send" | "resume" | "throw"; readonly to: number }
  | { readonly op: "terminate"; readonly to: number; readonly grace: number }
  | { readonly op: "race" | "all"; readonly items: readonly (readonly Step[])[]; readonly direct: boolean }
  | { readonly op: "within"; readonly t: Seconds; readonly steps: readonly Step[] }
  | { readonly op: "call"; readonly steps: readonly Step[]; readonly plain: boolean }
  | { readonly op: "guard"; readonly steps: readonly Step[]; readonly cleanup: readonly Step[] }
  | { readonly op: "loud"; readonly step: Step };

const seconds: fc.Arbitrary<Seconds> = fc.constantFrom(0, 1, 1, 2, 3, 5, null);
const who = fc.nat({ max: 5 });

const { step } = fc.letrec<{ step: Step; steps: readonly Step[] }>((tie) => ({
  steps: fc.array(tie("step"), { minLength: 1, maxLength: 4, depthIdentifier: "steps" }),
  step: fc.oneof(
    { depthIdentifier: "steps", maxDepth: 4 },
    fc.record({
      op: fc.constantFrom("sleep" as const, "pause" as const, "receive" as const),
      t: seconds,
      plain: fc.boolean(),
    }),
    fc.record({ op: fc.constant("yield" as const), value: fc.constantFrom(null, 1) }),
    fc.record({ op: fc.constant("receive" as const), t: seconds, plain: fc.boolean() }),
    fc.record({ op: fc.constantFrom("send" as const, "send" as const, "resume" as const, "throw" as const), to: who }),
    fc.record({ op: fc.constant("finish" as const), of: who, t: seconds }),
    fc.record({ op: fc.constant("terminate" as const), to: who, grace: fc.constantFrom(0, 1, 5) }),
    fc.record({
      op: fc.constantFrom("race" as const, "all" as const),
      items: fc.array(tie("steps"), { minLength: 1, maxLength: 3 }),
      direct: fc.boolean(),
    }),
    fc.record({ op: fc.constant("within" as const), t: seconds, steps: tie("steps") }),
    fc.record({ op: fc.constant("call" as const), steps: tie("steps"), plain: fc.boolean() }),
    fc.record({ op: fc.constant("guard" as const), steps: tie("steps"), cleanup: tie("steps") }),
    fc.record({ op: fc.constant("loud" as const), step: tie("step") }),
  ),
}));

const programs = fc.array(fc.array(step, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 6 });

/** An error that one coroutine throws in another. */
class Thrown extends Error {
  constructor(readonly to: number, readonly at: number) {
    super(`thrown into ${to} at ${at}`);
  }
}

/** A value with which a coroutine is resumed. */
interface Update {
  readonly to: number;
  readonly at: number;
  taken: boolean;
}

interface Message {
  readonly to: number;
  readonly number: number;
}

const ALARM = Symbol("alarm");
const JANITOR_AT = 1000;

function isWait(step: Step): step is Step & { t: Seconds; plain: boolean } {
  return step.op === "sleep" || step.op === "pause" || step.op === "receive";
}

/** Whether the items of a race or all are operations. */
function isDirect(step: Step & { op: "race" | "all" }): boolean {
  return step.direct && isWait(step.items[0][0]);
}

/**
 * Whether a program receives messages in the order sent. Two receives in a race may not: one whose time is up still takes
 * a message that comes before its turn, and then it has won before the other, whose earlier message goes back.
 */
function takesInOrder(steps: readonly Step[], fair: boolean): boolean {
  return steps.every((step) => {
    if (step.op === "race" && step.items[0][0].op === "receive") return false;
    if (step.op === "race" || step.op === "all") return fair && isDirect(step);
    if (step.op === "within" || step.op === "call") return takesInOrder(step.steps, fair);
    if (step.op === "guard") return takesInOrder([...step.steps, ...step.cleanup], fair);
    return step.op !== "loud" || takesInOrder([step.step], fair);
  });
}

/** One run of random programs. */
class World {
  readonly clock = new VirtualClock();
  readonly scheduler: Scheduler;
  readonly coros: Coro[] = [];
  /** The messages accepted by `send`, and those received, by recipient. */
  readonly sent: Message[][] = [];
  readonly got: Message[][] = [];
  /** Recipients that received everything before they ended. */
  readonly drained: boolean[] = [];
  readonly inOrder: boolean[] = [];
  readonly refused = new Set<Update>();
  readonly caught = new Set<Thrown>();
  readonly problems: string[] = [];
  readonly fair: boolean;
  #messages = 0;
  #waits = 0;
  #lastAlarm = { deadline: -1, number: -1 };

  constructor(programs: readonly (readonly Step[])[], shuffle: number | undefined) {
    this.scheduler = new Scheduler({ clock: this.clock, shuffle });
    this.fair = shuffle === undefined;
    // Errors of cleanup are reported; any error that the programs do not throw is a problem.
    this.scheduler.onError = (error) => this.expected(error) || this.problem(`reported: ${error}`);
    programs.forEach((program, me) => {
      this.sent.push([]);
      this.got.push([]);
      this.inOrder.push(takesInOrder(program, this.fair));
      this.coros.push(this.scheduler.spawn(this.life.bind(this), me, program));
    });
  }

  *life(coro: Coro, me: number, program: readonly Step[]): Generator<unknown, void, unknown> {
    try {
      yield* this.steps(coro, me, program);
    } finally {
      yield* this.drain(coro, me);
    }
  }

  problem(text: string): void {
    this.problems.push(`${this.clock.now()}: ${text}`);
  }

  check(holds: boolean, text: string): void {
    if (!holds) this.problem(text);
  }

  expected(error: unknown): boolean {
    return error instanceof Thrown || error instanceof TimeoutError || error instanceof DeadlockError;
  }

  async run(): Promise<void> {
    const ends = this.coros.map((coro) =>
      coro.value().catch((error) =>
        this.expected(error) || this.problem(`failed: ${error.stack}\n${error.cause?.stack}`)
      )
    );
    await this.clock.advance(JANITOR_AT);
    for (const coro of this.coros) coro.terminate(1);
    await Promise.all(ends);
    this.check(this.clock.now() <= JANITOR_AT + 30, `the end took until ${this.clock.now()}`);
    await this.scheduler.terminate();
    const { live, ready, timers, hostOperations } = this.scheduler.stats();
    assertEquals({ live, ready, timers, hostOperations }, { live: 0, ready: 0, timers: 0, hostOperations: 0 });
    this.checkMessages();
    assertEquals(this.problems, []);
  }

  checkMessages(): void {
    this.got.forEach((got, me) => {
      const numbers = got.map(({ number }) => number);
      const ascending = numbers.every((number, i) => i === 0 || number > numbers[i - 1]);
      this.check(ascending || !this.inOrder[me], `${me} got ${numbers} out of order`);
      this.check(got.every(({ to }) => to === me), `${me} got somebody else's message`);
      const sent = this.sent[me].map(({ number }) => number);
      this.check(new Set(numbers).size === numbers.length, `${me} got a message twice: ${numbers}`);
      if (this.drained[me]) assertEquals(numbers.toSorted((a, b) => a - b), sent, `messages of ${me}`);
      else this.check(numbers.every((number) => sent.includes(number)), `${me} got what was not sent`);
    });
  }

  /** Receives the rest of the mailbox. */
  *drain(coro: Coro, me: number): Generator<unknown, void, unknown> {
    for (;;) {
      try {
        const message = yield* coro.receive<Message | typeof ALARM>(0, ALARM);
        if (message !== ALARM) this.got[me].push(message as Message);
        // A message may arrive between the timeout and the step that receives it.
        else if ((coro.mailbox?.length ?? 0) === 0) break;
      } catch (error) {
        if (!this.expected(error)) throw error;
      }
    }
    this.drained[me] = true;
  }

  *steps(coro: Coro, me: number, steps: readonly Step[]): Generator<unknown, void, unknown> {
    for (const step of steps) {
      try {
        yield* this.step(coro, me, step);
      } catch (error) {
        if (!this.expected(error)) throw error;
        if (error instanceof Thrown && !this.caught.has(error)) this.catches(me, error);
        if (step.op === "loud") throw error;
      }
    }
  }

  catches(me: number, error: Thrown): void {
    this.caught.add(error);
    // The error may have come from finish().
    this.check(this.coros[error.to] !== undefined, `${me} caught an error of nobody`);
  }

  step(coro: Coro, me: number, step: Step): Generator<unknown, void, unknown> {
    switch (step.op) {
      case "sleep":
      case "pause":
      case "receive":
        return this.waits(coro, me, step);
      case "finish":
        return this.finishes(me, step);
      case "race":
      case "all":
        return this.combines(coro, me, step);
      case "within":
        return this.within(coro, me, step);
      case "guard":
        return this.guards(coro, me, step);
      case "loud":
        return this.step(coro, me, step.step);
      default:
        return this.acts(coro, me, step);
    }
  }

  *acts(coro: Coro, me: number, step: Step): Generator<unknown, void, unknown> {
    const target = "to" in step ? step.to % this.coros.length : me;
    if (step.op === "yield") {
      const value: unknown = yield step.value ?? undefined;
      this.check(value === (step.value ?? undefined), `yield gave ${String(value)}`);
    } else if (step.op === "send") {
      const message = { to: target, number: this.#messages++ };
      const alive = this.coros[target].isAlive();
      const accepted = this.coros[target].send(message);
      this.check(accepted === alive, `send answered ${accepted} for one alive: ${alive}`);
      if (accepted) this.sent[target].push(message);
    } else if (step.op === "resume") {
      const update = { to: target, at: this.clock.now(), taken: false };
      if (!this.coros[target].resume(update)) this.refused.add(update);
    } else if (step.op === "throw") {
      const alive = this.coros[target].isAlive();
      const accepted = this.coros[target].throw(new Thrown(target, this.clock.now()));
      this.check(accepted === (alive && target !== me), `throw answered ${accepted}`);
    } else if (step.op === "terminate") {
      const alive = this.coros[target].isAlive();
      this.check(this.coros[target].terminate(step.grace) === alive, "terminate answered wrong");
    } else if (step.op === "call") {
      if (step.plain) yield this.steps(coro, me, step.steps);
      else yield* call(this.steps(coro, me, step.steps));
    }
  }

  wait(coro: Coro, step: Step & { t: Seconds }): Operation<unknown> {
    if (step.op === "sleep") return coro.sleep(step.t, ALARM);
    if (step.op === "pause") return sleep(step.t);
    return coro.receive(step.t, ALARM);
  }

  *waits(coro: Coro, me: number, step: Step & { t: Seconds; plain: boolean }): Generator<unknown, void, unknown> {
    const start = this.clock.now();
    const number = this.#waits++;
    const deadline = step.t === null ? Infinity : start + step.t;
    const operation = this.wait(coro, step);
    const value: unknown = step.plain ? yield operation : yield* operation;
    const now = this.clock.now();
    const alarmed = value === ALARM || (step.op === "pause" && value === undefined);
    if (alarmed) {
      this.check(now === deadline, `${step.op} of ${me} until ${deadline} woke at ${now}`);
      if (step.t !== 0) this.alarmed(deadline, number);
    } else if (step.op === "receive") {
      this.check(now <= deadline, `receive of ${me} until ${deadline} got a message at ${now}`);
      this.got[me].push(value as Message);
    } else this.resumed(me, value as Update, now);
  }

  /** Waits with the same deadline end in the order in which they began. */
  alarmed(deadline: number, number: number): void {
    const last = this.#lastAlarm;
    this.check(deadline >= last.deadline, `a wake-up for ${deadline} came after one for ${last.deadline}`);
    if (this.fair && deadline === last.deadline) {
      this.check(number > last.number, `wait ${number} woke after ${last.number}, both at ${deadline}`);
    }
    this.#lastAlarm = { deadline, number };
  }

  resumed(me: number, update: Update, now: number): void {
    this.check(!update.taken, "an update was taken twice");
    this.check(!this.refused.has(update), "an update arrived whose resume() answered false");
    this.check(update.to === me, `${me} got an update for ${update.to}`);
    this.check(update.at === now, `an update of ${update.at} arrived at ${now}`);
    update.taken = true;
  }

  *finishes(me: number, step: Step & { of: number; t: Seconds }): Generator<unknown, void, unknown> {
    const target = this.coros[step.of % this.coros.length];
    const start = this.clock.now();
    try {
      yield* target.finish(step.t);
      this.check(!target.isAlive(), `${me} saw the end of one alive`);
    } catch (error) {
      if (error instanceof TimeoutError && error.message.startsWith(String(target)) && target.isAlive()) {
        this.check(step.t !== null && this.clock.now() === start + step.t, "finish() timed out at the wrong time");
      }
      throw error;
    }
  }

  *combines(coro: Coro, me: number, step: Step & { op: "race" | "all" }): Generator<unknown, void, unknown> {
    const combine: (items: (Operation<unknown> | Generator<unknown, unknown, unknown>)[]) => Operation<unknown> =
      step.op === "race" ? race : all;
    const [[first]] = step.items;
    if (!isDirect(step) || !isWait(first)) {
      yield* combine(step.items.map((steps) => this.steps(coro, me, steps)));
      return;
    }
    // The items are operations, so it is unknown what a loser got.
    const start = this.clock.now();
    const one = this.wait(coro, first);
    const value = yield* combine([one, coro.receive(3, ALARM)]);
    this.check(
      this.clock.now() <= start + (step.op === "race" ? 3 : Math.max(3, first.t ?? Infinity)),
      "a race was late",
    );
    for (const item of step.op === "race" ? [value] : value as unknown[]) {
      if (item === ALARM || item === undefined) continue;
      if (typeof item === "object" && item !== null && "number" in item) this.got[me].push(item as Message);
      else this.resumed(me, item as Update, (item as Update).at);
    }
  }

  *within(coro: Coro, me: number, step: Step & { op: "within" }): Generator<unknown, void, unknown> {
    const start = this.clock.now();
    try {
      yield* withTimeout(step.t, this.steps(coro, me, step.steps));
    } catch (error) {
      if (error instanceof TimeoutError && error.message.startsWith("Time is up")) {
        this.check(step.t !== null || step.steps.length > 0, "no limit, yet time was up");
        this.check(this.clock.now() >= start + Math.min(step.t ?? 0, 0), "time was up too early");
      }
      throw error;
    }
  }

  *guards(coro: Coro, me: number, step: Step & { op: "guard" }): Generator<unknown, void, unknown> {
    try {
      yield* this.steps(coro, me, step.steps);
    } finally {
      yield* this.steps(coro, me, step.cleanup);
    }
  }
}

function property(shuffled: boolean): fc.IAsyncProperty<[Step[][], number]> {
  return fc.asyncProperty(programs, fc.integer(), async (programs, seed) => {
    await new World(programs, shuffled ? seed : undefined).run();
  }) as fc.IAsyncProperty<[Step[][], number]>;
}

for (const shuffled of [false, true]) {
  Deno.test(`random programs keep all invariants, ${shuffled ? "in shuffled order" : "first come, first served"}`, async () => {
    const seed = Number(Deno.env.get("SEED") ?? Math.trunc(Math.random() * 2 ** 31));
    const result = await fc.check(property(shuffled), { seed, numRuns: runs(3000) });
    assert(!result.failed, `${fc.defaultReportMessage(result)}\n${(result.errorInstance as Error | null)?.message}`);
  });
}
