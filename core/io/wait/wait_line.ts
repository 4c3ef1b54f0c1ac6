import type { IoWait } from "./io_wait.ts";

/** Waits in the order of their arrival: linked through themselves, so that leaving from the middle costs nothing. */
export class WaitLine {
  /** Who is served next. */
  first: IoWait | null = null;
  #last: IoWait | null = null;

  /** Adds at the end. */
  push(wait: IoWait): void {
    wait.inLine = true;
    wait.prevInLine = this.#last;
    if (this.#last === null) this.first = wait;
    else this.#last.nextInLine = wait;
    this.#last = wait;
  }

  /** Takes one out, if it is in. */
  remove(wait: IoWait): void {
    if (!wait.inLine) return;
    const { nextInLine: next, prevInLine: prev } = wait;
    if (prev === null) this.first = next;
    else prev.nextInLine = next;
    if (next === null) this.#last = prev;
    else next.prevInLine = prev;
    wait.nextInLine = wait.prevInLine = null;
    wait.inLine = false;
  }

  /** First to last; the one at hand may be removed. */
  *[Symbol.iterator](): Generator<IoWait, void, unknown> {
    for (let wait = this.first; wait !== null;) {
      const next: IoWait | null = wait.nextInLine;
      yield wait;
      wait = next;
    }
  }
}
