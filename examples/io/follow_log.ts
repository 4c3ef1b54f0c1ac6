/**
 * Follows a log file, as `tail -f` does. Without an argument, it follows a file that a coroutine of this program
 * writes.
 *
 *     deno run --allow-read --allow-write examples/io/follow_log.ts [file]
 */
import { Coro, main } from "@asyncoro/asyncoro";
import { AsyncFile } from "@asyncoro/asyncoro/io";

function* follow(_coro: Coro, path: string) {
  using file = yield* AsyncFile.open(path);
  yield* file.lines({ follow: true, interval: 0.02 }).forEach((line) => console.log(`| ${line}`));
}

function* writeLog(coro: Coro, path: string) {
  using file = yield* AsyncFile.open(path, "a");
  for (let i = 1; i <= 3; i++) {
    yield* file.write(`event ${i} begins, `);
    yield* coro.sleep(0.05);
    yield* file.write(`and ends\n`);
    yield* coro.sleep(0.05);
  }
}

main(function* (coro) {
  if (Deno.args.length > 0) return yield* new Coro(follow, Deno.args[0]).finish();
  const path = yield Deno.makeTempFile();
  const follower = new Coro(follow, path);
  yield* new Coro(writeLog, path).finish();
  yield* coro.sleep(0.1);
  follower.terminate();
  yield* follower.finish();
  yield Deno.remove(path);
});
