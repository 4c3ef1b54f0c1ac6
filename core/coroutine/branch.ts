import type { Coro } from "./coro.ts";
import { coroOf } from "./coro_of.ts";
import type { Body } from "../base/generator.ts";
import type { WaitingFiber } from "../fiber/context.ts";
import { type Ending, Fiber } from "../fiber/fiber.ts";
import { GRACE_SECONDS } from "../fiber/unwinding.ts";
import type { QueueLinks } from "../fiber/wait_queue.ts";

/** The `race` or `all`, as its members use it. */
export interface MemberGroup {
  /** The fiber that waits for it. */
  readonly fiber: WaitingFiber | null;
  /** One of its members has ended. */
  memberEnded(member: WaitingFiber, kind: Ending, value: unknown): void;
}

/** The fiber of one item. */
export class Branch extends Fiber implements QueueLinks {
  declare nextWaiter: QueueLinks | null;
  declare prevWaiter: QueueLinks | null;
  /** Whether it has run its first step. */
  declare begun: boolean;
  declare readonly owner: Coro;
  declare readonly index: number;
  declare private readonly group: MemberGroup;

  constructor(group: MemberGroup, parent: Fiber, index: number, body: Body) {
    super(parent.loop, parent.level);
    this.initialize(body, parent.hostContext);
    this.nextWaiter = null;
    this.prevWaiter = null;
    this.begun = false;
    // Looked up once: branches within branches may be many.
    this.owner = coroOf(parent);
    this.index = index;
    this.group = group;
  }

  override run(): void {
    this.begun = true;
    super.run();
  }

  /** Unwinds it: its outcome is no longer needed. */
  close(): void {
    this.requestUnwind(-1, this.group.fiber!.graceLeft() ?? GRACE_SECONDS, null);
  }

  override get parentFiber(): WaitingFiber {
    return this.group.fiber!;
  }

  protected override ended(kind: Ending, value: unknown): void {
    this.group.memberEnded(this, kind, value);
  }

  protected override report(error: unknown): void {
    this.owner.loop.reportError(error, this.owner);
  }
}
