/** The share of the time that each function of a CPU profile took itself. */

/** A profile as V8's inspector writes it; times are microseconds. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
  readonly startTime: number;
  readonly endTime: number;
}

/** One function. */
export interface Share {
  readonly name: string;
  /** File and line; empty for a function that is not in a file. */
  readonly place: string;
  /** The share of the time that was sampled, without idle time. */
  readonly percent: number;
}

/** The functions, those with the largest shares first. */
export function shares({ nodes, samples, timeDeltas }: CpuProfile): Share[] {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const times = new Map<string, { name: string; place: string; time: number }>();
  let total = 0;
  samples.forEach((id, index) => {
    const { functionName, url, lineNumber } = frames.get(id)!;
    if (functionName === "(idle)") return;
    const place = url === "" ? "" : `${url.split("/").slice(-2).join("/")}:${lineNumber + 1}`;
    const key = `${functionName} ${url} ${lineNumber}`;
    const entry = times.get(key) ?? { name: functionName || "(anonymous)", place, time: 0 };
    entry.time += timeDeltas[index];
    times.set(key, entry);
    total += timeDeltas[index];
  });
  return [...times.values()].sort((a, b) => b.time - a.time)
    .map(({ name, place, time }) => ({ name, place, percent: (100 * time) / total }));
}
