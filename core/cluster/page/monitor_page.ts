/** The monitor page of a computation. */
import { describe } from "../../base/describe.ts";
import type { Operation } from "../../fiber/operation.ts";
import { Computation } from "../computation.ts";
import { ACTION, type MonitorPage, type MonitorPageOptions, openPage } from "./open_page.ts";

/**
 * Opens a web page that shows a computation to everybody who knows its address: nodes, servers and their load, jobs by
 * state, progress, the last failures. It shows the state of the moment, once a second, and nothing can be changed there.
 *
 * The page is served until {@linkcode MonitorPage.close} is called or the coroutine that opened it has ended. Names and
 * errors are shown as they are, cut to 1000 characters; arguments and results of jobs are not shown.
 *
 * A request is refused without the token, with another `Host` than the address that is listened to or `localhost`, and
 * with an `Origin` that is not the page itself.
 *
 * @param computation What to show.
 * @param options Where to listen, and the token, see {@linkcode MonitorPageOptions}.
 * @returns The page; its `url` is `http://host:port/?token=...`.
 * @throws {TypeError} If `computation` is none, or an option is unknown or not of its type.
 * @throws {RangeError} If the port is not from 0 to 65535.
 * @throws {UnsupportedError} At the yield, if the runtime has no `node:http`.
 * @throws {Error} At the yield, the host's, if it cannot listen there.
 *
 * @example
 * ```ts
 * import { run } from "@asyncoro/asyncoro";
 * import { Computation, monitorPage } from "@asyncoro/asyncoro/cluster";
 * import { Network } from "@asyncoro/asyncoro/distributed";
 *
 * await run(function* () {
 *   const network = yield* Network.join({ secret: null });
 *   const computation = new Computation({ network, name: "primes" });
 *   const page = yield* monitorPage(computation);
 *   console.log(`Open ${page.url}`);
 *   // ... run jobs ...
 *   yield* page.close();
 *   yield* network.leave();
 * });
 * ```
 */
export function monitorPage(computation: Computation, options: MonitorPageOptions = {}): Operation<MonitorPage> {
  if (computation instanceof Computation) return openPage(computation, options);
  throw new TypeError(
    `Cannot ${ACTION} as 'computation' must be a Computation: current value is ${describe(computation)}`,
  );
}
