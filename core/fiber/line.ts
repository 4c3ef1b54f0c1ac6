// A power of two for the index arithmetic.
const FIRST_CAPACITY = 64;

/** What `shift()` answers if there is none. */
export const NONE = -1;

/**
 * The slots of what is ready, first come, first served: a ring in an array whose length is a power of two.
 *
 * Numbers and not the coroutines themselves: writing an object into an old array costs the collector's write barrier,
 * and every step of every coroutine goes through here. For the same reason nothing looks whether there is room: no slot
 * stands in it twice, so `fit()` is called once there is a new one.
 */
export class Line {
  #ring: Int32Array<ArrayBuffer> = new Int32Array(FIRST_CAPACITY);
  // Where the first stands, and where the next goes, both to be taken modulo the capacity.
  #head = 0;
  #tail = 0;

  /** How many there are. */
  get length(): number {
    return (this.#tail - this.#head) | 0;
  }

  /** Makes room for slots beneath a number. */
  fit(slots: number): void {
    const old = this.#ring;
    if (slots <= old.length) return;
    let capacity = 2 * old.length;
    while (capacity < slots) capacity *= 2;
    const ring = new Int32Array(capacity);
    const { length } = this;
    for (let i = 0; i < length; i++) ring[i] = old[(this.#head + i) & (old.length - 1)];
    this.#ring = ring;
    this.#head = 0;
    this.#tail = length;
  }

  /** Adds one at the end. */
  push(slot: number): void {
    const ring = this.#ring;
    const tail = this.#tail;
    ring[tail & (ring.length - 1)] = slot;
    this.#tail = (tail + 1) | 0;
  }

  /** Takes the first. */
  shift(): number {
    const head = this.#head;
    if (head === this.#tail) return NONE;
    const ring = this.#ring;
    this.#head = (head + 1) | 0;
    return ring[head & (ring.length - 1)];
  }
}
