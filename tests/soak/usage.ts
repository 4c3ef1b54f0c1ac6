/** What the process uses, at one moment. */
export interface Usage {
  /** Seconds since the run began. */
  readonly at: number;
  /** Bytes of JavaScript's heap, and of external memory that belongs to it. */
  readonly heap: number;
  /** Resident bytes. */
  readonly rss: number;
  /** Bytes of the kernel's memory. */
  readonly kernel: number;
  readonly descriptors: number;
  readonly threads: number;
}

/** Collects garbage, if the engine allows it, and measures. */
export async function measure(at: number, kernel: number): Promise<Usage> {
  const collect = (globalThis as { gc?: () => void }).gc;
  // What finalizers release is collected by the second collection.
  for (let round = 0; round < 3; round++) {
    collect?.();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { heapUsed, external, rss } = Deno.memoryUsage();
  return {
    at,
    heap: heapUsed + external,
    rss,
    kernel,
    descriptors: entries("fd"),
    threads: entries("task"),
  };
}

/** The number of entries in a folder of `/proc`; 0 where there is no such folder. */
function entries(folder: string): number {
  try {
    return [...Deno.readDirSync(`/proc/self/${folder}`)].length;
  } catch {
    return 0;
  }
}
