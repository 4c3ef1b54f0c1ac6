/**
 * The same with `node:worker_threads` alone, in Deno and Node.js: `AMOUNT BURST single|batch`. `single` posts each message,
 * `batch` an array of them for each burst.
 */
import { MessageChannel, parentPort, Worker } from "node:worker_threads";
import process from "node:process";

const url = new URL(import.meta.url);

/** As `messageOf` of `message.ts`, which Node.js cannot import. */
const messageOf = (id) => ({ id, name: "item", ok: true, values: [1, 2.5, "x"] });

function sink({ port }) {
  let count = 0;
  port.on("message", (message) => {
    if (message.report === true) {
      port.postMessage(count);
      count = 0;
    } else count += Array.isArray(message) ? message.length : 1;
  });
}

function source({ port, control, amount, burst, batch }) {
  port.on("message", (count) => control.postMessage(count));
  control.on("message", () => {
    let id = 0;
    const turn = () => {
      const messages = [];
      for (const end = Math.min(amount, id + burst); id < end; id++) {
        if (batch) messages.push(messageOf(id));
        else port.postMessage(messageOf(id));
      }
      if (batch) port.postMessage(messages);
      if (id < amount) setImmediate(turn);
      else port.postMessage({ report: true });
    };
    turn();
  });
}

async function main(amount, burst, batch) {
  const { port1, port2 } = new MessageChannel();
  const { port1: control, port2: remote } = new MessageChannel();
  const workers = [new Worker(url), new Worker(url)];
  workers[0].postMessage({ role: "sink", port: port1 }, [port1]);
  const start = { role: "source", port: port2, control: remote, amount, burst, batch };
  workers[1].postMessage(start, [port2, remote]);
  const cpuSeconds = () => (process.cpuUsage().user + process.cpuUsage().system) / 1e6;
  const run = async () => {
    const [start, cpu] = [performance.now(), cpuSeconds()];
    const count = await new Promise((resolve) => {
      control.once("message", resolve);
      control.postMessage("go");
    });
    if (count !== amount) throw new Error(`${count} of ${amount} messages arrived`);
    return { amount, seconds: (performance.now() - start) / 1000, cpu: [(cpuSeconds() - cpu) / amount * 1e6, 0] };
  };
  await run();
  console.log(JSON.stringify(await run()));
  process.exit(0);
}

if (parentPort === null) {
  const [amount, burst, mode] = process.argv.slice(2);
  main(Number(amount), Number(burst), mode === "batch");
} else {
  parentPort.once("message", (data) => (data.role === "sink" ? sink : source)(data));
}
