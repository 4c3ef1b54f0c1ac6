/** A log rotator in virtual time, with a wall clock that may be set, and logs that are only counted. */
import * as asyncio from "@asyncoro/asyncoro/asyncio";
import { VirtualClock } from "@asyncoro/asyncoro/testing";
import type { LogConfig, Policy } from "../../../examples/logrotate/config.ts";
import { type Files, Log, type World } from "../../../examples/logrotate/log.ts";
import { describe, follow } from "../../../examples/logrotate/policies.ts";
import type { Journal } from "../../../examples/logrotate/rotate.ts";
import { State } from "../../../examples/logrotate/state.ts";
import { Status } from "../../../examples/logrotate/status.ts";

/** What a test runs in. */
export class VirtualWorld implements World {
  readonly state: State;
  readonly locks: { take(path: string): void } = { take() {} };
  readonly status: Status;
  readonly dryRun = false;
  readonly maxSleep: number;
  /** What was rotated: when by the wall clock, why, and for how long virtual time had run. */
  readonly rotations: { instant: string; seconds: number; dates: Readonly<Record<string, string>> }[] = [];
  /** How long a rotation takes, in virtual seconds. */
  rotationSeconds = 0;
  /** What went wrong. */
  readonly failures: string[] = [];
  /** What rotations fail with. */
  failure: Error | null = null;
  /** Bytes in the log; a rotation empties it. */
  size = 1;
  readonly #clock = new VirtualClock();
  #wall: number;

  constructor(start: string, maxSleep = 60, state = new State("none", true)) {
    this.#wall = Temporal.Instant.from(start).epochMilliseconds;
    this.maxSleep = maxSleep;
    this.state = state;
    this.status = new Status(this.now, false);
    this.status.event = () => {};
    this.status.failure = (text) => this.failures.push(text);
  }

  /** The wall clock. */
  readonly now = (): Temporal.Instant =>
    Temporal.Instant.fromEpochMilliseconds(this.#wall + Math.round(this.#clock.now() * 1000));

  /** Seconds since the beginning, whatever the wall clock says. */
  seconds(): number {
    return this.#clock.now();
  }

  /** Sets the wall clock, or lets the machine sleep: it is further by so many seconds, and no code is notified. */
  jump(seconds: number): void {
    this.#wall += seconds * 1000;
  }

  /** Runs the policies of one log while `body` does. */
  async run(
    policies: Policy[],
    body: (log: Log) => Generator<unknown, void, unknown>,
  ): Promise<void> {
    const loop = asyncio.newEventLoop({ clock: this.#clock });
    await loop.runUntilComplete(this.#main(loop, policies, body));
    loop.close();
  }

  /** Runs the policies of one log for so long. */
  runFor(seconds: number, ...policies: Policy[]): Promise<void> {
    return this.run(policies, function* () {
      yield* asyncio.sleep(seconds);
    });
  }

  *#main(
    loop: asyncio.EventLoop,
    policies: Policy[],
    body: (log: Log) => Generator<unknown, void, unknown>,
  ): Generator<unknown, void, unknown> {
    const log = new Log({ ...LOG, policies }, this, this.#files(loop));
    yield* log.recover();
    yield* asyncio.taskGroup(function* (group) {
      const tasks = policies.map((policy) => group.createTask(follow(log, policy), { name: describe(policy) }));
      yield* body(log);
      yield* log.close();
      for (const task of tasks) task.cancel();
    });
  }

  #files(loop: asyncio.EventLoop): Files {
    return {
      recover: (journal: Journal) => Promise.resolve(journal.rollback()),
      rotate: async (journal: Journal) => {
        journal.begin();
        const { failure, rotationSeconds } = this;
        if (failure !== null) throw failure;
        if (rotationSeconds > 0) await new Promise<void>((resolve) => void loop.callLater(rotationSeconds, resolve));
        this.size = 0;
        journal.commit();
        const { dates } = this.state.of(LOG.path)!;
        this.rotations.push({ instant: this.now().toString(), seconds: this.seconds(), dates });
        return true;
      },
      plan: () => Promise.resolve([]),
      size: () => Promise.resolve(this.size),
    };
  }
}

const LOG: LogConfig = {
  path: "app.log",
  keep: 5,
  gzip: false,
  gzipFrom: 2,
  create: false,
  copyTruncate: false,
  policies: [],
};

/** A daily policy. */
export function daily(at: string, timeZone: string): Policy {
  return { type: "daily", at, timeZone };
}
