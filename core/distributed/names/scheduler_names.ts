/**
 * The names of a scheduler that has joined a network, and the questions of peers for them.
 *
 * When the scheduler joins, the names that its coroutines have among those of the process move here, with those of its
 * channels, and every `locate` of its coroutines that waits goes on here: it asks peers from then on. When it leaves, they
 * move back. A name that another scheduler of the process has taken meanwhile is lost; what had it lives on without. A
 * `locate` at a location fails, as nothing could end it any more.
 */
import { describe } from "../../base/describe.ts";
import { countNames, Locate, type NamesOwner, type OwnNames, type Registry } from "../../coroutine/names.ts";
import { outside } from "../../coroutine/names_owner.ts";
import { isDefault } from "../../coroutine/scheduler.ts";
import { ProtocolError } from "../errors.ts";
import { Kind } from "../peers/operation_kind.ts";
import type { OperationReader } from "../peers/operation_reader.ts";
import type { Peer } from "../peers/peer.ts";
import type { Peers } from "../peers/peers.ts";
import type { Service } from "../peers/service.ts";
import type { Permissions } from "../permissions.ts";
import { Finding } from "./finding.ts";
import { NAME_KINDS, type NameKind } from "./name_kind.ts";
import { NetworkRegistry } from "./network_registry.ts";
import type { Search, SearchHost } from "./search.ts";

/** See the head of this file. */
export class SchedulerNames implements OwnNames, Service, SearchHost {
  readonly peers: Peers;
  readonly searches: Set<Search<object>> = new Set();
  private readonly permissions: Permissions;
  private readonly registries: Map<Registry<object>, NetworkRegistry<object>> = new Map();

  constructor(peers: Peers, permissions: Permissions) {
    this.peers = peers;
    this.permissions = permissions;
    for (const kind of NAME_KINDS) this.registries.set(kind.shared, new NetworkRegistry(kind, this));
    peers.addService(this, Kind.FIND);
  }

  of<T extends object>(shared: Registry<T>): Registry<T> {
    return this.registries.get(shared as unknown as Registry<object>) as unknown as Registry<T>;
  }

  // --- joining and leaving ------------------------------------------------------------------------------------

  /** The scheduler has joined the network. */
  join(): void {
    const { loop } = this.peers;
    loop.names = this;
    if (isDefault(loop.scheduler)) outside.names = this;
    for (const kind of NAME_KINDS) {
      this.takeEntries(kind);
      this.takeWaiting(kind.shared);
    }
  }

  private takeEntries({ shared, ownerOf }: NameKind<object>): void {
    const own = this.registries.get(shared)!;
    for (const [name, entry] of [...shared.entries]) {
      if (ownerOf?.(entry).names !== this) continue;
      shared.unregister(name, entry);
      own.register(name, entry);
    }
  }

  private takeWaiting(shared: Registry<object>): void {
    const own = this.registries.get(shared)!;
    for (const queue of [...shared.waiting.values()]) {
      for (let waiter = queue.head; waiter !== null;) {
        const next = waiter.nextWaiter as typeof waiter | null;
        if (waiter instanceof Locate && namesOf(waiter) === this) {
          shared.stopWaiting(waiter);
          own.adopt(waiter);
        }
        waiter = next;
      }
    }
  }

  /** The scheduler has left the network. The sessions have ended. */
  leave(): void {
    this.peers.loop.names = null;
    if (outside.names === this) outside.names = null;
    for (const [shared, own] of this.registries) {
      const waiting = own.release();
      for (const [name, entry] of [...own.entries]) {
        own.unregister(name, entry);
        shared.register(name, entry);
      }
      for (const locate of waiting) waitElsewhere(locate, shared);
    }
  }

  /** How many searches there are, and how much waits here for a name, questions of peers included. */
  statistics(): { readonly searches: number; readonly waiting: number } {
    let waiting = 0;
    for (const registry of this.registries.values()) waiting += countNames(registry).waiting;
    return { searches: this.searches.size, waiting };
  }

  // --- the service --------------------------------------------------------------------------------------------

  received(peer: Peer, _kind: number, reader: OperationReader): void {
    const number = reader.integer();
    const kind = reader.value();
    const name = reader.value();
    const registry = [...this.registries.values()].find((registry) => registry.kind === kind);
    if (registry === undefined || typeof name !== "string") {
      throw new ProtocolError(`Peer ${peer} has asked for something of unknown kind: it is ${describe(kind)}`);
    }
    new Finding(peer, number, name, registry, this.peers, this.permissions).begin();
  }

  met(peer: Peer): void {
    for (const search of [...this.searches]) search.met(peer);
  }

  needs(peer: Peer): boolean {
    for (const search of this.searches) if (search.needs(peer)) return true;
    return false;
  }
}

function namesOf(locate: Locate<object>): OwnNames | null {
  return (locate.fiber!.owner.loop as unknown as NamesOwner).names;
}

/** Has a `locate` wait for a name of the process. */
function waitElsewhere(locate: Locate<object>, shared: Registry<object>): void {
  if (locate.location !== null) {
    return locate.reject(
      new Error(`Cannot locate ${shared.kind} '${locate.name}' at ${locate.location} as the network has been left`),
    );
  }
  locate.registry = shared;
  const entry = shared.find(locate.name);
  if (entry === null) shared.wait(locate);
  else locate.resolve(entry);
}
