/** When run() listens for SIGINT. */
import { DeadlockError } from "@asyncoro/asyncoro";
import { createTask, getRunningLoop, newEventLoop, run, sleep } from "@asyncoro/asyncoro/asyncio";
import { VirtualClock } from "@asyncoro/asyncoro/testing";
import { assertEquals, assertRejects } from "@std/assert";
import { countingListeners } from "../helpers/signals.ts";

/** How many listeners of SIGINT there are after each step of `use`, which notes it. */
async function listening(use: (note: () => void) => Promise<unknown>): Promise<number[]> {
  const noted: number[] = [];
  await countingListeners("SIGINT", async (count) => {
    const note = () => void noted.push(count());
    await use(note);
    note();
  });
  return noted;
}

const options = { loopFactory: () => newEventLoop({ clock: new VirtualClock() }) };

Deno.test("run() listens for SIGINT while it runs, its cleanup included", async () => {
  const noted = await listening((note) =>
    run(function* () {
      createTask(function* () {
        try {
          yield* sleep(10);
        } finally {
          yield* sleep(1);
          note();
        }
      });
      yield* sleep(0);
      note();
    }, options)
  );
  assertEquals(noted, [1, 1, 0]);
});

Deno.test("several runs share a listener, which stays until the last has ended", async () => {
  const noted = await listening(async (note) => {
    function* main(seconds: number) {
      yield* sleep(seconds);
    }
    const [quick, slow] = [run(main(0.001)), run(main(0.02))];
    note();
    await quick;
    note();
    await slow;
  });
  assertEquals(noted, [1, 1, 0]);
});

Deno.test("a run that is rejected does not listen for SIGINT", async () => {
  const noted = await listening((note) =>
    run(function* () {
      yield run(sleep(0)).catch(note);
    }, options)
  );
  assertEquals(noted, [1, 0]);
  assertEquals(await listening(() => run(42 as never).catch(() => {})), [0]);
});

Deno.test("a run that has failed no longer listens for SIGINT, even if its cleanup never ends", async () => {
  const noted = await listening(async () => {
    await assertRejects(() =>
      run(function* () {
        throw new Error("of main");
      }, options)
    );
    await assertRejects(
      () =>
        run(function* () {
          createTask(function* () {
            try {
              yield* sleep(10);
            } finally {
              yield* getRunningLoop().createFuture();
            }
          });
          yield* sleep(0);
        }, {
          loopFactory: () => {
            const loop = options.loopFactory();
            loop.setExceptionHandler(() => {});
            return loop;
          },
        }),
      DeadlockError,
    );
  });
  assertEquals(noted, [0]);
});

Deno.test("a loop that is run without run() does not listen for SIGINT", async () => {
  const loop = newEventLoop({ clock: new VirtualClock() });
  const noted = await listening((note) =>
    loop.runUntilComplete(function* () {
      yield* sleep(1);
      note();
    })
  );
  assertEquals(noted, [0, 0]);
  loop.close();
});
