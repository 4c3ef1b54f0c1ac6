/** What the rotator tells: a line for each event and, on a terminal, a last line that says how it stands. */
import * as asyncio from "@asyncoro/asyncoro/asyncio";

const CLEAR_LINE = "\r\x1b[K";

/** Tells what happens. */
export class Status {
  /** How many rotations there were. */
  rotations = 0;
  /** How many there should have been, and failed. */
  failures = 0;
  readonly #now: () => Temporal.Instant;
  readonly #live: boolean;
  /** What is expected next, and when by the clock of the loop. */
  readonly #expected = new Map<string, number>();

  constructor(now: () => Temporal.Instant, live: boolean = Deno.stdout.isTerminal()) {
    this.#now = now;
    this.#live = live;
  }

  /** Something has happened. */
  event(text: string): void {
    this.#print(console.log, text);
  }

  /** Something has gone wrong. */
  failure(text: string): void {
    this.failures++;
    this.#print(console.error, text);
  }

  /** Something is expected in so many seconds. */
  expect(what: string, seconds: number): void {
    this.#expected.set(what, asyncio.getRunningLoop().time() + seconds);
  }

  /** Keeps the last line of a terminal up to date. */
  *refresh(): Generator<unknown, void, unknown> {
    if (!this.#live) return;
    try {
      for (;;) {
        write(CLEAR_LINE + this.#line().slice(0, Deno.consoleSize().columns - 1));
        yield* asyncio.sleep(1);
      }
    } finally {
      write(CLEAR_LINE);
    }
  }

  #line(): string {
    const now = asyncio.getRunningLoop().time();
    const [what, time] = [...this.#expected].sort(([, a], [, b]) => a - b).find(([, time]) => time >= now) ?? ["", now];
    const next = what === "" ? "" : `; next: ${what} in ${duration(time - now)}`;
    return `${this.rotations} rotations, ${this.failures} failures${next}`;
  }

  #print(print: (text: string) => void, text: string): void {
    if (this.#live) write(CLEAR_LINE);
    print(`${this.#now().toString({ smallestUnit: "second" })} ${text}`);
  }
}

function write(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(text));
}

function duration(seconds: number): string {
  const whole = { seconds: Math.ceil(seconds) };
  return Temporal.Duration.from(whole).round({ largestUnit: "day" }).toLocaleString("en", { style: "narrow" });
}
