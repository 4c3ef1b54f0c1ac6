/** `deno task bench:guard`: what it is asked, what pairs tell, and that the folder of the commit is always removed. */
import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { compareAll, type Comparison, type Folders } from "./guard/compare.ts";
import { findingOf, medianInterval } from "./guard/interval.ts";
import { parseOptions } from "./guard/options.ts";
import { report, slowerOnes } from "./guard/report.ts";
import { type GuardedWork, WORKS } from "./guard/works.ts";
import { CommitError, findCommit, Worktree } from "./guard/worktree.ts";

const GUARD = new URL("guard/", import.meta.url).pathname;
const ROOT = new URL("../../", import.meta.url).pathname;

Deno.test("the options are read, and all works are compared by default", () => {
  const all = WORKS.map(({ name }) => name);
  assertEquals(parseOptions([]), { against: undefined, quick: false, works: all, pairs: 12 });
  assertEquals(parseOptions(["--quick"]), { against: undefined, quick: true, works: all, pairs: 6 });
  const some = parseOptions(["--against", "HEAD~3", "--works", "spawn,switch", "--pairs=41", "--quick"]);
  assertEquals(some, { against: "HEAD~3", quick: true, works: ["switch", "spawn"], pairs: 41 });
});

Deno.test("wrong options are refused, with the valid ones", () => {
  assertThrows(() => parseOptions(["--works", "swich"]), RangeError, "Cannot take --works swich: there are switch, ");
  assertThrows(() => parseOptions(["--pairs", "0"]), RangeError, "Cannot take --pairs 0: it is a number from 1");
  assertThrows(() => parseOptions(["--against", ""]), RangeError, "Cannot take --against without a commit");
  assertThrows(() => parseOptions(["main"]), TypeError);
  assertThrows(() => parseOptions(["--fast"]), TypeError);
});

Deno.test("the interval leaves out as many values at both ends as 95 % allow", () => {
  const interval = (count: number) => medianInterval(Array.from({ length: count }, (_, index) => count - index));
  // The ranks of tables of the sign test.
  assertEquals([1, 5, 6, 8, 9, 12, 15, 25, 41].map(interval), [
    [1, 1],
    [1, 5],
    [1, 6],
    [1, 8],
    [2, 8],
    [3, 10],
    [4, 12],
    [8, 18],
    [14, 28],
  ]);
});

Deno.test("a work is slower or faster if its whole interval is, and too few pairs tell nothing", () => {
  const verdict = (...ratios: number[]) => findingOf(ratios).verdict;
  assertEquals(verdict(1.04, 1.05, 1.2, 1.04, 1.1, 1.06), "slower");
  assertEquals(verdict(1.04, 1.05, 1.2, 1.02, 1.1, 1.06), "");
  assertEquals(verdict(0.5, 0.9, 0.96, 0.9, 0.9, 0.9), "faster");
  assertEquals(verdict(0.5, 0.9, 0.98, 0.9, 0.9, 0.9), "");
  assertEquals(verdict(2, 2, 2, 2, 2), "");
  assertEquals(findingOf([1.04], true).verdict, "slower");
  assertEquals([findingOf([4, 1, 2]).ratio, findingOf([8, 2, 1, 100]).ratio], [2, 4]);
});

const work = (name: string, measure: GuardedWork["measure"], exact = false): GuardedWork => ({
  name,
  title: `the ${name}`,
  unit: "ns",
  exact,
  measure,
});
const FOLDERS: Folders = { here: "here", other: "other" };
const NEVER = new AbortController().signal;

