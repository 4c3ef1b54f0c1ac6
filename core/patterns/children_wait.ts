import type { Owner } from "../fiber/owner.ts";
import type { WaitingFiber } from "../fiber/context.ts";
import { Operation } from "../fiber/operation.ts";
import type { QueueLinks, WaitQueue } from "../fiber/wait_queue.ts";

/** A child that has not ended. */
interface AwaitedChild extends QueueLinks {
  readonly coro: Owner;
  readonly nextWaiter: AwaitedChild | null;
}

/** A group of children, as the waits for them use it. */
interface AwaitedGroup {
  readonly kind: string;
  readonly children: WaitQueue<AwaitedChild>;
  readonly services: WaitQueue<AwaitedChild>;
  readonly size: number;
  readonly ending: boolean;
  wait: ChildrenWait | null;
  terminateAll(): void;
}

// How many children a description lists.
const MAX_SHOWN = 5;

/**
 * Waits until at most `most` children of a group are left, or until the group begins to end.
 *
 * Only children and services of the group are expected to end the wait: if all of them are deadlocked, so is the wait.
 */
export class ChildrenWait extends Operation<void> {
  declare private readonly group: AwaitedGroup;
  declare private readonly most: number;
  declare private readonly last: boolean;

  /** With `last`, all are being terminated: it waits for services, too, and nothing cuts it short. */
  constructor(group: AwaitedGroup, most: number, last: boolean) {
    super();
    this.group = group;
    this.most = most;
    this.last = last;
  }

  get label(): string {
    return this.group.kind;
  }

  override get shielded(): boolean {
    return this.last;
  }

  override get uninterruptible(): boolean {
    return this.last;
  }

  override get waitsFor(): string {
    const names: string[] = [];
    for (const { coro } of this.awaited()) {
      if (names.length === MAX_SHOWN) break;
      names.push(`${coro}`);
    }
    const more = this.count - names.length;
    if (more > 0) names.push(`${more} more`);
    return `the end of ${names.join(", ")}`;
  }

  private get count(): number {
    return this.last ? this.group.size : this.group.children.length;
  }

  /** The children whose end it waits for. */
  private *awaited(): Generator<AwaitedChild> {
    for (let child = this.group.children.head; child !== null; child = child.nextWaiter) yield child;
    if (!this.last) return;
    for (let child = this.group.services.head; child !== null; child = child.nextWaiter) yield child;
  }

  private get met(): boolean {
    return this.count <= this.most || (!this.last && this.group.ending);
  }

  override begin(fiber: WaitingFiber): boolean {
    if (this.met) return this.give(undefined);
    this.group.wait = this;
    this.noteBlocked(fiber);
    return false;
  }

  /** A child has ended, or the group has begun to end. */
  look(): void {
    if (this.met) {
      this.group.wait = null;
      this.resolve(undefined);
    } else {
      // Those that are left may wait for each other, or for this coroutine.
      this.noteBlocked(this.fiber!);
    }
  }

  private noteBlocked({ owner }: WaitingFiber): void {
    owner.loop.noteBlocked(owner);
  }

  override reject(error: unknown): void {
    this.group.wait = null;
    super.reject(error);
  }

  override detach(): void {
    this.group.wait = null;
  }

  // The interrupt may have shortened the grace of the coroutine: gives the children the shorter one.
  override interruptArrived(): void {
    this.group.terminateAll();
  }

  // Services, too, can let a child go on, or end the scope by failing.
  override isDeadlocked(dead: (owner: Owner) => boolean): boolean {
    for (const queue of [this.group.children, this.group.services]) {
      for (let child = queue.head; child !== null; child = child.nextWaiter) if (!dead(child.coro)) return false;
    }
    return true;
  }
}
