/** Whose turn it is to run at a server: one exclusive job after the other, in the order in which they came. */
import type { WaitingFiber } from "../../fiber/context.ts";
import { Waiter, WaitQueue } from "../../fiber/wait_queue.ts";

/** See the head of this file. */
export class Turns {
  readonly #waiting: WaitQueue<TurnWait> = new WaitQueue();
  #taken = false;
  /** The job whose turn it is; -1 once that is withdrawn. */
  #current = -1;

  /** Whether it is the turn of a job. */
  get isTaken(): boolean {
    return this.#taken;
  }

  /** Whether the job whose turn it is was withdrawn before it has begun. */
  get isWithdrawn(): boolean {
    return this.#current < 0;
  }

  /** Waits for the turn of a job. `false`: it was withdrawn. */
  take(job: number): TurnWait {
    return new TurnWait(this, job);
  }

  /** The job whose turn it was has ended. */
  pass(): void {
    const next = this.#waiting.shift();
    this.#taken = next !== null;
    this.#current = next === null ? -1 : next.job;
    next?.resolve(true);
  }

  /** A job is not to run any more, if it has not begun. One whose turn it is looks at `isWithdrawn` before it begins. */
  withdraw(job: number): void {
    if (this.#current === job) this.#current = -1;
    for (let wait = this.#waiting.head; wait !== null; wait = wait.nextWaiter as TurnWait | null) {
      if (wait.job !== job) continue;
      this.#waiting.remove(wait);
      wait.resolve(false);
      return;
    }
  }

  /** @internal Returns whether the turn was free. */
  begin(wait: TurnWait): boolean {
    if (this.#taken) {
      this.#waiting.push(wait);
      return false;
    }
    this.#taken = true;
    this.#current = wait.job;
    return true;
  }

  /** @internal */
  leave(wait: TurnWait): void {
    this.#waiting.remove(wait);
  }
}

/** Waits for a turn. */
class TurnWait extends Waiter<boolean> {
  readonly label = "turn";
  readonly job: number;
  readonly #turns: Turns;

  constructor(turns: Turns, job: number) {
    super();
    this.#turns = turns;
    this.job = job;
  }

  override begin(_fiber: WaitingFiber): boolean {
    return this.#turns.begin(this) && this.give(true);
  }

  override detach(): void {
    this.#turns.leave(this);
  }

  override reclaim(): void {
    if (this.outcome === true) this.#turns.pass();
  }
}
