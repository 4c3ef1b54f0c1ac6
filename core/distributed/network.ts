import { Coro } from "../coroutine/coro.ts";
import type { CoroLoop } from "../coroutine/coro_loop.ts";
import { runningCoro } from "../coroutine/coro_of.ts";
import type { PeerLocation } from "../coroutine/peer_location.ts";
import { addAliveListener, type AliveListener, removeAliveListener } from "../coroutine/alive_listeners.ts";
import { checkName } from "../coroutine/names.ts";
import { Scheduler } from "../coroutine/scheduler.ts";
import { describe } from "../base/describe.ts";
import { UnsupportedError } from "../base/errors.ts";
import { type Limit, limitSeconds } from "../base/limit.ts";
import type { Operation } from "../fiber/operation.ts";
import { ClosedWait } from "./closed_wait.ts";
import type { Discoverer } from "./discoverer.ts";
import { joinAs, OpenEngines } from "./joining.ts";
import { keepAlive } from "../host/timers.ts";
import { coreCount } from "../host/worker_threads.ts";
import { call } from "../operations/call.ts";
import { limited } from "../operations/limited.ts";
import { sleep } from "../operations/sleep.ts";
import { ChannelService } from "./channels/channel_service.ts";
import { CoroService } from "./coros/coro_service.ts";
import type { HandleTypes } from "./handle_types.ts";
import { simulationOf } from "./cryptography.ts";
import type { Engine } from "./engine.ts";
import { tcp } from "./engines/tcp.ts";
import { FileDirectory } from "./files/file_directory.ts";
import { Files } from "./files/files.ts";
import { inTime } from "./files/in_time.ts";
import { checkFileToDelete, checkFileToSend, type SendFileOptions, type SentFile } from "./files/send_file_options.ts";
import { Location } from "./location.ts";
import { LocationHandleType } from "./location_handle_type.ts";
import { SchedulerNames } from "./names/scheduler_names.ts";
import {
  type CheckedNetworkOptions,
  checkNetworkOptions,
  type NetworkOptions,
  sharedOptions,
} from "./network_options.ts";
import type { PeerMatch } from "./peers/peer_waits.ts";
import { PeerStatus, PeerStatusHandleType, StatusSubscribers } from "./peer_status.ts";
import type { Peers } from "./peers/peers.ts";
import { Permissions } from "./permissions.ts";
import { creatorOf } from "./rci/creators.ts";
import { RciService } from "./rci/rci_service.ts";
import { RelayService } from "./relay/relay_service.ts";
import { checkThreads, Threads } from "./threads/threads.ts";

/** How much a network is used. */
export interface NetworkStats {
  /** Peers that are connected. */
  readonly peers: number;
  /** Bytes that are not acknowledged. */
  readonly queuedBytes: number;
  /** Operations that were sent. */
  readonly sent: number;
  /** Operations that were received. */
  readonly received: number;
  /** How often an operation was sent again. */
  readonly resent: number;
  /** Operations that had been received before and were dropped. */
  readonly duplicates: number;
  /** Operations and handshakes that this side has refused. */
  readonly refused: number;
  /** Waits for peers. */
  readonly pending: number;
}

/** The networks that schedulers have joined. */
const networks: WeakMap<CoroLoop, Network> = new WeakMap();

/** Schedulers that are about to join. */
const joining: WeakSet<CoroLoop> = new WeakSet();

/**
 * A network that a scheduler has joined: its coroutines talk to those of the peers.
 *
 * From then on `Coro.locate` and `Channel.locate` look at all peers, messages may hold coroutines, channels and RCIs, and
 * what they become at the peers is used like those of this process. A network alone keeps no process alive: a server that
 * has nothing else to do waits in {@linkcode Network.closed}.
 *
 * @example
 * ```ts
 * import { Coro, run } from "@asyncoro/asyncoro";
 * import { Network } from "@asyncoro/asyncoro/distributed";
 * import { assertEquals } from "@std/assert";
 *
 * await run(function* () {
 *   const network = yield* Network.join({ name: "a", secret: "sixteen or more characters" });
 *   assertEquals(network.location.name, "a");
 *   assertEquals(network.peers(), []);
 *   // Nobody has this name, here or at a peer.
 *   assertEquals(yield* Coro.locate("printer", 0.01), null);
 *   yield* network.leave();
 * });
 * ```
 */
