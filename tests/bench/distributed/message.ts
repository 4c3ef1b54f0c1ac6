/** The message that the benchmarks of distribution send: a small object. */
export function messageOf(id: number): unknown {
  return { id, name: "item", ok: true, values: [1, 2.5, "x"] };
}

/** What a client measures. */
export interface Measurement {
  /** Messages. */
  readonly amount: number;
  /** Seconds of wall time. */
  readonly seconds: number;
  /** Microseconds of CPU time a message: of the sender, and of the receiver. */
  readonly cpu: readonly [number, number];
  /** Milliseconds that the fastest half, and all but a hundredth, took at most, if each was measured. */
  readonly percentiles?: readonly [number, number];
}

/** Seconds of CPU time of this process. */
export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