Deno.test("the sides take turns, and a work that the other one cannot do is left out with the reason", async () => {
  const log: string[] = [];
  const logged = work("logged", ({ folder }) => (log.push(folder), Promise.resolve(folder === "here" ? 2 : 1)));
  const sized = work("sized", () => Promise.resolve(log.push("sized")), true);
  const lacking = work("lacking", ({ folder }) => {
    return folder === "other" ? Promise.reject(new Error("no such export")) : Promise.resolve(1);
  });
  const comparison = await compareAll(FOLDERS, [logged, sized, lacking], { pairs: 3, quick: true }, NEVER);
  assertEquals(log, ["here", "other", "sized", "sized", "other", "here", "here", "other"]);
  assertEquals(comparison.pairs.map(({ here, other }) => [here, other]), [[[2, 2, 2], [1, 1, 1]], [[3], [4]]]);
  assertStringIncludes(report(comparison), "as the commit cannot do it: lacking (no such export)");
  assertStringIncludes(report(comparison), "Fewer than 6 pairs tell nothing for certain");
});

Deno.test("a work that this checkout cannot do is an error, whatever the other one does", async () => {
  const broken = work("broken", ({ folder }) => {
    return folder === "here" ? Promise.reject(new Error("it broke")) : Promise.resolve(1);
  });
  const compared = () => compareAll(FOLDERS, [broken], { pairs: 1, quick: true }, NEVER);
  await assertRejects(compared, Error, "Cannot do broken in this checkout: it broke");
});

Deno.test("a signal ends a comparison, also where the work of the other side is what it cuts short", async () => {
  const stop = new AbortController();
  const cut = work("cut", ({ folder }) => {
    if (folder === "here") return Promise.resolve(1);
    stop.abort(new Error("stopped"));
    return Promise.reject(new Error("killed"));
  });
  await assertRejects(
    () => compareAll(FOLDERS, [cut], { pairs: 9, quick: true }, stop.signal),
    Error,
    "stopped",
  );
});

Deno.test("the report has medians, the ratio and its interval, and names what is slower", () => {
  const ratios = [1.04, 1.05, 1.2, 1.04, 1.1, 1.06];
  const comparison: Comparison = {
    pairs: [
      {
        work: work("spawn", () => Promise.resolve(0)),
        here: ratios.map((ratio) => 200 * ratio),
        other: Array(6).fill(200),
      },
      { work: work("size", () => Promise.resolve(0), true), here: [24], other: [24] },
    ],
    leftOut: [],
  };
  const text = report(comparison);
  assertStringIncludes(text, "| the spawn, ns | 200 | 212 | 1.055 | 1.040 to 1.200 | slower |");
  assertStringIncludes(text, "| the size, ns | 24.0 | 24.0 | 1.000 |  |  |");
  assertEquals(slowerOnes(comparison), ["spawn (1.055, 1.040 to 1.200)"]);
});

const hasGit = await new Deno.Command("git", { args: ["--version"], stdout: "null" }).output()
  .then(({ success }) => success, () => false);

/** The output of git, in a repository of a test. */
async function git(root: string, ...args: string[]): Promise<string> {
  const own = ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false"];
  const { success, stdout, stderr } = await new Deno.Command("git", { args: ["-C", root, ...own, ...args] }).output();
  const decoder = new TextDecoder();
  assert(success, decoder.decode(stderr));
  return decoder.decode(stdout).trim();
}

/** A test in a repository with two commits on `main`. */
function testInRepository(name: string, test: (root: string, first: string) => Promise<void>): void {
  Deno.test({
    name,
    ignore: !hasGit,
    fn: async () => {
      const root = await Deno.makeTempDir({ prefix: "guard_test" });
      try {
        await git(root, "init", "--quiet", "--initial-branch=main");
        for (const text of ["one", "two"]) {
          await Deno.writeTextFile(`${root}/file`, text);
          await git(root, "add", "file");
          await git(root, "commit", "--quiet", "-m", text);
        }
        await test(root, await git(root, "rev-parse", "HEAD~1"));
      } finally {
        await Deno.remove(root, { recursive: true });
      }
    },
  });
}

