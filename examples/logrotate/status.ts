/** The output: a line for each event and, on a terminal, a last line with the status. */
import * as asyncio from "@asyncoro/asyncoro/asyncio";

const CLEAR_LINE = "\r\x1b[K";

/** Prints events and the status. */
export class Status {
  /** How many rotations there were. */
  rotations = 0;
  /** How many rotations failed. */
  failures = 0;
  readonly #now: () => Temporal.Instant;
  readonly #live: boolean;
  /** When the next events are expected. */
  readonly #expected = new Map<string, Temporal.Instant>();

  constructor(now: () => Temporal.Instant, live: boolean = Deno.stdout.isTerminal()) {
    this.#now = now;
    this.#live = live;
  }

  /** Prints an event. */
  event(text: string): void {
    this.#print(console.log, text);
  }

  /** Counts and prints a failure. */
  failure(text: string): void {
    this.failures++;
    this.#print(console.error, text);
  }

  /** Notes that an event is expected in a number of seconds. */
  expect(what: string, seconds: number): void {
    this.#expected.set(what, this.#now().add({ milliseconds: Math.round(seconds * 1000) }));
  }

  /** Keeps the last line of a terminal up to date. */
  *refresh(): Generator<unknown, void, unknown> {
    if (!this.#live) return;
    try {
      for (;;) {
        this.#showLine();
        yield* asyncio.sleep(1);
      }
    } finally {
      write(CLEAR_LINE);
    }
  }

  #showLine(): void {
    write(CLEAR_LINE + this.#line().slice(0, (Deno.consoleSize().columns || 80) - 1));
  }

  #line(): string {
    const now = this.#now();
    const left = [...this.#expected].map(([what, time]) => ({ what, seconds: now.until(time).total("seconds") }));
    const [next] = left.filter(({ seconds }) => seconds >= 0).sort((one, other) => one.seconds - other.seconds);
    const counts = `${this.rotations} rotations, ${this.failures} failures`;
    return next === undefined ? counts : `${counts}; next: ${next.what} in ${duration(next.seconds)}`;
  }

  #print(print: (text: string) => void, text: string): void {
    if (this.#live) write(CLEAR_LINE);
    print(`${this.#now().toString({ smallestUnit: "second" })} ${text}`);
    if (this.#live) this.#showLine();
  }
}

function write(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(text));
}

function duration(seconds: number): string {
  const whole = { seconds: Math.ceil(seconds) };
  return Temporal.Duration.from(whole).round({ largestUnit: "day" }).toLocaleString("en", { style: "narrow" });
}
