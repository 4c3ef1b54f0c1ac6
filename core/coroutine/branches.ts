/**
 * Branches: several waits at once in one coroutine, for `race` and `all`.
 *
 * Every item runs on a branch, a fiber that shares the coroutine's identity: `current()`, `receive()` and the rest
 * mean the coroutine itself. When the outcome is certain, the remaining branches (those that lose a race) are closed as by
 * a termination: their waits are cancelled, which gives back what was granted, and their `finally` blocks run. A value that
 * a branch had returned and that is not used goes back, too. The coroutine continues only when the last branch has ended,
 * so that no branch runs beside it.
 */
import { coroOf } from "./coro_of.ts";
import type { Coro } from "./coro.ts";
import type { WaitingFiber } from "../fiber/context.ts";
import type { Owner } from "../fiber/owner.ts";
import { DepthFirst } from "../base/depth_first.ts";
import { CANCELLING, Operation, reportLostError, SPENT, WAITING } from "../fiber/operation.ts";
import { type Ending, Fiber } from "../fiber/fiber.ts";
import type { Body } from "../base/generator.ts";
import { asBody } from "../operations/as_body.ts";
import { inSubroutine } from "../operations/repeated_wait.ts";
import { discardParts, giveBack, type Grant, takeOverParts } from "../operations/parts.ts";
import { discard, takeOver } from "../operations/taken_over.ts";
import { GRACE_SECONDS } from "../fiber/unwinding.ts";
import { operationOf } from "./waitable.ts";

/** The fiber of one item. */
class Branch extends Fiber {
  /** Whether it has run its first step. */
  declare begun: boolean;
  declare readonly owner: Coro;
  declare readonly index: number;
  declare private readonly group: BranchGroup;

  constructor(group: BranchGroup, parent: Fiber, index: number, body: Body) {
    super(parent.loop, parent.level);
    this.initialize(body, parent.hostContext);
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

  /** Whether its next step needs no event from outside: its first step, an interrupt, or the end of a group of branches. */
  get advancesAlone(): boolean {
    return this.ready && (!this.begun || this.control !== null || this.wait instanceof BranchGroup);
  }

  /** Unwinds it: its outcome is no longer needed. */
  close(): void {
    this.requestUnwind(-1, this.group.fiber!.graceLeft() ?? GRACE_SECONDS, null);
  }

  override get parentFiber(): WaitingFiber {
    return this.group.fiber!;
  }

  protected override ended(kind: Ending, value: unknown): void {
    this.loop.freeSlot(this);
    this.group.branchEnded(this, kind, value);
  }

  protected override report(error: unknown): void {
    this.owner.loop.reportError(error, this.owner);
  }
}

const closing = /* @__PURE__ */ new DepthFirst<Branch>((branch) => branch.close());

// How many waits a description lists.
const MAX_SHOWN = 10;

/** What `race` and `all` have in common: starts the branches, closes those left over, settles when the last has ended. */
export abstract class BranchGroup extends Operation<unknown> {
  protected readonly branches = new Set<Branch>();
  readonly #parts: readonly (Operation<unknown> | null)[];
  readonly #bodies: readonly Body[];
  #live = 0;
  // `index` is that of the branch that decided it; -1 for a signal.
  #decided: { failed: boolean; outcome: unknown; index: number } | null = null;

  constructor(items: readonly unknown[]) {
    super();
    this.#parts = items.map(operationOf);
    this.#bodies = this.#parts.map((operation, index) => operation === null ? items[index] as Body : asBody(operation));
  }

  /** One for each item; `null` for a generator. */
  override get parts(): readonly (Operation<unknown> | null)[] {
    return this.#parts;
  }

  override takenOver(): void {
    takeOverParts(this);
  }

  override discarded(): void {
    discardParts(this);
  }

  /** Called when a branch has returned before the outcome was certain. */
  protected abstract returned(index: number, value: unknown): void;

  override begin(fiber: Fiber): boolean {
    for (const part of this.#parts) if (part !== null) takeOver(part);
    this.#createBranches(fiber);
    for (const branch of this.branches) fiber.loop.makeReady(branch);
    return false;
  }

  /** Gives every branch a slot in the kernel; if there is no room for all, none keeps one. */
  #createBranches(fiber: Fiber): void {
    try {
      this.#bodies.forEach((body, index) => {
        const branch = new Branch(this, fiber, index, body);
        fiber.loop.allocateSlot(branch);
        this.branches.add(branch);
        this.#live++;
      });
    } catch (error) {
      for (const branch of this.branches) fiber.loop.freeSlot(branch);
      this.branches.clear();
      for (const part of this.#parts) if (part !== null) discard(part);
      throw error;
    }
  }

