/** Opens and closes the monitor page of anything that has something to see. */
import { describe } from "../../base/describe.ts";
import { checkOptions } from "../../base/options.ts";
import { addAliveListener, removeAliveListener } from "../../coroutine/alive_listeners.ts";
import type { Coro } from "../../coroutine/coro.ts";
import { current } from "../../coroutine/current.ts";
import { ClosedWithOwner } from "../../coroutine/owned_resource.ts";
import type { Operation } from "../../fiber/operation.ts";
import { checkEndpoint } from "../../io/net/endpoint.ts";
import { call } from "../../operations/call.ts";
import { until } from "../../operations/until.ts";
import { Access, hostInUrl } from "./access.ts";
import { HttpServer } from "./http_server.ts";
import { type PageSource, repliesOf } from "./replies.ts";

/** Completes "Cannot ...". */
export const ACTION = "open a monitor page";

/** Options of `monitorPage()`. */
export interface MonitorPageOptions {
  /**
   * The address to listen to; `"127.0.0.1"` by default, which only this machine can reach. The page is sent without
   * encryption: to read it from elsewhere, forward the same port by SSH rather than listen to other addresses.
   */
  readonly hostname?: string;
  /** The port; 0, any free one, by default. */
  readonly port?: number;
  /** What the address of the page must have as `token`; 128 random bits by default. */
  readonly token?: string;
}

/** A page that shows a computation, see `monitorPage()`. */
export class MonitorPage implements Disposable {
  /** Its address, with the token. Everybody who knows it can see the page. */
  readonly url: string;
  readonly #server: HttpServer;
  readonly #owner: Coro;
  readonly #closedWithOwner: ClosedWithOwner;

  /** @internal */
  constructor(server: HttpServer, url: string, owner: Coro) {
    this.url = url;
    this.#server = server;
    this.#owner = owner;
    this.#closedWithOwner = new ClosedWithOwner(owner, () => this.#end());
    // Viewers may still look at the page while the program has something to do, and not longer.
    addAliveListener(owner.loop, server);
  }

  /**
   * Stops listening and cuts the connections of viewers, at once. Calling it again has no effect.
   *
   * @returns For those who want to wait with `yield*` until the port is free. It need not be used.
   */
  close(): Generator<unknown, void, unknown> {
    this.#closedWithOwner.detach();
    return this.#closed(this.#end());
  }

  *#closed(closed: Promise<void>): Generator<unknown, void, unknown> {
    yield* until(closed);
  }

  #end(): Promise<void> {
    removeAliveListener(this.#owner.loop, this.#server);
    return this.#server.close();
  }

  /** The same as {@linkcode MonitorPage.close}. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/** See `monitorPage()`. */
export function openPage(source: PageSource, options: MonitorPageOptions): Operation<MonitorPage> {
  checkOptions(options, ["hostname", "port", "token"], ACTION);
  const { hostname = "127.0.0.1", port = 0, token } = options;
  checkEndpoint({ hostname, port }, 0, ACTION);
  // The host would listen to all addresses.
  checkText("hostname", hostname);
  if (token !== undefined) checkText("token", token);
  return call(open(source, hostname, port, token));
}

function checkText(name: string, value: unknown): void {
  if (typeof value === "string" && value !== "") return;
  throw new TypeError(
    `Cannot ${ACTION} as '${name}' must be a string that is not empty: current value is ${describe(value)}`,
  );
}

function* open(source: PageSource, hostname: string, port: number, token: string | undefined) {
  const access = new Access(hostname, token, ACTION);
  const server = new HttpServer(repliesOf(source, access, ACTION), ACTION);
  const bound = yield* until((signal) => server.listen(hostname, port, signal));
  const url = `http://${hostInUrl(reachable(hostname))}:${bound}/?token=${encodeURIComponent(access.token)}`;
  return new MonitorPage(server, url, current());
}

/** An address that a browser on this machine can open. */
function reachable(hostname: string): string {
  if (hostname === "0.0.0.0") return "127.0.0.1";
  return hostname === "::" ? "::1" : hostname;
}
