/**
 * What all loads are made of. All do the same work and read the clock as often, to see whether their time is over: a
 * load that never gives the host a turn could not be stopped from outside.
 */

/** How many functions, always ready, a load has. */
export const FUNCTIONS = 1_000;

const STEPS_PER_LOOK = 256;
// About two microseconds.
const MULTIPLICATIONS = 1_500;

/** A load that runs until its time is over. */
export class Load {
  /** Steps of all functions together. */
  steps = 0;
  /** Whether the time is not over. */
  going = true;
  readonly #start = performance.now();
  readonly #end: number;
  #sum = 1;

  /** @param seconds How long it goes on. */
  constructor(seconds: number) {
    this.#end = this.#start + seconds * 1000;
  }

  /** One step of one function. */
  work(): void {
    let sum = this.#sum;
    for (let i = 0; i < MULTIPLICATIONS; i++) sum = (Math.imul(sum, 1664525) + 1013904223) | 0;
    this.#sum = sum;
    if (++this.steps % STEPS_PER_LOOK === 0) this.going = performance.now() < this.#end;
  }

  /** Ends it early. */
  stop(): void {
    this.going = false;
  }

  /** Steps a second so far. */
  rate(): number {
    return this.steps / (performance.now() - this.#start) * 1000;
  }
}
