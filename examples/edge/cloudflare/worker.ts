/**
 * A Cloudflare worker that serves every request by coroutines of its own: a task group with a time limit, and a stream
 * of events through a channel. When the client disconnects, they are cancelled and clean up.
 *
 *     cd examples/edge/cloudflare
 *     deno task build                       # bundles worker.ts
 *     npx workerd serve wrangler.jsonc      # or: npx wrangler dev --port 8787
 *
 *     curl 'http://127.0.0.1:8787/parts?seconds=0.1&seconds=0.3'
 *     curl 'http://127.0.0.1:8787/parts?seconds=9&limit=0.5'
 *     curl -N 'http://127.0.0.1:8787/events?count=5'
 *
 * `npx wrangler deploy` uses the same configuration. `kernel.wasm` is the package's: a link here; in your project a
 * copy of the same version (https://jsr.io/@asyncoro/asyncoro/<version>/core/kernel/kernel.wasm).
 */
import { CancelledError, currentTask, run, taskGroup, timeout } from "@asyncoro/asyncoro/asyncio";
import { Channel, Coro, init, sleep, TimeoutError, until } from "@asyncoro/asyncoro/edge";
// @ts-types="./kernel.d.ts"
import kernel from "./kernel.wasm";

init(kernel);

/** The part of Cloudflare's `ExecutionContext` that is used. */
interface Context {
  waitUntil(promise: Promise<unknown>): void;
}

// Plain data may outlive a request. Objects that belong to a request, such as streams, timers and coroutines, must not.
const counts = { requests: 0, cancelled: 0, partsBegun: 0, partsCleanedUp: 0, streamsCleanedUp: 0 };

/** Stands for a call of a backend: `yield* until(fetch(...))`. */
function* part(seconds: number) {
  counts.partsBegun++;
  try {
    yield* sleep(seconds);
    return `${seconds} s`;
  } finally {
    counts.partsCleanedUp++;
  }
}

/** Runs all parts at once. If one fails or time is up, the others are cancelled. */
function* parts(query: URLSearchParams) {
  const seconds = query.getAll("seconds").map(Number);
  try {
    const answers = yield* timeout(Number(query.get("limit") ?? 5), function* () {
      const tasks = yield* taskGroup(function* (group) {
        return seconds.map((each) => group.createTask(part(each)));
      });
      return tasks.map((task) => task.result());
    });
    return new Response(`${answers.join(", ")}\n`);
  } catch (error) {
    if (error instanceof TimeoutError) return new Response("too late\n", { status: 504 });
    throw error;
  }
}

/** Publishes numbers, and then `null`. */
function* ticker(coro: Coro, ticks: Channel<number | null>, count: number) {
  for (let n = 1; n <= count; n++) {
    yield* coro.sleep(0.05);
    ticks.send(n);
  }
  ticks.send(null);
}

/** Writes the ticker's messages as server-sent events. */
function* events(coro: Coro, body: WritableStream<Uint8Array>, count: number) {
  const writer = body.getWriter();
  const encoder = new TextEncoder();
  // Requests share the names of channels.
  using ticks = new Channel<number | null>(`ticks ${crypto.randomUUID()}`);
  try {
    yield* ticks.subscribe(coro);
    new Coro(ticker, ticks, count);
    for (;;) {
      const tick = yield* coro.receive<number | null>();
      if (tick === null) break;
      yield* until(writer.write(encoder.encode(`data: ${tick}\n\n`)));
    }
    yield* until(writer.close());
  } finally {
    counts.streamsCleanedUp++;
  }
}

/** Runs a request's coroutine on an event loop of its own, until it ends or the client disconnects. */
function serve<R>(request: Request, context: Context, work: (coro: Coro) => Generator<unknown, R>): Promise<R> {
  const result = run(function* (coro) {
    const task = currentTask()!;
    request.signal.addEventListener("abort", () => {
      counts.cancelled++;
      task.cancel();
    });
    return yield* work(coro);
  });
  // So that cleanup may go on after the client has disconnected.
  context.waitUntil(result.catch(() => {}));
  return result;
}

async function answer(request: Request, context: Context): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  switch (pathname) {
    case "/parts":
      return await serve(request, context, () => parts(searchParams));
    case "/events": {
      const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
      serve(request, context, (coro) => events(coro, writable, Number(searchParams.get("count") ?? 3)))
        .catch((error) => console.log(`events ended early: ${error}`));
      return new Response(readable, { headers: { "content-type": "text/event-stream" } });
    }
    case "/counts":
      return Response.json(counts);
    default:
      return new Response("not found\n", { status: 404 });
  }
}

export default {
  async fetch(request: Request, _env: unknown, context: Context): Promise<Response> {
    counts.requests++;
    try {
      return await answer(request, context);
    } catch (error) {
      if (error instanceof CancelledError) return new Response(null, { status: 499 });
      const errors = error instanceof AggregateError ? error.errors : [error];
      return new Response(`${errors.join("\n")}\n`, { status: 500 });
    }
  },
};
