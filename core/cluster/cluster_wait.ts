/** A wait of a caller for something that the cluster brings. */
import { TimeoutError } from "../base/errors.ts";
import type { WaitingFiber } from "../fiber/context.ts";
import { PeerWait } from "../fiber/peer_wait.ts";

/** What a wait does. */
export interface ClusterWaitOptions<T> {
  readonly label: string;
  /** What is waited for, in words. */
  readonly waitsFor: string;
  /** Seconds to wait at most. */
  readonly seconds?: number;
  /** Begins; it settles the wait now or later. */
  readonly begin: (wait: ClusterWait<T>) => void;
  /** The wait is cut short. */
  readonly stop: () => void;
  /** The value will not be handed over. */
  readonly reclaim?: (value: T) => void;
}

/** See the head of this file. */
export class ClusterWait<T> extends PeerWait<T> {
  readonly #options: ClusterWaitOptions<T>;

  constructor(options: ClusterWaitOptions<T>) {
    super();
    this.#options = options;
    this.limit = options.seconds ?? Infinity;
  }

  override get label(): string {
    return this.#options.label;
  }

  override get waitsFor(): string {
    return this.#options.waitsFor;
  }

  override begin(fiber: WaitingFiber): boolean {
    if (this.limit <= 0) {
      this.timedOut();
      return true;
    }
    this.count(fiber);
    this.#options.begin(this);
    return false;
  }

  override detach(): void {
    this.uncount();
    this.#options.stop();
  }

  override reclaim(): void {
    this.#options.reclaim?.(this.outcome as T);
  }

  override timedOut(): void {
    this.fail(new TimeoutError(`Waited too long for ${this.waitsFor}`));
  }
}
