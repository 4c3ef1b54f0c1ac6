/**
 * A handler for Deno Deploy, Supabase or `deno serve` that serves every request by coroutines of its own. It needs no
 * permissions.
 *
 *     deno serve --unstable-no-legacy-abort examples/edge/deno/app.ts
 *
 *     curl 'http://127.0.0.1:8000/digest?text=one&text=two'
 *     curl 'http://127.0.0.1:8000/digest?text=one&text=two&seconds=9&limit=0.5'
 *     curl -N 'http://127.0.0.1:8000/countdown?from=5'
 *
 * On Deno Deploy this file is the entry point. On Supabase put it with `index.ts` and `deno.json` into a folder of
 * `supabase/functions/`.
 *
 * `no-legacy-abort` in `deno.json` lets a request's signal abort only when the client has disconnected. Without it Deno aborts
 * the signal after each response, too, and prints a warning at the first one.
 */
import { all, call, type Coro, run, Semaphore, sleep, TimeoutError, until, withTimeout } from "@asyncoro/asyncoro/edge";

/** How many texts of one request are processed at once. */
const AT_ONCE = 2;

// Plain data may outlive a request. Objects that belong to a request, such as streams, timers and coroutines, must not.
const counts = { requests: 0, cleanedUp: 0 };

/** Stands for a slow host operation. */
function* digest(text: string, seconds: number, permits: Semaphore) {
  using _ = yield* permits.hold();
  if (seconds > 0) yield* sleep(seconds);
  const bytes = yield* until(crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return new Uint8Array(bytes).toHex();
}

/** Processes all texts, a few at a time, within a time limit. */
function* digests(query: URLSearchParams) {
  const permits = new Semaphore(AT_ONCE);
  const seconds = Number(query.get("seconds") ?? 0);
  const each = query.getAll("text").map((text) => digest(text, seconds, permits));
  try {
    const hexes = yield* withTimeout(Number(query.get("limit") ?? 5), all(each));
    return Response.json(hexes);
  } catch (error) {
    if (error instanceof TimeoutError) return new Response("too late\n", { status: 504 });
    throw error;
  }
}

/** Writes a line every 0.05 seconds, and cleans up also when the reader has disconnected. */
function* countdown(body: WritableStream<Uint8Array>, from: number) {
  const writer = body.getWriter();
  const encoder = new TextEncoder();
  try {
    for (let n = from; n > 0; n--) {
      yield* until(writer.write(encoder.encode(`${n}\n`)));
      yield* sleep(0.05);
    }
    yield* until(writer.close());
  } finally {
    counts.cleanedUp++;
  }
}

/** Runs a request's coroutine on a scheduler of its own, until it ends or the client disconnects. */
function serve<R>(request: Request, work: Generator<unknown, R>): Promise<R> {
  return run(function* (coro: Coro) {
    request.signal.addEventListener("abort", () => coro.terminate());
    return yield* call(work);
  });
}

async function answer(request: Request): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  switch (pathname) {
    case "/digest":
      return await serve(request, digests(searchParams));
    case "/countdown": {
      const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
      serve(request, countdown(writable, Number(searchParams.get("from") ?? 3)))
        .catch((error) => console.log(`a countdown ended early: ${error}`));
      return new Response(readable);
    }
    case "/counts":
      return Response.json(counts);
    default:
      return new Response("not found\n", { status: 404 });
  }
}

/** Serves a request. An error in its coroutines fails that request only. */
export async function handler(request: Request): Promise<Response> {
  counts.requests++;
  try {
    const response = await answer(request);
    // A coroutine that was terminated has no response.
    return response instanceof Response ? response : new Response(null, { status: 499 });
  } catch (error) {
    return new Response(`${error}\n`, { status: 500 });
  }
}

export default { fetch: handler };
