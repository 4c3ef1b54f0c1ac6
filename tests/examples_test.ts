/**
 * Runs every example as its header says, with exactly the permissions named there, and compares what it prints with the
 * expected output beside it.
 */
import { assertEquals, assertMatch } from "@std/assert";
import { playExample, readExample } from "./helpers/examples.ts";

const FOLDER = new URL("../examples/", import.meta.url);
const names = [...Deno.readDirSync(FOLDER)].map((entry) => entry.name).filter((name) => name.endsWith(".ts")).sort();

const run = (name: string, ...args: string[]) => playExample(name, args);

// Examples whose output varies have tests of their own.
const OTHERS = ["coros.ts", "logrotate.ts", "tour.ts"];

for (const name of names.filter((name) => !OTHERS.includes(name))) {
  Deno.test(`examples/${name} prints what is expected`, async () => {
    const { code, stdout, stderr } = await run(name);
    assertEquals(stdout, readExample(name).output, stderr);
    assertEquals(code, 0, stderr);
  });
}

Deno.test("examples/coros.ts runs as many coroutines as given and prints a summary", async () => {
  const { code, stdout, stderr } = await run("coros.ts", "2000");
  assertEquals(code, 0, stderr);
  assertMatch(stdout, /^coroutines +2,000, each slept 5 times$/m);
  assertMatch(stdout, /^wall time +\d+\.\d\d s$/m);
  assertMatch(stdout, /^switches per second +[\d,]+$/m);
  assertMatch(stdout, /^memory per coroutine +[\d,]+ bytes$/m);
});

Deno.test("examples/coros.ts refuses what is not a number of coroutines", async () => {
  const { code, stderr } = await run("coros.ts", "many");
  assertEquals(code, 2);
  assertMatch(stderr, /^Cannot run "many" coroutines: give a whole number above 0/);
});

Deno.test("examples/tour.ts runs to its end, and every figure in it is correct", async () => {
  const { code, stdout, stderr } = await run("tour.ts");
  assertEquals([code, stderr], [0, ""]);
  assertMatch(stdout, /^ {3}100,000 coroutines slept up to half a second each, in \d+\.\d s together\.$/m);
  for (const name of ["Ada", "Alan", "Grace"]) assertMatch(stdout, new RegExp(`: ${name} saw 42\\.$`, "m"));
  assertMatch(stdout, /returned false\.\n.*it returned true\.$/m);
  assertMatch(stdout, /the third time it returned\.$/m);
  assertMatch(stdout, /"stressed" came back as "desserts"\.$/m);
  assertMatch(stdout, /counted 78,498 primes below a million\.$/m);
  assertMatch(stdout, /with gather\(\), tasks, queues and more\.\n.*was cancelled after its limit of 10 ms\.$/m);
  assertMatch(stdout, /365 days of sleeping take no real time\.$/m);
  assertEquals(stdout.match(/^\d\. /gm)?.length, 8);
});
