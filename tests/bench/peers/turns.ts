/** Contenders of one work take turns: all within each round, in another order each time. */

/** The result of one repetition: numbers by the names of figures. */
export type Figures = Readonly<Record<string, number>>;

/** The results of all repetitions, round by round, by the names of peers. */
export type Found = Map<string, Figures[]>;

/** A contender that is ready to do a work. */
export interface Acquisition {
  readonly peer: string;
  /** Does it once more. */
  take(): Promise<Figures>;
  /** Whether one more repetition would take too long. */
  hasEnough?(): boolean;
  stop(): Promise<void>;
}

/** Numbers from 0 to below 1. */
export type Random = () => number;

/** Adds rounds to the results of each. A contender that fails is removed, and `drop` is called for it. */
export async function takeTurns(
  entrants: readonly Acquisition[],
  rounds: number,
  random: Random,
  found: Found,
  drop: (peer: string, error: unknown) => void,
): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (const entrant of shuffled(entrants, random)) {
      const own = found.get(entrant.peer);
      if (own === undefined || own.length > 0 && entrant.hasEnough?.()) continue;
      try {
        own.push(await entrant.take());
      } catch (error) {
        found.delete(entrant.peer);
        drop(entrant.peer, error);
      }
    }
  }
}

/** Distributes rounds among sets, as evenly as possible; no set is without any. */
export function split(rounds: number, sets: number): number[] {
  const count = Math.min(rounds, sets);
  return Array.from({ length: count }, (_, set) => Math.floor((rounds + set) / count));
}

/** The same items in an order that the random numbers determine. */
export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const all = [...items];
  for (let i = all.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [all[i], all[j]] = [all[j], all[i]];
  }
  return all;
}

/** Numbers from 0 to below 1, the same for the same seed: a linear congruential generator, as in Numerical Recipes. */
export function numbers(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = Math.imul(state, 1_664_525) + 1_013_904_223 >>> 0;
    return state / 2 ** 32;
  };
}
