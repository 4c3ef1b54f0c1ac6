/**
 * A user's program: its types must check, in Deno and for any compiler that reads the declarations.
 */
import {
  all,
  AsyncDatagram,
  AsyncFile,
  AsyncPipe,
  AsyncSocket,
  call,
  Channel,
  Coro,
  DeadlockError,
  Lock,
  main,
  Operation,
  race,
  run,
  Scheduler,
  stdin,
  supervise,
  TimeoutError,
  until,
  withTimeout,
} from "@asyncoro/asyncoro";
import * as asyncio from "@asyncoro/asyncoro/asyncio";
import type { AsyncSocket as SameSocket } from "@asyncoro/asyncoro/io";
import { runVirtual, VirtualClock } from "@asyncoro/asyncoro/testing";
import { AsyncDBCursor, WorkerPool } from "@asyncoro/asyncoro/workers";

function* twice(coro: Coro, text: string): Generator<unknown, string, unknown> {
  yield* coro.sleep({ milliseconds: 1 });
  return text + text;
}

function* io(_coro: Coro): Generator<unknown, void, unknown> {
  const listener = AsyncSocket.listen({ hostname: "127.0.0.1", port: 0 });
  const [accepted, connected] = yield* all([
    listener.accept(1),
    AsyncSocket.connect({ hostname: "127.0.0.1", port: 1 }, AbortSignal.timeout(10)),
  ]);
  const both: SameSocket[] = [accepted, connected];
  for (const socket of both) socket.close();
  const addr = listener.addr;
  const port: number | null = addr.transport === "tcp" ? addr.port : null;
  const bytes: Uint8Array | null = yield* accepted.recv(port ?? 1, { timeout: 1 });
  const file = yield* AsyncFile.open("x", { read: true });
  const size: number = (yield* file.stat()).size;
  const code: number = (yield* new AsyncPipe("ls").wait()).code;
  const [data, from] = yield* (yield* AsyncDatagram.bind({ port: 0 })).recvfrom();
  const line: string | null = yield* stdin.readline();
  console.log(bytes, size, code, data.length, from.port, line);
}

async function program(): Promise<void> {
  const text: string = await run(twice, "ab");
  const channel = new Channel<number>("numbers");
  const coro: Coro<boolean> = new Coro(function* (self): Generator<unknown, boolean, unknown> {
    yield* channel.subscribe(self);
    return (yield* self.receive<number>()) > 0;
  });
  const answer: Operation<boolean> = coro.finish(5);
  const [one, two]: [string | number, boolean] = await run(function* (self) {
    yield* call(twice(self, "x"));
    using _ = yield* new Lock().hold();
    return yield* all([race([until(Promise.resolve(1)), withTimeout(1, until(Promise.resolve("")))]), answer]);
  });
  const scheduler = new Scheduler({ clock: new VirtualClock() });
  const late: number = await runVirtual(function* () {
    return 1;
  });
  await using pool = new WorkerPool(1);
  const sum: number = await pool.run((a: number, b: number) => a + b, 1, 2);
  const cursor = new AsyncDBCursor(":memory:");
  supervise([{ target: twice, args: ["x"] }], { maxRestarts: 1 });
  console.log(text, one, two, scheduler.stats().live, late, sum, cursor.rowcount, DeadlockError, TimeoutError);
}

function* tasks(): Generator<unknown, void, unknown> {
  const queue = new asyncio.PriorityQueue<number>(3, (a, b) => a - b);
  const putting: asyncio.Task<void> = asyncio.createTask(queue.put(1));
  const [one, two]: [number, string] = yield* asyncio.gather(queue.get(), asyncio.sleep(1, "two"));
  yield* putting;
  const [done] = yield* asyncio.wait([asyncio.createTask(queue.join())], { timeout: 1 });
  const handle: asyncio.TimerHandle = asyncio.getRunningLoop().callLater(1, (text: string) => text.length, two);
  handle.cancel();
  using _ = yield* new asyncio.Lock().hold();
  for (const next of asyncio.asCompleted([queue.get(), putting])) console.log(yield* next);
  const future: Promise<number> = new asyncio.Future<number>().then((value) => value + one);
  const squares: number[] = yield* new WorkerPool(1).map([1, 2], (n: number) => n * n);
  console.log(done.size, future, squares);
}

/** Each use must not compile. */
export const wrong = [
  // @ts-expect-error a generator function is needed
  () => run(() => 1),
  // @ts-expect-error the argument is a string
  () => run(twice, 1),
  // @ts-expect-error there is no such option
  () => new Scheduler({ clocks: 1 }),
  // @ts-expect-error a channel of numbers
  () => new Channel<number>("numbers").send("text"),
  // @ts-expect-error a generator is not an operation
  (coro: Coro): Operation<string> => twice(coro, "x"),
  // @ts-expect-error the class is abstract
  () => new Operation<string>(),
];

main(io);
program();
asyncio.run(tasks);
