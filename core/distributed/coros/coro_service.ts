/**
 * Coroutines across peers: messages to them, their ends, and requests to control them.
 *
 *     SEND     number of the coroutine, message
 *     DELIVER  request, number of the coroutine, message             answered with one of `Answer`
 *     ASK      request, number of the coroutine, asker, message      answered with one of `Answer`
 *     WATCH    number of the coroutine                               told once, by ENDED
 *     UNWATCH  number of the coroutine
 *     ENDED    number of the coroutine, one of `End`, whether it may be restarted, value or error
 *     MONITOR  number of the monitor, the coroutine to monitor
 *     CONTROL  number of the coroutine, one of `Control`, value
 *
 * Numbers are those of the export table of the side that the coroutine is on. A monitor is installed where the monitor
 * is; it watches the coroutine there, in this process or at another peer.
 */
import type { Outcome } from "../../coroutine/errors.ts";
import { runningCoro } from "../../coroutine/coro_of.ts";
import type { CoroLoop } from "../../coroutine/coro_loop.ts";
import { Coro } from "../../coroutine/coro.ts";
import { MessageTooLargeError } from "../../io/errors.ts";
import { isError } from "../../base/describe.ts";
import { BackpressureError, type LossReason, PeerLostError } from "../errors.ts";
import type { HandleType } from "../handle_types.ts";
import type { Permissions } from "../permissions.ts";
import { plainError } from "../plain_error.ts";
import { Kind } from "../peers/operation_kind.ts";
import type { OperationReader } from "../peers/operation_reader.ts";
import type { Peer } from "../peers/peer.ts";
import type { Peers } from "../peers/peers.ts";
import type { PreparedRequest } from "../peers/requests.ts";
import type { Service } from "../peers/service.ts";
import { Control } from "./control.ts";
import { CoroHandleType } from "./coro_handle_type.ts";
import { ExportTable } from "./export_table.ts";
import { HandleTable } from "./handle_table.ts";
import { type AnswerRequest, IncomingAsk, IncomingDelivery } from "./incoming.ts";
import type { RemoteCoro, RemoteCoroOwner } from "./remote_coro.ts";
import { Answer } from "./requests.ts";
import { Watch } from "./watch.ts";

/** How a coroutine ended, in ENDED. */
const End = { RETURNED: 0, FAILED: 1, TERMINATED: 2, UNKNOWN: 3 } as const;

/** What the service needs to know of the network. */
export interface CoroServiceOptions {
  readonly peers: Peers;
  readonly permissions: Permissions;
  /** Whether handles are never collected, for a simulation. */
  readonly holdsHandles: boolean;
  /** Has a coroutine of a peer subscribe to a channel, or unsubscribe. */
  readonly invitation: RemoteCoroOwner["invitation"];
  /** Whether a coroutine was created by an RCI of a peer. */
  readonly wasCreatedBy: (coro: Coro, peer: Peer) => boolean;
}

/** See the head of this file. */
export class CoroService implements Service, RemoteCoroOwner {
  /** How coroutines are sent. */
  readonly handleType: HandleType;
  /** The coroutines of this process that were given out. */
  readonly exports: ExportTable = new ExportTable();
  private readonly options: CoroServiceOptions;
  private readonly peers: Peers;
  private readonly handles: HandleTable;
  /** What peers watch, by the number of the coroutine. */
  private readonly watches: Map<Peer, Map<number, Watch>> = new Map();

  constructor(options: CoroServiceOptions) {
    this.options = options;
    this.peers = options.peers;
    this.handles = new HandleTable(this, (peer) => this.peers.release(peer), options.holdsHandles);
    this.handleType = new CoroHandleType(this.peers, this.exports, this.handles);
    const { SEND, DELIVER, ASK, WATCH, UNWATCH, ENDED, MONITOR, CONTROL } = Kind;
    this.peers.addService(this, SEND, DELIVER, ASK, WATCH, UNWATCH, ENDED, MONITOR, CONTROL);
  }

  get loop(): CoroLoop {
    return this.peers.loop;
  }

  get pending(): number {
    return this.handles.watchedCount;
  }

  needs(peer: Peer): boolean {
    return this.handles.has(peer);
  }

  // --- for handles ----------------------------------------------------------------------------------------------

