import type { Task } from "./task.ts";

/** Tasks by priority, and in the order of submission within one priority. Any task can be removed at any time. */
export class TaskQueue {
  /** How many there are. */
  length = 0;
  readonly #heads: (Task | null)[] = new Array(8).fill(null);
  readonly #tails: (Task | null)[] = new Array(8).fill(null);

  /** The first one. */
  get head(): Task | null {
    if (this.length === 0) return null;
    for (const head of this.#heads) if (head !== null) return head;
    return null;
  }

  /** Adds a task behind those of its priority that were submitted before it. */
  add(task: Task): void {
    let before = this.#tails[task.priority];
    // Nearly always the last one; a task that comes back from a worker is among the first.
    if (before !== null && before.order > task.order) {
      before = null;
      let next = this.#heads[task.priority]!;
      while (next.order < task.order) {
        before = next;
        next = next.next!;
      }
    }
    const after = before === null ? this.#heads[task.priority] : before.next;
    task.prev = before;
    task.next = after;
    if (before === null) this.#heads[task.priority] = task;
    else before.next = task;
    if (after === null) this.#tails[task.priority] = task;
    else after.prev = task;
    this.length++;
  }

  /** Removes a task. */
  remove(task: Task): void {
    const { prev, next, priority } = task;
    if (prev === null) this.#heads[priority] = next;
    else prev.next = next;
    if (next === null) this.#tails[priority] = prev;
    else next.prev = prev;
    task.prev = task.next = null;
    this.length--;
  }

  /** Removes and returns the first one. */
  shift(): Task | null {
    const { head } = this;
    if (head !== null) this.remove(head);
    return head;
  }
}
