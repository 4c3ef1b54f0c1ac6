import { describe } from "../../base/describe.ts";
import { isGeneratorFunction } from "../../base/generator.ts";
import type { Limit } from "../../base/limit.ts";
import type { Coro, CoroFunction } from "../../coroutine/coro.ts";
import type { Outcome } from "../../coroutine/errors.ts";
import { checkName, Registry } from "../../coroutine/names.ts";
import type { Operation } from "../../fiber/operation.ts";
import type { ArgumentsOf, ResultOf } from "../../supervision/options.ts";
import type { PeerLocation } from "../../coroutine/peer_location.ts";
import type { Location } from "../location.ts";
import { LocalRci } from "./local_rci.ts";
import type { RCIOptions, RciSide } from "./rci_side.ts";

/** @internal Names of RCIs. Only schedulers that have joined a network have any, each its own. */
export const rciNames: Registry<RCI> = new Registry<RCI>("RCI", () => true);

/**
 * A coroutine function that peers may run here: a remote coroutine invocation.
 *
 * It is registered under its name at a scheduler that has joined a network. A peer finds it with {@linkcode RCI.locate} or
 * gets it in a message, and then {@linkcode RCI.run} creates a coroutine there, for which the peer gets a handle. The
 * arguments are copied. At its own scheduler it runs as well, and there nothing is copied.
 *
 * @example Two peers, simulated
 * ```ts
 * import type { Coro } from "@asyncoro/asyncoro";
 * import { Network, RCI } from "@asyncoro/asyncoro/distributed";
 * import { SimulatedNetwork } from "@asyncoro/asyncoro/testing";
 * import { assertEquals } from "@std/assert";
 *
 * function* power(_coro: Coro, base: number, exponent = 2): Generator<unknown, number, unknown> {
 *   return base ** exponent;
 * }
 *
 * const simulation = new SimulatedNetwork({ seed: 1 });
 * const secret = "at least sixteen characters";
 * simulation.scheduler("server").spawn(function* (coro) {
 *   yield* Network.join({ secret, engines: [simulation.engine("server")] });
 *   new RCI(power).register();
 *   yield* coro.receive(60);
 * });
 * const results: number[] = [];
 * simulation.scheduler("client").spawn(function* () {
 *   const network = yield* Network.join({ secret, engines: [simulation.engine("client")] });
 *   yield* network.peer("sim:server");
 *   const rci = (yield* RCI.locate<typeof power>("power"))!;
 *   results.push(yield* rci.call(7));
 *   const coro = yield* rci.run(2, 10);
 *   results.push(yield* coro.finish());
 * });
 * await simulation.run();
 * assertEquals(results, [49, 1024]);
 * ```
 */
// deno-lint-ignore no-explicit-any -- as in CoroFunction
export class RCI<A extends readonly any[] = any[], R = unknown> {
  /** Its name. */
  declare readonly name: string;
  /** @internal Where its function is, or at a peer. */
  declare readonly side: RciSide;

  /**
   * Makes an RCI, which nobody can run until it is registered.
   *
   * @param target The coroutine function.
   * @param name Its name; that of the function by default.
   * @throws {TypeError} If `target` is not a generator function, or the name is not a string or is empty.
   */
  constructor(target: CoroFunction<A, R>, name?: string) {
    if (!isGeneratorFunction(target)) {
      throw new TypeError(
        `Cannot make an RCI as 'target' must be a generator function: current value is ${describe(target)}`,
      );
    }
    this.name = checkName(name ?? (target as { readonly name: unknown }).name, "make an RCI");
    const rci = this as RCI;
    this.side = new LocalRci(this.name, target as CoroFunction, {
      add: (owner) => rciNames.at(owner).register(rci.name, rci),
      remove: (owner) => rciNames.at(owner).unregister(rci.name, rci),
    });
  }

  /** @internal Makes the handle of one at a peer. */
  static make(name: string, side: RciSide): RCI {
    return Object.assign(Object.create(RCI.prototype), { name, side });
  }

  /**
   * Finds the RCI of a name, here or at a peer, waiting until one is registered.
   *
   * @typeParam F The type of its function, which the compiler does not check.
   * @param name The name.
   * @param limit How long to wait at most; zero or less does not wait, and asks no peer.
   * @param location Where to look only.
   * @returns The RCI, or `null` after a timeout. An error is thrown at the `yield` if a location is given and the scheduler
   * has joined no network.
   * @throws {TypeError} If `name` is not a string or is empty, or `limit` is not a valid limit.
   */
  // deno-lint-ignore no-explicit-any -- as in CoroFunction
  static locate<F = CoroFunction<any[], unknown>>(
    name: string,
    limit?: Limit,
    location?: PeerLocation | null,
  ): Operation<RCI<ArgumentsOf<F>, ResultOf<F>> | null> {
    return rciNames.locate(name, limit, location) as Operation<RCI<ArgumentsOf<F>, ResultOf<F>> | null>;
  }

  /** Where it is registered; `null` if it is not. */
  get location(): Location | null {
    return this.side.location;
  }

  /**
   * Lets peers run it, at the scheduler of the running coroutine, or else at the default one. It is unregistered when that
   * leaves the network.
   *
   * @param options What becomes of its coroutines when their creator is lost, and how many may live.
   * @returns `false` if it is registered, or another RCI of its name is.
   * @throws {TypeError} If an option is not valid.
   * @throws {RangeError} If `limit` is not a positive integer.
   * @throws {Error} If the scheduler has joined no network.
   * @throws {UnsupportedError} If it is at a peer.
   */
  register(options: RCIOptions = {}): boolean {
    return this.side.register(options);
  }

  /**
   * Lets peers run it no longer. Coroutines that run are not affected.
   *
   * @returns Whether it was registered.
   * @throws {UnsupportedError} If it is at a peer.
   */
  unregister(): boolean {
    return this.side.unregister();
  }

  /**
   * Creates a coroutine where the RCI is registered, once.
   *
   * If this is cut short, the coroutine is terminated, in case that it was created.
   *
   * @param args Its arguments after the coroutine, copied now if it is at a peer.
   * @returns The coroutine, or a handle to it. Thrown at the `yield`: `PermissionError` if the RCI is not registered, or
   * the peer does not let this side run it; `RemoteError` if too many of its coroutines live, or a default value of a
   * parameter throws; `PeerLostError` if the peer is lost or leaves before it has told.
   * @throws {SerializationError} If an argument is not sendable.
   * @throws {MessageTooLargeError} If the arguments are too large for either side.
   */
  run(...args: A): Operation<Coro<R>> {
    return this.side.run(args) as Operation<Coro<R>>;
  }

  /**
   * The same as {@linkcode RCI.run}, and then waits for the end of the coroutine, which it terminates if it is cut short.
   *
   * @param args Its arguments after the coroutine, copied now if it is at a peer.
   * @returns Its result. The error that ended it is thrown at the `yield`, and `SerializationError` if its result is not
   * sendable.
   * @throws {SerializationError} If an argument is not sendable.
   * @throws {MessageTooLargeError} If the arguments are too large for either side.
   */
  call(...args: A): Operation<R> {
    return this.side.call(args) as Operation<R>;
  }

  /**
   * @internal
   * The same as {@linkcode RCI.call}, but how the coroutine has ended is the value: what is thrown at the yield tells that
   * it was not created, or that its peer was lost.
   */
  outcome(...args: A): Operation<Outcome> {
    return this.side.outcome(args);
  }

  /** Its name, and where it is. */
  toString(): string {
    return this.location === null ? this.name : `${this.name}@${this.location}`;
  }

  /** @internal */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return `RCI ${this}`;
  }
}
