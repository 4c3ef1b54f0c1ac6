/** Ends of simulated links that note what they see. */
import type { Coro, Operation, Scheduler } from "@asyncoro/asyncoro";
import { SimulatedNetwork, type SimulatedNetworkOptions } from "@asyncoro/asyncoro/testing";
import type { Engine, Link } from "../../../core/distributed/engine.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** An end of a link that keeps what arrives, with the time. */
export class End {
  readonly link: Link;
  /** Texts that have arrived. */
  readonly texts: string[] = [];
  /** When each of them has arrived. */
  readonly times: number[] = [];
  /** How often it was told to write more. */
  drained = 0;
  /** The names of the errors with which the link ended; `null` for an orderly end. */
  readonly closed: (string | null)[] = [];
  /** When it ended. */
  closedAt = -1;

  constructor(link: Link, now: () => number) {
    this.link = link;
    link.start(
      (bytes) => {
        this.texts.push(decoder.decode(bytes));
        this.times.push(now());
      },
      () => this.drained++,
      (reason) => {
        this.closed.push(reason?.name ?? null);
        this.closedAt = now();
      },
    );
  }

  /** Writes texts, a frame each. */
  write(...texts: string[]): void {
    for (const text of texts) this.link.write(encoder.encode(text));
  }
}

/** A machine of a simulated network, for tests of its links. */
export class Host {
  readonly scheduler: Scheduler;
  readonly engine: Engine;
  /** The ends of links that others have dialed. */
  readonly accepted: End[] = [];

  constructor(network: SimulatedNetwork, name: string) {
    this.scheduler = network.scheduler(name);
    this.engine = network.engine(name);
  }

  /** Begins to accept links. */
  *listen(): Generator<unknown, string, unknown> {
    return yield* this.engine.open((link) => this.accepted.push(this.end(link)));
  }

  /** Dials another machine. */
  *dial(name: string, timeout = 5): Generator<unknown, End, unknown> {
    return this.end(yield* this.engine.dial(`sim:${name}`, timeout));
  }

  end(link: Link): End {
    return new End(link, () => this.scheduler.now());
  }
}

/** Returns the error that an operation throws; fails if it throws none. */
export function* errorOf(operation: Operation<unknown> | Generator<unknown, unknown, unknown>) {
  try {
    yield* operation as Operation<unknown>;
  } catch (error) {
    return error as Error;
  }
  throw new Error("It threw nothing");
}

/** What a test with two machines works with. */
export interface Two {
  readonly network: SimulatedNetwork;
  readonly a: Host;
  /** It listens. */
  readonly b: Host;
  /** The coroutine of the test, which has a scheduler of its own. */
  readonly coro: Coro;
}

/** Runs a test on two machines. It fails if time passes the limit or an error is reported. */
export async function withTwo(
  options: SimulatedNetworkOptions,
  test: (two: Two) => Generator<unknown, void, unknown>,
): Promise<void> {
  const network = new SimulatedNetwork(options);
  const [a, b] = [new Host(network, "a"), new Host(network, "b")];
  const tester = network.scheduler("test");
  const errors: unknown[] = [];
  for (const scheduler of [a.scheduler, b.scheduler, tester]) scheduler.onError = (error) => errors.push(error);
  tester.spawn(function* (coro) {
    yield* on(b.scheduler, () => b.listen());
    yield* test({ network, a, b, coro });
  });
  await network.run();
  if (errors.length > 0) throw errors[0];
}

/** Runs a coroutine on a scheduler and waits for its result, in another scheduler of the same simulation. */
export function* on<R>(
  scheduler: Scheduler,
  target: () => Generator<unknown, R, unknown>,
): Generator<unknown, R, unknown> {
  return yield* scheduler.spawn(function* () {
    return yield* target();
  }).finish();
}
