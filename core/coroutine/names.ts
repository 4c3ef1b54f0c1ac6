/**
 * Names under which coroutines, channels and the like are found.
 *
 * One registry for each kind serves the whole process, with all its schedulers. A scheduler that has joined a network has
 * registries of its own instead: `at()` chooses. They belong to a room above, which moves what has a name and what waits
 * for one when a scheduler joins a network or leaves it.
 */
import type { Operation } from "../fiber/operation.ts";
import type { Fiber } from "../fiber/fiber.ts";
import { type QueueLinks, Waiter, WaitQueue } from "../fiber/wait_queue.ts";
import { type Limit, limitSeconds } from "../base/limit.ts";
import { limited } from "../operations/limited.ts";
import type { PeerLocation } from "./peer_location.ts";
import { describe } from "../base/describe.ts";
import { getOrMake } from "../base/get_or_make.ts";

/** @internal A scheduler, as far as names are concerned. */
export interface NamesOwner {
  /** Its own names, if it has joined a network. */
  names: OwnNames | null;
}

/** @internal The names of one scheduler. */
export interface OwnNames {
  /** Its names of the same kind. */
  of<T extends object>(shared: Registry<T>): Registry<T>;
}

/** @internal Waits for a name. */
export interface NameWaiter<T> extends QueueLinks {
  readonly name: string;
  /** An entry has been registered under the name. It no longer waits. */
  resolve(entry: T): void;
}

/** @internal Names for entries of one kind. */
export class Registry<T extends object> {
  /** The kind of its entries, for messages: `"coroutine"`. */
  declare readonly kind: string;
  /** Whether an entry still needs its names; otherwise other entries may take them. */
  declare readonly lives: (entry: T) => boolean;
  /** What has a name. */
  readonly entries: Map<string, T> = new Map();
  /** What waits for a name. */
  readonly waiting: Map<string, WaitQueue<NameWaiter<T>>> = new Map();
  readonly #names: Map<T, Set<string>> = new Map();

  constructor(kind: string, lives: (entry: T) => boolean) {
    this.kind = kind;
    this.lives = lives;
  }

  /** The registry that a scheduler uses in place of this one, which is that of the process. */
  at(owner: NamesOwner): Registry<T> {
    return owner.names === null ? this : owner.names.of(this);
  }

  /** Registers an entry under a name. Returns `false` if a living entry has the name. */
  register(name: string, entry: T): boolean {
    checkName(name, `register a ${this.kind}`);
    const holder = this.entries.get(name);
    if (holder !== undefined) {
      if (this.lives(holder)) return false;
      this.unregister(name, holder);
    }
    this.entries.set(name, entry);
    getOrMake(this.#names, entry, () => new Set()).add(name);
    this.#resolveWaiting(name, entry);
    return true;
  }

  /** Removes a name. Returns `false` if the entry does not have it. */
  unregister(name: string, entry: T): boolean {
    checkName(name, `unregister a ${this.kind}`);
    if (this.entries.get(name) !== entry) return false;
    this.entries.delete(name);
    const names = this.#names.get(entry)!;
    names.delete(name);
    if (names.size === 0) this.#names.delete(entry);
    return true;
  }

  /** Removes all names of an entry. */
  forget(entry: T): void {
    for (const name of this.#names.get(entry) ?? []) this.entries.delete(name);
    this.#names.delete(entry);
  }

  /**
   * Finds the entry of a name, waiting for a registration; `null` after a timeout. The scheduler of the coroutine that
   * yields this decides which registry is used, if this one is that of the process.
   */
  locate(name: string, limit?: Limit, location: PeerLocation | null = null): Operation<T | null> {
    const action = `locate a ${this.kind}`;
    checkName(name, action);
    checkLocation(location, action);
    return limited(new Locate(this, name, limitSeconds(limit, action), location), limit);
  }

  /** Begins to look for a name. Returns whether the operation has its outcome. */
  begin(locate: Locate<T>): boolean {
    if (locate.location !== null) {
      return locate.fail(
        new Error(
          `Cannot locate a ${this.kind} at ${locate.location} as the scheduler has joined no network: join one`,
        ),
      );
    }
    const entry = this.find(locate.name);
    if (entry !== null || locate.limit <= 0) return locate.give(entry);
    this.wait(locate);
    return false;
  }

  /** An operation that has begun, and has no outcome, no longer looks for its name. */
  cancel(locate: Locate<T>): void {
    this.stopWaiting(locate);
  }

  /** The entry that has the name now. */
  find(name: string): T | null {
    return this.entries.get(name) ?? null;
  }

  /** Adds what waits for a name. */
  wait(waiter: NameWaiter<T>): void {
    getOrMake(this.waiting, waiter.name, () => new WaitQueue()).push(waiter);
  }

  /** Removes it. */
  stopWaiting(waiter: NameWaiter<T>): void {
    const queue = this.waiting.get(waiter.name)!;
    queue.remove(waiter);
    if (queue.length === 0) this.waiting.delete(waiter.name);
  }

  #resolveWaiting(name: string, entry: T): void {
    // Each is called once. One may wait again, behind the others; and code of the program may run, which ends others.
    for (let left = this.waiting.get(name)?.length ?? 0; left > 0; left--) {
      const waiter = this.waiting.get(name)?.head;
      if (!waiter) return;
      this.stopWaiting(waiter);
      waiter.resolve(entry);
    }
  }
}

/** @internal How many names are registered, and how much waits for one. */
export function countNames<T extends object>({ entries, waiting }: Registry<T>): { names: number; waiting: number } {
  return { names: entries.size, waiting: [...waiting.values()].reduce((sum, queue) => sum + queue.length, 0) };
}

/** @internal Waits until a name is registered. */
export class Locate<T extends object> extends Waiter<T | null> implements NameWaiter<T> {
  readonly label = "locate";
  declare readonly name: string;
  /** Where it looks only; `null`: everywhere. */
  declare readonly location: PeerLocation | null;
  /** The registry that it was made for, then that of the scheduler that waits. */
  declare registry: Registry<T>;

  constructor(registry: Registry<T>, name: string, seconds: number, location: PeerLocation | null) {
    super();
    this.registry = registry;
    this.name = name;
    this.limit = seconds;
    this.location = location;
  }

  override begin(fiber: Fiber): boolean {
    // Every run loop of coroutines has names; this file comes before that.
    this.registry = this.registry.at(fiber.owner.loop as unknown as NamesOwner);
    return this.registry.begin(this);
  }

  override detach(): void {
    this.registry.cancel(this);
  }

  override timedOut(): void {
    this.give(null);
  }

  override get waitsFor(): string {
    return `the name '${this.name}'`;
  }
}

function checkLocation(location: unknown, action: string): void {
  if (location === null || typeof (location as PeerLocation).equals === "function") return;
  throw new TypeError(`Cannot ${action} as 'location' must be a Location: current value is ${describe(location)}`);
}

/** Returns the name, if it is valid. */
export function checkName(name: unknown, action: string): string {
  if (typeof name === "string" && name !== "") return name;
  throw new TypeError(
    `Cannot ${action} as 'name' must be a string that is not empty: current value is ${describe(name)}`,
  );
}
