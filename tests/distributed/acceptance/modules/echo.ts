/** Echoes, runs functions, computes for a while, and dies when it is told to. */
import { Coro, sleep } from "@asyncoro/asyncoro";
import { Network, RCI } from "@asyncoro/asyncoro/distributed";

const network = Network.of()!;

new Coro(function* (coro: Coro) {
  coro.register(`echo of ${network.location.name}`);
  for (;;) {
    const [from, message] = (yield* coro.receive()) as [Coro, unknown];
    from.send(message);
  }
});

new RCI(function* whoAmI(): Generator<unknown, string, unknown> {
  yield;
  return network.location.name;
}).register();

new RCI(function* compute(_coro: Coro, seconds: number): Generator<unknown, number, unknown> {
  const end = performance.now() + seconds * 1000;
  let count = 0;
  while (performance.now() < end) count++;
  yield;
  return count;
}).register();

new RCI(function* compromise(_coro: Coro, how: string): Generator<unknown, void, unknown> {
  // Not before the answer that this coroutine runs has left.
  setTimeout(() => {
    if (how === "close") self.close();
    else throw new Error("this thread crashes");
  }, 100);
  yield* sleep(3600);
}).register();

export {};
declare const self: { close(): void };
