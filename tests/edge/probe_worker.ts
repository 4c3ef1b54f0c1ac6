/** A worker for tests: what a driver must handle in Cloudflare's runtime, a path for each case. */
import { all, Coro, init, race, run, Scheduler, sleep, until, withTimeout } from "@asyncoro/asyncoro/edge";
// @ts-types="../../examples/edge/cloudflare/kernel.d.ts"
import kernel from "./kernel.wasm";

interface Context {
  waitUntil(promise: Promise<unknown>): void;
}

/** Takes turns, and sometimes sleeps. */
function* busy(coro: Coro, turns: number) {
  for (let turn = 0; turn < turns; turn++) {
    yield;
    if (turn % 1_000 === 0) yield* coro.sleep(0.001);
  }
  return turns;
}

/** Sends a message around a ring, with a timeout on each receive. */
function* ring(coro: Coro, size: number, rounds: number) {
  const member = function* (self: Coro, next: Coro) {
    for (let round = 0; round < rounds; round++) next.send(1 + (yield* self.receive<number>(30))!);
  };
  let next: Coro = coro;
  for (let n = 1; n < size; n++) next = new Coro(member, next);
  let hops = 0;
  for (let round = 0; round < rounds; round++) {
    next.send(hops + 1);
    hops = (yield* coro.receive<number>(30))!;
  }
  return hops;
}

/** How often the host's own timer fires beside coroutines that never wait. */
async function beside(): Promise<number> {
  const scheduler = new Scheduler();
  let stop = false;
  scheduler.spawn(function* () {
    while (!stop) yield;
  });
  let fired = 0;
  while (fired < 10) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    fired++;
  }
  stop = true;
  await scheduler.join();
  await scheduler.terminate();
  return fired;
}

let abandoned = 0;

const PROBES: Record<string, (query: URLSearchParams, context: Context) => unknown> = {
  busy: (query) => run(busy, Number(query.get("turns"))),
  ring: () => run(ring, 20, 20),
  beside,
  /** A time limit on a wait that the host would never end. */
  late: () =>
    run(function* () {
      try {
        yield* withTimeout(0.02, until(new Promise(() => {})));
      } catch (error) {
        return (error as Error).name;
      }
    }),
  /** Sleepers of all lengths, and whether each slept long enough; the host's clock counts whole milliseconds. */
  sleepers: () =>
    run(function* () {
      return yield* all([30, 5.5, 20, 0, 10, 1.25].map(function* (ms) {
        const start = performance.now();
        yield* sleep(ms / 1000);
        return performance.now() - start > ms - 1;
      }));
    }),
  race: () =>
    run(function* () {
      return yield* race([sleep(30), until(new Response("quicker").text())]);
    }),
  /** A scheduler that is never terminated: it is left when the request ends. */
  abandon: () => {
    const scheduler = new Scheduler();
    scheduler.spawn(function* (coro) {
      yield* coro.sleep(30);
    });
    return ++abandoned;
  },
  /** Coroutines that go on after the response. */
  after: (_query, context) => {
    context.waitUntil(run(function* (coro) {
      yield* coro.sleep(0.05);
      console.log("after the answer");
    }));
    return "answered";
  },
};

export default {
  async fetch(request: Request, _env: unknown, context: Context): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/init") {
      init(kernel);
      return Response.json(true);
    }
    try {
      return Response.json(await PROBES[pathname.slice(1)](searchParams, context));
    } catch (error) {
      return new Response(String(error), { status: 500 });
    }
  },
};
