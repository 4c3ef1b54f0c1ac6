/**
 * Simulated schedules: three peers join, connect, find each other's coroutines, exchange 30 messages and leave.
 *
 *     deno run -A tests/bench/distributed/simulation.ts [schedules]
 *
 * Prints schedules a second, by wall time and by CPU time, as medians of ten parts.
 */
import { Coro } from "@asyncoro/asyncoro";
import { Network } from "@asyncoro/asyncoro/distributed";
import { SimulatedNetwork } from "@asyncoro/asyncoro/testing";
import { cpuSeconds } from "./message.ts";

const PARTS = 10;
const SCHEDULES = Number(Deno.args[0] ?? 1000);
const NAMES = ["a", "b", "c"];
const MESSAGES = 5;

async function runSchedule(seed: number): Promise<void> {
  const simulation = new SimulatedNetwork({ seed });
  for (const name of NAMES) {
    simulation.scheduler(name).spawn(function* (coro) {
      const engines = [simulation.engine(name)];
      const network = yield* Network.join({ name, secret: "the secret of the benchmark", engines });
      coro.register(`main of ${name}`);
      const others = NAMES.filter((other) => other !== name);
      for (const other of others) if (other > name) yield* network.peer(`sim:${other}`);
      for (const other of others) {
        const remote = (yield* Coro.locate(`main of ${other}`))!;
        for (let i = 0; i < MESSAGES; i++) remote.send({ i, from: name });
      }
      for (let i = 0; i < MESSAGES * others.length; i++) yield* coro.receive();
      yield* network.leave();
    });
  }
  await simulation.run();
}

function median(values: number[]): string {
  values.sort((a, b) => a - b);
  return ((values[(values.length - 1) >> 1] + values[values.length >> 1]) / 2).toFixed(0);
}

const byWall: number[] = [];
const byCpu: number[] = [];
for (let part = 0, seed = 1; part <= PARTS; part++) {
  const [start, cpu] = [performance.now(), cpuSeconds()];
  const count = Math.ceil(SCHEDULES / PARTS);
  for (let i = 0; i < count; i++) await runSchedule(seed++);
  // The first part warms up.
  if (part === 0) continue;
  byWall.push(count / (performance.now() - start) * 1000);
  byCpu.push(count / (cpuSeconds() - cpu));
}
console.log(`${median(byWall)} schedules/s, ${median(byCpu)} per second of CPU`);
