/** The module of a thread of the benchmark: `source` sends messages, `sink` counts them. */
import { type Ask, Coro } from "@asyncoro/asyncoro";
import { messageOf } from "./message.ts";

/** What `source` is asked to do. */
export interface Work {
  readonly to: Coro;
  readonly amount: number;
  readonly burst: number;
}

new Coro(function* sink(coro: Coro) {
  coro.register("sink");
  for (let count = 0;;) {
    const message = yield* coro.receive<{ report?: Coro }>();
    if (message.report === undefined) {
      count++;
      continue;
    }
    message.report.send(count);
    count = 0;
  }
});

new Coro(function* source(coro: Coro) {
  coro.register("source");
  for (;;) {
    const ask = yield* coro.receive<Ask<Work, number>>();
    const { to, amount, burst } = ask.message;
    for (let id = 0; id < amount;) {
      for (const end = Math.min(amount, id + burst); id < end; id++) to.send(messageOf(id));
      yield;
    }
    to.send({ report: coro });
    ask.reply(yield* coro.receive<number>());
  }
});
