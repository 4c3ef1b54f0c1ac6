import { TimeoutError } from "../base/errors.ts";
import type { Fiber } from "../fiber/fiber.ts";
import { PeerWait } from "../fiber/peer_wait.ts";

/** Waits until the network has been left. */
export class ClosedWait extends PeerWait<void> {
  readonly label = "closed";
  readonly #waits: Set<ClosedWait>;
  readonly #isClosed: () => boolean;

  constructor(waits: Set<ClosedWait>, isClosed: () => boolean, seconds: number) {
    super();
    this.#waits = waits;
    this.#isClosed = isClosed;
    this.limit = seconds;
  }

  override get waitsFor(): string {
    return "the end of the network";
  }

  override begin(fiber: Fiber): boolean {
    if (this.#isClosed()) return this.give(undefined);
    if (this.limit <= 0) {
      this.timedOut();
      return true;
    }
    this.#waits.add(this);
    this.count(fiber);
    return false;
  }

  override settle(value: unknown): void {
    this.#waits.delete(this);
    super.settle(value);
  }

  override detach(): void {
    this.uncount();
    this.#waits.delete(this);
  }

  override timedOut(): void {
    this.fail(new TimeoutError("The network was not left in time"));
  }
}
