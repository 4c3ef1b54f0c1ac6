/**
 * Names under which coroutines and channels are found.
 *
 * One registry serves the whole process, with all its schedulers. The interface also fits a registry in another process:
 * finding an entry is an operation, which may wait, and the entry may be a proxy.
 */
import { describe } from "../base/describe.ts";
import type { Operation } from "../fiber/operation.ts";
import type { Fiber } from "../fiber/fiber.ts";
import { Waiter, WaitQueue } from "../fiber/wait_queue.ts";
import { type Limit, limitSeconds } from "../base/limit.ts";
import { limited } from "../operations/limited.ts";

/** Names for entries of one kind. */
export interface Registry<T> {
  /** Registers an entry under a name; returns `false` if a living entry has the name. */
  register(name: string, entry: T): boolean;
  /** Removes a name; returns `false` if the entry does not have it. */
  unregister(name: string, entry: T): boolean;
  /** Removes all names of an entry. */
  forget(entry: T): void;
  /** Finds the entry of a name, waiting for a registration; returns `null` after a timeout. */
  locate(name: string, limit?: Limit): Operation<T | null>;
}

/** The names of this process. */
export class LocalRegistry<T extends object> implements Registry<T> {
  readonly #kind: string;
  readonly #lives: (entry: T) => boolean;
  readonly #entries: Map<string, T> = new Map();
  readonly #names: Map<T, Set<string>> = new Map();
  readonly #waiting: Map<string, WaitQueue<Locate<T>>> = new Map();

  /**
   * @param kind The kind of its entries, for messages: `"coroutine"`.
   * @param lives Returns whether an entry still needs its names; otherwise other entries may take them.
   */
  constructor(kind: string, lives: (entry: T) => boolean) {
    this.#kind = kind;
    this.#lives = lives;
  }

  register(name: string, entry: T): boolean {
    checkName(name, `register a ${this.#kind}`);
    const holder = this.#entries.get(name);
    if (holder !== undefined) {
      if (this.#lives(holder)) return false;
      this.unregister(name, holder);
    }
    this.#entries.set(name, entry);
    const names = this.#names.get(entry);
    if (names === undefined) this.#names.set(entry, new Set([name]));
    else names.add(name);
    this.#resolveWaiting(name, entry);
    return true;
  }

  unregister(name: string, entry: T): boolean {
    checkName(name, `unregister a ${this.#kind}`);
    if (this.#entries.get(name) !== entry) return false;
    this.#entries.delete(name);
    const names = this.#names.get(entry)!;
    names.delete(name);
    if (names.size === 0) this.#names.delete(entry);
    return true;
  }

  forget(entry: T): void {
    for (const name of this.#names.get(entry) ?? []) this.#entries.delete(name);
    this.#names.delete(entry);
  }

  locate(name: string, limit?: Limit): Operation<T | null> {
    checkName(name, `locate a ${this.#kind}`);
    return limited(new Locate(this, name, limitSeconds(limit, `locate a ${this.#kind}`)), limit);
  }

  /** @internal The entry that has the name now. */
  find(name: string): T | null {
    return this.#entries.get(name) ?? null;
  }

  /** @internal Adds an operation that waits for a name. */
  wait(locate: Locate<T>): void {
    let queue = this.#waiting.get(locate.name);
    if (queue === undefined) this.#waiting.set(locate.name, queue = new WaitQueue());
    queue.push(locate);
  }

  /** @internal Removes it. */
  stopWaiting(locate: Locate<T>): void {
    const queue = this.#waiting.get(locate.name)!;
    queue.remove(locate);
    if (queue.length === 0) this.#waiting.delete(locate.name);
  }

  /** How many names are registered, and how many operations wait for one. */
  statistics(): { readonly names: number; readonly waiting: number } {
    let waiting = 0;
    for (const queue of this.#waiting.values()) waiting += queue.length;
    return { names: this.#entries.size, waiting };
  }

  #resolveWaiting(name: string, entry: T): void {
    const queue = this.#waiting.get(name);
    this.#waiting.delete(name);
    for (let locate = queue?.shift(); locate; locate = queue!.shift()) locate.resolve(entry);
  }
}

/** Waits until a name is registered. */
class Locate<T extends object> extends Waiter<T | null> {
  readonly label = "locate";
  readonly name: string;
  readonly #registry: LocalRegistry<T>;

  constructor(registry: LocalRegistry<T>, name: string, seconds: number) {
    super();
    this.#registry = registry;
    this.name = name;
    this.limit = seconds;
  }

  override begin(_fiber: Fiber): boolean {
    const entry = this.#registry.find(this.name);
    if (entry !== null || this.limit <= 0) return this.give(entry);
    this.#registry.wait(this);
    return false;
  }

  override detach(): void {
    this.#registry.stopWaiting(this);
  }

  override timedOut(): void {
    this.give(null);
  }

  override get waitsFor(): string {
    return `the name '${this.name}'`;
  }
}

/** Returns the name, if it is valid. */
export function checkName(name: unknown, action: string): string {
  if (typeof name === "string" && name !== "") return name;
  throw new TypeError(
    `Cannot ${action} as 'name' must be a string that is not empty: current value is ${describe(name)}`,
  );
}
