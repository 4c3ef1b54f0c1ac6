/**
 * The work of a supervisor: starts children, restarts them, and gives up when that is needed too often.
 *
 * It uses what any coroutine can do: it is a monitor of its children, learns of their ends from messages, and restarts a
 * failed child with `hotSwap`. A child that ended otherwise cannot be restarted so; a new coroutine replaces it.
 */
import type { Coro } from "../coroutine/coro.ts";
import { describe } from "../base/describe.ts";
import { printLine, withoutStack } from "../base/error_report.ts";
import { MonitorException, type Outcome } from "../coroutine/errors.ts";
import { isInterrupted } from "../fiber/interrupts.ts";
import { ClosedWithOwner } from "../coroutine/owned_resource.ts";
import { Child, type ChildInfo } from "./child.ts";
import type { CheckedOptions, ChildSpec } from "./options.ts";
import { RestartLimit } from "./restart_limit.ts";

// Children that were added later and have ended are listed until so many have ended after them: a server may start one
// for each connection.
const MAX_ENDED = 64;

/** The children of a supervisor. */
export class Supervision {
  readonly #coro: Coro;
  readonly #options: CheckedOptions;
  readonly #limit: RestartLimit;
  /** In the order of their indices. */
  readonly #children: Set<Child> = new Set();
  readonly #initial: readonly Child[];
  readonly #byCoro: Map<Coro, Child> = new Map();
  /** The coroutines of children that another one has replaced. */
  readonly #replaced: WeakMap<Coro, Child> = new WeakMap();
  readonly #up: Set<Child> = new Set();
  /** Those to be started. */
  readonly #due: Set<Child> = new Set();
  readonly #ended: Child[] = [];
  #count = 0;
  #begun = false;
  #ending = false;

