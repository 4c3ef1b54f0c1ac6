/**
 * Messages from one process to another with `node:child_process` alone, in Node.js, Bun and Deno: `AMOUNT BURST`. The
 * parent sends, the child counts.
 */
import { fork } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** As `messageOf` of `message.ts`, which Node.js cannot import. */
const messageOf = (id) => ({ id, name: "item", ok: true, values: [1, 2.5, "x"] });
const cpuSeconds = () => (process.cpuUsage().user + process.cpuUsage().system) / 1e6;

function sink() {
  let [count, cpu] = [0, cpuSeconds()];
  process.on("message", (message) => {
    if (message.report !== true) {
      count++;
      return;
    }
    process.send({ count, cpu: cpuSeconds() - cpu });
    [count, cpu] = [0, cpuSeconds()];
  });
}

async function source(amount, burst) {
  // The structured clone, which keeps more than JSON does.
  const child = fork(fileURLToPath(import.meta.url), [], { serialization: "advanced" });
  const report = () =>
    new Promise((resolve, reject) => {
      child.once("message", resolve);
      child.once("exit", () => reject(new Error("The other process has ended")));
      child.send({ report: true });
    });
  const run = async () => {
    await report();
    const [start, cpu] = [performance.now(), cpuSeconds()];
    for (let id = 0; id < amount;) {
      const end = Math.min(amount, id + burst) - 1;
      while (id < end) child.send(messageOf(id++));
      // What was sent would fill the memory if none of it were waited for.
      await new Promise((resolve, reject) => {
        child.send(messageOf(id++), (error) => error ? reject(error) : resolve());
      });
    }
    const { count, cpu: other } = await report();
    return { count, seconds: (performance.now() - start) / 1000, cpu: [cpuSeconds() - cpu, other] };
  };
  // Once to warm up.
  await run();
  const { count, seconds, cpu } = await run();
  if (count !== amount) throw new Error(`${count} of ${amount} messages arrived`);
  console.log(JSON.stringify({ amount, seconds, cpu: cpu.map((each) => each / amount * 1e6) }));
  child.kill();
  process.exit(0);
}

const [amount, burst] = process.argv.slice(2).map(Number);
if (process.send === undefined) await source(amount, burst);
else sink();
