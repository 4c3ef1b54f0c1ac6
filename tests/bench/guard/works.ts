/** What the guard compares. */
import { bundled, echo, inProcess, type Measure, start } from "./measures.ts";

/** Something that a change may make slower. */
export interface GuardedWork {
  readonly name: string;
  /** What it is, for the table. */
  readonly title: string;
  readonly unit: string;
  /** Whether every measurement gives the same: then one pair is enough. */
  readonly exact?: boolean;
  readonly measure: Measure;
}

function work(name: string, title: string, file: string): GuardedWork {
  return { name, title, unit: "ns", measure: inProcess(file, name) };
}

function served(name: string, title: string, kind: "recv" | "recvInto", bytes: number): GuardedWork {
  return { name, title, unit: "us", measure: echo(kind, bytes) };
}

function size(name: string, title: string, program: string): GuardedWork {
  return { name, title, unit: "KiB", exact: true, measure: bundled(program) };
}

/** All works, in the order of the table. */
export const WORKS: readonly GuardedWork[] = [
  work("switch", "a switch, 1,000 coroutines", "switches"),
  work("levels", "the same, at two priorities", "switches"),
  work("contexts", "the same, each in a host context of its own", "switches"),
  work("message", "a message, ping-pong", "messages"),
  work("levels-message", "the same, at two priorities", "messages"),
  work("kinds", "the same, after many kinds of operations", "messages"),
  work("receive", "a message that is there, sent and received", "messages"),
  work("ring", "a hop of a thread ring of 503", "messages"),
  work("fan-in", "a message of 1,000 senders to one", "messages"),
  work("broadcast", "a message of a channel to each of 1,000", "messages"),
  work("spawn", "spawn and join, one by one", "spawns"),
  work("hundreds", "spawn and join, by hundreds", "spawns"),
  work("lock", "a lock, handed to and fro", "waits"),
  work("queue", "an item through a queue of one", "queues"),
  work("queue-16", "an item through a queue of 16", "queues"),
  work("hand-over", "an item handed over, through a queue of none", "queues"),
  work("select", "an item of one of four queues, by select", "selects"),
  work("select-late", "a message or a timeout, by select", "selects"),
  work("all", "an item of each of four queues, by all", "selects"),
  work("sleepers", "a sleep of 1 to 20 ms, 10,000 sleepers", "waits"),
  work("task", "a task of ./asyncio, made and awaited", "asyncio"),
  served("echo", "an echo of 64 B by recv", "recv", 64),
  served("echo-into", "the same by recvInto", "recvInto", 64),
  served("echo-large", "an echo of 64 KiB by recv", "recv", 65_536),
  served("echo-large-into", "the same by recvInto", "recvInto", 65_536),
  { name: "start", title: "start from files, over an empty script", unit: "ms", measure: start },
  size("size", "a bundle of `.`", `export * from "@asyncoro/asyncoro";`),
  size(
    "size-small",
    "a bundle of what uses run and sleep",
    `import { run, sleep } from "@asyncoro/asyncoro"; await run(function* () { yield* sleep(1); });`,
  ),
];