testInRepository(
  "main is compared with the commit before, and a branch with where it left main",
  async (root, first) => {
    assertEquals(await findCommit(root), first);
    await git(root, "checkout", "--quiet", "-b", "feature");
    await git(root, "commit", "--quiet", "--allow-empty", "-m", "three");
    assertEquals(await findCommit(root), await git(root, "rev-parse", "main"));
    assertEquals(await findCommit(root, "HEAD~2"), first);
    await git(root, "branch", "-m", "main", "trunk");
    await assertRejects(() => findCommit(root), CommitError, "name a commit by --against");
  },
);

testInRepository("a commit that does not exist is refused, and so is a folder without git", async (root) => {
  for (const name of ["nonsense", "--help", "HEAD~5", "HEAD:file"]) {
    await assertRejects(() => findCommit(root, name), CommitError, `"${name}": git finds no such commit`);
  }
  const folder = await Deno.makeTempDir({ prefix: "guard_test" });
  await assertRejects(() => findCommit(folder), CommitError, "is not a checkout of git");
  await Deno.mkdir(`${root}/inner`);
  await assertRejects(() => findCommit(`${root}/inner`), CommitError, "is not a checkout of git");
  await Deno.remove(folder);
});

testInRepository(
  "the files of a commit are there until it is disposed, whatever was written into them",
  async (root, first) => {
    const worktree = await Worktree.add(root, first);
    assertEquals(await Deno.readTextFile(`${worktree.folder}/file`), "one");
    await Deno.writeTextFile(`${worktree.folder}/other`, "");
    await worktree[Symbol.asyncDispose]();
    await assertRejects(() => Deno.stat(worktree.folder), Deno.errors.NotFound);
    assertEquals((await git(root, "worktree", "list")).split("\n").length, 1);
  },
);

/** Runs the guard. `started` is called when it has begun to compare. */
async function runGuard(args: string[], started?: (child: Deno.ChildProcess) => void): Promise<[number, string]> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", `${GUARD}main.ts`, ...args],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const complaint = new Response(child.stderr).text();
  let text = "";
  for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) {
    text += part;
    if (text.includes("pairs of each work")) started?.(child);
  }
  const { code } = await child.status;
  return [code, text + await complaint];
}

const inCheckout = hasGit && await findCommit(ROOT, "HEAD").then(() => true, () => false);

/** The folder of the commit, which the text names, has been there and is gone. */
async function assertRemoved(text: string): Promise<void> {
  const [, folder] = /^Compares \S+ with \w+ in (\S+):/.exec(text)!;
  await assertRejects(() => Deno.stat(folder), Deno.errors.NotFound);
  assert(!(await git(ROOT, "worktree", "list")).includes(folder));
}

Deno.test({
  name: "this checkout is compared with its last commit, whose folder is removed then",
  ignore: !inCheckout,
  fn: async () => {
    const works = "receive,size-small";
    const [code, text] = await runGuard(["--against", "HEAD", "--works", works, "--pairs", "1", "--quick"]);
    assertEquals(code, 0, text);
    assertMatch(text, /\| a message that is there, sent and received, ns \| [\d.,]+ \| [\d.,]+ \| \d\.\d{3} \|/);
    assertMatch(text, /\| a bundle of what uses run and sleep, KiB \| [\d.]+ \| [\d.]+ \| \d\.\d{3} \|/);
    await assertRemoved(text);
  },
});

for (const name of ["SIGINT", "SIGTERM"] as const) {
  Deno.test({
    name: `${name} ends it, and the folder of the commit is removed`,
    ignore: !inCheckout,
    fn: async () => {
      let killed = false;
      const [code, text] = await runGuard(["--against", "HEAD", "--works", "switch"], (child) => {
        if (!killed) child.kill(name);
        killed = true;
      });
      assertEquals(code, 130, text);
      assertStringIncludes(text, `Ended by ${name}`);
      await assertRemoved(text);
    },
  });
}

Deno.test("a wrong option ends it with 2, and so does an unknown commit", async () => {
  assertEquals((await runGuard(["--works", "swich"]))[0], 2);
  const [code, text] = await runGuard(["--against", "no-such-commit"]);
  assertEquals(code, 2);
  assertStringIncludes(text, "Cannot compare with");
});
