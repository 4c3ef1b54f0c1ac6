import { checkCount } from "../../base/count.ts";
import { describe } from "../../base/describe.ts";
import { checkOptions } from "../../base/options.ts";
import type { Coro, CoroFunction } from "../../coroutine/coro.ts";
import type { CoroLoop } from "../../coroutine/coro_loop.ts";
import type { Outcome } from "../../coroutine/errors.ts";
import type { EndListener } from "../../coroutine/end_listeners.ts";
import type { NamesOwner } from "../../coroutine/names.ts";
import { currentLoop } from "../../coroutine/spawn_options.ts";
import { Operation } from "../../fiber/operation.ts";
import { call } from "../../operations/call.ts";
import { PermissionError, RemoteError } from "../errors.ts";
import type { Location } from "../location.ts";
import { type Orphans, type RciHost, rciHosts, type RCIOptions, type RciSide } from "./rci_side.ts";
import { refusalOf } from "./refusal.ts";

const LIMIT = 10_000;

/** Where an RCI is registered, and how. */
export interface Registration {
  readonly host: RciHost;
  readonly orphans: Orphans;
  readonly limit: number;
}

/** The name of an RCI among those of a scheduler. */
export interface RciNaming {
  /** Adds it. Returns `false` if another RCI has the name. */
  add(owner: NamesOwner): boolean;
  /** Removes it. */
  remove(owner: NamesOwner): boolean;
}

/** An RCI whose function is in this process. */
export class LocalRci implements RciSide, EndListener {
  /** Where it is registered; `null` if it is not. */
  registration: Registration | null = null;
  /** How many of its coroutines have not ended. */
  live = 0;
  private readonly name: string;
  private readonly target: CoroFunction;
  private readonly naming: RciNaming;

  constructor(name: string, target: CoroFunction, naming: RciNaming) {
    this.name = name;
    this.target = target;
    this.naming = naming;
  }

  get location(): Location | null {
    return this.registration?.host.location ?? null;
  }

  register(options: RCIOptions): boolean {
    const { orphans, limit } = checkRegistration(options);
    const loop = currentLoop();
    const host = rciHosts.get(loop);
    if (host === undefined) throw notJoined(this.name, loop);
    if (this.registration !== null || !this.naming.add(loop)) return false;
    this.registration = { host, orphans, limit };
    return true;
  }

  unregister(): boolean {
    if (this.registration === null) return false;
    const { loop } = this.registration.host;
    this.registration = null;
    return this.naming.remove(loop);
  }

  run(args: readonly unknown[]): Operation<Coro> {
    return new Run(this, args);
  }

  call(args: readonly unknown[]): Operation<unknown> {
    return call(this.callHere(args));
  }

  outcome(args: readonly unknown[]): Operation<Outcome> {
    return call(this.outcomeHere(args));
  }

  private *outcomeHere(args: readonly unknown[]): Generator<unknown, Outcome, unknown> {
    const coro = this.create(args);
    try {
      yield* coro.finish();
    } catch {
      // It is told by the outcome.
    } finally {
      coro.terminate();
    }
    return coro.outcome();
  }

  private *callHere(args: readonly unknown[]): Generator<unknown, unknown, unknown> {
    const coro = this.create(args);
    try {
      return yield* coro.finish();
    } finally {
      coro.terminate();
    }
  }

  /**
   * Creates a coroutine.
   *
   * @throws {PermissionError} If it is not registered.
   * @throws {RemoteError} If too many of its coroutines live, or a default value of a parameter throws.
   */
  create(args: readonly unknown[]): Coro {
    const { registration, name } = this;
    if (registration === null) throw notRegistered(name);
    const { host, limit } = registration;
    if (this.live >= limit) throw limitReached(name, limit);
    const coro = this.createAt(host, args);
    this.live++;
    coro.addEndListener(this);
    return coro;
  }

  private createAt({ loop }: RciHost, args: readonly unknown[]): Coro {
    try {
      return loop.scheduler.spawn(this.target, ...args);
    } catch (error) {
      throw refusalOf(error);
    }
  }

  /** One of its coroutines has ended. */
  onEnd(): void {
    this.live--;
  }
}

/** Creates a coroutine when it is yielded. */
class Run extends Operation<Coro> {
  readonly label = "run";
  readonly #rci: LocalRci;
  readonly #args: readonly unknown[];

  constructor(rci: LocalRci, args: readonly unknown[]) {
    super();
    this.#rci = rci;
    this.#args = args;
  }

  override begin(): boolean {
    try {
      return this.give(this.#rci.create(this.#args));
    } catch (error) {
      return this.fail(error);
    }
  }

  override reclaim(): void {
    (this.outcome as Coro).terminate();
  }

  override detach(): void {}
}

function checkRegistration(options: RCIOptions): { readonly orphans: Orphans; readonly limit: number } {
  checkOptions(options, ["orphans", "limit"], "register an RCI");
  const { orphans = "terminate", limit = LIMIT } = options;
  if (orphans !== "terminate" && orphans !== "keep") {
    throw new TypeError(
      `Cannot register an RCI as 'orphans' must be "terminate" or "keep": current value is ${describe(orphans)}`,
    );
  }
  return { orphans, limit: checkCount(limit, 1, "register an RCI as 'limit'") };
}

function notJoined(name: string, loop: CoroLoop): Error {
  return new Error(
    `Cannot register RCI '${name}' as scheduler '${loop.scheduler}' has joined no network: join one first`,
  );
}

function notRegistered(name: string): PermissionError {
  return new PermissionError(`Cannot run RCI '${name}' as it is not registered: call register() first`);
}

function limitReached(name: string, limit: number): RemoteError {
  return new RemoteError(`Cannot run RCI '${name}' as ${limit} of its coroutines live: raise 'limit' or try later`);
}
