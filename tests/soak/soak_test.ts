import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { type EpochResult, runEpoch } from "./epoch.ts";
import { findGrowth } from "./growth.ts";
import { MUTANTS } from "./mutants.ts";
import { type Options, readOptions } from "./options.ts";
import { epochSeed } from "./random.ts";
import { failureText } from "./report.ts";
import { Resources } from "./resources.ts";
import { soak } from "./soak.ts";
import { SOCIETIES } from "./societies.ts";
import type { Usage } from "./usage.ts";
import { Standstill } from "./watchdog.ts";
import type { Plan } from "./world.ts";

const NAMES = SOCIETIES.map(({ name }) => name);
async function epoch(plan: Plan): Promise<EpochResult> {
  const resources = new Resources();
  try {
    return await runEpoch(plan, resources);
  } finally {
    await resources.close();
  }
}

const ENOUGH = 20;

/** An epoch in which something happens: in real time a busy machine may need a longer one for that. */
async function eventfulEpoch(plan: Plan): Promise<EpochResult> {
  const result = await epoch(plan);
  if (result.violations.length > 0 || result.tally.total > ENOUGH || plan.virtual || plan.seconds > 5) return result;
  return eventfulEpoch({ ...plan, seconds: 4 * plan.seconds });
}

function clean(result: EpochResult): void {
  assert(result.violations.length === 0, failureText(result));
}

for (const { name, host } of SOCIETIES) {
  const clock = host ? "real" : "virtual";
  Deno.test(`the society of ${name} keeps its invariants for an epoch in ${clock} time`, async () => {
    const result = await eventfulEpoch({ seed: 1, virtual: !host, seconds: host ? 0.4 : 100, only: [name] });
    clean(result);
    assertEquals(result.societies, [name]);
    assert(result.tally.total > ENOUGH, "it did something");
  });
}

Deno.test("all societies keep their invariants together, in real time", async () => {
  clean(
    await epoch({ seed: 2, virtual: false, seconds: 0.5, only: NAMES }),
  );
});

Deno.test("the seed determines an epoch in virtual time", async () => {
  const once = await epoch({ seed: 3, virtual: true, seconds: 60, only: NAMES });
  const twice = await epoch({ seed: 3, virtual: true, seconds: 60, only: NAMES });
  const other = await epoch({ seed: 4, virtual: true, seconds: 60, only: NAMES });
  [once, twice, other].forEach(clean);
  const read = ({ trace, tally, switches }: EpochResult) => [trace.digest, trace.events, tally.entries(), switches];
  assertEquals(read(once), read(twice));
  assert(once.trace.digest !== other.trace.digest);
});

/** The first epoch that finds a violation; not every epoch reaches the state that a fault needs. */
async function firstViolated(plan: Omit<Plan, "seed">): Promise<EpochResult> {
  for (let seed = 5; seed < 25; seed++) {
    const result = await epoch({ seed, ...plan });
    if (result.violations.length > 0) return result;
  }
  throw new Error("nothing was found");
}

for (const { name, society, virtual, invariant, apply } of MUTANTS) {
  Deno.test(`the soak finds the fault: ${name} (${society})`, async () => {
    const undo = apply();
    let result: EpochResult;
    try {
      result = await firstViolated({ virtual, seconds: virtual ? 300 : 2, only: [society] });
    } finally {
      undo();
    }
    const text = failureText(result);
    assertStringIncludes(text, invariant);
    assertStringIncludes(
      text,
      `deno task soak --seed ${result.plan.seed} --epochs 1 ${virtual ? "--virtual" : "--real"} --only ${society}`,
    );
  });
}

