/** Rotations of real files. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { LogConfig } from "../../../examples/logrotate/config.ts";
import { type FileSystem, type Journal, LogFiles } from "../../../examples/logrotate/rotate.ts";
import { gunzip, gzip, LogFolder } from "./log_folder.ts";

const SILENT: Journal = { begin() {}, commit() {}, rollback() {} };
const posix = Deno.build.os !== "windows";

function configOf(folder: LogFolder, changes: Partial<LogConfig> = {}): LogConfig {
  const log = { path: folder.at("app.log"), keep: 3, gzip: false, gzipFrom: 2, create: false, copyTruncate: false };
  return { ...log, policies: [], ...changes };
}

function namesIn(folder: LogFolder): string[] {
  return [...Deno.readDirSync(folder.path)].map(({ name }) => name).sort();
}

/** Writes and rotates so often; the lines `n` are in the n-th log. */
async function rotateOften(folder: LogFolder, config: LogConfig, times: number): Promise<void> {
  for (let time = 1; time <= times; time++) {
    await folder.write("app.log", `${time}\n`);
    assertEquals(await new LogFiles(config).rotate(SILENT), true);
  }
}

for (const [keep, left] of [[0, []], [1, ["app.log.1"]], [3, ["app.log.1", "app.log.2", "app.log.3"]]] as const) {
  Deno.test(`of many old versions the newest ${keep} are kept`, async () => {
    await using folder = await LogFolder.make();
    await rotateOften(folder, configOf(folder, { keep }), 5);
    assertEquals(namesIn(folder), [...left]);
    assertEquals((await folder.contents())[0], ["", ...["5\n", "4\n", "3\n"].slice(0, keep)]);
  });
}

Deno.test("old versions are compressed from the second on, with mode and time of the original", async () => {
  await using folder = await LogFolder.make();
  await folder.write("app.log", "1\n");
  if (posix) await Deno.chmod(folder.at("app.log"), 0o640);
  await Deno.utime(folder.at("app.log"), new Date("2018-03-05"), new Date("2018-03-05"));
  const files = new LogFiles(configOf(folder, { gzip: true }));
  await files.rotate(SILENT);
  await folder.write("app.log", "2\n");
  await files.rotate(SILENT);
  assertEquals(namesIn(folder), ["app.log.1", "app.log.2.gz"]);
  assertEquals(await gunzip(await Deno.readFile(folder.at("app.log.2.gz"))), "1\n");
  const { mode, mtime } = await Deno.stat(folder.at("app.log.2.gz"));
  assertEquals(mtime, new Date("2018-03-05"));
  if (posix) assertEquals(mode! & 0o777, 0o640);
});

Deno.test("megabytes are the same after compression and decompression", async () => {
  await using folder = await LogFolder.make();
  const text = Array.from({ length: 300_000 }, (_, index) => `${Math.imul(index, 2654435761)}\n`).join("");
  await folder.write("app.log", text);
  await new LogFiles(configOf(folder, { gzip: true, copyTruncate: true, gzipFrom: 1 })).rotate(SILENT);
  assertEquals(namesIn(folder), ["app.log", "app.log.1.gz"]);
  assert(await gunzip(await Deno.readFile(folder.at("app.log.1.gz"))) === text, "it has changed");
});

Deno.test("with create an empty log of the same mode takes the place of the old one", async () => {
  await using folder = await LogFolder.make();
  await folder.write("app.log", "1\n");
  if (posix) await Deno.chmod(folder.at("app.log"), 0o606);
  await new LogFiles(configOf(folder, { create: true })).rotate(SILENT);
  const info = await Deno.stat(folder.at("app.log"));
  assertEquals(info.size, 0);
  if (posix) assertEquals(info.mode! & 0o777, 0o606);
  assertEquals(namesIn(folder), ["app.log", "app.log.1"]);
});

Deno.test("with create a log that a writer has made first is kept", async () => {
  await using folder = await LogFolder.make();
  await folder.write("app.log", "1\n");
  const link: typeof Deno.link = async (from, to) => {
    await folder.write("app.log", "2\n");
    await Deno.link(from, to);
  };
  await new LogFiles(configOf(folder, { create: true }), withChange({ link })).rotate(SILENT);
  assertEquals((await folder.contents())[0], ["2\n", "1\n"]);
  assertEquals(namesIn(folder), ["app.log", "app.log.1"]);
});

function withChange(change: Partial<FileSystem>): FileSystem {
  return Object.assign(Object.create(Deno), change);
}

Deno.test("with copyTruncate a writer that has the log open goes on, and no line is lost or doubled", async () => {
  await using folder = await LogFolder.make();
  const config = configOf(folder, { copyTruncate: true, gzip: true, gzipFrom: 1 });
  using writer = await Deno.open(config.path, { append: true, create: true });
  for (let time = 1; time <= 4; time++) {
    await writer.write(new TextEncoder().encode(`${time}\n`));
    await new LogFiles(config).rotate(SILENT);
  }
  await writer.write(new TextEncoder().encode("5\n"));
  assertEquals((await folder.contents())[0], ["5\n", "4\n", "3\n", "2\n"]);
  assertEquals(namesIn(folder), ["app.log", "app.log.1.gz", "app.log.2.gz", "app.log.3.gz"]);
});

