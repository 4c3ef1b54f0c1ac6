/** An event loop and the driver of its host: which wakes the other, and when. */
import type { Clock, Drivable, Driver } from "@asyncoro/asyncoro";
import { createTask, gather, getRunningLoop, newEventLoop, run, sleep } from "@asyncoro/asyncoro/asyncio";
import { VirtualClock } from "@asyncoro/asyncoro/testing";
import { assertEquals } from "@std/assert";

/** A driver that counts how often it is called while a slice runs. */
class CountingDriver implements Driver {
  disturbed = 0;
  readonly #loop: Drivable;
  #slicing = false;
  #scheduled: ReturnType<typeof setTimeout> | null = null;

  constructor(loop: Drivable) {
    this.#loop = loop;
  }

  wake(): void {
    if (this.#slicing) this.disturbed++;
    this.#scheduled ??= setTimeout(() => this.#tick());
  }

  update(): void {
    this.wake();
  }

  stop(): void {
    if (this.#scheduled !== null) clearTimeout(this.#scheduled);
  }

  #tick(): void {
    this.#scheduled = null;
    this.#slicing = true;
    const more = this.#loop.slice(0.001, this.#loop.now());
    this.#slicing = false;
    if (more) this.wake();
  }
}

function* turns(n: number): Generator<unknown, number, unknown> {
  for (let i = 0; i < n; i++) yield* sleep(0);
  return n;
}

Deno.test("an event loop does not call its driver while a slice runs, also at the end of a run", async () => {
  const drivers: CountingDriver[] = [];
  const clock: Clock = {
    now: () => performance.now() / 1000,
    driver: (loop) => {
      const driver = new CountingDriver(loop);
      drivers.push(driver);
      return driver;
    },
  };
  const result = await run(
    function* () {
      const forgotten = createTask(turns(1_000_000));
      getRunningLoop().callSoon(() => forgotten.setName("forgotten"));
      return yield* gather(turns(3), turns(30));
    },
    { loopFactory: () => newEventLoop({ clock }) },
  );
  assertEquals(result, [3, 30]);
  assertEquals(drivers.map(({ disturbed }) => disturbed), [0]);
});

Deno.test("stop() of a callback ends the run, also if nothing else happens after it", async () => {
  for (const clock of [undefined, new VirtualClock()]) {
    const loop = newEventLoop({ clock });
    for (let i = 0; i < 20; i++) {
      if (i % 2 === 0) loop.callLater(0.001, () => loop.stop());
      else loop.callSoon(() => loop.stop());
      await loop.runForever();
    }
    loop.close();
  }
});
