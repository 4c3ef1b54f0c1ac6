/**
 * RCIs across peers: coroutine functions that peers run.
 *
 *     INVOKE  request, one of `Mode`, number of the RCI, array of arguments      answered with one of `Invoked`
 *
 * Numbers are those of the side that the RCI is on. A request is answered once the coroutine is created, or once it has
 * ended; it stays open until then, so a peer that cancels it ends the coroutine.
 */
import type { Coro } from "../../coroutine/coro.ts";
import type { CoroLoop } from "../../coroutine/coro_loop.ts";
import { describe } from "../../base/describe.ts";
import { PermissionError, ProtocolError } from "../errors.ts";
import type { HandleType } from "../handle_types.ts";
import type { Location } from "../location.ts";
import { plainError } from "../plain_error.ts";
import { Kind } from "../peers/operation_kind.ts";
import type { OperationReader } from "../peers/operation_reader.ts";
import type { OperationWriter } from "../peers/operation_writer.ts";
import type { Peer } from "../peers/peer.ts";
import type { Peers } from "../peers/peers.ts";
import type { PreparedRequest } from "../peers/requests.ts";
import type { Service } from "../peers/service.ts";
import { WeakHandles } from "../peers/weak_handles.ts";
import type { Permissions } from "../permissions.ts";
import { Created } from "./created.ts";
import { setCreator } from "./creators.ts";
import { Invoked, Mode } from "./invocations.ts";
import { LocalRci } from "./local_rci.ts";
import { type RCI, rciNames } from "./rci.ts";
import { RciExports } from "./rci_exports.ts";
import { RciHandleType } from "./rci_handle_type.ts";
import { type RciHost, rciHosts } from "./rci_side.ts";
import type { Invoker, RemoteRci } from "./remote_rci.ts";

/** What the service needs to know of the network. */
export interface RciServiceOptions {
  readonly peers: Peers;
  readonly permissions: Permissions;
  /** Whether handles are never collected, for a simulation. */
  readonly holdsHandles: boolean;
}

/** An RCI that a peer may run. */
interface Invocable {
  readonly rci: RCI;
  readonly side: LocalRci;
}

/** See the head of this file. */
export class RciService implements Service, RciHost, Invoker {
  /** How RCIs are sent. */
  readonly handleType: HandleType;
  private readonly options: RciServiceOptions;
  private readonly peers: Peers;
  private readonly exports: RciExports = new RciExports();
  private readonly handles: WeakHandles<RCI>;

  constructor(options: RciServiceOptions) {
    this.options = options;
    this.peers = options.peers;
    this.handles = new WeakHandles((peer) => this.peers.release(peer), options.holdsHandles);
    this.handleType = new RciHandleType(this.peers, this.exports, this.handles, this);
    this.peers.addService(this, Kind.INVOKE);
  }

  get loop(): CoroLoop {
    return this.peers.loop;
  }

  get location(): Location {
    return this.peers.location;
  }

  /** The network has been joined: RCIs can be registered. */
  join(): void {
    rciHosts.set(this.loop, this);
  }

  /** The network is being left: no RCI is registered any more. The names must still be those of the network. */
  leave(): void {
    rciHosts.delete(this.loop);
    for (const rci of [...rciNames.at(this.loop).entries.values()]) rci.unregister();
  }

  needs(peer: Peer): boolean {
    return this.handles.has(peer);
  }

  // --- to peers -------------------------------------------------------------------------------------------------

  prepare(rci: RemoteRci, mode: number, args: readonly unknown[]): PreparedRequest {
    return rci.peer.prepare(Kind.INVOKE, (writer) => {
      writer.integer(mode).integer(rci.number).message(args, rci.peer.maxMessage, "args");
    });
  }

  // --- from peers -----------------------------------------------------------------------------------------------

  received(peer: Peer, _kind: number, reader: OperationReader): void {
    const request = reader.integer();
    const mode = reader.integer();
    const invocable = this.find(reader.integer());
    const { session } = peer;
    let args: unknown;
    try {
      args = reader.value();
      if (!Array.isArray(args)) throw new ProtocolError(`Peer ${peer} has sent arguments that are ${describe(args)}`);
    } catch (error) {
      this.answer(peer, request, Invoked.REFUSED, error);
      throw error;
    }
    if (invocable === null) {
      this.peers.refusedOperations++;
      return this.answer(peer, request, Invoked.DENIED);
    }
    const allowed = this.allows(peer, invocable.rci);
    // `allow` of the program may have ended the session.
    if (peer.session !== session) return;
    if (!allowed) return this.answer(peer, request, Invoked.DENIED);
    this.invoke(peer, request, mode, invocable.side, args as unknown[]);
  }

  private find(number: number): Invocable | null {
    const rci = this.exports.find(number);
    const side = rci?.side;
    return side instanceof LocalRci && side.registration?.host === this ? { rci: rci!, side } : null;
  }

  private allows(peer: Peer, rci: RCI): boolean {
    return this.options.permissions.allows({ peer: peer.location, action: "invoke", name: rci.name, target: rci });
  }

  private invoke(peer: Peer, request: number, mode: number, rci: LocalRci, args: unknown[]): void {
    const { session } = peer;
    const orphans = rci.registration?.orphans ?? "terminate";
    let coro: Coro;
    try {
      coro = rci.create(args);
    } catch (error) {
      if (error instanceof PermissionError) return this.answer(peer, request, Invoked.DENIED);
      return this.answer(peer, request, Invoked.REFUSED, error);
    }
    setCreator(coro, peer.location);
    const created = new Created(coro, peer, session, request, orphans);
    // A default value of a parameter is code of the program, which may have ended the session.
    if (peer.session !== session) return created.cancelled();
    if (mode === Mode.RUN) this.answer(peer, request, Invoked.CREATED, coro);
    else created.onOutcome(() => this.tellOutcome(peer, request, mode, coro));
  }

  private tellOutcome(peer: Peer, request: number, mode: number, coro: Coro): void {
    const outcome = coro.outcome();
    if (outcome.kind === "terminate" && mode === Mode.OUTCOME) return this.answer(peer, request, Invoked.TERMINATED);
    if (outcome.kind === "throw") return this.answer(peer, request, Invoked.FAILED, outcome.error);
    try {
      this.write(peer, request, Invoked.ENDED, coro.last);
    } catch (error) {
      // Of a function that returns nothing, the value of its last yield need not be sendable.
      if (coro.returned === undefined) this.write(peer, request, Invoked.ENDED, undefined);
      else this.begin(request, Invoked.FAILED).value(plainError(error));
    }
    peer.post(this.peers.writer);
  }

  private answer(peer: Peer, request: number, what: number, value?: unknown): void {
    try {
      this.write(peer, request, what, value);
    } catch (error) {
      this.begin(request, what).value(plainError(error));
    }
    peer.post(this.peers.writer);
  }

  private write(peer: Peer, request: number, what: number, value: unknown): void {
    this.begin(request, what).message(value, peer.maxMessage, "result");
  }

  private begin(request: number, what: number): OperationWriter {
    return this.peers.writer.begin(Kind.ANSWER).integer(request).integer(what);
  }
}
