/**
 * Our StreamReader against CPython's: recorded programs, and random ones if there is a `python3`.
 *
 *     deno run -A tests/asyncio/stream_duel_test.ts python3.13
 *
 * records some programs with CPython's logs in `stream_programs.jsonl`.
 */
import * as fc from "fast-check";
import { assertEquals } from "@std/assert";
import { testWith } from "../io/helpers.ts";
import { anyStreamProgram, hasSeveralSeparators, logOfStream, type StreamProgram } from "./stream_program.ts";

const RECORD = new URL("stream_programs.jsonl", import.meta.url);
const RECORDED = 80;
const RANDOM = 400;

interface Recorded {
  readonly program: StreamProgram;
  readonly log: readonly string[];
}

/** The logs that programs have on CPython. */
async function onPython(python: string, programs: readonly StreamProgram[]): Promise<Recorded[]> {
  const script = new URL("stream_program.py", import.meta.url).pathname;
  const child = new Deno.Command(python, { args: [script], stdin: "piped", stdout: "piped" }).spawn();
  const input = new Blob(programs.map((program) => `${JSON.stringify(program)}\n`)).stream();
  const [{ stdout }] = await Promise.all([child.output(), input.pipeTo(child.stdin)]);
  const lines = new TextDecoder().decode(stdout).trim().split("\n");
  return programs.map((program, index) => ({ program, log: JSON.parse(lines[index]) }));
}

async function hasSeveral(python: string): Promise<boolean> {
  const args = ["-c", "import sys; print(sys.version_info >= (3, 13))"];
  const { stdout } = await new Deno.Command(python, { args }).output();
  return new TextDecoder().decode(stdout).trim() === "True";
}

Deno.test("a reader does in recorded programs what it does on CPython 3.13", async () => {
  for (const line of Deno.readTextFileSync(RECORD).trim().split("\n")) {
    const { program, log } = JSON.parse(line) as Recorded;
    assertEquals(await logOfStream(program), log, line);
  }
});

testWith(["python3"], "a reader does in random programs what it does on CPython", async () => {
  const seed = Math.trunc(Math.random() * 2 ** 31);
  const several = await hasSeveral("python3");
  const programs = fc.sample(anyStreamProgram, { numRuns: RANDOM, seed })
    .filter((program) => several || !hasSeveralSeparators(program));
  for (const { program, log } of await onPython("python3", programs)) {
    assertEquals(await logOfStream(program), log, `Seed ${seed}: ${JSON.stringify(program)}`);
  }
});

if (import.meta.main) {
  const all = await onPython(Deno.args[0], fc.sample(anyStreamProgram, { numRuns: 2000, seed: 13 }));
  const telling = ({ log }: Recorded) =>
    log.length >= 15 && log.length <= 40 && log.some((line) => / (over|too)/.test(line));
  const chosen = all.filter(telling).slice(0, RECORDED);
  await Deno.writeTextFile(RECORD, chosen.map((each) => `${JSON.stringify(each)}\n`).join(""));
}
