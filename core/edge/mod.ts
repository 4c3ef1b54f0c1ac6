/**
 * Coroutines in edge runtimes: only what works there, for small bundles. Importing it has no side effects.
 *
 * - {@linkcode run} gives every request a scheduler of its own, which ends with it. You may also make one with
 *   `new Scheduler()`: call its `terminate()` at the end. Do not use the default scheduler, on which `new Coro` creates
 *   coroutines outside a coroutine: all requests share it.
 * - {@linkcode init} is for runtimes that forbid compiling WebAssembly at run time, such as Cloudflare's. Give it the
 *   package's `kernel.wasm` of the same version, imported as a module. The npm package exports it as
 *   `@asyncoro/asyncoro/kernel.wasm`. JSR does not export such files, but serves them: copy
 *   `https://jsr.io/@asyncoro/asyncoro/<version>/core/kernel/kernel.wasm` to a place beside your worker. Deno Deploy and
 *   Supabase do not need it.
 * - All requests of an isolate share the names of channels and of registered coroutines: use a different name for each
 *   request, and close a channel in a `finally` block.
 * - Deno aborts `request.signal` after each response, and prints a warning, unless `deno.json` has
 *   `"unstable": ["no-legacy-abort"]`. A coroutine that has ended is not affected either way.
 * - A clock that stands still while code runs does no harm: steps are also counted.
 *
 * @example
 * ```ts
 * import { all, Coro, run, sleep, TimeoutError, withTimeout } from "@asyncoro/asyncoro/edge";
 * import { assertEquals } from "@std/assert";
 *
 * // In a Cloudflare worker: import kernel from "./kernel.wasm"; init(kernel);
 *
 * function* ask(_coro: Coro, backend: string) {
 *   yield* sleep(0.01); // yield* until(fetch(...))
 *   return `${backend} is well`;
 * }
 *
 * function* answer(coro: Coro, request: Request) {
 *   request.signal.addEventListener("abort", () => coro.terminate()); // the client disconnected
 *   try {
 *     const answers = yield* withTimeout(2, all([new Coro(ask, "one"), new Coro(ask, "two")]));
 *     return new Response(answers.join(", "));
 *   } catch (error) {
 *     if (error instanceof TimeoutError) return new Response("too late", { status: 504 });
 *     throw error;
 *   }
 * }
 *
 * const worker = {
 *   async fetch(request: Request): Promise<Response> {
 *     return await run(answer, request) ?? new Response(null, { status: 499 });
 *   },
 * };
 *
 * const response = await worker.fetch(new Request("https://example.com/"));
 * assertEquals(await response.text(), "one is well, two is well");
 * ```
 *
 * @module
 */
export { init } from "../kernel/init.ts";
export * from "../mod.ts";
export { run, runWith } from "./run.ts";
