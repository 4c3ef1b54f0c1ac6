import { describe } from "../base/describe.ts";
import type { Child } from "./child.ts";
import { SupervisionError } from "./errors.ts";
import type { CheckedOptions } from "./options.ts";

interface Failure {
  readonly child: Child;
  readonly error: unknown;
  /** When, in seconds without the time of backoffs. */
  readonly at: number;
}

// With unlimited restarts, only so many failures are kept: they decide on the backoff.
const MAX_FAILURES = 64;

/** Counts what leads to restarts, and gives up when it is too much. The time of backoffs does not count. */
export class RestartLimit {
  readonly #options: CheckedOptions;
  readonly #now: () => number;
  #failures: Failure[] = [];
  // Seconds spent in backoffs that have ended, and when the current one began; `Infinity` if there is none.
  #backoffTime = 0;
  #backoffSince = Infinity;

  constructor(options: CheckedOptions, now: () => number) {
    this.#options = options;
    this.#now = now;
  }

  /** Records a failure, or another end that leads to a restart. Throws if there are too many. */
  count(child: Child, error: unknown): void {
    const { within, maxRestarts } = this.#options;
    const at = Math.min(this.#now(), this.#backoffSince) - this.#backoffTime;
    const counting = this.#failures.filter((failure) => at - failure.at < within);
    this.#failures = [...maxRestarts === Infinity ? counting.slice(-MAX_FAILURES) : counting, { child, error, at }];
    if (this.#failures.length > maxRestarts) throw givenUp(this.#failures, this.#options);
  }

  /** Seconds to wait before a child is started again. */
  delay(child: Child): number {
    const { backoff, within } = this.#options;
    if (backoff === 0) return 0;
    const failures = this.#failures.filter((failure) => failure.child === child).length;
    return Math.min(backoff * 2 ** (failures - 1), Math.max(backoff, within));
  }

  /** Records whether a backoff is under way: the start of some child is due later. */
  backoffChanged(waiting: boolean): void {
    if (waiting === this.#backoffSince < Infinity) return;
    if (!waiting) this.#backoffTime += this.#now() - this.#backoffSince;
    this.#backoffSince = waiting ? this.#now() : Infinity;
  }
}

function givenUp(failures: readonly Failure[], { within, maxRestarts }: CheckedOptions): SupervisionError {
  const count = failures.length === 1 ? "1 failure" : `${failures.length} failures`;
  const period = within === Infinity ? "" : ` within ${within} seconds`;
  const lines = failures.map(({ child, error }) => `  ${child}: ${describe(error)}`);
  return new SupervisionError(
    `Cannot keep the children running as there were ${count}${period} and 'maxRestarts' is ${maxRestarts}:\n` +
      lines.join("\n"),
    failures.map((failure) => failure.error),
  );
}
