/** Something that happens once, at a virtual time. It may be queued again afterwards, never twice at once. */
export interface SimulatedEvent {
  /** When it happens. Set by the queue. */
  time: number;
  /** Random: decides between events of the same time. Set by the queue. */
  tie: number;
  /** Happens. */
  happen(): void;
}

/** Events in the order of their times: a binary heap. */
export class EventQueue {
  readonly #heap: SimulatedEvent[] = [];

  /** When the earliest event happens; `Infinity` if there is none. */
  get earliest(): number {
    return this.#heap.length === 0 ? Infinity : this.#heap[0].time;
  }

  /** Adds an event. */
  add(event: SimulatedEvent, time: number, tie: number): void {
    event.time = time;
    event.tie = tie;
    const heap = this.#heap;
    let at = heap.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(event, heap[parent])) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = event;
  }

  /** Removes and returns the earliest event. There must be one. */
  take(): SimulatedEvent {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop()!;
    if (heap.length > 0) this.#sinkFromTop(last);
    return first;
  }

  /** Removes all events. */
  clear(): void {
    this.#heap.length = 0;
  }

  #sinkFromTop(event: SimulatedEvent): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1], heap[child])) child++;
      if (!isBefore(heap[child], event)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = event;
  }
}

function isBefore(a: SimulatedEvent, b: SimulatedEvent): boolean {
  return a.time < b.time || (a.time === b.time && a.tie < b.tie);
}
