/**
 * A log rotator, after the well-known introduction to asyncio, but fit for use: several policies for a log, daily
 * rotation that is correct when clocks are changed, and no line lost wherever it crashes.
 *
 * Shows the tasks, groups, locks and cancellation of asyncio, beside async functions that work on the disk.
 *
 *     deno run --allow-read --allow-write examples/logrotate.ts [--once] [--dry-run] config.json
 *
 * - `--once` runs the rotations that are due now, and ends: with code 1 if one failed, or else with 0.
 * - `--dry-run` changes nothing and prints what would be done.
 *
 * `logrotate/config.ts` describes the configuration, `logrotate/logrotate.json` is an example; `logrotate/schedule.ts`
 * computes when a daily rotation is due, and `logrotate/rotate.ts` does the rotation. Without `create` and `copyTruncate`,
 * the writer of the log has to create the new file. An empty log is not rotated. After a sleep of the machine, or when the
 * clock was put forward, one rotation is done for all dates missed.
 *
 * On SIGINT and SIGTERM a rotation under way is finished first; the exit code is then 130 or 143. A second signal ends the
 * program at once: the next run finishes the rotation. Exit code 2 means a wrong command line or configuration.
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

/** Rotates logs until it is cancelled, or once. Returns the exit code. */
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
      // The group cancels its tasks when this block has ended; none of them is in a rotation then.
      for (const log of logs) yield* log.close();
    }
  });
  return status.failures === 0 ? 0 : 1;
}

/** Handles SIGTERM as `asyncio.run` handles SIGINT: cancels the main task; the second time ends the program. */
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
