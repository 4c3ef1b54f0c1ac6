/** Starts each server as a process of its own: `deno run` without permissions, linked by its standard streams. */
import { UnsupportedError } from "../../base/errors.ts";
import { race } from "../../coroutine/race.ts";
import { denoWith } from "../../host/capability.ts";
import type { Operation } from "../../fiber/operation.ts";
import type { Network } from "../../distributed/network.ts";
import { Location } from "../../distributed/location.ts";
import type { PeerMatch } from "../../distributed/peers/peer_waits.ts";
import { relayedAddress, relayIdOf } from "../../distributed/relay/relayed_address.ts";
import { call } from "../../operations/call.ts";
import { until } from "../../operations/until.ts";
import { withTimeout } from "../../operations/with_timeout.ts";
import type { ServerParameters } from "../server/parameters.ts";
import { type LineSink, stderrSink } from "./forward_lines.ts";
import { Guardian } from "./guardian.ts";
import { importMap, readPackageConfig } from "./import_map.ts";
import { permissionFlags, type ServerPermissions } from "./permissions.ts";
import { ServerChild } from "./server_child.ts";
import { ServerEngine } from "./server_engine.ts";
import type { ServerLauncher, ServerProcess, ServerStart } from "./server_launcher.ts";

/** The program of a server. */
const PROGRAM = new URL("../server/server_main.ts", import.meta.url).href;

/** Seconds that a server may take to start and to join. */
const START_SECONDS = 60;

/** What depends on the program that runs the node. */
export interface LauncherOptions {
  /** What servers may do. */
  readonly permissions: ServerPermissions;
  /** Where the lines go that servers write to their standard error; that of this process by default. */
  readonly sink?: LineSink;
}

/** Networks keep their engines: one is enough for all nodes that there are, one after the other. */
const engines: WeakMap<Network, ServerEngine> = new WeakMap();

/** See the head of this file. */
export class ProcessLauncher implements ServerLauncher {
  readonly #network: Network;
  readonly #engine: ServerEngine;
  readonly #guardian: Guardian;
  readonly #importMap: string;
  readonly #permissions: ServerPermissions;
  readonly #sink: LineSink;
  /** The servers that were started. Another one may have the same name. */
  readonly #known: WeakSet<Location> = new WeakSet();

  private constructor(
    network: Network,
    engine: ServerEngine,
    importMap: string,
    { permissions, sink = stderrSink }: LauncherOptions,
  ) {
    this.#network = network;
    this.#engine = engine;
    this.#importMap = importMap;
    this.#permissions = permissions;
    this.#sink = sink;
    this.#guardian = Guardian.start();
  }

  /** Makes one for a network, which gets an engine more. */
  static *create(network: Network, options: LauncherOptions): Generator<unknown, ProcessLauncher, unknown> {
    // A compiled program is no `deno run`, and would run itself.
    if (denoWith("Command", "start a node").build.standalone) {
      throw new UnsupportedError("Cannot start a node in a program that was compiled: run it with deno run");
    }
    const config = yield* until(readPackageConfig());
    if (!PROGRAM.startsWith("file:")) yield* until(cacheProgram());
    const engine = engines.get(network) ?? new ServerEngine();
    if (!engines.has(network)) yield* network.addEngine(engine);
    engines.set(network, engine);
    network.relay.isRelay = true;
    return new ProcessLauncher(network, engine, importMap(config), options);
  }

  launch(start: ServerStart): Operation<ServerProcess> {
    return call(this.#launch(start));
  }

  *#launch(start: ServerStart): Generator<unknown, ServerProcess, unknown> {
    // Deno compares paths as the system knows them.
    const folder = yield* until(Deno.realPath(start.folder));
    const child = new ServerChild(this.#argumentsFor({ ...start, folder }), folder, start.name, this.#sink);
    this.#guardian.add(child.pid, folder);
    child.ended.then(() => this.#guardian.delete(child.pid));
    let location: Location | null = null;
    try {
      const joined = yield* withTimeout(START_SECONDS, race(this.#join(child, start.name), until(child.ended)));
      if (!(joined instanceof Location)) {
        child.conn.close();
        const end = yield* until(child.describeEnd());
        throw new Error(`Cannot start server '${start.name}' as its process has ended ${end}`);
      }
      this.#known.add(location = joined);
      return { location, ended: () => ended(child), kill: () => child.kill() };
    } finally {
      if (location === null) {
        child.conn.close();
        yield* until(child.ended);
      }
    }
  }

  /** Connects to a server once it is up: its handshake has to be quick, its start may take long on a busy machine. */
  *#join(child: ServerChild, name: string): Generator<unknown, Location | null, unknown> {
    if (!(yield* until(child.conn.hasSpoken()))) return null;
    this.#engine.accept(child.conn, name);
    const { location: own, peerTable } = this.#network;
    const isIt: PeerMatch = ({ isOnline, location }) =>
      isOnline && location.name === name && relayIdOf(location.addresses[0] ?? "") === own.id &&
      !this.#known.has(location);
    return yield* peerTable.waits.wait(isIt, `server '${name}'`);
  }

  /** Ends what is not a server. */
  close(): Operation<void> {
    return until(() => this.#guardian.close());
  }

  #argumentsFor({ folder, client, name }: ServerStart): string[] {
    const { location: own, sharedOptions } = this.#network;
    const parameters: ServerParameters = {
      name,
      address: relayedAddress(own.address, own.id),
      folder: folderUrl(folder),
      client: { id: client.id, name: client.name, addresses: client.addresses },
      options: sharedOptions,
    };
    return [
      "run",
      "--quiet",
      "--no-config",
      "--no-lock",
      "--no-check",
      `--import-map=${this.#importMap}`,
      ...permissionFlags(this.#permissions, folder),
      PROGRAM,
      JSON.stringify(parameters),
    ];
  }
}

function ended(child: ServerChild): Operation<void> {
  return until(child.ended.then(() => {}));
}

/** The URL of a folder, with a slash at its end. */
function folderUrl(path: string): string {
  const url = new URL("file:///");
  url.pathname = `${path.replaceAll("%", "%25").replaceAll("\\", "/")}/`;
  return url.href;
}

/** Loads what a server needs of the package into Deno's cache: servers load nothing from elsewhere. */
async function cacheProgram(): Promise<void> {
  const args = ["cache", "--quiet", "--no-config", "--no-lock", PROGRAM];
  const { success, stderr } = await new Deno.Command(Deno.execPath(), { args, stdout: "null" }).output();
  if (success) return;
  const reason = new TextDecoder().decode(stderr).trim();
  throw new Error(`Cannot start a node as the program of servers cannot be loaded: ${reason}`);
}
