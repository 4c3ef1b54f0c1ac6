/**
 * A rotation that crashes before any of its file operations, and is recovered from: every line that was there before is
 * there afterwards, once, and in order.
 */
import { assert, assertEquals } from "@std/assert";
import type { LogConfig } from "../../../examples/logrotate/config.ts";
import { type Journal, LogFiles } from "../../../examples/logrotate/rotate.ts";
import { Crash, FailingFiles } from "./failing_files.ts";
import { LogFolder } from "./log_folder.ts";

const SILENT: Journal = { begin() {}, commit() {}, rollback() {} };
const MODES: Record<string, Partial<LogConfig>> = {
  rename: {},
  create: { create: true },
  copyTruncate: { copyTruncate: true },
};

/** What may lie about when the rotation begins: which versions are there, and what an earlier crash left. */
const BEFORE: Record<string, (folder: LogFolder, keep: number) => Promise<void>> = {
  "no old versions": async () => {},
  "all versions": async (folder, keep) => {
    for (let version = keep; version >= 1; version--) await folder.old(version, version > 1);
  },
  "a gap": async (folder, keep) => {
    for (let version = keep; version >= 1; version--) if (version !== 2) await folder.old(version);
  },
  "a log taken aside": async (folder, keep) => {
    for (let version = keep; version >= 1; version--) await folder.old(version);
    await folder.write("app.log.0", folder.takeLines(3));
  },
  "a crash while compressing": async (folder, keep) => {
    for (let version = keep; version >= 1; version--) await folder.old(version);
    await Deno.writeTextFile(folder.at("app.log.part"), "");
    if (keep >= 2) await folder.double(2, 0.6);
    if (keep >= 1) await folder.double(1, 1);
    if (keep >= 1) await Deno.writeTextFile(folder.at("app.log.1.gz.part"), "half of someth");
  },
};

function configOf(folder: LogFolder, keep: number, gzip: boolean, mode: string): LogConfig {
  const log = { path: folder.at("app.log"), keep, gzip, gzipFrom: mode === "copyTruncate" ? 1 : 2, policies: [] };
  return { ...log, create: false, copyTruncate: false, ...MODES[mode] };
}

/** Rotates with a crash before operation `last + 1`. Returns whether it came to that. */
async function crashes(config: LogConfig, last: number, step: "rotate" | "recover" = "rotate"): Promise<boolean> {
  try {
    await new LogFiles(config, new FailingFiles(last).fs)[step](SILENT);
    return false;
  } catch (error) {
    if (error instanceof Crash) return true;
    throw error;
  }
}

/** What must be there, newest first: `[the log, version 1, ...]`, if it is rotated as often as it says. */
function rotated(contents: string[], keep: number): string[] {
  const [log, ...old] = contents;
  return log === "" ? contents : ["", ...[log, ...old].slice(0, keep)];
}

/** Crashes a rotation before its change `last + 1`, the writer goes on, and it is recovered from. */
class CrashScenario {
  readonly folder: LogFolder;
  readonly config: LogConfig;
  /** What may be there afterwards: not rotated, and rotated. */
  readonly #outcomes: [string[], string[]];

  private constructor(folder: LogFolder, config: LogConfig, outcomes: [string[], string[]]) {
    this.folder = folder;
    this.config = config;
    this.#outcomes = outcomes;
  }

  static async prepare(folder: LogFolder, config: LogConfig, before: string): Promise<CrashScenario> {
    await BEFORE[before](folder, config.keep);
    await folder.write("app.log", folder.takeLines(5));
    const [[log, ...old], aside] = await folder.contents();
    const settled = [log, ...(aside === null ? old : [aside, ...old].slice(0, config.keep))];
    return new CrashScenario(folder, config, [settled, rotated(settled, config.keep)]);
  }

