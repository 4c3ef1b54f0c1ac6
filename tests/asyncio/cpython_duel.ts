/**
 * Random programs on CPython's asyncio and on ours, which have to give the same log:
 *
 *     deno run -A tests/asyncio/cpython_duel.ts python3.13 [programs] [seed]
 *     deno run -A tests/asyncio/cpython_duel.ts python3.13 record
 *
 * The latter writes some programs with CPython's logs to `cpython_programs.jsonl`, for `cpython_test.ts`.
 */
import * as fc from "fast-check";
import { inLoop } from "./loop_lab.ts";
import { type Program, ProgramRun } from "./program.ts";
import { anyProgram } from "./random_program.ts";

/** Where recorded programs are: one a line, as JSON. */
export const RECORD = new URL("cpython_programs.jsonl", import.meta.url);

const RECORDED = 60;
const BATCH = 500;

/** A program, and the log that it has on CPython's asyncio. */
export interface Recorded {
  readonly program: Program;
  readonly log: readonly string[];
}

/** The log of a program on our asyncio. */
export async function logOf(program: Program): Promise<unknown[]> {
  let log: unknown[] = [];
  await inLoop(async (lab) => {
    await lab.run(new ProgramRun(program, lab).main());
    log = lab.takeLog();
  });
  return log;
}

async function record(python: string, programs: Program[]): Promise<Recorded[]> {
  const script = new URL("program.py", import.meta.url).pathname;
  const child = new Deno.Command(python, { args: [script], stdin: "piped", stdout: "piped" }).spawn();
  const input = new Blob(programs.map((program) => `${JSON.stringify(program)}\n`)).stream();
  const [{ stdout }] = await Promise.all([child.output(), input.pipeTo(child.stdin)]);
  const lines = new TextDecoder().decode(stdout).trim().split("\n");
  return programs.map((program, index) => ({ program, log: JSON.parse(lines[index]) }));
}

/** Prints where the logs of programs differ. Returns how many do. */
async function compare(recorded: readonly Recorded[]): Promise<number> {
  let different = 0;
  for (const { program, log } of recorded) {
    const ours = await logOf(program);
    const length = Math.max(ours.length, log.length);
    const line = Array.from({ length }).findIndex((_, line) => ours[line] !== log[line]);
    if (line < 0) continue;
    different++;
    console.log(`${JSON.stringify(program)}\n  line ${line}: CPython "${log[line]}", ours "${ours[line]}"`);
  }
  return different;
}

async function main([python, what = "1000", seed = "1"]: string[]): Promise<void> {
  if (what === "record") {
    const all = await record(python, fc.sample(anyProgram, { numRuns: 2000, seed: 13 }));
    // Neither those where nothing happens nor those that fill pages.
    const chosen = all.filter(({ log }) => log.length >= 25 && log.length <= 60).slice(0, RECORDED);
    const lines = chosen.map((each) => `${JSON.stringify(each)}\n`);
    return await Deno.writeTextFile(RECORD, lines.join(""));
  }
  let different = 0;
  for (let left = Number(what), batch = 0; left > 0; left -= BATCH, batch++) {
    const programs = fc.sample(anyProgram, { numRuns: Math.min(left, BATCH), seed: Number(seed) * 1000 + batch });
    different += await compare(await record(python, programs));
  }
  console.log(`${what} programs, ${different} of them with a difference`);
  if (different > 0) Deno.exit(1);
}

if (import.meta.main) await main(Deno.args);
