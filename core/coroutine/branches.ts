/**
 * Branches: several waits at once in one coroutine, for `race` and `all`.
 *
 * Every item runs on a branch, a fiber that shares the coroutine's identity: `current()`, `receive()` and the rest
 * mean the coroutine itself. If all items are plain operations, they are parts instead (`part.ts`): they begin in the step
 * in which the whole does, one after the other, until the outcome is certain.
 *
 * When the outcome is certain, the remaining items (those that lose a race) are closed as by a termination: their waits are
 * cancelled, which gives back what was granted, and their `finally` blocks run. A value that an item had returned and that
 * is not used goes back, too. The coroutine continues only when the last item has ended, so that none runs beside it.
 */
import { Branch } from "./branch.ts";
import type { Owner } from "../fiber/owner.ts";
import { DepthFirst } from "../base/depth_first.ts";
import { CANCELLING, Operation, reportLostError, SPENT, WAITING } from "../fiber/operation.ts";
import type { Ending, Fiber } from "../fiber/fiber.ts";
import type { Body } from "../base/generator.ts";
import { asBody } from "../operations/as_body.ts";
import { inSubroutine } from "../operations/repeated_wait.ts";
import { discardParts, giveBack, type Grant, takeOverParts } from "../operations/parts.ts";
import { discard, takeOver } from "../operations/taken_over.ts";
import { Part, waitsPlainly } from "./part.ts";
import { WaitQueue } from "../fiber/wait_queue.ts";
import { operationOf } from "./waitable.ts";

/** What waits for one item. */
type Member = Branch | Part;

const closing = /* @__PURE__ */ new DepthFirst<Member>((member) => member.close());

// How many waits a description lists.
const MAX_SHOWN = 10;

/** The next item of the same group. */
function behind({ nextWaiter }: Member): Member | null {
  return nextWaiter as Member | null;
}

/** Whether its next step needs no event from outside: its first step, an interrupt, or the end of a group of branches. */
function advancesAlone(member: Member): boolean {
  if (member instanceof Part) return false;
  const { ready, begun, control, wait } = member;
  return ready && (!begun || control !== null || (wait instanceof BranchGroup && !wait.held));
}

/** A nested group is none: its items would begin within those of this one, to any depth. */
function mayBePart(operation: Operation<unknown> | null): boolean {
  return operation !== null && !(operation instanceof BranchGroup) && waitsPlainly(operation);
}

/** What `race` and `all` have in common: starts the items, closes those left over, settles when the last has ended. */
export abstract class BranchGroup extends Operation<unknown> {
  /** The items that have begun, or will, and have not ended. */
  declare private readonly members: WaitQueue<Member>;
  declare private readonly items: readonly unknown[];
  declare private readonly operations: readonly (Operation<unknown> | null)[];
  // `index` is that of the item that decided it; -1 for a signal.
  declare private decided: { failed: boolean; outcome: unknown; index: number } | null;
  /** `begin()` or `cancel()` looks after the end of the group. It stays so for one that has its outcome at once. */
  declare held: boolean;

  constructor(items: readonly unknown[]) {
    super();
    this.members = new WaitQueue();
    this.items = items;
    this.operations = items.map(operationOf);
    this.decided = null;
    this.held = false;
  }

  /** One for each item; `null` for a generator. */
  override get parts(): readonly (Operation<unknown> | null)[] {
    return this.operations;
  }

  override takenOver(): void {
    takeOverParts(this);
  }

  override discarded(): void {
    discardParts(this);
  }

  /** Called when an item has returned before the outcome was certain. */
  protected abstract returned(index: number, value: unknown): void;

  override begin(fiber: Fiber): boolean {
    const { operations } = this;
    for (const operation of operations) if (operation !== null) takeOver(operation);
    const atOnce = operations.every(mayBePart);
    let index = 0;
    this.held = true;
    while (index < operations.length && this.decided === null) {
      const operation = operations[index];
      const member = atOnce
        ? new Part(this, fiber, index)
        : new Branch(this, fiber, index, operation === null ? this.items[index] as Body : asBody(operation));
      try {
        fiber.loop.allocateSlot(member);
      } catch (error) {
        this.decide(true, error, -1);
        break;
      }
      this.members.push(member);
      if (member instanceof Part) member.begin(operation!);
      else fiber.loop.makeReady(member);
      index++;
    }
    if (index < operations.length) discardParts(this);
    this.held = this.members.length === 0;
    return this.held && this.giveOutcome();
  }

  memberEnded(member: Member, kind: Ending, value: unknown): void {
    member.loop.freeSlot(member);
    this.members.remove(member);
    const operation = this.operations[member.index];
    if (operation !== null) discard(operation);
    if (this.decided !== null || this.state === CANCELLING) {
      // The outcome is certain: what this item ended with is not delivered.
      if (kind === "throw") member.owner.loop.reportError(value, member.owner);
      else if (kind === "return") giveBack(this.grant(member.index, value));
    } else if (kind === "throw") {
      this.decide(true, value, member.index);
    } else {
      this.returned(member.index, value);
    }
    if (this.held) return;
    if (this.members.length === 0) return this.settle();
    // Those that are left may wait for each other, or for this coroutine.
    if (this.decided === null) member.owner.loop.noteBlocked(member.owner);
  }

