/**
 * deno run -A --no-lock --no-config peers.ts NAME [--quick]: measures another pool.
 *
 * The packages are named in strings only, so that they are not dependencies: they are downloaded when this runs.
 */
import { type Contender, measure } from "./contender.ts";

// deno-lint-ignore no-explicit-any -- packages without their types
async function load(specifier: string): Promise<any> {
  return await import(specifier);
}

const worker = (name: string) => new URL(`peers/${name}.ts`, import.meta.url);

const MAKERS: Readonly<Record<string, () => Contender | Promise<Contender>>> = {
  "raw postMessage": () => {
    const workers = [1, 2].map(() => new Worker(worker("raw"), { type: "module" }));
    const waiting: Map<number, (value: unknown) => void> = new Map();
    let id = 0;
    for (const each of workers) {
      each.onmessage = ({ data: [id, value] }) => {
        waiting.get(id)!(value);
        waiting.delete(id);
      };
    }
    const ask = (what: string, value?: unknown, transfer: Transferable[] = []) =>
      new Promise<unknown>((resolve) => {
        waiting.set(++id, resolve);
        workers[id & 1].postMessage([id, what, value], transfer);
      });
    return {
      empty: () => ask("empty"),
      compute: () => ask("compute"),
      bounce: (buffer) => ask("bounce", buffer, [buffer]) as Promise<ArrayBuffer>,
      end: () => Promise.resolve(workers.forEach((each) => each.terminate())),
    };
  },
  "comlink": async () => {
    const { wrap, transfer } = await load("npm:comlink@4.4.2");
    const workers = [1, 2].map(() => new Worker(worker("comlink"), { type: "module" }));
    const proxies = workers.map((each) => wrap(each));
    let next = 0;
    return {
      empty: () => proxies[++next & 1].empty(),
      compute: () => proxies[++next & 1].compute(),
      bounce: (buffer) => proxies[++next & 1].bounce(transfer(buffer, [buffer])),
      end: () => Promise.resolve(workers.forEach((each) => each.terminate())),
    };
  },
  "poolifier-web-worker": async () => {
    const { FixedThreadPool } = await load("npm:poolifier-web-worker@0.5.15");
    const pool = new FixedThreadPool(2, worker("poolifier"));
    return {
      empty: () => pool.execute(undefined, "empty"),
      compute: () => pool.execute(undefined, "compute"),
      bounce: (buffer) => pool.execute(buffer, "bounce", undefined, [buffer]),
      end: () => pool.destroy(),
    };
  },
  "piscina": async () => {
    const { Piscina } = await load("npm:piscina@5.1.3");
    const filename = worker("plain").href;
    const pool = new Piscina({ filename, minThreads: 2, maxThreads: 2, concurrentTasksPerWorker: 8 });
    return {
      empty: () => pool.run(undefined, { name: "empty" }),
      compute: () => pool.run(undefined, { name: "compute" }),
      bounce: (buffer) => pool.run(buffer, { name: "bounce", transferList: [buffer] }),
      end: () => pool.destroy(),
    };
  },
  "tinypool": async () => {
    const { Tinypool } = await load("npm:tinypool@1.1.1");
    const filename = worker("plain").href;
    const pool = new Tinypool({ filename, minThreads: 2, maxThreads: 2, concurrentTasksPerWorker: 8 });
    return {
      empty: () => pool.run(undefined, { name: "empty" }),
      compute: () => pool.run(undefined, { name: "compute" }),
      bounce: (buffer) => pool.run(buffer, { name: "bounce", transferList: [buffer] }),
      end: () => pool.destroy(),
    };
  },
  "workerpool": async () => {
    const { default: workerpool } = await load("npm:workerpool@9.3.3");
    const options = { minWorkers: 2, maxWorkers: 2, workerType: "thread" };
    const pool = workerpool.pool(worker("workerpool").pathname, options);
    return {
      empty: async () => await pool.exec("empty"),
      compute: async () => await pool.exec("compute"),
      bounce: async (buffer) => await pool.exec("bounce", [buffer], { transfer: [buffer] }),
      end: async () => await pool.terminate(),
    };
  },
};

if (import.meta.main) {
  const [name] = Deno.args;
  console.log(JSON.stringify(await measure(MAKERS[name], Deno.args.includes("--quick"))));
  Deno.exit(0);
}

/** The pools that can be measured. */
export const PEERS: readonly string[] = Object.keys(MAKERS);
