/** The servers of one tenancy, as its node sees them: a coroutine for each starts it, waits for its end and starts anew. */
import { Coro } from "../../coroutine/coro.ts";
import { isError } from "../../base/describe.ts";
import type { Location } from "../../distributed/location.ts";
import { race } from "../../coroutine/race.ts";
import { call } from "../../operations/call.ts";
import { sleep } from "../../operations/sleep.ts";
import { type FromNode, SERVER_NAME, type ToServer } from "../protocol.ts";
import type { ServerLauncher, ServerProcess } from "./server_launcher.ts";

/** Seconds that a server may take to end its jobs and to clean up; then it is killed. */
const END_SECONDS = 10;
/** Seconds in which the coroutine of a server is found that is told to end. */
const FIND_SECONDS = 2;

/** What servers are started with. */
export interface NodeServersOptions {
  readonly launcher: ServerLauncher;
  readonly folder: string;
  readonly client: Location;
  /** What the names of servers begin with. */
  readonly prefix: string;
  /** Tells the client. */
  readonly tell: (message: FromNode) => void;
}

/** A place for a server, which may have one after the other. */
interface Place {
  readonly name: string;
  process: ServerProcess | null;
  /** Whether the server is to be followed by another. */
  again: boolean;
  /** Whether the end of the server was asked for. */
  wanted: boolean;
  coro: Coro | null;
}

/** See the head of this file. */
export class NodeServers {
  readonly #options: NodeServersOptions;
  readonly #places: Set<Place> = new Set();
  #started = 0;

  constructor(options: NodeServersOptions) {
    this.#options = options;
  }

  /** How many there are, those that are being started included. */
  get size(): number {
    return this.#places.size;
  }

  /** Starts one more. */
  start(): void {
    const name = `${this.#options.prefix}-${++this.#started}`;
    const place: Place = { name, process: null, again: false, wanted: false, coro: null };
    this.#places.add(place);
    // deno-lint-ignore no-this-alias
    const servers = this;
    place.coro = new Coro(function* server() {
      yield* servers.#run(place);
    });
    place.coro.setDaemon();
  }

  /** Kills one, which is followed by another. */
  restart(location: Location): void {
    const place = this.#find(location);
    if (place === undefined) return;
    place.again = place.wanted = true;
    place.process!.kill();
  }

  /** Ends one. */
  *end(location: Location): Generator<unknown, void, unknown> {
    const place = this.#find(location);
    if (place !== undefined) yield* this.#end(place);
  }

  /** Ends all of them, and waits until they have ended. */
  *endAll(): Generator<unknown, void, unknown> {
    const ending = [...this.#places].map((place) => {
      // deno-lint-ignore no-this-alias
      const servers = this;
      return new Coro(function* end_server() {
        yield* servers.#end(place);
      });
    });
    for (const coro of ending) yield* coro.finish();
  }

  #find(location: Location): Place | undefined {
    return [...this.#places].find(({ process }) => process !== null && process.location.equals(location));
  }

  *#run(place: Place): Generator<unknown, void, unknown> {
    let replaces: Location | null = null;
    try {
      do {
        place.again = place.wanted = false;
        place.process = yield* this.#launch(place, replaces);
        if (place.process === null) return;
        const location: Location = place.process.location;
        this.#options.tell({ kind: "server started", location, replaces });
        yield* place.process.ended();
        place.process = null;
        this.#options.tell({ kind: "server ended", location, wanted: place.wanted });
        replaces = location;
      } while (place.again);
    } finally {
      place.process?.kill();
      this.#places.delete(place);
    }
  }

  *#launch(place: Place, replaces: Location | null): Generator<unknown, ServerProcess | null, unknown> {
    const { launcher, folder, client, tell } = this.#options;
    try {
      return yield* launcher.launch({ folder, client, name: place.name });
    } catch (reason) {
      const error = isError(reason) ? reason : new Error(String(reason));
      tell({ kind: "server failed", error, replaces });
      return null;
    }
  }

  *#end(place: Place): Generator<unknown, void, unknown> {
    const { process, coro } = place;
    place.again = false;
    place.wanted = true;
    if (process === null) {
      coro!.terminate();
    } else {
      try {
        yield* race(coro!.finish(), call(askToEnd(process.location)));
      } finally {
        // It has ended, or it has not in time.
        process.kill();
      }
    }
    yield* coro!.finish();
  }
}

/** Tells a server to end, and gives it time for that. */
function* askToEnd(location: Location): Generator<unknown, void, unknown> {
  const server = yield* Coro.locate(SERVER_NAME, FIND_SECONDS, location);
  if (server === null) return;
  server.send({ kind: "end" } satisfies ToServer);
  yield* sleep(END_SECONDS);
}
