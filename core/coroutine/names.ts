/**
 * Names, by which coroutines and channels are found.
 *
 * One registry serves the whole process, whatever the scheduler. A registry in another process can stand behind the
 * same interface: finding is an operation that may take its time, and what it finds may be a stand-in.
 */
import { describe } from "../base/describe.ts";
import type { Operation } from "../fiber/operation.ts";
import type { Fiber } from "../fiber/fiber.ts";
import { Waiter, WaitQueue } from "../fiber/wait_queue.ts";
import { type Timeout, toSeconds } from "../base/duration.ts";

/** Names for things of one kind. */
export interface Registry<T> {
  /** Gives a thing a name; `false` if something that lives has it. */
  register(name: string, entry: T): boolean;
  /** Takes a name from a thing; `false` if that does not have it. */
  unregister(name: string, entry: T): boolean;
  /** Takes all its names from a thing. */
  forget(entry: T): void;
  /** Finds what has a name, waiting for a registration until time is up, and then answers `null`. */
  locate(name: string, timeout?: Timeout): Operation<T | null>;
}

/** The names of this process. */
export class LocalRegistry<T extends object> implements Registry<T> {
  readonly #kind: string;
  readonly #lives: (entry: T) => boolean;
  readonly #entries: Map<string, T> = new Map();
  readonly #names: Map<T, Set<string>> = new Map();
  readonly #waiting: Map<string, WaitQueue<Locate<T>>> = new Map();

  /**
   * @param kind What it names, for messages: `"coroutine"`.
   * @param lives Whether an entry keeps its name from others.
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
    this.#tellWaiting(name, entry);
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

  locate(name: string, timeout?: Timeout): Operation<T | null> {
    checkName(name, `locate a ${this.#kind}`);
    return new Locate(this, name, toSeconds(timeout, `locate a ${this.#kind}`));
  }

  /** @internal What has the name now. */
  find(name: string): T | null {
    return this.#entries.get(name) ?? null;
  }

  /** @internal Adds somebody who waits for a name. */
  wait(locate: Locate<T>): void {
    let queue = this.#waiting.get(locate.name);
    if (queue === undefined) this.#waiting.set(locate.name, queue = new WaitQueue());
    queue.push(locate);
  }

  /** @internal Takes that back. */
  leave(locate: Locate<T>): void {
    const queue = this.#waiting.get(locate.name)!;
    queue.remove(locate);
    if (queue.length === 0) this.#waiting.delete(locate.name);
  }

  /** How many names there are, and how many operations wait for one. */
  statistics(): { readonly names: number; readonly waiting: number } {
    let waiting = 0;
    for (const queue of this.#waiting.values()) waiting += queue.length;
    return { names: this.#entries.size, waiting };
  }

  #tellWaiting(name: string, entry: T): void {
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

  override begin(_strand: Fiber): boolean {
    const entry = this.#registry.find(this.name);
    if (entry !== null || this.limit <= 0) return this.give(entry);
    this.#registry.wait(this);
    return false;
  }

  override detach(): void {
    this.#registry.leave(this);
  }

  override timedOut(): void {
    this.give(null);
  }

  override get waitsFor(): string {
    return `the name '${this.name}'`;
  }
}

/** The name itself, if it is one. */
export function checkName(name: unknown, action: string): string {
  if (typeof name === "string" && name !== "") return name;
  throw new TypeError(
    `Cannot ${action} as 'name' must be a string that is not empty: current value is ${describe(name)}`,
  );
}
