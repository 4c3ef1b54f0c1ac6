/** The two sides take turns, pair by pair. */
import type { Options } from "./options.ts";
import type { GuardedWork } from "./works.ts";

/** The folders of the two sides. */
export interface Folders {
  readonly here: string;
  readonly other: string;
}

/** What one work has taken, pair by pair. */
export interface Pairs {
  readonly work: GuardedWork;
  readonly here: number[];
  readonly other: number[];
}

/** A work that the other side cannot do. */
export interface LeftOut {
  readonly work: GuardedWork;
  readonly why: string;
}

/** All that was measured. */
export interface Comparison {
  readonly pairs: readonly Pairs[];
  readonly leftOut: readonly LeftOut[];
}

/**
 * Compares by all works. In each round each of them has one pair, and who is first alternates, so that both
 * sides get the same share of the machine's better moments.
 *
 * @throws The error of a work that this side cannot do, and the reason of the signal.
 */
export async function compareAll(
  folders: Folders,
  works: readonly GuardedWork[],
  { pairs, quick }: Pick<Options, "pairs" | "quick">,
  signal: AbortSignal,
  finished?: (rounds: number) => void,
): Promise<Comparison> {
  const running = new Map<string, Pairs>(works.map((work) => [work.name, { work, here: [], other: [] }]));
  const leftOut: LeftOut[] = [];
  for (let round = 0; round < pairs; round++) {
    for (const own of running.values()) {
      if (own.work.exact && round > 0) continue;
      const why = await onePair(own, folders, quick, round, signal);
      if (why === null) continue;
      running.delete(own.work.name);
      leftOut.push({ work: own.work, why });
    }
    finished?.(round + 1);
  }
  return { pairs: [...running.values()], leftOut };
}

/** Adds a pair. Returns why the other side cannot do the work, or `null`. */
async function onePair(
  { work, here, other }: Pairs,
  folders: Folders,
  quick: boolean,
  round: number,
  signal: AbortSignal,
): Promise<string | null> {
  const measure = async (folder: string) => {
    signal.throwIfAborted();
    const value = await work.measure({ folder, quick, signal });
    signal.throwIfAborted();
    return value;
  };
  const own = async () => {
    here.push(
      await measure(folders.here).catch((error) => {
        throw new Error(`Cannot do ${work.name} in this checkout: ${(error as Error).message}`);
      }),
    );
  };
  if (round % 2 === 0) await own();
  try {
    other.push(await measure(folders.other));
  } catch (error) {
    signal.throwIfAborted();
    return (error as Error).message;
  }
  if (round % 2 === 1) await own();
  return null;
}