  /** What the program writes meanwhile. */
  async writeOn(): Promise<void> {
    const late = this.folder.takeLines(2);
    await this.folder.write("app.log", late);
    for (const outcome of this.#outcomes) outcome[0] += late;
  }

  async check(what: string, crashed: boolean): Promise<void> {
    const [found, aside] = await this.folder.contents();
    assertEquals(aside, null, `${what}: something is still aside`);
    const allowed = crashed ? this.#outcomes : this.#outcomes.slice(1);
    const isAllowed = allowed.some((contents) => JSON.stringify(contents) === JSON.stringify(found));
    assert(isAllowed, `${what}: found ${JSON.stringify(found)}, expected one of ${JSON.stringify(allowed)}`);
    await this.folder.assertTidy(this.config);
  }

  /** The next rotation goes on as if nothing had been. */
  async rotateAgain(): Promise<void> {
    await this.folder.write("app.log", this.folder.takeLines(1));
    const [before] = await this.folder.contents();
    await new LogFiles(this.config).rotate(SILENT);
    assertEquals((await this.folder.contents())[0], rotated(before, this.config.keep));
  }
}

async function crashEverywhere(keep: number, gzip: boolean, mode: string, before: string): Promise<number> {
  for (let last = 0;; last++) {
    await using folder = await LogFolder.make({ quick: true });
    const scenario = await CrashScenario.prepare(folder, configOf(folder, keep, gzip, mode), before);
    const crashed = await crashes(scenario.config, last);
    if (crashed) await scenario.writeOn();
    await new LogFiles(scenario.config).recover(SILENT);
    await scenario.check(`keeping ${keep}${gzip ? ", gzip" : ""}, crash after ${last} changes`, crashed);
    await scenario.rotateAgain();
    if (!crashed) return last;
  }
}

for (const mode of Object.keys(MODES)) {
  for (const before of Object.keys(BEFORE)) {
    Deno.test(`no line is lost or doubled wherever a rotation crashes: ${mode} with ${before}`, async () => {
      const all = [0, 1, 2, 3, 4].flatMap((keep) => [false, true].map((gzip) => ({ keep, gzip })));
      await Promise.all(all.map(({ keep, gzip }) => crashEverywhere(keep, gzip, mode, before)));
    });
  }

  Deno.test(`no line is lost or doubled wherever the recovery from a crash crashes: ${mode}`, async () => {
    let crashed = true;
    for (let last = 0; crashed; last++) {
      for (let crashedAgain = true, second = 0; crashedAgain; second++) {
        await using folder = await LogFolder.make({ quick: true });
        const scenario = await CrashScenario.prepare(folder, configOf(folder, 2, true, mode), "all versions");
        crashed = await crashes(scenario.config, last);
        if (crashed) await scenario.writeOn();
        crashedAgain = await crashes(scenario.config, second, "recover");
        if (crashedAgain) await scenario.writeOn();
        await new LogFiles(scenario.config).recover(SILENT);
        await scenario.check(`crashes after ${last} changes and ${second} more`, crashed);
      }
    }
  });
}

/** The changes and what made sure of them, without the bytes. */
async function traceOf(folder: LogFolder, config: LogConfig): Promise<string[]> {
  const files = new FailingFiles();
  await new LogFiles(config, files.fs).rotate(SILENT);
  const name = folder.path.slice(folder.path.lastIndexOf("/") + 1);
  const steps = files.trace.filter((step) => !/^(write|utime|chmod|chown)/.test(step));
  return steps.map((step) => step.replace(name, "folder"));
}

Deno.test("nothing is removed or emptied before its copy is on the disk, whenever the power fails", async () => {
  await using folder = await LogFolder.make({ quick: true });
  await folder.write("app.log", folder.takeLines(3));
  assertEquals(await traceOf(folder, configOf(folder, 3, true, "copyTruncate")), [
    "open app.log",
    "open app.log.0.part",
    "sync app.log.0.part",
    "rename app.log.0.part",
    "sync folder",
    "truncate app.log",
    "rename app.log.0.copy",
    "sync folder",
    "rename app.log.0",
    "sync folder",
    "open app.log.1.gz.part",
    "sync app.log.1.gz.part",
    "rename app.log.1.gz.part",
    "sync folder",
    "remove app.log.1",
  ]);
});
