/**
 * deno run -A tests/bench/versus.ts OTHER [switch message spawn ...] [--pairs 41]
 *
 * Compares this checkout with another one, such as that of the commit before. Each works in processes of its own, in
 * turns. CPU time is compared, so that a busy machine has little effect. Prints the median of the ratios of this one to
 * the other, and its 95 % confidence interval.
 */
import { markdownTable, median } from "./harness.ts";

const CHILD = new URL("versus_child.ts", import.meta.url).pathname;
const HERE = new URL("../../", import.meta.url).pathname;

/** The works of `versus_child.ts`. */
const DEFAULT = [
  "switch",
  "message",
  "kinds",
  "spawn",
  "hundreds",
  "ring",
  "fanIn",
  "lock",
  "broadcast",
  "sleepers",
  "levels",
  "levelsMessage",
  "contexts",
];

type Figures = Readonly<Record<string, number>>;

/** Every work in a process of its own. */
async function measure(checkout: string, works: readonly string[]): Promise<Figures> {
  const { stdout, success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", `--config=${checkout}/deno.json`, CHILD, ...works],
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`The works failed in ${checkout}`);
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** The confidence interval of the median, by ranks: it holds for any distribution. */
export function medianInterval(values: readonly number[]): [number, number] {
  const sorted = values.toSorted((a, b) => a - b);
  const half = 0.98 * Math.sqrt(sorted.length);
  const low = Math.max(0, Math.floor(sorted.length / 2 - half));
  return [sorted[low], sorted[sorted.length - 1 - low]];
}

async function main(other: string, works: readonly string[], pairs: number): Promise<void> {
  const ratios: Record<string, number[]> = Object.fromEntries(works.map((work) => [work, []]));
  const times: Record<string, number[]> = Object.fromEntries(works.map((work) => [work, []]));
  for (let pair = 0; pair < pairs; pair++) {
    for (const work of works) {
      const sides = pair % 2 === 0 ? [HERE, other] : [other, HERE];
      const figures: Record<string, number> = {};
      for (const side of sides) figures[side] = (await measure(side, [work]))[work];
      ratios[work].push(figures[HERE] / figures[other]);
      times[work].push(figures[HERE]);
    }
  }
  const rows = works.map((work) => {
    const [low, high] = medianInterval(ratios[work]).map((ratio) => ratio.toFixed(3));
    return [work, median(times[work]).toFixed(1), median(ratios[work]).toFixed(3), `${low} to ${high}`];
  });
  console.log(markdownTable(["work", "ns of CPU here", "here / other", "95 %"], rows));
}

if (import.meta.main) {
  const at = Deno.args.indexOf("--pairs");
  const pairs = at < 0 ? 41 : Number(Deno.args[at + 1]);
  const [other, ...named] = at < 0 ? Deno.args : Deno.args.toSpliced(at, 2);
  if (other === undefined || !(pairs >= 1)) {
    console.error(`usage: deno run -A tests/bench/versus.ts OTHER [${DEFAULT.join(" ")}] [--pairs 41]`);
    Deno.exit(2);
  }
  await main(other, named.length > 0 ? named : DEFAULT, pairs);
}
