/** Requests to run an RCI of a peer. */
import type { Outcome } from "../../coroutine/errors.ts";
import { type Coro, Coro as CoroClass } from "../../coroutine/coro.ts";
import { MessageTooLargeError } from "../../io/errors.ts";
import { type LossReason, PeerLostError, PermissionError, ProtocolError } from "../errors.ts";
import type { OperationReader } from "../peers/operation_reader.ts";
import type { Peer } from "../peers/peer.ts";
import { RequestWait } from "../peers/request_wait.ts";
import type { PreparedRequest } from "../peers/requests.ts";
import { refusalOf } from "./refusal.ts";

/** What INVOKE asks for. */
export const Mode = {
  /** The coroutine, as soon as it is created. */
  RUN: 0,
  /** Its result, or the error that has ended it. */
  CALL: 1,
  /** The same, and whether it was terminated. */
  OUTCOME: 2,
} as const;

/** The first item of the answer to INVOKE. */
export const Invoked = {
  /** The coroutine was created, and follows. */
  CREATED: 0,
  /** It was created and has ended. Its result follows. */
  ENDED: 1,
  /** It was created and has failed. The error follows. */
  FAILED: 2,
  /** The RCI is not registered, or the peer may not run it. */
  DENIED: 3,
  /** The coroutine could not be created. The error follows. */
  REFUSED: 4,
  /** It was created and has been terminated. */
  TERMINATED: 5,
} as const;

/** What a request to run an RCI needs to know of it. */
export interface InvocationTarget {
  readonly name: string;
  readonly peer: Peer;
}

abstract class Invocation<T> extends RequestWait<T> {
  protected readonly target: InvocationTarget;

  constructor(target: InvocationTarget, request: PreparedRequest) {
    super(target.peer, request, Infinity);
    this.target = target;
  }

  override get waitsFor(): string {
    return `an answer of RCI '${this.target.name}' at ${this.peer}`;
  }

  protected override accept(answer: number, reader: OperationReader): void {
    if (answer === Invoked.DENIED) throw this.denied();
    const value = reader.value();
    if (answer === Invoked.REFUSED) throw refusalOf(value);
    this.took(answer, value);
  }

  /** Settles it with what has become of the coroutine. */
  protected abstract took(answer: number, value: unknown): void;

  protected unexpected(answer: number): ProtocolError {
    return new ProtocolError(`Peer ${this.peer} has not sent what was asked for, but an answer of kind ${answer}`);
  }

  protected override tooLarge(): void {
    const { name } = this.target;
    this.settleError(new MessageTooLargeError(`Arguments of RCI '${name}' are larger than ${this.peer} takes`));
  }

  protected override unreachable(reason: LossReason): void {
    this.settleError(new PeerLostError(this.peer.location, reason));
  }

  private denied(): PermissionError {
    return new PermissionError(
      `Cannot run RCI '${this.target.name}' at ${this.peer} as it is not registered there, or this peer may not run it`,
    );
  }
}

/** The operation of `run`. */
export class RemoteRun extends Invocation<Coro> {
  readonly label = "run";

  protected override took(answer: number, coro: unknown): void {
    if (answer !== Invoked.CREATED || !(coro instanceof CoroClass)) throw this.unexpected(answer);
    this.settle(coro);
  }

  /** The handle is not wanted any more. */
  override reclaim(): void {
    this.cancelRequest();
  }
}

/** The operation of `call`. */
export class RemoteCall extends Invocation<unknown> {
  readonly label = "call";
  #hasFailed = false;

  protected override took(answer: number, value: unknown): void {
    this.#hasFailed = answer === Invoked.FAILED;
    if (this.#hasFailed) this.settleError(value);
    else if (answer === Invoked.ENDED) this.settle(value);
    else throw this.unexpected(answer);
  }

  /** The peer has not reported the failure of the coroutine, as it expects the caller to take it. */
  override errorLost(error: unknown): null {
    const { owner } = this.fiber!;
    if (this.#hasFailed) owner.loop.reportError(error, owner);
    return null;
  }
}

/** The operation of `outcome`. */
export class RemoteOutcome extends Invocation<Outcome> {
  readonly label = "outcome";

  protected override took(answer: number, value: unknown): void {
    if (answer === Invoked.ENDED) this.settle({ kind: "return", value });
    else if (answer === Invoked.FAILED) this.settle({ kind: "throw", error: value });
    else if (answer === Invoked.TERMINATED) this.settle({ kind: "terminate" });
    else throw this.unexpected(answer);
  }
}
