/** How much a process computes. */

/** Measures the part of the time that the process has computed, 0 to 1, since it was measured before. */
export type LoadMeter = () => number;

/** The times of the process, as Deno, Node.js and Bun tell them. */
interface ProcessTimes {
  cpuUsage?(): { readonly user: number; readonly system: number };
}

/** Measures this process; 0 where the runtime does not tell. */
export function processLoad(): LoadMeter {
  const { process } = globalThis as { process?: ProcessTimes };
  // Microseconds.
  const computed = () => {
    const times = process?.cpuUsage?.();
    return times === undefined ? 0 : times.user + times.system;
  };
  let [lastTime, lastComputed] = [performance.now(), computed()];
  return () => {
    const [time, now] = [performance.now(), computed()];
    const busy = (now - lastComputed) / 1000 / Math.max(time - lastTime, 1);
    [lastTime, lastComputed] = [time, now];
    return Math.min(1, busy);
  };
}
