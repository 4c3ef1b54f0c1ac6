import { Coro, race, sleep, withTimeout } from "@asyncoro/asyncoro";

/** The ways in which a coroutine can be busy when a test acts on it, by name. */
export const BUSY: Record<string, (coro: Coro) => Generator<unknown, unknown, unknown>> = {
  *sleeping(coro) {
    return yield* coro.sleep();
  },
  *receiving(coro) {
    return yield* coro.receive();
  },
  *"waiting for an end"(coro) {
    const other = new Coro(function* (other) {
      yield* other.sleep();
    });
    other.setDaemon();
    void coro;
    yield* other.finish();
  },
  *"in race"(coro) {
    yield* race(coro.sleep(), coro.receive());
  },
  *"in withTimeout"(coro) {
    yield* withTimeout(1000, coro.receive());
  },
  *"in a subroutine"(coro) {
    yield (function* () {
      yield* coro.receive();
    })();
  },
  *"giving way"() {
    for (let i = 0; i < 1000; i++) yield;
    yield* sleep(1000);
  },
};
