/**
 * Parts: the items of a `race` or an `all` that consists of plain operations. They wait without generators and frames.
 *
 * A part has what the run loop needs to wake it: a slot, a level, a timer. To its operation it is the fiber that waits. So
 * the ready queue keeps the order in which parts are settled, the kernel that of their deadlines, and a seed shuffles them.
 */
import type { MemberGroup } from "./branch.ts";
import type { Coro } from "./coro.ts";
import { coroOf } from "./coro_of.ts";
import type { PlainReceiver } from "./mailbox.ts";
import { context, type WaitingFiber } from "../fiber/context.ts";
import type { Fiber } from "../fiber/fiber.ts";
import { FrequentOperation } from "../fiber/frequent_operation.ts";
import { CANCELLING, markDirect, Operation, REJECTED, WAITING } from "../fiber/operation.ts";
import { Schedulable } from "../fiber/schedulable.ts";
import type { QueueLinks } from "../fiber/wait_queue.ts";
import { currentContext, enterContext, type HostContext } from "../host/async_context.ts";

/**
 * Whether an operation may wait as a part. One that calls a subroutine, or that has more to do when it is woken, overrides
 * these methods and needs a fiber.
 */
export function waitsPlainly({ next, park }: Operation<unknown>): boolean {
  return (park === FrequentOperation.prototype.park && next === FrequentOperation.prototype.next) ||
    (park === Operation.prototype.park && next === Operation.prototype.next);
}

/** The wait of one item that is a plain operation. */
export class Part extends Schedulable implements WaitingFiber, PlainReceiver, QueueLinks {
  declare nextWaiter: QueueLinks | null;
  declare prevWaiter: QueueLinks | null;
  /** Its operation; `null` if that was cancelled and its own cleanup has ended. */
  declare wait: Operation<unknown> | null;
  declare last: unknown;
  declare readonly index: number;
  declare private readonly group: MemberGroup;

  constructor(group: MemberGroup, parent: Fiber, index: number) {
    super(parent.loop, parent.level);
    this.nextWaiter = null;
    this.prevWaiter = null;
    this.wait = null;
    this.last = undefined;
    this.index = index;
    this.group = group;
  }

  get owner(): Coro {
    return coroOf(this.parentFiber);
  }

  get parentFiber(): WaitingFiber {
    return this.group.fiber!;
  }

  get hostContext(): HostContext {
    return this.parentFiber.hostContext;
  }

  get frames(): null {
    return null;
  }

  get selective(): false {
    return false;
  }

  /** Whether it can end only when its wait ends. */
  get stuck(): boolean {
    const { wait } = this;
    return wait !== null && wait.state === WAITING && !this.ready && !wait.mayBeCutShort;
  }

  graceLeft(): null {
    return null;
  }

  resolveWait(value: unknown): void {
    this.wait?.resolve(value);
  }

  /** Begins to wait, in the step of its coroutine. */
  begin(operation: Operation<unknown>): void {
    try {
      markDirect(operation);
      if (!operation.park(this)) return;
    } catch (error) {
      return this.group.memberEnded(this, "throw", error);
    }
    this.end(operation);
  }

  override run(): void {
    const { hostContext, wait } = this;
    if (hostContext !== currentContext()) return enterContext(hostContext, this);
    context.fiber = this;
    // It was cancelled, and its own cleanup has ended.
    if (wait === null) return this.group.memberEnded(this, "terminate", undefined);
    if (wait.state === CANCELLING) return;
    if (wait.state === WAITING) wait.expire();
    if (wait.state !== WAITING && !this.ready) this.end(wait);
  }

  private end(operation: Operation<unknown>): void {
    const kind = operation.state === REJECTED ? "throw" : "return";
    this.group.memberEnded(this, kind, operation.take());
  }

  /** Cancels its wait: its outcome is no longer needed. */
  close(): void {
    const { slot, wait } = this;
    // It has ended if code of the program, which a cancelled wait may call, has had it closed.
    if (slot < 0 || (wait !== null && !wait.cancel())) return;
    this.group.memberEnded(this, "terminate", undefined);
  }
}
