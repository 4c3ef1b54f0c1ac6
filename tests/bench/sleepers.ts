/** A hundred thousand and a million sleepers, over one second: time and memory, each in a process of its own. */
import { type Effort, inOwnProcess, median, printTable } from "./harness.ts";

interface Sleepers {
  readonly seconds: number;
  readonly megabytes: number;
}

/** Sleepers with random deadlines within a second, against `setTimeout`. */
export async function benchSleepers({ rounds, scale }: Effort): Promise<void> {
  const rows: string[][] = [];
  for (const count of [100_000, 1_000_000]) {
    for (const kind of ["ours", "native"]) {
      const runs: Sleepers[] = [];
      const repetitions = kind === "native" || scale < 1 ? 1 : Math.min(rounds, 3);
      for (let i = 0; i < repetitions; i++) runs.push(await inOwnProcess("sleepers_child.ts", kind, String(count)));
      rows.push([
        count.toLocaleString("en"),
        kind === "ours" ? "ours" : "`await` of `setTimeout`",
        median(runs.map((run) => run.seconds)).toFixed(2),
        Math.round(median(runs.map((run) => run.megabytes))).toLocaleString("en"),
      ]);
    }
  }
  printTable("Sleepers over one second, all woken", ["sleepers", "", "seconds", "MB resident"], rows);
}