  constructor(coro: Coro, specs: readonly ChildSpec[], options: CheckedOptions) {
    this.#coro = coro;
    this.#options = options;
    this.#limit = new RestartLimit(options, () => this.#now());
    this.#initial = specs.map((spec) => this.#add(new Child(spec, this.#count++, true)));
    for (const child of this.#initial) this.#startLater(child, -Infinity);
    new ClosedWithOwner(coro, () => this.#abandon());
  }

  /** The body of the supervisor. */
  *run(): Generator<unknown, unknown[], unknown> {
    this.#begun = true;
    try {
      yield* this.#startDue();
      while (this.#up.size > 0 || this.#due.size > 0) {
        const message = yield* this.#coro.receive(this.#nextStart() - this.#now());
        if (message instanceof MonitorException) yield* this.#exited(message);
        yield* this.#startDue();
      }
      return this.#initial.map((child) => child.result);
    } finally {
      this.#ending = true;
      for (const child of this.#children) child.restarting = false;
      yield* this.#stop([...this.#children], (child, error) => this.#report(child, error));
    }
  }

  // --- requests -----------------------------------------------------------------------------------------------

  list(): ChildInfo[] {
    this.#startEarly();
    const started = [...this.#children].filter((child) => child.coro !== null);
    return started.map((child) => ({
      name: child.name,
      coro: child.coro!,
      restarts: child.restarts,
      state: child.state,
    }));
  }

  start(spec: ChildSpec): Coro {
    if (this.#ending || !this.#coro.isAlive() || isInterrupted(this.#coro)) {
      throw new Error(`Cannot start a child as supervisor ${this.#coro} has ended or is ending: make a new one`);
    }
    this.#startEarly();
    const child = new Child(spec, this.#count++, false);
    this.#start(child);
    this.#add(child);
    return child.coro!;
  }

  *stop(which: Coro | string): Generator<unknown, boolean, unknown> {
    const child = this.#find(which);
    if (child === undefined) return false;
    child.stopped = true;
    const { up, coro } = child;
    this.#startNoMore(child);
    if (up) {
      yield* this.#terminated(coro!);
    } else {
      child.end = "stopped";
      this.#over(child);
      // It may have been the last.
      this.#coro.send(null);
    }
    return true;
  }

  #find(which: Coro | string): Child | undefined {
    if (typeof which !== "string") {
      const child = this.#byCoro.get(which) ?? this.#replaced.get(which);
      return child?.goesOn ? child : undefined;
    }
    for (const child of this.#children) if (child.goesOn && child.name === which) return child;
  }

  // --- ends ---------------------------------------------------------------------------------------------------

  *#exited({ coro, outcome }: MonitorException): Generator<unknown, void, unknown> {
    const child = this.#byCoro.get(coro);
    // A coroutine that was replaced.
    if (child === undefined) return;
    if (child.expectedMessages > 0) {
      child.expectedMessages--;
      return;
    }
    if (outcome.kind === "return") child.result = outcome.value;
    if (coro.isAlive()) {
      // Another monitor has restarted it already.
      if (outcome.kind === "throw") this.#limit.count(child, outcome.error);
      return;
    }
    this.#up.delete(child);
    child.up = false;
    yield* this.#down(child, outcome);
  }

  /** A child has ended, by itself or by others. */
  *#down(child: Child, outcome: Outcome): Generator<unknown, void, unknown> {
    const { restart = "transient" } = child.spec;
    const failed = outcome.kind === "throw";
    child.end = failed ? "failed" : outcome.kind === "return" ? "returned" : "stopped";
    if (!child.stopped && (restart === "permanent" || (restart === "transient" && failed))) {
      return yield* this.#restart(child, outcome);
    }
    this.#over(child);
    if (!failed) return;
    if (child.stopped) this.#report(child, outcome.error);
    else this.#print(`${child} failed with ${describe(outcome.error)} and is not restarted`);
  }

  *#restart(child: Child, outcome: Outcome): Generator<unknown, void, unknown> {
    this.#limit.count(child, outcome.kind === "throw" ? outcome.error : endOf(child, outcome));
    const group = this.#groupOf(child);
    for (const member of group) member.restarting = member.spec.restart !== "temporary";
    yield* this.#stop(group, (member, error) => this.#limit.count(member, error));
    const startAt = this.#now() + this.#limit.delay(child);
    for (const member of group) {
      if (!member.restarting) continue;
      member.cause = outcome.kind === "throw" ? outcome.error : undefined;
      this.#startLater(member, startAt);
    }
    this.#limit.backoffChanged(this.#due.size > 0);
  }

  /** The children to restart after the end of one of them, in their order. */
  #groupOf(child: Child): readonly Child[] {
    const { strategy } = this.#options;
    if (strategy === "one-for-one") return [child];
    const first = strategy === "one-for-all" ? 0 : child.index;
    return [...this.#children].filter((other) => {
      return other === child || (other.index >= first && !other.stopped && (other.initial || other.goesOn));
    });
  }

  /** A child has ended for good. */
  #over(child: Child): void {
    child.restarting = false;
    if (child.initial || !this.#children.has(child)) return;
    this.#ended.push(child);
    if (this.#ended.length <= MAX_ENDED) return;
    const oldest = this.#ended.shift()!;
    this.#children.delete(oldest);
    this.#byCoro.delete(oldest.coro!);
  }

  // --- starting -----------------------------------------------------------------------------------------------

  *#startDue(): Generator<unknown, void, unknown> {
    const now = this.#now();
    const due = [...this.#due].filter((child) => child.startAt <= now).sort((a, b) => a.index - b.index);
    for (const child of due) {
      if (!this.#due.delete(child)) continue;
      try {
        this.#start(child);
      } catch (error) {
        yield* this.#down(child, { kind: "throw", error });
      }
    }
    this.#limit.backoffChanged(this.#due.size > 0);
  }

  /** Starts the children that it was made with before the first step, as they are asked for. */
  #startEarly(): void {
    if (this.#begun || !this.#coro.isAlive()) return;
    for (const child of this.#due) {
      try {
        this.#start(child);
        this.#due.delete(child);
      } catch {
        // The first step tries again, and counts the failure.
      }
    }
  }

  /** Starts a child: in place if it has failed, or else as a new coroutine. */
  #start(child: Child): void {
    const { target, args = [], name } = child.spec;
    const { coro, restarting } = child;
    const alive = coro !== null && coro.isAlive();
    if (!alive && !coro?.hotSwap(target, ...args)) this.#spawn(child, name, target, args);
    child.result = undefined;
    child.restarting = false;
    child.up = true;
    this.#up.add(child);
    // Another monitor may have restarted it.
    if (restarting && coro !== null && !alive) this.#restarted(child);
  }

  #spawn(child: Child, name: string | undefined, target: ChildSpec["target"], args: readonly unknown[]): void {
    const coro = child.origin.create(() => this.#coro.scheduler.spawnWith({ name }, target, ...args) as Coro);
    if (child.coro !== null) {
      this.#byCoro.delete(child.coro);
      this.#replaced.set(child.coro, child);
    }
    child.coro = coro;
    child.expectedMessages = 0;
    this.#byCoro.set(coro, child);
    coro.notify(this.#coro);
  }

  #restarted(child: Child): void {
    const { onRestart } = this.#options;
    const { coro, cause } = child;
    child.restarts++;
    child.cause = undefined;
    if (onRestart === undefined) {
      const after = cause === undefined ? "its end" : describe(cause);
      return this.#print(`${child} is restarted after ${after} (restart ${child.restarts})`);
    }
    try {
      onRestart(coro!, cause, child.restarts);
    } catch (error) {
      this.#coro.loop.reportError(error, this.#coro);
    }
  }

  #startLater(child: Child, at: number): void {
    child.startAt = at;
    this.#due.add(child);
  }

