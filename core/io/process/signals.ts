import { describe } from "../../base/describe.ts";
import type { Coro } from "../../coroutine/coro.ts";
import { Items } from "../../coroutine/items.ts";
import type { Owner } from "../../fiber/owner.ts";
import { unsupported } from "../../host/capability.ts";
import { claimSignal, hasSignals } from "../../host/process.ts";
import { keepAlive } from "../../host/timers.ts";
import { HostItems } from "../../patterns/host_items.ts";
import { whileOwned } from "../../patterns/while_owned.ts";
import { KeepAlive } from "../wait/keep_alive.ts";

/** Signals of the process. Each name is kept once, however often it comes. */
class Signals extends HostItems<Deno.Signal> {
  readonly #names: ReadonlySet<Deno.Signal>;
  readonly #keepAlive: KeepAlive = new KeepAlive((alive) => this.#setAlive(alive), false);
  #letEnd: () => void = () => {};
  // One for each name; empty until the first wait begins.
  #stops: (() => void)[] = [];
  readonly #release: () => void;

  constructor(names: ReadonlySet<Deno.Signal>) {
    super();
    this.#names = names;
    this.#release = whileOwned(() => this.finish());
  }

  get awaits(): string {
    return `the signal ${[...this.#names].join(" or ")}`;
  }

  protected override demand(): void {
    if (this.#stops.length > 0) return;
    try {
      for (const name of this.#names) this.#stops.push(claimSignal(name, () => this.#came(name)));
    } catch (error) {
      this.#stopListening();
      throw error;
    }
  }

  #came(name: Deno.Signal): void {
    if (!this.#keeps(name)) this.offer(name);
  }

  override putBack(name: Deno.Signal): void {
    if (!this.#keeps(name)) super.putBack(name);
  }

  #keeps(name: Deno.Signal): boolean {
    return [...this.kept].includes(name);
  }

  // No host listens to signals in a way that keeps the process alive.
  override awaitedBy(owner: Owner): void {
    this.#keepAlive.register(owner as Coro);
  }

  protected override unawaited(): void {
    this.#keepAlive.release();
  }

  #setAlive(alive: boolean): void {
    if (alive) this.#letEnd = keepAlive();
    else this.#letEnd();
  }

  protected override finish(): void {
    if (this.finished) return;
    super.finish();
    this.#stopListening();
    this.#release();
  }

  #stopListening(): void {
    for (const stop of this.#stops.splice(0)) stop();
  }

  protected override stop(): void {}
}

/**
 * Signals of the process, such as `"SIGHUP"`, for coroutines.
 *
 * It listens from the first `next` on, until its `forEach` or loop ends, the items are disposed of, or the coroutine
 * that called `signals` ends. In this time, a signal does not have its usual effect: `main` does not end the program on
 * SIGINT or SIGTERM. A signal that comes while no coroutine waits is kept, once, however often it comes.
 *
 * While a coroutine waits the process stays alive, unless only daemons are left.
 *
 * @param names The names of the signals.
 * @throws {TypeError} If there are no names or one is not like the name of a signal.
 * @throws {Error} At the yield of the first `next`, the host's error if it does not know a signal or cannot listen to
 * it, such as SIGKILL.
 * @throws {UnsupportedError} If the runtime has no signals.
 *
 * @example
 * ```ts
 * import { main, signals } from "@asyncoro/asyncoro";
 *
 * if (import.meta.main) {
 *   main(function* () {
 *     yield* signals("SIGHUP").forEach(function* () {
 *       console.log("reading the configuration again");
 *     });
 *   });
 * }
 * ```
 */
export function signals(...names: Deno.Signal[]): Items<Deno.Signal> {
  if (names.length === 0) throw new TypeError("Cannot listen to signals as there are no names: give at least one");
  for (const name of names) {
    if (typeof name === "string" && /^SIG[A-Z0-9]+$/.test(name)) continue;
    throw new TypeError(`Cannot listen to signals as names are like "SIGHUP": current value is ${describe(name)}`);
  }
  if (!hasSignals()) throw unsupported("listen to signals", "signals");
  return new Items(new Signals(new Set(names)));
}