const OPTIONS: Options = { minutes: 1, seed: 6, epochs: 12, clocks: ["virtual"], only: ["locks"] };
Deno.test("a run stops at its first failure, and the seed that it prints reproduces it", async () => {
  const { apply } = MUTANTS.find(({ name }) => name === "a permit is granted twice")!;
  const failure = async (seed: number, epochs: number) => {
    const undo = apply();
    const lines: string[] = [];
    try {
      const result = await soak({
        ...OPTIONS,
        seed,
        epochs,
      }, { print: (line) => lines.push(line) });
      assertEquals(result.ok, false);
    } finally {
      undo();
    }
    return lines.join("\n");
  };
  const first = await failure(6, 12);
  const seed = Number(/--seed (\d+) --epochs 1/.exec(first)![1]);
  assertEquals(await failure(seed, 1), first);
});

Deno.test("a run finds descriptors and memory that leak with every epoch", async () => {
  const files: Deno.FsFile[] = [];
  const memory: Uint8Array[] = [];
  const lines: string[] = [];
  const { ok } = await soak(OPTIONS, {
    print: (line) => lines.push(line),
    seconds: 5,
    sampleEvery: 0,
    afterEpoch() {
      files.push(Deno.openSync(Deno.execPath()));
      memory.push(new Uint8Array(5e7));
    },
  });
  for (const file of files) file.close();
  assertEquals([ok, memory.length], [false, 12]);
  const text = lines.at(-1)!;
  assertStringIncludes(text, "heap went from");
  if (Deno.build.os === "linux") assertStringIncludes(text, "descriptors went from");
});

Deno.test("a clock that shows the same time at three more looks has stopped; a slow one has not", () => {
  const standstill = new Standstill(3);
  const looks = [0, 0, 0, 1, 1, 2, 2, 2, 2, 2, 3].map((time) => standstill.look(time));
  assertEquals(looks.indexOf(true), 8);
  assertEquals(looks.filter(Boolean).length, 1);
});

const USAGE: Usage = { at: 0, heap: 1e7, rss: 1e8, kernel: 1e5, descriptors: 20, threads: 8 };
Deno.test("findGrowth() ignores warm-up and noise, and finds growth that goes on", () => {
  const series = (change: (i: number) => Partial<Usage>) =>
    Array.from({ length: 100 }, (_, i) => ({
      ...USAGE,
      ...change(i),
    }));
  assertEquals(findGrowth(series(() => ({}))), []);
  assertEquals(
    findGrowth(series((i) => ({ heap: 1e7 * (1 + Math.min(i, 20)) }))),
    [],
  );
  assertEquals(
    findGrowth(series((i) => ({ heap: 1e7 * (1 + i % 3), descriptors: 20 + i % 7 }))),
    [],
  );
  for (
    const [of, step] of [
      ["heap", 2e5],
      ["rss", 2e6],
      ["kernel", 2e4],
      ["descriptors", 0.2],
      ["threads", 0.2],
    ] as const
  ) {
    const grown = findGrowth(series((i) => ({
      [of]: USAGE[of] + step * i,
    })));
    assertEquals(grown.map(({ detail }) => detail.split(" ")[0]), [of]);
  }
});

Deno.test("the first epoch has the seed of the run, and no two epochs the same", () => {
  const seeds = Array.from({ length: 1000 }, (_, i) => epochSeed(7, i));
  assertEquals(seeds[0], 7);
  assertEquals(new Set(seeds).size, 1000);
});

Deno.test("readOptions() reads minutes, a seed, epochs, a clock and societies", () => {
  const { seed: _, ...standard } = readOptions([], NAMES);
  assertEquals(standard, { minutes: 10, epochs: Infinity, clocks: ["real", "virtual"], only: undefined });
  const words = "60 --seed 8 --epochs 3 --virtual --only locks,time".split(" ");
  assertEquals(readOptions(words, NAMES), {
    minutes: 60,
    seed: 8,
    epochs: 3,
    clocks: ["virtual"],
    only: ["locks", "time"],
  });
  assertEquals(
    readOptions(["--real"], NAMES).clocks,
    ["real"],
  );
  for (
    const bad of [
      ["x"],
      ["--seed"],
      ["--seed", "x"],
      ["--only", "nobody"],
      ["--fast"],
    ]
  ) {
    assertThrows(() => readOptions(bad, NAMES), RangeError, "Cannot soak");
  }
});
