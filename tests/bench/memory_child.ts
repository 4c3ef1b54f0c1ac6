/** Does something often; prints the memory after the first hundred thousand and at the end, as JSON. */
import { Coro, Scheduler } from "@asyncoro/asyncoro";

const [kind, argument] = Deno.args;
const total = Number(argument);
const scheduler = new Scheduler();

/** Megabytes in use after a full collection, the kernel's included. */
function megabytes(): number {
  (globalThis as unknown as { gc(): void }).gc();
  return (Deno.memoryUsage().heapUsed + scheduler.stats().memory) / 1e6;
}

let early = 0;

function* receives(coro: Coro): Generator<unknown, void, unknown> {
  const echo = new Coro(function* (echo) {
    for (;;) coro.send(yield* echo.receive(30));
  });
  for (let i = 1; i <= total; i++) {
    echo.send(i);
    yield* coro.receive(30);
    if (i === 100_000) early = megabytes();
  }
  echo.terminate();
}

function* spawnAndEnd(): Generator<unknown, void, unknown> {
  for (let i = 1; i <= total; i++) {
    yield* new Coro(nothing).finish();
    if (i === 100_000) early = megabytes();
  }
}

function* nothing(): Generator<unknown, void, unknown> {}

scheduler.spawn(kind.startsWith("receive") ? receives : spawnAndEnd);
await scheduler.join();
console.log(JSON.stringify({ early, late: megabytes() }));
