/**
 * deno run -A tests/bench/asyncio/main.ts [--quick]
 *
 * Event loops against CPython's asyncio, and tasks against bare coroutines. Contenders take turns within every round;
 * every row is measured in a process of its own, `main.ts <row>`, which prints JSON.
 */
import { newEventLoop } from "@asyncoro/asyncoro/asyncio";
import { compare, inOwnProcess, ns, printTable, timed, times } from "../harness.ts";
import { OVERHEADS } from "./overheads.ts";
import { Peer } from "./peer.ts";
import { WORKS } from "./works.ts";

const quick = Deno.args.includes("--quick");
const rounds = quick ? 3 : 9;
const scale = quick ? 0.25 : 1;

// So much more work makes a run of ours about as long as one of the other's.
const LONGER = 8;

/** A row, but for its title: medians in nanoseconds, and the median of the ratios. */
interface Row {
  readonly ours: number;
  readonly other: number;
  readonly ratio: number;
}

async function benchWork({ name, work, count: full }: typeof WORKS[number]): Promise<Row> {
  const peer = (await Peer.start())!;
  const count = Math.max(10_000, full * scale);
  const ours = async (): Promise<number> => {
    const loop = newEventLoop();
    const result = await timed(LONGER * count, () => loop.runUntilComplete(work(LONGER * count)));
    loop.close();
    return result;
  };
  const { medians, ratio } = await compare(rounds, { ours, other: () => peer.run(name, count) });
  await peer.stop();
  return { ours: medians.ours, other: medians.other, ratio: ratio("other", "ours") };
}

async function benchOverhead({ task, coro }: typeof OVERHEADS[number]): Promise<Row> {
  const { medians, ratio } = await compare(rounds, { ours: () => task(scale), other: () => coro(scale) });
  return { ours: medians.ours, other: medians.other, ratio: ratio("ours", "other") };
}

async function rows(all: readonly { name: string; title: string }[]): Promise<string[][]> {
  const result: string[][] = [];
  for (const { name, title } of all) {
    const { ours, other, ratio } = await inOwnProcess<Row>("asyncio/main.ts", name, ...Deno.args);
    result.push([title, ns(ours), ns(other), times(ratio)]);
  }
  return result;
}

async function benchAll(): Promise<void> {
  printTable("A task against a bare coroutine, ns", ["what", "task", "coroutine", "ratio"], await rows(OVERHEADS));
  const version = await Peer.version();
  if (version === null) return console.log("\nNo Python is here: CPython's asyncio is not measured");
  printTable(`Event loop, ns, against ${version}`, ["work", "ours", "CPython", "ratio"], await rows(WORKS));
}

const row = Deno.args.find((argument) => !argument.startsWith("--"));
const work = WORKS.find(({ name }) => name === row);
const overhead = OVERHEADS.find(({ name }) => name === row);
if (work) console.log(JSON.stringify(await benchWork(work)));
else if (overhead) console.log(JSON.stringify(await benchOverhead(overhead)));
else await benchAll();
