/** Rotations that fail for want of room, permission or a lock: nothing is left behind, and later ones succeed. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import * as asyncio from "@asyncoro/asyncoro/asyncio";
import type { LogConfig } from "../../../examples/logrotate/config.ts";
import { LogLocks } from "../../../examples/logrotate/log_locks.ts";
import { type FileSystem, type Journal, LogFiles } from "../../../examples/logrotate/rotate.ts";
import { LogFolder } from "./log_folder.ts";
import { VirtualWorld } from "./virtual_world.ts";

const SILENT: Journal = { begin() {}, commit() {}, rollback() {} };

function configOf(folder: LogFolder, changes: Partial<LogConfig> = {}): LogConfig {
  const log = { path: folder.at("app.log"), keep: 3, gzip: false, gzipFrom: 1, create: false, copyTruncate: false };
  return { ...log, policies: [], ...changes };
}

function namesIn(folder: LogFolder): string[] {
  return [...Deno.readDirSync(folder.path)].map(({ name }) => name).sort();
}

/** Deno's files on a disk that has room for `room` bytes more, counted over all files that are written. */
function fullDisk(room: number): FileSystem {
  let left = room;
  const take = (bytes: Uint8Array) => {
    if (left < bytes.length) throw new Error("No space left on device (os error 28)");
    left -= bytes.length;
  };
  const limited = (file: Deno.FsFile): Deno.FsFile =>
    new Proxy(file, {
      get(_, key) {
        if (key === "write") return (bytes: Uint8Array) => (take(bytes), file.write(bytes));
        if (key === "writeSync") return (bytes: Uint8Array) => (take(bytes), file.writeSync(bytes));
        const member = Reflect.get(file, key, file);
        return typeof member === "function" ? member.bind(file) : member;
      },
    });
  const open: typeof Deno.open = async (path, options) => limited(await Deno.open(path, options));
  return Object.assign(Object.create(Deno), { open });
}

for (
  const [what, changes, room] of [
    ["compressing", { gzip: true }, 0],
    ["copying", { copyTruncate: true }, 0],
    ["copying its last bytes", { copyTruncate: true }, 6],
  ] as const
) {
  Deno.test(`on a full disk a failure of ${what} leaves no unfinished file, and no line is lost`, async () => {
    await using folder = await LogFolder.make();
    const config = configOf(folder, changes);
    await folder.write("app.log", "line 1");
    const fs = fullDisk(room);
    if (room > 0) {
      fs.rename = async (from, to) => {
        await Deno.rename(from, to);
        await folder.write("app.log", "line 2");
      };
    }
    const { message } = await assertRejects(() => new LogFiles(config, fs).rotate(SILENT), Error);
    assertEquals(message, "No space left on device (os error 28)");
    assertEquals(namesIn(folder), "gzip" in changes ? ["app.log.1"] : ["app.log"]);
    await folder.write("app.log", "line 3");
    await new LogFiles(config).rotate(SILENT);
    assertEquals((await folder.contents())[0].toReversed().join(""), room > 0 ? "line 1line 2line 3" : "line 1line 3");
    await folder.assertTidy(config);
  });
}

const noChown = (): FileSystem =>
  Object.assign(Object.create(Deno), {
    chown: () => Promise.reject(new Deno.errors.PermissionDenied("Operation not permitted (os error 1)")),
  });

for (const [what, changes] of [["create", { create: true }], ["copyTruncate", { copyTruncate: true }]] as const) {
  Deno.test(`with ${what} a log whose owner cannot be set stays as it is, and is rotated once it can`, async () => {
    await using folder = await LogFolder.make();
    const config = configOf(folder, changes);
    await folder.write("app.log", "1\n");
    for (let time = 0; time < 2; time++) {
      await assertRejects(() => new LogFiles(config, noChown()).rotate(SILENT), Deno.errors.PermissionDenied);
      assertEquals(namesIn(folder), ["app.log"]);
    }
    assertEquals(await new LogFiles(config).rotate(SILENT), true);
    assertEquals((await folder.contents())[0], ["", "1\n"]);
  });
}

Deno.test("a log that was renamed becomes a version even if no new log can be made", async () => {
  await using folder = await LogFolder.make();
  await folder.write("app.log.0", "1\n");
  const files = new LogFiles(configOf(folder, { create: true }), noChown());
  await assertRejects(() => files.recover(SILENT), Deno.errors.PermissionDenied);
  assertEquals(namesIn(folder), ["app.log.1"]);
  assertEquals(await files.rotate(SILENT), false);
});

Deno.test("two rotators cannot work with one log, whatever their state files", async () => {
  await using folder = await LogFolder.make();
  const path = folder.at("app.log");
  using other = new LogLocks();
  {
    using one = new LogLocks();
    one.take(path);
    one.take(path);
    one.take(folder.at("no/such/folder/app.log"));
    assertThrows(() => other.take(path), Error, `Cannot rotate ${path} as another log rotator works with it`);
    other.take(folder.at("other.log"));
  }
  other.take(path);
});

Deno.test("a recovery that fails is tried again before the next rotation", async () => {
  const world = new VirtualWorld("2018-03-05T00:00:00Z");
  let locked = true;
  world.locks.take = () => {
    if (locked) throw new Error("locked");
  };
  let failures = 0;
  await world.run([{ type: "interval", every: 60 }, { type: "daily", at: "00:02", timeZone: "UTC" }], function* () {
    yield* asyncio.sleep(70);
    failures = world.failures.length;
    locked = false;
    yield* asyncio.sleep(130);
  });
  assert(failures > 0);
  assertEquals(world.failures, Array(failures).fill("app.log: locked"));
  // It was seen for the first time two minutes after midnight.
  assertEquals(world.rotations.map(({ instant }) => instant), ["2018-03-05T00:03:00Z"]);
});
