/**
 * The works that all contenders do, and the right result of each: it proves that the work was done, so a contender with
 * another result gets no figure.
 *
 * A program in another language has its own copy of the numbers below.
 */

/** Coroutines that take turns in `switch`. */
export const COROUTINES = 1_000;

/** Nodes of the ring. */
export const RING = 503;

/** Senders to one receiver in `fan-in`. */
export const SENDERS = 1_000;

/** Subscribers in `broadcast`. */
export const SUBSCRIBERS = 100;

/** Children of a scope. */
export const CHILDREN = 100;

/** Queues of which `select` takes from whichever has something. */
export const SOURCES = 4;

/** Tokens a second of the rate limiter, how many it holds at most, and how many coroutines take them. */
export const [RATE, BURST, TAKERS] = [100_000, 1_000, 100];

/** Messages to another process or thread that are sent without a pause. */
export const IN_A_BURST = 100;

/** When a sleeper wakes, in seconds from its start: spread over one second, and different for each of a million. */
export function delayOf(index: number): number {
  return index * 514_229 % 1_000_000 / 1_000_000;
}

/** A figure of a work, as the table shows it. */
export interface Row {
  readonly figure: string;
  readonly title: string;
  readonly unit: string;
  /** Whether more or less is better. */
  readonly better: "less" | "more";
}

/** A work that all do. */
export interface ContendedWork {
  readonly name: string;
  /**
   * Repeated in one process; the same where a rate limiter sets the pace; in a fresh process each time; a server that a load
   * is put on; or a program that sends messages to another process or thread.
   */
  readonly kind: "batch" | "paced" | "fresh" | "server" | "program";
  /** Amounts are multiples of it. */
  readonly unit: number;
  /** The least amount of a quick run. Creating the coroutines is included in the time, and must not be most of it. */
  readonly least: number;
  /** The right result. */
  readonly expected: (amount: number) => number;
  readonly rows: readonly Row[];
}

const sumBelow = (amount: number) => amount * (amount - 1) / 2;

function batch(
  name: string,
  title: string,
  unit: number,
  least: number,
  expected: ContendedWork["expected"],
): ContendedWork {
  const rows: Row[] = [{ figure: "ns", title, unit: "ns", better: "less" }];
  return { name, kind: "batch", unit, least, expected, rows };
}

/** An operation: a small object is sent, a hundred without a pause. The receiver counts them, and the sender checks it. */
function program(name: string, title: string, cpu: string): ContendedWork {
  const rows: Row[] = [
    { figure: "rate", title, unit: "messages/s", better: "more" },
    { figure: "cpu", title: cpu, unit: "µs", better: "less" },
  ];
  return { name, kind: "program", unit: IN_A_BURST, least: 1, expected: (amount) => amount, rows };
}

/** All works, in the order of the table. The amount counts operations. */
export const WORKS: readonly ContendedWork[] = [
  // An operation: one of them yields. The result: how often, by all who saw at their end that all had begun.
  batch("switch", "switch, 1,000 coroutines", COROUTINES, 20_000, (amount) => amount),
  // An operation: one is created, started by the scheduler, and its result waited for. The result: the sum of results.
  batch("spawn", "spawn and join, one by one", 1, 500, sumBelow),
  batch("hundreds", "spawn and join, by hundreds", 100, 500, sumBelow),
  // An operation: a number is passed to the partner, which adds one. The result: the last number.
  batch("ping-pong", "message, ping-pong", 2, 500, (amount) => amount),
  // An operation: the token, a number, is decremented and passed on. The result: the node that got 0, counted from 1.
  batch("ring", "thread ring of 503, a hop", 1, 10_000, (amount) => amount % RING + 1),
  // An operation: a message; a sender yields after each. The result: the sum of messages, which are all different.
  batch("fan-in", "fan-in of 1,000 senders", SENDERS, 20_000, sumBelow),
  // An operation: one acquires the lock, yields and adds one to what it had read. The result: what two have counted.
  batch("lock", "lock, handed to and fro", 2, 500, (amount) => amount),
  // An operation: an item is put into a queue that has room for one, and taken by another; both have to wait. The result:
  // the sum of the items, which are all different.
  batch("queue", "bounded queue of one, an item", 1, 1_000, sumBelow),
  // An operation: a message reaches one subscriber. The sender yields after each message, so that it is received before
  // the next. The result: the messages that came in order, of all subscribers.
  batch("broadcast", "broadcast to 100, each", SUBSCRIBERS, 5_000, (amount) => amount),
  // An operation: a child of a scope, which adds its number. What fails would end the others. The result: the sum.
  batch("scope", "scope of 100 children, a child", CHILDREN, 500, sumBelow),
  // An operation: an item is taken from whichever of four queues has one. Each has room for one, or its producer yields after
  // each. The result: the sum of the items, which are all different.
  batch("select", "select over four queues, an item", SOURCES, 1_000, sumBelow),
  {
    // An operation: one of a hundred coroutines takes a token. The result: how many were taken.
    name: "limiter",
    kind: "paced",
    unit: TAKERS,
    least: 10_000,
    expected: (amount) => amount,
    rows: [
      { figure: "rate", title: "rate limiter of 100,000/s, 100 take", unit: "tokens/s", better: "more" },
      { figure: "cpu", title: "rate limiter, CPU a token", unit: "µs", better: "less" },
    ],
  },
  {
    name: "sleepers",
    kind: "fresh",
    unit: 1,
    least: 1,
    expected: (amount) => amount,
    rows: [
      { figure: "beyond", title: "sleepers, time beyond the second", unit: "s", better: "less" },
      { figure: "memory", title: "sleepers, memory at most", unit: "MB", better: "less" },
    ],
  },
  {
    name: "echo",
    kind: "server",
    unit: 1,
    least: 1,
    expected: () => 0, // the load looks at every answer
    rows: [
      { figure: "rate", title: "echo, 50 connections", unit: "requests/s", better: "more" },
      { figure: "cpu", title: "echo, the server's CPU a request", unit: "µs", better: "less" },
    ],
  },
  program("processes", "messages to another process", "messages to a process, CPU of both"),
  program("threads", "messages to another thread", "messages to a thread, CPU of both"),
];