export class Network implements AliveListener {
  /** This joining. */
  readonly location: Location;
  /** @internal The other joinings. */
  readonly peerTable: Peers;
  /** @internal */
  readonly permissions: Permissions;
  /** @internal */
  readonly coros: CoroService;
  /** @internal */
  readonly channels: ChannelService;
  /** @internal */
  readonly names: SchedulerNames;
  readonly #rcis: RciService;
  /** @internal Links through other peers. */
  readonly relay: RelayService;
  /** @internal */
  readonly files: Files;
  readonly #loop: CoroLoop;
  readonly #engines: Engine[];
  readonly #options: CheckedNetworkOptions;
  readonly #isSimulated: boolean;
  readonly #subscribers: StatusSubscribers;
  readonly #closing: Set<ClosedWait> = new Set();
  readonly #endDiscovery: (() => void)[] = [];
  #threads: Threads | null = null;
  #caretaker: Coro | null = null;
  #releaseProcess: (() => void) | null = null;
  #hasLeft = false;

  /** @internal Networks are joined. */
  constructor(
    engines: Engine[],
    peers: Peers,
    handles: HandleTypes,
    options: CheckedNetworkOptions,
    directory: FileDirectory | null,
  ) {
    this.location = peers.location;
    this.#engines = engines;
    this.#options = options;
    this.#isSimulated = simulationOf(engines) !== undefined;
    this.#loop = peers.loop;
    this.peerTable = peers;
    this.permissions = new Permissions(options.allow, peers);
    const common = {
      peers,
      permissions: this.permissions,
      holdsHandles: this.#isSimulated,
    };
    this.channels = new ChannelService(common);
    this.coros = new CoroService({
      ...common,
      invitation: this.channels.requests.invitation.bind(this.channels.requests),
      wasCreatedBy: (coro, peer) => peer.location.equals(creatorOf(coro)),
    });
    handles.add(this.coros.handleType);
    handles.add(this.channels.handleType);
    handles.add(new LocationHandleType(peers));
    handles.add(new PeerStatusHandleType());
    this.names = new SchedulerNames(peers, this.permissions);
    this.relay = new RelayService(peers);
    this.#rcis = new RciService(common);
    handles.add(this.#rcis.handleType);
    this.#subscribers = new StatusSubscribers((error) => peers.report(error));
    peers.onStatus = (location, reason) => {
      this.#subscribers.tell(new PeerStatus(location, reason));
    };
    this.files = new Files(peers, this.permissions, directory);
  }

  /**
   * Joins a network, with the scheduler of the coroutine that yields this.
   *
   * @param options At the least a secret, which all peers know.
   * @throws {TypeError} If an option is not valid, or there is no secret.
   * @throws {RangeError} If an option is out of range, or the secret is too short.
   * @throws {Error} If the scheduler has joined a network, or an engine cannot be opened.
   */
  static join(options: NetworkOptions = {}): Operation<Network> {
    return call(join(options));
  }

  /**
   * The network that a scheduler has joined, or `null`.
   *
   * @param scheduler That of the running coroutine, or else the default one, if it is left out.
   */
  static of(scheduler: Scheduler = runningCoro()?.scheduler ?? Scheduler.instance()): Network | null {
    return networks.get(scheduler.loop) ?? null;
  }

  /**
   * Connects to a peer. Returns at once if it is connected.
   *
   * @param where Its location, its address, or what an engine takes for one, such as `"host:port"`.
   * @param limit How long to try; 10 seconds by default.
   * @throws {AuthenticationError} If the peer has another secret, or belongs to another network.
   * @throws {ProtocolError} If the peer speaks no version that this side speaks.
   * @throws {TypeError} If `where` is not valid, or no engine has its scheme.
   * @throws what the last attempt has thrown, when time is up.
   */
  peer(where: string | PeerLocation, limit: Limit = 10): Operation<Location> {
    const seconds = limitSeconds(limit, "connect");
    if (where instanceof Location || (typeof where === "string" && where !== "")) {
      this.#mustBeJoined("connect");
      return limited(call(this.#connect(where, seconds)), limit);
    }
    throw new TypeError(
      `Cannot connect as 'where' must be a Location or an address: current value is ${describe(where)}`,
    );
  }

  *#connect(where: string | Location, seconds: number): Generator<unknown, Location, unknown> {
    if (typeof where === "string") return yield* this.peerTable.connect(where, seconds);
    if (where.equals(this.location)) return this.location;
    return yield* this.peerTable.connect(where.addresses[0] ?? "", seconds, where.peerId);
  }

  /** The peers that are connected. */
  peers(): Location[] {
    return this.peerTable.online().map(({ location }) => location);
  }

  /**
   * Finds a connected peer by its name, waiting until there is one.
   *
   * @param peerName The name that it has given itself.
   * @param limit How long to wait at most; zero or less does not wait.
   * @returns Its location, or `null` after a timeout.
   * @throws {TypeError} If `peerName` is not a string or is empty, or `limit` is not a valid limit.
   */
  locate(peerName: string, limit?: Limit): Operation<Location | null> {
    checkName(peerName, "locate a peer");
    this.#mustBeJoined("locate a peer");
    const seconds = limitSeconds(limit, "locate a peer");
    const isThere: PeerMatch = (peer) => peer.isOnline && peer.location.name === peerName;
    return limited(this.peerTable.waits.wait(isThere, `a peer named '${peerName}'`, seconds), limit);
  }

  /**
   * Sends a coroutine a {@linkcode PeerStatus} for each peer that comes or goes from now on, and for those that are
   * connected at once.
   *
   * @param coro The coroutine.
   * @returns `false` if it has ended.
   * @throws {TypeError} If it is no coroutine.
   */
  peerStatus(coro: Coro): boolean {
    if (!(coro instanceof Coro)) {
      throw new TypeError(`Cannot tell of peers as 'coro' must be a coroutine: current value is ${describe(coro)}`);
    }
    this.#mustBeJoined("tell of peers");
    if (!this.#subscribers.add(coro)) return false;
    for (const { location } of this.peerTable.online()) coro.send(new PeerStatus(location, "joined"));
    return true;
  }

  /**
   * Says goodbye to a peer: both sides see that it has left. What was sent and is not acknowledged may be lost.
   *
   * @param location The peer.
   * @returns Whether it was connected.
   * @throws {TypeError} If `location` is not a Location.
   */
  closePeer(location: PeerLocation): boolean {
    checkLocation(location, "close a peer");
    return this.peerTable.close(location);
  }

  /**
   * Sends a file to a peer, which has to take files: see `files` in {@linkcode NetworkOptions}. It arrives as a whole or
   * not at all, with its mode and its time of modification. If the peer has the same file under that name, nothing is
   * sent. Messages to the peer go before the contents of files.
   *
   * When the wait is cut short, nothing stays at the peer, unless the file was complete already.
   *
   * @param location The peer.
   * @param path The file of this machine, or its `file:` URL.
   * @param options Its directory and name at the peer, whether to overwrite another one, and how long to wait at most.
   * @returns Where the file is at the peer, its size, and whether it was there already.
   * @throws {PermissionError} At the yield, if the peer takes no files or does not allow this one, or if the path at the
   * peer is absolute, has `..`, a separator in `name`, a backslash, a drive letter or a NUL, or leads out of the directory
   * by a symbolic link.
   * @throws {FileTransferError} At the yield, if another file is there and `overwrite` is not set, if the file is larger
   * than the peer takes, has changed while it was sent, or cannot be read here or written there.
   * @throws {PeerLostError} At the yield, if the peer is lost or has left.
   * @throws {TimeoutError} At the yield, when time is up.
   * @throws {TypeError} If an argument is of another type, or an option is unknown.
   * @throws {RangeError} If the path at the peer has more than 4096 characters.
   * @throws {UnsupportedError} If the runtime has no files.
   *
   * @example Here the peer is this scheduler itself
   * ```ts
   * import { run } from "@asyncoro/asyncoro";
   * import { Network } from "@asyncoro/asyncoro/distributed";
   * import { assertEquals } from "@std/assert";
   *
   * const home = await Deno.makeTempDir();
   * await Deno.writeTextFile(`${home}/results.csv`, "1,2,3");
   * await run(function* () {
   *   const network = yield* Network.join({ secret: null, files: { directory: `${home}/received` } });
   *   const peer = network.location;
   *   const { path } = yield* network.sendFile(peer, `${home}/results.csv`, { dir: "2026/may" });
   *   assertEquals(path, "2026/may/results.csv");
   *   assertEquals(yield* network.delFile(peer, path), true);
   *   yield* network.leave();
   * });
   * await Deno.remove(home, { recursive: true });
   * ```
   */
  sendFile(location: PeerLocation, path: string | URL, options: SendFileOptions = {}): Operation<SentFile> {
    checkLocation(location, "send a file");
    const file = checkFileToSend(path, options);
    this.#mustBeJoined("send a file");
    return inTime(file.limit, "send a file", this.files.client.send(location, file));
  }

  /**
   * Deletes a file in the directory for files of a peer, and the directories there that are empty then.
   *
   * @param location The peer.
   * @param path The path of the file relative to that directory, as {@linkcode Network.sendFile} returns it.
   * @param limit How long to wait at most.
   * @returns Whether the file was there.
   * @throws {PermissionError} At the yield, as in {@linkcode Network.sendFile}.
   * @throws {FileTransferError} At the yield, if it is something else than a file, or the peer cannot delete it.
   * @throws {PeerLostError} At the yield, if the peer is lost or has left.
   * @throws {TimeoutError} At the yield, when time is up.
   * @throws {TypeError} If an argument is of another type.
   * @throws {RangeError} If the path has more than 4096 characters.
   */
  delFile(location: PeerLocation, path: string, limit?: Limit): Operation<boolean> {
    checkLocation(location, "delete a file");
    checkFileToDelete(path);
    this.#mustBeJoined("delete a file");
    return inTime(limit, "delete a file", this.files.client.delete(location, path));
  }

  /**
   * Starts threads, each with a scheduler of its own that joins this network: they are peers, named `thread-1` and so on.
   *
   * A thread connects to this peer and then imports the module, whose top level may be async. It has the limits of this
   * network, but no `allow`. It reaches this peer and the other threads, and no peer of another process. A thread that
   * computes for long delays no other; like any peer, it is lost after `peerTimeout`. One that fails is lost at once.
   *
   * Threads keep no process alive. They end when this network is left: their `finally` blocks run, for a second at most.
   * In Deno they need permission to read the module.
   *
   * ```ts ignore
   * const threads = yield* network.startThreads(new URL("./worker.ts", import.meta.url));
   * const worker = yield* Coro.locate("worker", 1, threads[0]);
   * ```
   *
   * @param module The module that runs in each thread, with its default scheduler.
   * @param n How many threads; as many as the machine has cores by default.
   * @returns Where they are, once the top level of the module is done in all of them.
   * @throws {TypeError} If `module` is no URL, or `n` no number.
   * @throws {RangeError} If `n` is not a positive integer.
   * @throws {UnsupportedError} At the yield, if the runtime has no workers, this peer is a thread itself, or the package
   * is part of a bundle.
   * @throws what the top level of the module has thrown in a thread, at the yield. All these threads are ended then.
   */
  startThreads(module: URL, n: number = coreCount()): Operation<Location[]> {
    checkThreads(module, n);
    this.#mustBeJoined("start threads");
    return call(this.#startThreads(module, n));
  }

  *#startThreads(module: URL, count: number): Generator<unknown, Location[], unknown> {
    this.#mustBeJoined("start threads");
    if (this.#threads === null) {
      if (this.#engines.some(({ scheme }) => scheme === "thread")) {
        throw new UnsupportedError("Cannot start threads as this peer is a thread: start them where it was started");
      }
      this.#threads = new Threads(this.peerTable, this.#options, import.meta.url);
      yield* this.addEngine(this.#threads.engine);
    }
    return yield* this.#threads.start(module, count);
  }

  /** @internal Reaches peers, and is reached, by one more engine. The location of this peer stays as it is. */
  *addEngine(engine: Engine): Generator<unknown, void, unknown> {
    yield* engine.open((link) => this.peerTable.accept(link, engine));
    this.#engines.push(engine);
    this.peerTable.addEngine(engine);
  }

  /**
   * Waits until this network has been left.
   *
   * @param limit How long to wait at most.
   * @throws {TimeoutError} When time is up.
   */
  closed(limit?: Limit): Operation<void> {
    return limited(
      new ClosedWait(this.#closing, () => this.#hasLeft, limitSeconds(limit, "wait for the network")),
      limit,
    );
  }

  /**
   * Leaves the network: waits until all that was sent is acknowledged, then says goodbye and closes the engines.
   *
   * @param limit How long to wait for acknowledgements; 5 seconds by default. A signal that aborts ends the wait with its
   * reason; the network is not left then.
   */
  leave(limit: Limit = 5): Operation<void> {
    return limited(call(this.#leave(limitSeconds(limit, "leave"))), limit);
  }

  *#leave(seconds: number): Generator<unknown, void, unknown> {
    const end = this.#loop.now() + seconds;
    while (!this.#hasLeft && !this.peerTable.isSettled) {
      const left = end - this.#loop.now();
      if (left <= 0) break;
      yield* sleep(Math.min(left, 0.01));
    }
    this.#caretaker?.terminate();
    if (!this.#hasLeft) yield* this.closed();
    // What has been received of files that are not complete is being removed.
    while (this.files.server.isBusy && this.#loop.now() < end) yield* sleep(0.001);
  }

  /** How much it is used. */
  stats(): NetworkStats {
    const { peerTable } = this;
    return {
      peers: peerTable.online().length,
      queuedBytes: peerTable.queuedBytes,
      ...peerTable.traffic,
      refused: peerTable.refusedCount,
      pending: peerTable.pending,
    };
  }

  /** How it reads in messages. */
  toString(): string {
    return `Network ${this.location}`;
  }

  /** @internal How `console.log` shows it: nothing of the secret. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return String(this);
  }

  /**
   * @internal
   * Writes any frame into the link to a peer, for tests of what a hostile peer may do: a kind and a body, with or without
   * their length before them.
   */
  forge(location: Location): (frame: Uint8Array) => void {
    return (frame) => {
      const session = this.peerTable.find(location.id)?.session ?? null;
      if (session === null || !session.connected) {
        throw new Error(`Cannot forge a frame as no link to ${location} is open: connect first`);
      }
      const hasLength = frame.length > 4 &&
        new DataView(frame.buffer, frame.byteOffset).getUint32(0) === frame.length - 4;
      session.forge(hasLength ? frame.subarray(4) : frame);
    };
  }

  /** @internal How a peer joins that this one has started: with its limits, but without its secret. */
  get sharedOptions(): NetworkOptions {
    return sharedOptions(this.#options);
  }

  /** @internal Whether peers have to know a secret. */
  get hasSecret(): boolean {
    return this.#options.secret !== null;
  }

  /** @internal Keeps the process alive while the scheduler has coroutines that are not daemons: peers may wake them. */
  setAlive(alive: boolean): void {
    if (this.#isSimulated) return;
    if (alive) this.#releaseProcess ??= keepAlive();
    else {
      this.#releaseProcess?.();
      this.#releaseProcess = null;
    }
  }

  /** @internal Begins: from now on peers can be dialed. */
  begin(discoverers: readonly Discoverer[]): void {
    networks.set(this.#loop, this);
    this.names.join();
    this.#rcis.join();
    const caretaker = this.#takeCare.bind(this);
    this.peerTable.spawn("network", caretaker());
    addAliveListener(this.#loop, this);
    // With any exit function, the scheduler terminates its daemons at the end of the program: the caretaker says goodbye.
    if (!this.#loop.exitFunctions.any) this.#loop.exitFunctions.add(() => {}, 0);
    for (const discoverer of discoverers) {
      this.#endDiscovery.push(discoverer.begin((address, id) => this.peerTable.discovered(address, id)));
    }
  }

  /** Waits until the network is left or the scheduler is terminated, then says goodbye. */
  *#takeCare(): Generator<unknown, void, unknown> {
    this.#caretaker = runningCoro();
    try {
      while (!this.#hasLeft) yield* sleep(Infinity);
    } finally {
      yield* this.close();
    }
  }

  /** @internal Whether it has begun to wait for its end. Until then nothing but `close()` ends it. */
  get isCaredFor(): boolean {
    return this.#caretaker !== null;
  }

  /** @internal Leaves at once. */
  *close(): Generator<unknown, void, unknown> {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    for (const end of this.#endDiscovery) end();
    this.peerTable.stop();
    this.coros.stop();
    this.channels.stop();
    this.#subscribers.clear();
    this.#rcis.leave();
    this.names.leave();
    networks.delete(this.#loop);
    removeAliveListener(this.#loop, this);
    this.setAlive(false);
    if (this.#threads !== null) yield* this.#threads.end();
    for (const engine of this.#engines) yield* engine.close();
    for (const wait of this.#closing) wait.settle(undefined);
  }

  #mustBeJoined(action: string): void {
    if (this.#hasLeft) throw new Error(`Cannot ${action} as the network has been left: join again`);
  }
}

function checkLocation(location: PeerLocation, action: string): asserts location is Location {
  if (location instanceof Location) return;
  throw new TypeError(`Cannot ${action} as 'location' must be a Location: current value is ${describe(location)}`);
}

function* join(options: NetworkOptions): Generator<unknown, Network, unknown> {
  const reporter = runningCoro()!;
  const { loop } = reporter;
  const checked = checkNetworkOptions(options, () => [tcp()]);
  if (networks.has(loop) || joining.has(loop)) {
    throw new Error(`Cannot join as scheduler '${loop.scheduler}' has joined a network: leave it first`);
  }
  joining.add(loop);
  const engines = new OpenEngines();
  let network: Network | null = null;
  try {
    const directory = checked.files === null ? null : yield* FileDirectory.open(checked.files);
    yield* engines.open(checked.engines);
    const { peers, handles, discoverers } = joinAs(reporter, checked, engines);
    network = new Network(engines.all, peers, handles, checked, directory);
    network.begin(discoverers);
    engines.acceptWith(peers);
    while (!network.isCaredFor) yield;
    return network;
  } finally {
    joining.delete(loop);
    if (network === null) yield* engines.close();
    else if (!network.isCaredFor) yield* network.close();
  }
}
