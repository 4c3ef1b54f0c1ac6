/** What happens at which virtual time. Events of one time happen in the order in which they were added. */
export class EventQueue {
  now = 0;
  readonly #heap: { time: number; order: number; run: () => void }[] = [];
  #order = 0;

  /** Adds an event. */
  at(time: number, run: () => void): void {
    const heap = this.#heap;
    const event = { time: Math.max(time, this.now), order: this.#order++, run };
    let i = heap.length;
    heap.push(event);
    for (let parent; i > 0 && isBefore(event, heap[parent = (i - 1) >> 1]); i = parent) heap[i] = heap[parent];
    heap[i] = event;
  }

  /** Adds an event, so many seconds from now. */
  in(seconds: number, run: () => void): void {
    this.at(this.now + seconds, run);
  }

  /** Runs the events until then. */
  runUntil(time: number): void {
    for (let event; (event = this.#heap[0]) !== undefined && event.time <= time;) {
      this.#removeFirst();
      this.now = event.time;
      event.run();
    }
    this.now = time;
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let i = 0;
    for (let child; (child = 2 * i + 1) < heap.length; i = child) {
      if (child + 1 < heap.length && isBefore(heap[child + 1], heap[child])) child++;
      if (!isBefore(heap[child], last)) break;
      heap[i] = heap[child];
    }
    heap[i] = last;
  }
}

function isBefore(a: { time: number; order: number }, b: { time: number; order: number }): boolean {
  return a.time < b.time || (a.time === b.time && a.order < b.order);
}
