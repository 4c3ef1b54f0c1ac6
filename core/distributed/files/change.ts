import type { Fiber } from "../../fiber/fiber.ts";
import { PeerWait } from "../../fiber/peer_wait.ts";

/** Something that changes by what a peer sends, and the one coroutine that waits for that. */
export class Change {
  private readonly what: string;
  private waiting: ChangeWait | null = null;

  /** `what` completes "waits for ...". */
  constructor(what: string) {
    this.what = what;
  }

  /** It has changed: wakes the coroutine. */
  tell(): void {
    const { waiting } = this;
    this.waiting = null;
    waiting?.settle(undefined);
  }

  /** Waits until it changes. */
  wait(): ChangeWait {
    return new ChangeWait(this, this.what);
  }

  /** @internal */
  begin(wait: ChangeWait): void {
    this.waiting = wait;
  }

  /** @internal */
  end(): void {
    this.waiting = null;
  }
}

/** Waits until something changes. */
class ChangeWait extends PeerWait<void> {
  readonly label = "file";
  readonly #change: Change;
  readonly #what: string;

  constructor(change: Change, what: string) {
    super();
    this.#change = change;
    this.#what = what;
  }

  override get waitsFor(): string {
    return this.#what;
  }

  override begin(fiber: Fiber): boolean {
    this.#change.begin(this);
    this.count(fiber);
    return false;
  }

  override detach(): void {
    this.uncount();
    this.#change.end();
  }
}
