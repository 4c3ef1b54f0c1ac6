/** What Linux provides about other processes; elsewhere these functions return `null`. */

// From proc(5): clock ticks of /proc/PID/stat, a hundred a second on every Linux that Deno runs on.
const TICK_SECONDS = 0.01;

/** The CPU time of a process, all threads, in seconds; `null` where the system does not provide it. */
export function cpuSeconds(pid: number): number | null {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === null) return null;
  // The name of the program, in parentheses, may have spaces in it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_SECONDS;
}

/**
 * The CPU time that the threads of a process that live have taken, in nanoseconds; `null` where the system does not provide
 * it. It is finer than the ticks of {@linkcode cpuSeconds}.
 */
export function cpuNanoseconds(pid: number): number | null {
  let sum = 0;
  for (const thread of threads(pid)) sum += Number(read(`/proc/${pid}/task/${thread}/schedstat`)?.split(" ")[0] ?? 0);
  return sum === 0 ? null : sum;
}

/** The resident memory of a process, in bytes; `null` where the system does not provide it. */
export function residentBytes(pid: number): number | null {
  return statusBytes(pid, "VmRSS");
}

/** The peak resident memory of a process, in bytes; `null` where the system does not provide it. */
export function peakBytes(pid: number): number | null {
  return statusBytes(pid, "VmHWM");
}

function statusBytes(pid: number, field: string): number | null {
  const kibibytes = new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(read(`/proc/${pid}/status`) ?? "")?.[1];
  return kibibytes === undefined ? null : Number(kibibytes) * 1024;
}

function threads(pid: number): string[] {
  try {
    return [...Deno.readDirSync(`/proc/${pid}/task`)].map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

function read(path: string): string | null {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