  #startNoMore(child: Child): void {
    child.restarting = false;
    this.#due.delete(child);
    this.#limit.backoffChanged(this.#due.size > 0);
  }

  #nextStart(): number {
    let next = Infinity;
    for (const child of this.#due) next = Math.min(next, child.startAt);
    return next;
  }

  // --- stopping -----------------------------------------------------------------------------------------------

  /** Terminates those of the children that are up, the last first, and waits for the end of each. */
  *#stop(
    children: readonly Child[],
    onFailure: (child: Child, error: unknown) => void,
  ): Generator<unknown, void, unknown> {
    try {
      for (const child of children.toReversed()) {
        this.#due.delete(child);
        if (child.up) yield* this.#stopOne(child, child.coro!, onFailure);
      }
    } finally {
      // Even if the waiting is cut short, no child goes on.
      this.#terminate(children);
    }
  }

  *#stopOne(
    child: Child,
    coro: Coro,
    onFailure: (child: Child, error: unknown) => void,
  ): Generator<unknown, void, unknown> {
    child.end = "stopped";
    try {
      const failure = yield* this.#terminated(coro);
      if (failure === null) return;
      child.end = "failed";
      onFailure(child, failure.error);
    } finally {
      child.up = false;
      this.#up.delete(child);
      child.expectedMessages++;
      if (!child.restarting) this.#over(child);
    }
  }

  /** Terminates a coroutine and waits for its end; returns the error of its cleanup. */
  *#terminated(coro: Coro): Generator<unknown, { readonly error: unknown } | null, unknown> {
    coro.terminate();
    try {
      yield* coro.finish();
      return null;
    } catch (error) {
      // The error was not that of the child: it was thrown in the coroutine that waits.
      if (coro.isAlive()) throw error;
      return { error };
    }
  }

  /** The supervisor has ended: before its first step, or while it stopped its children. */
  #abandon(): void {
    this.#ending = true;
    this.#terminate(this.#up);
    for (const child of this.#children) {
      child.restarting = false;
      if (child.up) child.end = "stopped";
      child.up = false;
    }
  }

  #terminate(children: Iterable<Child>): void {
    for (const child of children) child.coro?.terminate();
  }

  #add(child: Child): Child {
    this.#children.add(child);
    return child;
  }

  #now(): number {
    return this.#coro.scheduler.now();
  }

  #report(child: Child, error: unknown): void {
    this.#coro.loop.reportError(error, child.coro!);
  }

  #print(event: string): void {
    printLine(`Supervisor ${this.#coro}: ${event}`.replaceAll(/\s*\n\s*/g, " "));
  }
}

/** Why a child that did not fail is restarted, as an error: it is among the failures if the supervisor gives up. */
function endOf(child: Child, { kind }: Outcome): Error {
  const how = kind === "return" ? "returned" : kind === "lost" ? "was lost" : "was terminated";
  return withoutStack(new Error(`${child} ${how}, and is to run permanently`));
}
