/**
 * Programs for a StreamReader: it is fed, ended and lost, and read from in every way. What each step does is noted, so
 * that ours and CPython's can be compared (`stream_program.py`).
 */
import * as fc from "fast-check";
import {
  type Coroutine,
  createTask,
  IncompleteReadError,
  LimitOverrunError,
  sleep,
  StreamReader,
  type Task,
} from "@asyncoro/asyncoro/asyncio";
import { inLoop } from "./loop_lab.ts";

/** One step; while a read waits, those that read are passed over. */
export type Step =
  | ["feed", text: string]
  | ["eof" | "lose" | "cancel" | "readAll" | "readline"]
  | ["read" | "readexactly", n: number]
  | ["readuntil", separators: string[]];

/** A program. */
export interface StreamProgram {
  readonly limit: number;
  readonly steps: Step[];
}

const text = (unit: string[], minLength: number, maxLength: number) =>
  fc.array(fc.constantFrom(...unit), { minLength, maxLength }).map((parts) => parts.join(""));

const separators = fc.array(text(["a", ",", "\n"], 1, 3), { minLength: 1, maxLength: 3 });
const size = fc.integer({ min: 0, max: 20 });

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: fc.tuple(fc.constant("feed" as const), text(["a", "b", ",", "\n"], 0, 12)) },
  { weight: 3, arbitrary: fc.tuple(fc.constantFrom("read" as const, "readexactly" as const), size) },
  { weight: 4, arbitrary: fc.tuple(fc.constant("readuntil" as const), separators) },
  { weight: 4, arbitrary: fc.constant<Step>(["readline"]) },
  { weight: 2, arbitrary: fc.constant<Step>(["cancel"]) },
  { weight: 1, arbitrary: fc.constantFrom<Step>(["readAll"], ["eof"]) },
);

/** Any program; few lose the connection, after which nothing else happens. */
export const anyStreamProgram: fc.Arbitrary<StreamProgram> = fc.record({
  limit: fc.integer({ min: 1, max: 16 }),
  steps: fc.tuple(fc.array(anyStep, { maxLength: 30 }), fc.boolean(), fc.array(anyStep, { maxLength: 5 })).map((
    [before, lost, after],
  ) => lost ? [...before, ["lose"] as Step, ...after] : before),
});

/** Whether it looks for several separators at once, which CPython does since 3.13. */
export function hasSeveralSeparators({ steps }: StreamProgram): boolean {
  return steps.some(([name, argument]) => name === "readuntil" && argument.length > 1);
}

class Lost extends Error {}

/** What a program does with our reader. */
export async function logOfStream(program: StreamProgram): Promise<string[]> {
  const log: string[] = [];
  await inLoop((lab) => lab.run(play(program, log)));
  return log;
}

function* play({ limit, steps }: StreamProgram, log: string[]): Generator<unknown, void, unknown> {
  const reader = new StreamReader({ limit });
  let pending: Task<Uint8Array> | null = null;
  let name = "";
  let ended = false;
  let lost = false;
  for (const step of steps) {
    if (step[0] === "feed") ended || reader.feedData(step[1]);
    else if (step[0] === "eof") reader.feedEof();
    else if (step[0] === "lose") reader.setException(new Lost());
    else if (step[0] === "cancel") name === "readAll" || pending?.cancel();
    else if (pending === null) {
      name = step[0];
      pending = createTask(begin(reader, step));
    }
    ended ||= step[0] === "eof";
    lost ||= step[0] === "lose";
    yield* settle();
    if (pending !== null && pending.done()) {
      log.push(`${name} ${outcome(pending)}`);
      pending = null;
    }
    const state = lost ? "" : reader.atEof() ? " end" : reader.paused && !ended ? " paused" : "";
    log.push(`${step[0]}${state}`);
  }
  if (pending === null) return;
  pending.cancel();
  yield* settle();
  log.push(`${name} waits`);
}

function begin(reader: StreamReader, step: Step): Coroutine<Uint8Array> {
  if (step[0] === "read") return reader.read(step[1]);
  if (step[0] === "readexactly") return reader.readexactly(step[1]);
  if (step[0] === "readuntil") return reader.readuntil(step[1]);
  return step[0] === "readline" ? reader.readline() : reader.read();
}

function* settle(): Generator<unknown, void, unknown> {
  for (let i = 0; i < 10; i++) yield* sleep(0);
}

function outcome(task: Task<Uint8Array>): string {
  if (task.cancelled()) return "cancelled";
  const error = task.exception();
  if (error === null) return `got ${show(task.result())}`;
  if (error instanceof IncompleteReadError) return `incomplete ${show(error.partial)} of ${error.expected}`;
  if (error instanceof LimitOverrunError) return `overrun ${error.consumed}`;
  if (error instanceof RangeError) return "too long";
  if (error instanceof Lost) return "lost";
  throw error;
}

function show(bytes: Uint8Array): string {
  return JSON.stringify(new TextDecoder().decode(bytes));
}