  send(coro: RemoteCoro, message: unknown): boolean {
    const { peer } = coro;
    const { writer } = this.peers;
    writer.begin(Kind.SEND).integer(coro.id).message(message, peer.maxMessage);
    if (!coro.acceptsMessages) return false;
    if (!peer.hasRoom(writer.length)) {
      throw new BackpressureError(
        `Cannot send to ${coro} as too much waits to be acknowledged: use deliver(), which waits, or send less`,
      );
    }
    const ticket = peer.post(writer);
    if (!peer.isOnline) peer.whenTooLarge(ticket, () => this.peers.report(tooLarge(coro)));
    return true;
  }

  prepare(coro: RemoteCoro, kind: number, message: unknown): PreparedRequest {
    return coro.peer.prepare(kind, (writer) => {
      writer.integer(coro.id);
      if (kind === Kind.ASK) writer.value(this.isOwn(runningCoro()) ? runningCoro() : null);
      writer.message(message, coro.peer.maxMessage);
    });
  }

  control(coro: RemoteCoro, what: number, value: unknown): boolean {
    const { writer } = this.peers;
    writer.begin(Kind.CONTROL).integer(coro.id).integer(what)
      .message(value, coro.peer.maxMessage, what === Control.THROW ? "error" : "update");
    if (!coro.acceptsMessages) return false;
    coro.peer.post(writer);
    return true;
  }

  monitor(monitor: RemoteCoro, observed: Coro): boolean {
    const { writer } = this.peers;
    writer.begin(Kind.MONITOR).integer(monitor.id).value(observed, "observe");
    if (!monitor.acceptsMessages) return false;
    monitor.peer.post(writer);
    return true;
  }

  get invitation(): RemoteCoroOwner["invitation"] {
    return this.options.invitation;
  }

  watch(coro: RemoteCoro): void {
    if (this.handles.watch(coro)) coro.peer.post(this.peers.writer.begin(Kind.WATCH).integer(coro.id));
  }

  unwatch(coro: RemoteCoro): void {
    if (!this.handles.unwatch(coro) || !coro.peer.isReachable) return;
    coro.peer.post(this.peers.writer.begin(Kind.UNWATCH).integer(coro.id));
  }

  private isOwn(coro: Coro | null): boolean {
    return coro !== null && coro.loop === this.loop;
  }

  // --- from peers -----------------------------------------------------------------------------------------------

  received(peer: Peer, kind: number, reader: OperationReader): void {
    switch (kind) {
      case Kind.SEND:
        return this.receiveSend(peer, reader);
      case Kind.DELIVER:
      case Kind.ASK:
        return this.receiveRequest(peer, kind, reader);
      case Kind.WATCH:
        return this.receiveWatch(peer, reader.integer());
      case Kind.UNWATCH:
        return this.receiveUnwatch(peer, reader.integer());
      case Kind.ENDED:
        return this.receiveEnded(peer, reader);
      case Kind.MONITOR:
        return this.receiveMonitor(peer, reader);
      default:
        return this.receiveControl(peer, reader);
    }
  }

  private receiveSend(peer: Peer, reader: OperationReader): void {
    const coro = this.exports.find(reader.integer());
    const message = reader.value();
    if (coro !== undefined && this.allows(peer, "send", coro)) coro.send(message);
  }

  private receiveRequest(peer: Peer, kind: number, reader: OperationReader): void {
    const request = reader.integer();
    const answer = this.answerTo(peer, request);
    const coro = this.exports.find(reader.integer());
    try {
      const from = kind === Kind.ASK ? reader.value() : null;
      const message = reader.value();
      if (coro === undefined) return answer(Answer.ENDED);
      const { session } = peer;
      const allowed = this.allows(peer, "send", coro);
      // `allow` of the program may have ended the session: an answer would dial the peer again.
      if (peer.session !== session) return;
      if (!allowed) return answer(Answer.REFUSED);
      const incoming = kind === Kind.ASK
        ? new IncomingAsk(coro, message, from instanceof Coro ? from : null, answer)
        : new IncomingDelivery(coro, message, answer);
      peer.requests.addOpen(request, incoming);
      incoming.begin();
    } catch (error) {
      answer(Answer.REFUSED);
      throw error;
    }
  }

  private answerTo(peer: Peer, request: number): AnswerRequest {
    return (answer, value) => {
      peer.requests.removeOpen(request);
      const { writer } = this.peers;
      try {
        writer.begin(Kind.ANSWER).integer(request).integer(answer);
        if (answer === Answer.DONE || answer === Answer.FAILED) writer.message(value, peer.maxMessage, "value");
      } catch (error) {
        writer.begin(Kind.ANSWER).integer(request).integer(Answer.FAILED).value(plainError(error));
      }
      peer.post(writer);
    };
  }

