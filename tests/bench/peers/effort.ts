/** The amounts of work. */

/** Amounts of all kinds; times are in seconds. */
export interface Effort {
  /** Repetitions of each work. */
  readonly rounds: number;
  /** Repetitions of a work whose every repetition takes a process. */
  readonly freshRounds: number;
  /** Repetitions of programs that send messages. */
  readonly programRounds: number;
  /**
   * Sets of fresh processes among which rounds are split, as the memory layout of a process affects its speed at
   * random.
   */
  readonly sets: number;
  /** How long each process works before it is measured. */
  readonly warmUp: number;
  /** Multiplies the least amounts of works. */
  readonly least: number;
  /** How long a repetition should take, unless the least amount takes longer. */
  readonly repetition: number;
  /** How long a server is put under load. */
  readonly load: number;
  /** The number of sleepers. */
  readonly crowd: number;
  /** How many messages are sent to another process or thread. */
  readonly messages: number;
  /** The limit after which a contender is stopped. */
  readonly limit: number;
  /** A contender whose fresh process took longer than this is not repeated. */
  readonly stepBudget: number;
}

type Amounts = Omit<Effort, "rounds" | "freshRounds" | "programRounds">;

const QUICK: Amounts = {
  sets: 2,
  warmUp: 0.3,
  least: 1,
  repetition: 0.1,
  load: 0.5,
  crowd: 100_000,
  messages: 30_000,
  limit: 15,
  stepBudget: 15,
};
const WHOLE: Amounts = {
  sets: 3,
  warmUp: 1,
  least: 10,
  repetition: 0.4,
  load: 1.5,
  crowd: 1_000_000,
  messages: 200_000,
  limit: 100,
  stepBudget: 20,
};

/** The effort that the options ask for. */
export function effortOf({ quick, rounds }: { readonly quick: boolean; readonly rounds: number }): Effort {
  const [freshRounds, programRounds] = [quick ? 1 : Math.min(rounds, 3), Math.min(rounds, 5)];
  return { rounds, freshRounds, programRounds, ...quick ? QUICK : WHOLE };
}
