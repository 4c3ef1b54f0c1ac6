/** How a peer does a work: in one process that repeats it, in a process each time, or as a server. */
import { startSender } from "../distributed/contenders.ts";
import type { Result } from "./contender.ts";
import { enterEcho } from "./echo.ts";
import type { Effort } from "./effort.ts";
import type { PeerHere } from "./peers.ts";
import { Process } from "./process.ts";
import type { Acquisition, Figures } from "./turns.ts";
import { BURST, type ContendedWork, RATE } from "./works.ts";

/** Prepares a peer, warmed up. */
export function enter(work: ContendedWork, peer: PeerHere, effort: Effort): Promise<Acquisition> {
  if (work.kind === "batch" || work.kind === "paced") return enterBatch(work, peer, effort);
  if (work.kind === "program") return enterProgram(work, peer, effort);
  if (work.kind === "fresh") return Promise.resolve(enterFresh(work, peer, effort));
  return enterEcho(peer.name, peer.ready.start(work.name), effort.load);
}

async function enterBatch(work: ContendedWork, { name, ready }: PeerHere, effort: Effort): Promise<Acquisition> {
  const process = new Process(ready.start(work.name));
  try {
    const amount = await suitable(work, process, effort);
    const take = async (): Promise<Figures> => {
      const before = process.threadSeconds();
      const { ns } = await checked(work, process, amount, effort.limit);
      const after = process.threadSeconds();
      if (work.kind === "batch") return { ns: ns / amount };
      const rate = pace(amount, ns);
      return before === null || after === null ? { rate } : { rate, cpu: (after - before) / amount * 1e6 };
    };
    return { peer: name, take, stop: () => process.stop() };
  } catch (error) {
    await process.stop();
    throw error;
  }
}

/** The amount that takes as long as a repetition should. Finding it warms the contender up. */
async function suitable(work: ContendedWork, process: Process, effort: Effort): Promise<number> {
  const wanted = effort.repetition * 1e9;
  const least = work.least * effort.least;
  let left = effort.warmUp * 1e9;
  for (let amount = least;;) {
    const { ns } = await checked(work, process, amount, effort.limit);
    left -= ns;
    // A first measurement is unreliable: it is not trusted beyond a factor.
    const next = Math.max(least, multiple(work.unit, amount * Math.min(8, wanted / ns)));
    if (left <= 0 && (ns >= wanted / 2 || next <= amount)) return next;
    amount = next;
  }
}

/** Operations a second, beside those that a rate limiter lets pass at first. Throws if there are more than it may let pass. */
export function pace(amount: number, ns: number): number {
  const rate = (amount - BURST) / ns * 1e9;
  if (rate > RATE * 1.01) throw new Error(`${Math.round(rate)} a second in place of ${RATE}`);
  return rate;
}

/** Its processes send a fixed amount, as they warm up by themselves. */
async function enterProgram(work: ContendedWork, { name, ready }: PeerHere, effort: Effort): Promise<Acquisition> {
  const sender = await startSender(ready.senders![work.name], effort.limit);
  const take = async (): Promise<Figures> => {
    const { amount, seconds, cpu } = await sender.measure(effort.messages);
    return { rate: amount / seconds, cpu: cpu[0] + cpu[1] };
  };
  return { peer: name, take, stop: () => sender.stop() };
}

function multiple(unit: number, amount: number): number {
  return unit * Math.round(amount / unit);
}

/** Has the work done. Throws if the result is wrong. */
export async function checked(work: ContendedWork, process: Process, amount: number, limit: number): Promise<Result> {
  const result = await process.ask<Result>(amount, limit);
  const expected = work.expected(amount);
  if (result.answer !== expected) {
    throw new Error(`wrong answer to ${amount}: ${result.answer} in place of ${expected}`);
  }
  return result;
}

// A time that a clock cannot distinguish from zero.
const LEAST_SECONDS = 0.001;

function enterFresh(work: ContendedWork, { name, ready }: PeerHere, effort: Effort): Acquisition {
  const { crowd, limit, stepBudget } = effort;
  let slowest = 0;
  const take = async (): Promise<Figures> => {
    const process = new Process(ready.start(work.name));
    try {
      const seconds = (await checked(work, process, crowd, limit)).ns / 1e9;
      slowest = Math.max(slowest, seconds);
      const peak = process.peakBytes();
      const beyond = Math.max(LEAST_SECONDS, seconds - 1);
      return peak === null ? { beyond } : { beyond, memory: peak / 1e6 };
    } finally {
      await process.stop();
    }
  };
  return { peer: name, take, hasEnough: () => slowest > stepBudget, stop: () => Promise.resolve() };
}
