/** The cost of an `AbortSignal` as the limit of a wait: with one wait on the signal, and with a thousand. */
import { type Coro, type Limit, Scheduler } from "@asyncoro/asyncoro";
import { compare, type Effort, many, ns, printTable, timed } from "./harness.ts";

type Body = Generator<unknown, void, unknown>;

/** Messages to receivers that wait with `limit`, in turn: each has to wait for each of its messages. */
function receives(count: number, receivers: number, limit: Limit): Promise<number> {
  const scheduler = new Scheduler();
  const each = Math.round(count / receivers);
  const all = many(receivers, () =>
    scheduler.spawn(function* (coro: Coro): Body {
      for (let i = 0; i < each; i++) {
        if (limit === undefined) yield* coro.receive();
        else yield* coro.receive(limit);
      }
    }));
  scheduler.spawn(function* (): Body {
    yield;
    for (let i = 0; i < each; i++) {
      for (const receiver of all) receiver.send(i);
      yield;
    }
  });
  return timed(each * receivers, () => scheduler.join());
}

/** Waits with signals. */
export async function benchSignals({ rounds, scale }: Effort): Promise<void> {
  const count = Math.round(300_000 * scale);
  const rows: string[][] = [];
  for (const receivers of [1, 1000]) {
    const { signal } = new AbortController();
    const { medians } = await compare(rounds, {
      none: () => receives(count, receivers, undefined),
      timeout: () => receives(count, receivers, 60),
      signal: () => receives(count, receivers, signal),
      both: () => receives(count, receivers, { timeout: 60, signal }),
    });
    const { none, timeout } = medians;
    rows.push([
      receivers.toLocaleString("en"),
      ns(none),
      ns(timeout),
      ns(medians.signal),
      ns(medians.both),
      ns(medians.signal - none),
    ]);
  }
  const header = ["waits at a time", "no limit", "timeout", "signal", "both", "a signal adds"];
  printTable("A message, sent and received with a limit, ns", header, rows);
}