Deno.test("with copyTruncate what is written while the log is copied is in the copy", async () => {
  await using folder = await LogFolder.make();
  await folder.write("app.log", "1\n");
  const rename: typeof Deno.rename = async (from, to) => {
    if (String(to).endsWith(".copy")) await folder.write("app.log", "2\n");
    await Deno.rename(from, to);
  };
  await new LogFiles(configOf(folder, { copyTruncate: true }), withChange({ rename })).rotate(SILENT);
  assertEquals((await folder.contents())[0], ["", "1\n2\n"]);
});

Deno.test("a version to which somebody still writes while it is compressed stays as it is until the next time", async () => {
  await using folder = await LogFolder.make();
  const config = configOf(folder, { gzip: true, gzipFrom: 1 });
  const rename: typeof Deno.rename = async (from, to) => {
    await Deno.rename(from, to);
    if (String(to).endsWith(".gz")) await folder.write("app.log.1", "late\n");
  };
  await folder.write("app.log", "1\n");
  await new LogFiles(config, withChange({ rename })).rotate(SILENT);
  assertEquals(namesIn(folder), ["app.log.1"]);
  await folder.write("app.log", "2\n");
  await new LogFiles(config).rotate(SILENT);
  assertEquals((await folder.contents())[0], ["", "2\n", "1\nlate\n"]);
  assertEquals(namesIn(folder), ["app.log.1.gz", "app.log.2.gz"]);
});

Deno.test("there is nothing to rotate without a log, with an empty one, or without its folder", async () => {
  await using folder = await LogFolder.make();
  await folder.write("app.log.1", "1\n");
  const files = new LogFiles(configOf(folder, { create: true }));
  assertEquals(await files.rotate(SILENT), false);
  await folder.write("app.log", "");
  // The date for which it was to be rotated is dealt with all the same.
  const calls: string[] = [];
  const journal = { begin: () => calls.push("begin"), commit: () => calls.push("commit"), rollback() {} };
  assertEquals(await files.rotate(journal), false);
  assertEquals(calls, ["begin", "commit"]);
  assertEquals(namesIn(folder), ["app.log", "app.log.1"]);
  const nowhere = new LogFiles(configOf(folder, { path: folder.at("no/such/app.log") }));
  assertEquals([await nowhere.rotate(SILENT), await nowhere.size()], [false, 0]);
});

Deno.test("files that only look like versions, and versions beyond those kept, are left alone", async () => {
  await using folder = await LogFolder.make();
  const others = ["app.log.20240101", "app.log.4", "app.log.bak", "app.log.01", "app.log.1.zip", "my.app.log.1"];
  for (const name of others) await folder.write(name, `${name}\n`);
  await rotateOften(folder, configOf(folder, { gzip: true }), 5);
  for (const name of others) assertEquals(await Deno.readTextFile(folder.at(name)), `${name}\n`);
  assertEquals(namesIn(folder).filter((name) => !others.includes(name)), ["app.log.1", "app.log.2.gz", "app.log.3.gz"]);
});

Deno.test("a version of which both forms are there and differ stops rotation, and nothing is touched", async () => {
  await using folder = await LogFolder.make();
  await folder.write("app.log", "new\n");
  await folder.write("app.log.1", "one thing\n");
  await Deno.writeFile(folder.at("app.log.1.gz"), await gzip("another thing\n"));
  const files = new LogFiles(configOf(folder));
  const { message } = await assertRejects(() => files.rotate(SILENT), Error);
  const path = folder.at("app.log");
  assertEquals(message, `Cannot rotate ${path} as app.log.1 and app.log.1.gz differ: rename or remove one`);
  assertEquals(namesIn(folder), ["app.log", "app.log.1", "app.log.1.gz"]);
});

Deno.test("a log that is a link or a folder is not rotated", async () => {
  await using folder = await LogFolder.make();
  await Deno.mkdir(folder.at("app.log"));
  const files = new LogFiles(configOf(folder));
  const refusal = async () => (await assertRejects(() => files.rotate(SILENT), Error)).message;
  assertEquals(await refusal(), `Cannot rotate ${folder.at("app.log")} as it is no file`);
  if (!posix) return;
  await Deno.remove(folder.at("app.log"));
  await folder.write("target", "1\n");
  await Deno.symlink("target", folder.at("app.log"));
  const path = folder.at("app.log");
  assertEquals(await refusal(), `Cannot rotate ${path} as it is a symbolic link: name the file that it leads to`);
  assertEquals(namesIn(folder), ["app.log", "target"]);
});

Deno.test("a plan lists what a rotation does", async () => {
  await using folder = await LogFolder.make();
  for (const version of [3, 2, 1]) await folder.old(version, version > 1);
  assertEquals(await new LogFiles(configOf(folder)).plan(), [
    { from: "app.log", to: "app.log.0" },
    { from: "app.log.3.gz", to: null },
    { from: "app.log.2.gz", to: "app.log.3.gz" },
    { from: "app.log.1", to: "app.log.2" },
    { from: "app.log.0", to: "app.log.1" },
  ]);
  await Deno.remove(folder.at("app.log.2.gz"));
  assertEquals((await new LogFiles(configOf(folder)).plan()).slice(1), [
    { from: "app.log.1", to: "app.log.2" },
    { from: "app.log.0", to: "app.log.1" },
  ]);
});
