/** A log that several policies share: one rotation at a time, and none twice for the same reason. */
import * as asyncio from "@asyncoro/asyncoro/asyncio";
import type { DailyPolicy, LogConfig } from "./config.ts";
import { type Journal, LogFiles } from "./rotate.ts";
import type { LogLocks } from "./log_locks.ts";
import { DailySchedule } from "./schedule.ts";
import type { Memory, State } from "./state.ts";
import type { Status } from "./status.ts";

/** What all logs share. */
export interface World {
  readonly state: State;
  readonly locks: Pick<LogLocks, "take">;
  readonly status: Status;
  /** The wall clock, which may jump. */
  readonly now: () => Temporal.Instant;
  /** Whether to print only what would be done. */
  readonly dryRun: boolean;
  /** Seconds after which a wait for the wall clock reads it again at the latest. */
  readonly maxSleep: number;
}

/** What a log needs of {@linkcode LogFiles}. */
export type Files = Pick<LogFiles, "recover" | "rotate" | "plan" | "size">;

/** A log and its schedules. */
export class Log {
  readonly config: LogConfig;
  readonly world: World;
  readonly #files: Files;
  readonly #loop = asyncio.getRunningLoop();
  readonly #lock = new asyncio.Lock();
  readonly #schedules: ReadonlyMap<string, DailySchedule>;
  /** The time of the last rotation, even a failed one, by the clock of the loop, which does not jump. */
  #triedAt = this.#loop.time();
  #recovered = false;

  constructor(config: LogConfig, world: World, files: Files = new LogFiles(config)) {
    this.config = config;
    this.world = world;
    this.#files = files;
    const daily = config.policies.filter((policy) => policy.type === "daily");
    this.#schedules = new Map(daily.map((policy) => [keyOf(policy), scheduleOf(policy)]));
  }

  /**
   * Completes a rotation that an earlier run has begun, and reads when the last one was. If that fails, it is tried again
   * before the next rotation.
   */
  *recover(): Generator<unknown, void, unknown> {
    using _ = yield* this.#lock.hold();
    yield* this.#attempt(this.#recover());
  }

  /** Rotates if that is due. It is checked after rotations by other policies have ended, which may have made it needless. */
  *rotateIf(isDue: () => boolean | Promise<boolean>, why: string): Generator<unknown, void, unknown> {
    using _ = yield* this.#lock.hold();
    yield* this.#attempt(this.#rotateIf(isDue, why));
  }

  /** Waits for a rotation that is under way, and prevents further ones. */
  *close(): Generator<unknown, void, unknown> {
    yield* this.#lock.acquire();
  }

  /** Its size in bytes; 0 if it does not exist. */
  size(): Promise<number> {
    return this.#files.size();
  }

  /** Seconds since the last rotation, even a failed one, or since the log was first seen. */
  age(): number {
    return this.#loop.time() - this.#triedAt;
  }

  /** Whether there was no rotation yet for the latest date of a policy. */
  isDateDue(policy: DailyPolicy): boolean {
    const key = keyOf(policy);
    const latest = this.#schedules.get(key)!.latestDate(this.world.now());
    const known = this.#memory().dates[key];
    if (known !== undefined && latest.toString() > known) return true;
    const dates = { ...this.#memory().dates, [key]: later(known, latest) };
    if (dates[key] !== known) this.world.state.set(this.config.path, { ...this.#memory(), dates });
    return false;
  }

  /** Seconds until the next date of a policy. */
  untilNextDate(policy: DailyPolicy): number {
    const now = this.world.now();
    return now.until(this.#schedules.get(keyOf(policy))!.nextInstant(now)).total("seconds");
  }

  *#attempt(work: Promise<void>): Generator<unknown, void, unknown> {
    try {
      yield* asyncio.wrapFuture(work);
    } catch (error) {
      if (error instanceof asyncio.CancelledError) throw error;
      this.world.status.failure(`${this.config.path}: ${(error as Error).message}`);
    }
  }

  async #recover(): Promise<void> {
    const { state, now, dryRun } = this.world;
    // A failure counts as an attempt: the next one is not made at once.
    this.#triedAt = this.#loop.time();
    if (!dryRun) await this.#recoverFiles();
    this.#recovered = true;
    const known = state.of(this.config.path);
    if (known === undefined) return state.set(this.config.path, { rotated: now().toString(), dates: {} });
    const age = Temporal.Instant.from(known.rotated).until(now()).total("seconds");
    this.#triedAt = this.#loop.time() - Math.max(0, age);
  }

  async #recoverFiles(): Promise<void> {
    this.world.locks.take(this.config.path);
    await this.#files.recover(this.#journal());
  }

  async #rotateIf(isDue: () => boolean | Promise<boolean>, why: string): Promise<void> {
    if (!this.#recovered) await this.#recover();
    if (!await isDue()) return;
    try {
      await (this.world.dryRun ? this.#pretend(why) : this.#rotate(why));
    } finally {
      this.#triedAt = this.#loop.time();
    }
  }

  async #rotate(why: string): Promise<void> {
    this.world.locks.take(this.config.path);
    const size = await this.size();
    if (!await this.#files.rotate(this.#journal())) return;
    this.world.status.rotations++;
    this.world.status.event(`${this.config.path}: rotated ${size} bytes (${why})`);
  }

  async #pretend(why: string): Promise<void> {
    const size = await this.size();
    const steps = (await this.#files.plan()).map(({ from, to }) => to === null ? `remove ${from}` : `${from} -> ${to}`);
    if (size > 0) {
      this.world.status.event(`${this.config.path}: would rotate ${size} bytes (${why}): ${steps.join(", ")}`);
    }
    this.world.state.set(this.config.path, this.#memoryAfterRotation());
  }

  #journal(): Journal {
    return this.world.state.journal(this.config.path, () => this.#memoryAfterRotation());
  }

  #memory(): Memory {
    return this.world.state.of(this.config.path)!;
  }

  /** A rotation counts for every date that has come, whichever policy caused it. */
  #memoryAfterRotation(): Memory {
    const now = this.world.now();
    const { dates } = this.#memory();
    const rotatedDates = [...this.#schedules].map((
      [key, schedule],
    ) => [key, later(dates[key], schedule.latestDate(now))]);
    return { rotated: now.toString(), dates: Object.fromEntries(rotatedDates) };
  }
}

function keyOf({ at, timeZone }: DailyPolicy): string {
  return `${at} ${timeZone}`;
}

function scheduleOf({ at, timeZone }: DailyPolicy): DailySchedule {
  return new DailySchedule(Temporal.PlainTime.from(at), timeZone);
}

/**
 * The later of two dates: a date that a clock set back shows again needs no second rotation. But a known date that is
 * more than a week ahead was recorded while the clock was wrong.
 */
function later(known: string | undefined, latest: Temporal.PlainDate): string {
  const isAhead = known !== undefined && known > latest.toString();
  return isAhead && known <= latest.add({ weeks: 1 }).toString() ? known : latest.toString();
}