  private receiveWatch(peer: Peer, number: number): void {
    const coro = this.exports.find(number);
    const { session } = peer;
    const isAllowed = coro !== undefined && this.allows(peer, "monitor", coro);
    // As in a request, `allow` may have ended the session.
    if (peer.session !== session) return;
    if (!isAllowed) {
      peer.post(this.peers.writer.begin(Kind.ENDED).integer(number).integer(End.UNKNOWN));
      return;
    }
    let watches = this.watches.get(peer);
    if (watches === undefined) this.watches.set(peer, watches = new Map());
    if (watches.has(number)) return;
    const watch = new Watch(coro, () => {
      watches.delete(number);
      this.tellEnd(peer, number, coro);
    });
    watches.set(number, watch);
    watch.begin();
  }

  private receiveUnwatch(peer: Peer, number: number): void {
    const watches = this.watches.get(peer);
    watches?.get(number)?.stop();
    watches?.delete(number);
  }

  private tellEnd(peer: Peer, number: number, coro: Coro): void {
    const { writer } = this.peers;
    const outcome = coro.outcome();
    const begin = (end: number) => writer.begin(Kind.ENDED).integer(number).integer(end).value(coro.acceptsMessages);
    const end = outcome.kind === "return" ? End.RETURNED : outcome.kind === "throw" ? End.FAILED : End.TERMINATED;
    try {
      begin(end).message(coro.last, peer.maxMessage, outcome.kind === "throw" ? "error" : "result");
    } catch (error) {
      // Of a coroutine that has returned nothing or was terminated, the value of its last yield need not be sendable.
      if (outcome.kind !== "throw" && coro.returned === undefined) begin(end).value(undefined);
      else begin(End.FAILED).value(plainError(error));
    }
    peer.post(writer);
  }

  private receiveEnded(peer: Peer, reader: OperationReader): void {
    const coro = this.handles.takeWatched(peer, reader.integer());
    const end = reader.integer();
    if (end === End.UNKNOWN) return coro?.gone();
    const mayBeRestarted = reader.value() === true;
    const value = valueOrError(reader);
    coro?.told(outcomeOf(value.failed ? End.FAILED : end, value.value), value.value, mayBeRestarted);
  }

  private receiveMonitor(peer: Peer, reader: OperationReader): void {
    const monitor = this.exports.find(reader.integer());
    const observed = reader.value();
    if (monitor === undefined || !(observed instanceof Coro)) return;
    if (this.allows(peer, "monitor", monitor)) observed.notify(monitor);
  }

  private receiveControl(peer: Peer, reader: OperationReader): void {
    const coro = this.exports.find(reader.integer());
    const what = reader.integer();
    const value = reader.value();
    if (coro === undefined || !this.allows(peer, "control", coro, this.options.wasCreatedBy(coro, peer))) return;
    if (what === Control.RESUME) coro.resume(value);
    else if (what === Control.THROW && isError(value)) coro.throw(value);
    else if (what === Control.TERMINATE && typeof value === "number") coro.terminate(value);
    else throw new TypeError(`Peer ${peer} has asked for what no coroutine does: it is ${what}`);
  }

  private allows(peer: Peer, action: "send" | "monitor" | "control", target: Coro, byDefault = true): boolean {
    const { permissions } = this.options;
    return (byDefault && permissions.areDefault) ||
      permissions.allows({ peer: peer.location, action, name: target.name, target }, byDefault);
  }

  // --- sessions -------------------------------------------------------------------------------------------------

  parted(peer: Peer, reason: LossReason): void {
    const watches = this.watches.get(peer);
    this.watches.delete(peer);
    for (const watch of watches?.values() ?? []) watch.stop();
    for (const coro of this.handles.of(peer)) {
      if (this.handles.unwatch(coro)) coro.parted(new PeerLostError(peer.location, reason));
      else coro.dropListeners();
    }
  }

  /** The network has been left. */
  stop(): void {
    this.exports.clear();
  }
}

function outcomeOf(end: number, value: unknown): Outcome {
  if (end === End.RETURNED) return { kind: "return", value };
  return end === End.FAILED ? { kind: "throw", error: value } : { kind: "terminate" };
}

/** Reads the value of an end. One that cannot be made again is an error. */
function valueOrError(reader: OperationReader): { value: unknown; failed: boolean } {
  try {
    return { value: reader.value(), failed: false };
  } catch (error) {
    return { value: error, failed: true };
  }
}

function tooLarge(coro: RemoteCoro): Error {
  return new MessageTooLargeError(`Message to ${coro} was not sent as it is larger than the peer takes`);
}
