/** Jobs that wait for a server, in the order in which they came: those for any server, and those for given places. */
import type { Location } from "../../distributed/location.ts";
import { pushFront, WaitQueue } from "../../fiber/wait_queue.ts";
import type { Job } from "./job.ts";

/** See the head of this file. */
export class JobQueue {
  readonly #anywhere: WaitQueue<Job> = new WaitQueue();
  /** By the id of a node or server. */
  readonly #places: Map<string, WaitQueue<Job>> = new Map();
  /** How many wait. */
  length = 0;

  /** Adds a job at the end. */
  push(job: Job): void {
    this.#queueOf(job).push(job);
    this.length++;
  }

  /** Adds a job that comes back, at the front. */
  unshift(job: Job): void {
    pushFront(this.#queueOf(job), job);
    this.length++;
  }

  /** Whether a job waits here. */
  has(job: Job): boolean {
    return job.prevWaiter !== null;
  }

  /** Removes a job that waits here. */
  remove(job: Job): void {
    const { where } = job.options;
    const queue = this.#queueOf(job);
    queue.remove(job);
    this.length--;
    if (where !== null && queue.length === 0) this.#places.delete(where.id);
  }

  /** Removes and returns the first job for a server with these ids, its own and that of its node, if it is acceptable. */
  take(ids: readonly string[], accepts: (job: Job) => boolean): Job | null {
    let first = this.#anywhere.head;
    if (this.#places.size > 0) {
      for (const id of ids) {
        const head = this.#places.get(id)?.head ?? null;
        if (head !== null && (first === null || head.order < first.order)) first = head;
      }
    }
    if (first === null || !accepts(first)) return null;
    this.remove(first);
    return first;
  }

  /** Removes and returns all jobs for a place, or all. */
  drain(where: Location | null): Job[] {
    const jobs: Job[] = [];
    const queues = where === null
      ? [this.#anywhere, ...this.#places.values()]
      : [this.#places.get(where.id) ?? new WaitQueue<Job>()];
    for (const queue of queues) {
      for (let job = queue.head; job !== null; job = queue.head) {
        this.remove(job);
        jobs.push(job);
      }
    }
    return jobs;
  }

  #queueOf({ options: { where } }: Job): WaitQueue<Job> {
    if (where === null) return this.#anywhere;
    let queue = this.#places.get(where.id);
    if (queue === undefined) this.#places.set(where.id, queue = new WaitQueue());
    return queue;
  }
}
