/** What a receiver leaves behind that was killed. */
import { assertEquals } from "@std/assert";
import { runVirtual } from "@asyncoro/asyncoro/testing";
import { FileDirectory } from "../../../core/distributed/files/file_directory.ts";
import { removeStaleFiles } from "../../../core/distributed/files/stale_files.ts";
import { withFixture } from "./fixture.ts";

const OTHER = "0123456789abcdef".repeat(2);
const HOURS_AGO = new Date(Date.now() - 3 * 3600_000);

Deno.test("a joining removes what others have left behind long ago, and nothing else", () =>
  withFixture(async (fixture) => {
    const { inbox, home } = fixture;
    Deno.mkdirSync(`${inbox}/a/b`, { recursive: true });
    Deno.mkdirSync(`${home}/outside`);
    Deno.symlinkSync(`${home}/outside`, `${inbox}/link`);
    const stale = `.asyncoro-${OTHER}-1.part`;
    const names = [stale, `.asyncoro-${OTHER}-x.part`, `.asyncoro-1-1.part`, "file.part", `x.asyncoro-${OTHER}-1.part`];
    for (const directory of [inbox, `${inbox}/a/b`, `${home}/outside`]) {
      for (const name of names) {
        Deno.writeTextFileSync(`${directory}/${name}`, "");
        Deno.utimeSync(`${directory}/${name}`, HOURS_AGO, HOURS_AGO);
      }
      Deno.writeTextFileSync(`${directory}/.asyncoro-${OTHER}-2.part`, "young");
    }
    Deno.mkdirSync(`${inbox}/.asyncoro-${OTHER}-3.part`);
    const before = fixture.inboxEntries();
    const b = await fixture.join("b");
    await fixture.until(() => fixture.inboxEntries().length === before.length - 2);
    assertEquals(fixture.inboxEntries(), before.filter((entry) => !entry.endsWith(`/${stale}`) && entry !== stale));
    assertEquals(fixture.inboxEntries(`${home}/outside`).length, names.length + 1);
    assertEquals(b.errors, []);
  }));

Deno.test("what is not stale yet is looked at again, until there is nothing left; own files stay", () =>
  withFixture(async (fixture) => {
    const own = "f".repeat(32);
    const [young, ours] = [`${fixture.inbox}/.asyncoro-${OTHER}-1.part`, `${fixture.inbox}/.asyncoro-${own}-1.part`];
    for (const path of [young, ours]) {
      Deno.mkdirSync(fixture.inbox, { recursive: true });
      Deno.writeTextFileSync(path, "");
      Deno.utimeSync(path, HOURS_AGO, path === ours ? HOURS_AGO : new Date());
    }
    await runVirtual(function* (coro) {
      const directory = yield* FileDirectory.open({ directory: fixture.inbox, maxBytes: 1 });
      const removing = coro.scheduler.spawn(function* () {
        yield* removeStaleFiles(directory, own);
      });
      yield* coro.sleep(1800);
      assertEquals(fixture.inboxEntries().length, 2);
      assertEquals(removing.isAlive(), true);
      // Virtual time does not change the times of files.
      Deno.utimeSync(young, HOURS_AGO, HOURS_AGO);
      yield* removing.finish();
      assertEquals(coro.scheduler.stats().live, 1);
    });
    assertEquals(fixture.inboxEntries(), [`.asyncoro-${own}-1.part`]);
  }));