  branchEnded(branch: Branch, kind: Ending, value: unknown): void {
    this.#live--;
    this.branches.delete(branch);
    const part = this.#parts[branch.index];
    if (part !== null) discard(part);
    if (this.#decided !== null || this.state === CANCELLING) {
      // The outcome is certain: what this branch ended with is not delivered.
      if (kind === "throw") this.fiber!.owner.loop.reportError(value, coroOf(this.fiber!));
      else if (kind === "return") giveBack(this.grant(branch.index, value));
    } else if (kind === "throw") {
      this.decide(true, value, branch.index);
    } else {
      this.returned(branch.index, value);
    }
    if (this.#live === 0) return this.#settle();
    // Those that are left may wait for each other, or for this coroutine.
    if (this.#decided === null) branch.owner.loop.noteBlocked(branch.owner);
  }

  /** Sets the outcome, which is now certain, and closes the other branches. */
  protected decide(failed: boolean, outcome: unknown, index: number): void {
    this.#decided = { failed, outcome, index };
    this.#closeBranches();
  }

  #closeBranches(): void {
    // The last first, so that messages taken by several branches return to the mailbox in their order.
    for (const branch of this.branches) closing.add(branch);
    closing.run();
  }

  #settle(): void {
    const fiber = this.fiber!;
    if (this.state === CANCELLING) {
      giveBack(this.granted());
      // It was cut short while losers cleaned up after a failure.
      if (this.#decided !== null && this.#decided.failed) reportLostError(this, this.#decided.outcome);
      this.state = SPENT;
      fiber.wait = null;
      fiber.loop.makeReady(fiber);
      return;
    }
    const { failed, outcome } = this.#decided!;
    if (!failed) return this.resolve(outcome);
    giveBack(this.granted());
    this.reject(outcome);
  }

  /** The value granted to a branch's operation, as a list; empty if its item is a generator. */
  protected grant(index: number, value: unknown): Grant[] {
    const operation = this.#parts[index];
    return operation === null ? [] : [{ operation, value }];
  }

  /** The values granted to branches that have returned, in that order. */
  protected abstract granted(): Grant[];

  override detach(): void {
    this.#closeBranches();
  }

  override reclaim(): void {
    giveBack(this.granted());
  }

  /** Passes the failure of a branch back to the operation that it waited for; reports the failure of a generator. */
  override errorLost(error: unknown): Operation<unknown> | null {
    // There was no room for the branches, or a signal was aborted: the error is that of this operation.
    if (this.#decided === null || this.#decided.index < 0) return null;
    const part = this.#parts[this.#decided.index];
    const { owner } = this.fiber!;
    if (part === null) owner.loop.reportError(error, owner);
    return part;
  }

  override abort(reason: unknown): void {
    if (this.#decided === null) this.decide(true, reason, -1);
  }

  override cancel(): boolean {
    if (this.state !== WAITING && this.state !== CANCELLING) return super.cancel();
    if (this.#live === 0) return super.cancel();
    this.state = CANCELLING;
    this.#closeBranches();
    return false;
  }

  /**
   * Whether `holds` returns `true` for all branches, and for those of groups that they wait for; a branch comes before
   * those that it waits for. An explicit stack, as groups may be nested to any depth.
   */
  #every(holds: (branch: Branch) => boolean): boolean {
    const pending: Iterator<Branch>[] = [this.branches.values()];
    while (pending.length > 0) {
      const { done, value: branch } = pending[pending.length - 1].next();
      if (done) {
        pending.pop();
        continue;
      }
      if (!holds(branch)) return false;
      if (branch.wait instanceof BranchGroup) pending.push(branch.wait.branches.values());
    }
    return true;
  }

  override sleeper(): Operation<unknown> | null {
    let sleeper: Operation<unknown> | null = null;
    this.#every(({ wait }) => {
      if (wait !== null && !(wait instanceof BranchGroup)) sleeper = wait.sleeper();
      return sleeper === null;
    });
    return sleeper;
  }

  // A branch that can go on may fail the group, or release what another branch waits for.
  override isDeadlocked(dead: (owner: Owner) => boolean): boolean {
    return this.#every((branch) =>
      branch.stuck && (branch.wait instanceof BranchGroup || branch.wait!.isDeadlocked(dead))
    );
  }

  override advances(): boolean {
    return this.state !== WAITING || !this.#every((branch) => !branch.advancesAlone);
  }

  override waiterChanged(): void {
    for (const branch of this.branches) branch.wait?.waiterChanged();
  }

  override levelChanged(level: number): void {
    this.#every((branch) => {
      branch.loop.setLevel(branch, level);
      return true;
    });
  }

  override swappable(): boolean {
    return this.#every(({ frames, wait }) => {
      return !inSubroutine(frames) && (wait === null || wait instanceof BranchGroup || wait.swappable());
    });
  }

  override get waitsFor(): string {
    return this.#describe({ left: MAX_SHOWN });
  }

  #describe(space: { left: number }): string {
    const waits: string[] = [];
    for (const { wait } of this.branches) {
      if (space.left === 0) {
        waits.push(`${waits.length > 0 ? "and " : ""}${this.branches.size - waits.length} more`);
        break;
      }
      space.left--;
      waits.push(wait instanceof BranchGroup ? wait.#describe(space) : wait?.waitsFor ?? "its turn");
    }
    return `${this.label} of ${waits.join(", ")}`;
  }
}
