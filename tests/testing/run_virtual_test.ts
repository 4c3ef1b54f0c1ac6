import { Coro, type CoroFunction, current } from "@asyncoro/asyncoro";
import { runVirtual, type RunVirtualOptions, runVirtualWith } from "@asyncoro/asyncoro/testing";
import { assert, assertEquals, assertRejects } from "@std/assert";

/** The order in which twenty coroutines run that are ready together. */
async function order(options: RunVirtualOptions): Promise<number[]> {
  return await runVirtualWith(options, function* () {
    const log: number[] = [];
    const all = Array.from({ length: 20 }, (_, n) =>
      new Coro(function* () {
        log.push(n);
      }));
    for (const each of all) yield* each.finish();
    return log;
  });
}

Deno.test("runVirtualWith() runs in virtual time, with its arguments, and without options as runVirtual()", async () => {
  const target = function* (coro: Coro, a: number, b: string): Generator<unknown, unknown, unknown> {
    yield* coro.sleep({ days: 1 });
    return [a, b, coro.scheduler.now(), coro.scheduler.debug];
  };
  assertEquals(await runVirtualWith({}, target, 1, "x"), [1, "x", 86_400, false]);
  assertEquals(await runVirtual(target, 1, "x"), [1, "x", 86_400, false]);
});

Deno.test("shuffle permutes what is ready together, the same for one seed", async () => {
  const plain = await order({});
  assertEquals(plain, plain.toSorted((a, b) => a - b));
  const shuffled = await order({ shuffle: 7 });
  assertEquals(await order({ shuffle: 7 }), shuffled);
  const others = await Promise.all([1, 2, 3].map((shuffle) => order({ shuffle })));
  assert(others.some((other) => other.join() !== shuffled.join()));
  assertEquals(shuffled.toSorted((a, b) => a - b), plain);
});

Deno.test("debug switches the scheduler's debug on", async () => {
  const site = await runVirtualWith({ debug: true }, function* (coro) {
    return [coro.scheduler.debug, typeof coro.scheduler.dump()[0].spawnSite];
  });
  assertEquals(site, [true, "string"]);
});

Deno.test("it terminates what is left, also after an error, which it passes on", async () => {
  let left: Coro | null = null;
  const failure = new Error("failed");
  const error = await assertRejects(() =>
    runVirtualWith({ shuffle: 1 }, function* () {
      left = new Coro(function* (coro) {
        yield* coro.sleep();
      });
      yield;
      throw failure;
    })
  );
  assertEquals([error === failure, left!.isAlive()], [true, false]);
});

Deno.test("wrong options are a TypeError, and nothing runs", async () => {
  const target = function* (): Generator<unknown, void, unknown> {
    current().name = "it runs";
    throw new Error("it runs");
  };
  const wrong = (options: unknown) => () => runVirtualWith(options as RunVirtualOptions, target);
  await assertRejects(wrong(null), TypeError, "'options' must be an object: current value is null");
  await assertRejects(wrong({ suffle: 1 }), TypeError, 'current value is "suffle"');
  await assertRejects(wrong({ shuffle: "1" }), TypeError);
  await assertRejects(wrong({ debug: 1 }), TypeError, "'debug' must be a boolean: current value is 1");
  await assertRejects(() => runVirtualWith({}, (() => {}) as unknown as CoroFunction<[], void>), TypeError, "'target'");
});
