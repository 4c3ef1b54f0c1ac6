/**
 * Hot swapping: a counter gets new code while it runs. It passes its count on in a message to itself, and the new code
 * serves the messages left in its mailbox: none is lost, none is counted twice.
 *
 *     deno run examples/hot_swap.ts
 */
import { Coro, HotSwapException, main } from "@asyncoro/asyncoro";

/** A request to count one more, and to send the count. */
interface Tick {
  readonly from: Coro;
}

/** Counts the ticks it receives. */
function* counter(coro: Coro): Generator<unknown, void, unknown> {
  coro.hotSwappable(true);
  let count = 0;
  for (;;) {
    try {
      const { from } = yield* coro.receive<Tick>();
      from.send(`version 1 counts ${++count}`);
    } catch (error) {
      if (!(error instanceof HotSwapException)) throw error;
      console.log(`version 1 hands over at ${count}`);
      coro.send({ count });
      throw error; // This accepts the swap; without it the counter would go on as before.
    }
  }
}

/** Counts in another way. It receives the count as a message, behind the ticks that were not served yet. */
function* betterCounter(coro: Coro): Generator<unknown, void, unknown> {
  const waiting: Tick[] = [];
  let count = -1;
  while (count < 0) {
    const message = yield* coro.receive<Tick | { readonly count: number }>();
    if ("count" in message) count = message.count;
    else waiting.push(message);
  }
  console.log(`version 2 takes over at ${count} and finds ${waiting.length} waiting`);
  for (;;) {
    const { from } = waiting.shift() ?? (yield* coro.receive<Tick>());
    from.send(`version 2 counts ${"*".repeat(++count)}`);
  }
}

main(function* (coro) {
  const worker = new Coro(counter);
  worker.setDaemon();
  const before = worker.toString();
  for (let i = 0; i < 2; i++) {
    worker.send({ from: coro });
    console.log(yield* coro.receive());
  }

  // Two more are in the mailbox when the swap is requested.
  worker.send({ from: coro });
  worker.send({ from: coro });
  console.log("asked:", worker.hotSwap(betterCounter));
  for (let i = 0; i < 2; i++) console.log(yield* coro.receive());

  worker.send({ from: coro });
  console.log(yield* coro.receive());
  console.log(`${before} is ${worker} now`);
});
