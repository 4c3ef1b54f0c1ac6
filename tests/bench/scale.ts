/**
 * How the library scales: cost per operation by number of coroutines, memory by kind of wait, and the first limit.
 *
 * Everything runs in a process of its own, the large ones one after the other. `--quick` ends at 100,000 coroutines and
 * does not look for the limit; `--write` stores the results.
 */
import { type Effort, inOwnProcess, median } from "./harness.ts";
import { machine, publish } from "./results.ts";
import { KINDS } from "./scale/kinds.ts";
import { findLimit } from "./scale/limit.ts";
import { otherLanguages } from "./scale/others.ts";
import { type Bytes, type Nanoseconds, type Scale, scalePage } from "./scale/page.ts";
import { WORKS } from "./scale/works.ts";

const COUNTS = [100, 1_000, 10_000, 100_000, 1_000_000, 4_000_000];
const QUICK_MOST = 100_000;
const CROWD = 1_000_000;

/** Measures every work with every number of coroutines in turn, and all of that again. */
async function measureCosts(counts: readonly number[], repetitions: number): Promise<Scale["costs"]> {
  const found = Object.fromEntries(Object.keys(WORKS).map((work) => [work, counts.map((): number[] => [])]));
  for (let repetition = 0; repetition < repetitions; repetition++) {
    for (const [index, count] of counts.entries()) {
      for (const work of Object.keys(WORKS)) {
        found[work][index].push(await inOwnProcess<number>("scale/cost_child.ts", work, String(count)));
      }
    }
  }
  return Object.fromEntries(Object.entries(found).map(([work, ofCounts]) => [work, ofCounts.map(summary)]));
}

function summary(values: readonly number[]): Nanoseconds {
  const digits = (value: number) => Number(value.toPrecision(4));
  return { median: digits(median(values)), least: digits(Math.min(...values)), most: digits(Math.max(...values)) };
}

async function measureMemory(crowd: number): Promise<Scale["memory"]> {
  const memory: Record<string, Bytes> = {};
  for (const kind of Object.keys(KINDS)) {
    memory[kind] = await inOwnProcess<Bytes>("scale/memory_child.ts", kind, String(crowd));
  }
  return memory;
}

/** Measures everything and prints the text for the documents. */
export async function benchScale({ scale, write }: Effort): Promise<void> {
  const quick = scale < 1;
  const counts = quick ? COUNTS.filter((count) => count <= QUICK_MOST) : COUNTS;
  const crowd = quick ? QUICK_MOST : CROWD;
  const repetitions = 3;
  const result: Scale = {
    machine: machine(),
    repetitions,
    counts,
    costs: await measureCosts(counts, repetitions),
    crowd,
    memory: await measureMemory(crowd),
    others: await otherLanguages(crowd),
    limit: quick ? null : await findLimit(),
  };
  console.log(`\n### Scale\n\n${scalePage.markdown(result)}`);
  if (write) await publish(scalePage, result);
}