  /** Sets the outcome, which is now certain, and closes the other items. */
  protected decide(failed: boolean, outcome: unknown, index: number): void {
    this.decided = { failed, outcome, index };
    this.closeMembers();
  }

  private closeMembers(): void {
    // The last first, so that messages taken by several items return to the mailbox in their order.
    for (let at = this.members.head; at !== null; at = behind(at)) closing.add(at);
    closing.run();
  }

  private settle(): void {
    const fiber = this.fiber!;
    // Otherwise the last item that was closed has settled it.
    if (this.state !== WAITING && this.state !== CANCELLING) return;
    fiber.loop.makeReady(fiber);
    if (this.state === WAITING) return void this.giveOutcome();
    this.withdraw();
    fiber.wait = null;
  }

  /** All items have ended. */
  protected giveOutcome(): true {
    const { failed, outcome } = this.decided!;
    if (!failed) return this.give(outcome);
    giveBack(this.granted());
    return this.fail(outcome);
  }

  /** It was cancelled, and its last item has ended. */
  private withdraw(): void {
    giveBack(this.granted());
    // It was cut short while losers cleaned up after a failure.
    if (this.decided !== null && this.decided.failed) reportLostError(this, this.decided.outcome);
    this.state = SPENT;
  }

  /** The value granted to an item's operation, as a list; empty if the item is a generator. */
  protected grant(index: number, value: unknown): Grant[] {
    const operation = this.operations[index];
    return operation === null ? [] : [{ operation, value }];
  }

  /** The values granted to items that have returned, in that order. */
  protected abstract granted(): Grant[];

  override detach(): void {
    this.closeMembers();
  }

  override reclaim(): void {
    giveBack(this.granted());
  }

  /** Passes the failure of an item back to the operation that it waited for; reports the failure of a generator. */
  override errorLost(error: unknown): Operation<unknown> | null {
    // There was no room for the items, or a signal was aborted: the error is that of this operation.
    if (this.decided === null || this.decided.index < 0) return null;
    const operation = this.operations[this.decided.index];
    const { owner } = this.fiber!;
    if (operation === null) owner.loop.reportError(error, owner);
    return operation;
  }

  override abort(reason: unknown): void {
    if (this.decided === null) this.decide(true, reason, -1);
  }

  override cancel(): boolean {
    if (this.state !== WAITING && this.state !== CANCELLING) return super.cancel();
    this.state = CANCELLING;
    this.held = true;
    this.closeMembers();
    this.held = false;
    if (this.members.length > 0) return false;
    this.withdraw();
    return true;
  }

  /**
   * Whether `holds` returns `true` for all members, and for those of groups that they wait for; a member comes before
   * those that it waits for. An explicit stack, as groups may be nested to any depth.
   */
  private every(holds: (member: Member) => boolean): boolean {
    const outer: Member[] = [];
    let member = this.members.head;
    while (member !== null || outer.length > 0) {
      if (member === null) {
        member = behind(outer.pop()!);
      } else if (!holds(member)) {
        return false;
      } else if (member.wait instanceof BranchGroup) {
        outer.push(member);
        member = member.wait.members.head;
      } else {
        member = behind(member);
      }
    }
    return true;
  }

  override sleeper(): Operation<unknown> | null {
    let sleeper: Operation<unknown> | null = null;
    this.every(({ wait }) => {
      if (wait !== null && !(wait instanceof BranchGroup)) sleeper = wait.sleeper();
      return sleeper === null;
    });
    return sleeper;
  }

  // A branch that can go on may fail the group, or release what another branch waits for.
  override isDeadlocked(dead: (owner: Owner) => boolean): boolean {
    return this.every((member) =>
      member.stuck && (member.wait instanceof BranchGroup || member.wait!.isDeadlocked(dead))
    );
  }

  override advances(): boolean {
    return this.state === WAITING ? !this.every((member) => !advancesAlone(member)) : !this.held;
  }

  override waiterChanged(): void {
    for (let at = this.members.head; at !== null; at = behind(at)) at.wait?.waiterChanged();
  }

  override levelChanged(level: number): void {
    this.every((member) => {
      member.loop.setLevel(member, level);
      return true;
    });
  }

  override swappable(): boolean {
    return this.every(({ frames, wait }) => {
      return !inSubroutine(frames) && (wait === null || wait instanceof BranchGroup || wait.swappable());
    });
  }

  override get waitsFor(): string {
    return this.describe({ left: MAX_SHOWN });
  }

  private describe(space: { left: number }): string {
    const waits: string[] = [];
    for (let at = this.members.head; at !== null; at = behind(at)) {
      const { wait } = at;
      if (space.left === 0) {
        waits.push(`${waits.length > 0 ? "and " : ""}${this.members.length - waits.length} more`);
        break;
      }
      space.left--;
      waits.push(wait instanceof BranchGroup ? wait.describe(space) : wait?.waitsFor ?? "its turn");
    }
    return `${this.label} of ${waits.join(", ")}`;
  }
}
