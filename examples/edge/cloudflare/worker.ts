/**
 * A Cloudflare worker that serves every request by coroutines of its own.
 *
 *     deno task --cwd examples/edge/cloudflare build     # worker.ts to bundle.js
 *     npx workerd serve examples/edge/cloudflare/wrangler.jsonc
 *
 *     curl 'http://127.0.0.1:8787/parts?seconds=0.1&seconds=0.3'
 *     curl 'http://127.0.0.1:8787/parts?seconds=9&limit=0.5'
 *     curl -N 'http://127.0.0.1:8787/events?count=5'
 *
 * `npx wrangler dev` and `npx wrangler deploy` take the same configuration. `kernel.wasm` is the package's: a link here, a
 * copy in your project (see the documentation of the entry point `./edge`).
 */
import { all, call, Channel, Coro, type CoroFunction, init, run, TimeoutError, until, withTimeout } from "@asyncoro/asyncoro/edge";
// @ts-types="./kernel.d.ts"
import kernel from "./kernel.wasm";

init(kernel);

/** What this needs of the runtime's `ExecutionContext`. */
interface Context {
  waitUntil(promise: Promise<unknown>): void;
}

// Plain data may outlive a request. What belongs to one (streams, timers, coroutines) must not.
const counts = { begun: 0, cleanedUp: 0, terminated: 0 };

/** The first coroutine of a request. It is terminated, with all that it started, when the client goes away. */
function* served<R>(coro: Coro, request: Request, work: (coro: Coro) => Generator<unknown, R>) {
  request.signal.addEventListener("abort", () => coro.terminate());
  counts.begun++;
  let ended = false;
  try {
    const result = yield* call(work(coro));
    ended = true;
    return result;
  } finally {
    counts.cleanedUp++;
    if (!ended && request.signal.aborted) counts.terminated++;
  }
}
