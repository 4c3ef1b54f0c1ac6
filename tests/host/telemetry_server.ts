/**
 * A server for `telemetry_test.ts`, run with OTEL_DENO: coroutines of concurrent requests start spans. It prints its
 * port, and ends on a request for `/end`.
 */
import { Coro, run, until } from "@asyncoro/asyncoro";
import { createTask, newEventLoop } from "@asyncoro/asyncoro/asyncio";

interface Span {
  end(): void;
}

interface Tracer {
  startSpan(name: string): Span;
  startActiveSpan<T>(name: string, fn: (span: Span) => T): T;
}

interface Telemetry {
  readonly trace: { getTracer(name: string): Tracer };
}

// The object that `npm:@opentelemetry/api` would look up; Deno registers itself there.
const telemetry = (globalThis as unknown as Record<symbol, Telemetry>)[Symbol.for("opentelemetry.js.api.1")];
const tracer = telemetry.trace.getTracer("test");

function* work(coro: Coro, path: string): Generator<unknown, Response, unknown> {
  yield* coro.sleep(0.01);
  const step = tracer.startSpan("step");
  yield* until(fetch(`${base}/inner${path}`).then((response) => response.text()));
  const child = tracer.startActiveSpan("outer", (outer) =>
    new Coro(function* (coro) {
      yield* coro.sleep(0.005);
      tracer.startSpan("child").end();
      outer.end();
    }));
  yield* child.finish();
  step.end();
  return new Response(path);
}

async function workOnLoop(): Promise<void> {
  const loop = newEventLoop();
  await loop.runUntilComplete(loop.createTask(function* (coro) {
    yield* coro.sleep(0.005);
    yield* createTask(function* (coro) {
      yield* coro.sleep(0.005);
      tracer.startSpan("task").end();
    });
  }));
  loop.close();
}

const ended = Promise.withResolvers<void>();
const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
  const path = new URL(request.url).pathname;
  if (path === "/end") ended.resolve();
  if (path === "/end" || path.startsWith("/inner/")) return new Response(path);
  const [response] = await Promise.all([run(work, path), workOnLoop()]);
  return response;
});
const base = `http://127.0.0.1:${(server.addr as Deno.NetAddr).port}`;
console.log((server.addr as Deno.NetAddr).port);
await ended.promise;
await server.shutdown();
