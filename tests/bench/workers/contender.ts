/** The interface of a pool that is measured, and the figures. */

/** A pool of two workers. */
export interface Contender {
  /** Runs a task that does nothing. */
  empty(): Promise<unknown>;
  /** Runs a task that computes for a millisecond. */
  compute(): Promise<unknown>;
  /** Sends a buffer to a worker and back, without copying it where the pool can. */
  bounce(buffer: ArrayBuffer): Promise<ArrayBuffer>;
  /** Runs so many empty tasks with so many in flight, if it has a better way than `empty()`. */
  many?(count: number, inFlight: number): Promise<void>;
  end(): Promise<void>;
}

/** The results of one process. */
export interface Findings {
  /** Milliseconds from making the pool to the first result. */
  readonly start: number;
  /** Microseconds of a round trip, one at a time. */
  readonly one: number;
  /** Empty tasks a second, 100 in flight. */
  readonly hundred: number;
  /** Empty tasks a second, 1,000 submitted at once. */
  readonly thousand: number;
  /** The fraction of the speed of two cores, with tasks of a millisecond. */
  readonly efficiency: number;
  /** Microseconds for a MiB there and back. */
  readonly bounce: number;
}

async function flight(pool: Contender, count: number, inFlight: number): Promise<void> {
  if (pool.many !== undefined) return await pool.many(count, inFlight);
  let left = count;
  const lane = async () => {
    while (left-- > 0) await pool.empty();
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
}

async function rate(pool: Contender, inFlight: number, seconds: number): Promise<number> {
  await flight(pool, 2 * inFlight, inFlight);
  // As many as it does in the time; the first try determines their number.
  let count = inFlight * 4;
  for (;;) {
    const start = performance.now();
    await flight(pool, count, inFlight);
    const took = (performance.now() - start) / 1000;
    if (took >= seconds) return count / took;
    count = Math.ceil(count * Math.min(20, 1.2 * seconds / took));
  }
}

/** Measures a pool. `make` starts it. */
export async function measure(make: () => Promise<Contender> | Contender, quick: boolean): Promise<Findings> {
  const seconds = quick ? 0.1 : 0.4;
  const begin = performance.now();
  const pool = await make();
  await pool.empty();
  const start = performance.now() - begin;
  const one = 1e6 / await rate(pool, 1, seconds);
  const hundred = await rate(pool, 100, seconds);
  const thousand = await rate(pool, 1000, seconds);
  const efficiency = await computing(pool, quick ? 200 : 800);
  const bounce = await bouncing(pool, quick ? 50 : 200);
  await pool.end();
  return { start, one, hundred, thousand, efficiency, bounce };
}

async function computing(pool: Contender, count: number): Promise<number> {
  await Promise.all(Array.from({ length: 20 }, () => pool.compute()));
  const start = performance.now();
  await Promise.all(Array.from({ length: count }, () => pool.compute()));
  return count / 2 / (performance.now() - start);
}

async function bouncing(pool: Contender, count: number): Promise<number> {
  let buffer = new ArrayBuffer(2 ** 20);
  for (let i = 0; i < 10; i++) buffer = await pool.bounce(buffer);
  const start = performance.now();
  for (let i = 0; i < count; i++) buffer = await pool.bounce(buffer);
  return ((performance.now() - start) * 1000) / count;
}
