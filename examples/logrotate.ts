/**
 * A log rotator, as in the well-known introduction to asyncio, that one would run: several policies for a log, daily
 * rotation that is right when clocks are changed, and no line lost wherever it crashes.
 *
 * Shows asyncio's tasks, groups, locks and cancellation, beside async functions that do the work on the disk.
 *
 *     deno run --allow-read --allow-write examples/logrotate.ts [--once] [--dry-run] config.json
 *
 * - `--once` does what is due now, and ends: with 1 if something failed, else with 0.
 * - `--dry-run` changes nothing and tells what would be done.
 *
 * What can be configured is in `logrotate/config.ts`, an example in `logrotate/logrotate.json`, when a daily rotation is
 * due in `logrotate/schedule.ts`, and how a rotation works in `logrotate/rotate.ts`. Without `create` and `copyTruncate` a
 * rotation leaves it to the log's writer to make a new one. An empty log is not rotated. After a sleep of the machine, or
 * when the clock was put forward, one rotation makes up for all dates that have gone by.
 *
 * SIGINT and SIGTERM let a rotation in hand end; the exit code is then 130 or 143. A second one ends the program at
 * once: what it leaves undone the next run takes up. 2 means that the command line or the configuration is wrong.
 */
import * as asyncio from "@asyncoro/asyncoro/asyncio";
import { type Config, readConfig } from "./logrotate/config.ts";
import { Log } from "./logrotate/log.ts";
import { LogLocks } from "./logrotate/log_locks.ts";
import { check, describe, follow } from "./logrotate/policies.ts";
import { State } from "./logrotate/state.ts";
import { Status } from "./logrotate/status.ts";

const USAGE = "Usage: logrotate.ts [--once] [--dry-run] config.json";

interface Options {
  readonly once: boolean;
  readonly dryRun: boolean;
  readonly file: string;
}

/** Rotates logs until it is cancelled, or once. Answers the exit code. */
function* main(config: Config, { once, dryRun }: Options): Generator<unknown, number, unknown> {
  const now = () => Temporal.Now.instant();
  const status = new Status(now);
  using state = new State(config.state, dryRun);
  using locks = new LogLocks();
  const world = { state, locks, status, now, dryRun, longestNap: 60 };
  const logs = config.logs.map((log) => new Log(log, world));
  yield* asyncio.taskGroup(function* (group) {
    try {
      yield* asyncio.wait(logs.map((log) => group.createTask(log.recover())));
      if (!once) group.createTask(status.refresh(), { name: "status" });
      const tasks = logs.flatMap((log) =>
        log.config.policies.map((policy) =>
          group.createTask((once ? check : follow)(log, policy), { name: `${log.config.path} ${describe(policy)}` })
        )
      );
      yield* asyncio.wait(tasks);
    } finally {
      // The group cancels its tasks when this has ended; by then none of them is in the middle of a rotation.
      for (const log of logs) yield* log.close();
    }
  });
  return status.failures === 0 ? 0 : 1;
}

/** SIGTERM does what SIGINT does in `asyncio.run`: it cancels the main task, or if it has been already, the program. */
function cancelOnTermination(): void {
  const task = asyncio.currentTask()!;
  if (Deno.build.os === "windows") return;
  Deno.addSignalListener("SIGTERM", () => task.cancelling() === 0 ? task.cancel() : Deno.exit(143));
}

function readOptions(args: readonly string[]): Options {
  const flags = args.filter((arg) => arg.startsWith("-"));
  const files = args.filter((arg) => !arg.startsWith("-"));
  const isKnown = flags.every((flag) => flag === "--once" || flag === "--dry-run");
  if (!isKnown || files.length !== 1) throw new SyntaxError(USAGE);
  return { once: flags.includes("--once"), dryRun: flags.includes("--dry-run"), file: files[0] };
}

function prepare(): [Config, Options] {
  try {
    const options = readOptions(Deno.args);
    return [readConfig(options.file), options];
  } catch (error) {
    console.error((error as Error).message);
    Deno.exit(2);
  }
}

const [config, options] = prepare();
try {
  Deno.exit(
    await asyncio.run(function* () {
      cancelOnTermination();
      return yield* main(config, options);
    }),
  );
} catch (error) {
  if (error instanceof asyncio.CancelledError) Deno.exit(143);
  console.error((error as Error).message);
  Deno.exit(1);
}
