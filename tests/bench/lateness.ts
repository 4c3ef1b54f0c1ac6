/** How late wake-ups are on an idle machine, and how late sockets and timers are beside coroutines that never wait. */
import { type Coro, Scheduler } from "@asyncoro/asyncoro";
import { type Effort, percentile, printTable } from "./harness.ts";

/** Milliseconds by which wake-ups came late. */
async function wakeUps(count: number): Promise<number[]> {
  const late: number[] = [];
  const scheduler = new Scheduler();
  scheduler.spawn(function* (coro: Coro) {
    for (let i = 0; i < count; i++) {
      const seconds = 0.002 + Math.random() * 0.02;
      const start = performance.now();
      yield* coro.sleep(seconds);
      late.push(performance.now() - start - seconds * 1000);
    }
  });
  await scheduler.join();
  return late;
}

async function hostTimers(count: number): Promise<number[]> {
  const late: number[] = [];
  for (let i = 0; i < count; i++) {
    const delay = 2 + Math.floor(Math.random() * 20);
    const start = performance.now();
    await new Promise((resolve) => setTimeout(resolve, delay));
    late.push(performance.now() - start - delay);
  }
  return late;
}

/** An echo server in plain async code, which knows nothing of the scheduler. */
function serveEcho(listener: Deno.TcpListener): void {
  const serve = async (connection: Deno.TcpConn) => {
    const buffer = new Uint8Array(64);
    for (let n = await connection.read(buffer); n !== null; n = await connection.read(buffer)) {
      await connection.write(buffer.subarray(0, n));
    }
    connection.close();
  };
  (async () => {
    for await (const connection of listener) serve(connection).catch(() => {});
  })();
}

// Waits between round trips, so that each finds the server at any moment of its work.
const CLIENT = `
  const [port, seconds] = Deno.args.map(Number);
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const buffer = new Uint8Array(64);
  const late = [];
  for (const end = performance.now() + seconds * 1000; performance.now() < end;) {
    await new Promise((resolve) => setTimeout(resolve, 1 + Math.random() * 5));
    const start = performance.now();
    await connection.write(buffer);
    await connection.read(buffer);
    late.push(performance.now() - start);
  }
  connection.close();
  console.log(JSON.stringify(late));
`;

/** Round trips of another process's socket, and lateness of timers, while `busy` coroutines never wait. */
async function underLoad(busy: number, seconds: number): Promise<Record<string, number[]>> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  serveEcho(listener);
  const client = new Deno.Command(Deno.execPath(), {
    args: ["eval", CLIENT, String((listener.addr as Deno.NetAddr).port), String(seconds)],
  }).output();
  const scheduler = new Scheduler();
  let going = true;
  for (let i = 0; i < busy; i++) {
    scheduler.spawn(function* () {
      while (going) yield;
    });
  }
  const sleeps: number[] = [];
  scheduler.spawn(function* (coro: Coro) {
    while (going) {
      const start = performance.now();
      yield* coro.sleep(0.005);
      sleeps.push(performance.now() - start - 5);
    }
  });
  const timers: number[] = [];
  const ticking = (async () => {
    while (going) {
      const start = performance.now();
      await new Promise((resolve) => setTimeout(resolve, 5));
      timers.push(performance.now() - start - 5);
    }
  })();
  const { stdout } = await client;
  going = false;
  await Promise.all([ticking, scheduler.join()]);
  listener.close();
  return { sockets: JSON.parse(new TextDecoder().decode(stdout)), sleeps, timers };
}

/** Lateness, in milliseconds. */
export async function benchLateness({ scale }: Effort): Promise<void> {
  const row = (name: string, values: number[]) => [
    name,
    ...[50, 90, 99].map((percent) => percentile(values, percent).toFixed(2)),
  ];
  const count = Math.round(300 * scale);
  const idle = await wakeUps(count);
  const host = await hostTimers(count);
  const load = await underLoad(100, 4 * scale);
  printTable("Lateness, ms", ["", "p50", "p90", "p99"], [
    row("wake-up, idle", idle),
    row("`setTimeout` of the host, idle", host),
    row("wake-up, 100 coroutines that never wait", load.sleeps),
    row("`setTimeout` of the host beside them", load.timers),
    row("socket round trip beside them (another process's)", load.sockets),
  ]);
}
