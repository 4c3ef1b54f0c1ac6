/** A run: a series of epochs in real and in virtual time, with regular samples of what the process uses. */
import { type EpochResult, runEpoch } from "./epoch.ts";
import { findGrowth } from "./growth.ts";
import type { Options } from "./options.ts";
import { epochSeed } from "./random.ts";
import { failureText, growthText, progressLine } from "./report.ts";
import { Resources } from "./resources.ts";
import { Tally } from "./tally.ts";
import { measure, type Usage } from "./usage.ts";

// Seconds of an epoch, on its own clock: in virtual time they take about as long as in real time.
const REAL_SECONDS = 4;
const VIRTUAL_SECONDS = 1500;
// Seconds between two samples of what the process uses.
const SAMPLE_EVERY = 10;

/** Settings and hooks of a run, for its caller. */
export interface Hooks {
  print(line: string): void;
  /** How long each epoch takes. */
  readonly seconds?: number;
  /** Seconds between two samples. */
  readonly sampleEvery?: number;
  afterEpoch?(result: EpochResult): void;
}

/** The result of a run. */
export interface SoakResult {
  readonly ok: boolean;
  readonly epochs: number;
  readonly tally: Tally;
  readonly samples: readonly Usage[];
  /** How many seconds of virtual time passed in a second of CPU time; `null` if none passed. */
  readonly ratio: number | null;
  readonly seconds: number;
}

/** Runs epochs until the time is over or one fails. */
export async function soak(options: Options, hooks: Hooks): Promise<SoakResult> {
  const resources = new Resources();
  const run = new Run(options, hooks, resources);
  try {
    await run.epochs();
  } finally {
    await resources.close();
  }
  return run.result();
}

class Run {
  readonly #options: Options;
  readonly #hooks: Hooks;
  readonly #resources: Resources;
  readonly #began = performance.now();
  readonly #tally = new Tally();
  readonly #samples: Usage[] = [];
  #epochs = 0;
  #ok = true;
  #sampledAt = 0;
  #virtual = { lived: 0, cpu: 0 };

  constructor(options: Options, hooks: Hooks, resources: Resources) {
    this.#options = options;
    this.#hooks = hooks;
    this.#resources = resources;
  }

  get #elapsed(): number {
    return (performance.now() - this.#began) / 1000;
  }

  async epochs(): Promise<void> {
    const { minutes, epochs } = this.#options;
    while (this.#ok && this.#epochs < epochs && this.#elapsed < minutes * 60) {
      const result = await this.#epoch();
      this.#hooks.afterEpoch?.(result);
      if (this.#elapsed - this.#sampledAt >= (this.#hooks.sampleEvery ?? SAMPLE_EVERY)) {
        await this.#sample(result.memory);
      }
    }
    this.#checkGrowth();
  }

  async #epoch(): Promise<EpochResult> {
    const { seed, clocks, only } = this.#options;
    const index = this.#epochs++;
    const virtual = clocks[index % clocks.length] === "virtual";
    const seconds = this.#hooks.seconds ?? (virtual ? VIRTUAL_SECONDS : REAL_SECONDS);
    const result = await runEpoch({ seed: epochSeed(seed, index), virtual, seconds, only }, this.#resources);
    this.#tally.addAll(result.tally);
    if (virtual) {
      this.#virtual.lived += result.lived;
      this.#virtual.cpu += result.cpu;
    }
    if (result.violations.length > 0) {
      this.#ok = false;
      this.#hooks.print(failureText(result));
    }
    return result;
  }

  async #sample(kernel: number): Promise<void> {
    const usage = await measure(this.#elapsed, kernel);
    this.#sampledAt = usage.at;
    this.#samples.push(usage);
    this.#hooks.print(progressLine(usage, this.#epochs, this.#tally));
  }

  #checkGrowth(): void {
    const growth = this.#ok ? findGrowth(this.#samples) : [];
    if (growth.length === 0) return;
    this.#ok = false;
    const { minutes, seed } = this.#options;
    this.#hooks.print(growthText(growth, this.#samples, `deno task soak ${minutes} --seed ${seed}`));
  }

  result(): SoakResult {
    const { lived, cpu } = this.#virtual;
    return {
      ok: this.#ok,
      epochs: this.#epochs,
      tally: this.#tally,
      samples: this.#samples,
      ratio: cpu > 0 ? lived / cpu : null,
      seconds: this.#elapsed,
    };
  }
}
