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
 * The CPU time of the threads of a process that have not ended, in seconds; `null` where the system does not provide it.
 * It is exact to a microsecond, but the time of a thread that ends is lost.
 */
export function threadSeconds(pid: number): number | null {
  let nanoseconds = 0;
  try {
    for (const thread of Deno.readDirSync(`/proc/${pid}/task`)) {
      nanoseconds += Number(read(`/proc/${pid}/task/${thread.name}/schedstat`)?.split(" ")[0] ?? 0);
    }
  } catch {
    return null;
  }
  return nanoseconds / 1e9;
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

function read(path: string): string | null {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
