/** The requests to one peer that have not been answered, and those of the peer that have not. */
import type { PeerLostError } from "../errors.ts";
import type { OperationReader } from "./operation_reader.ts";

/** A request that was written, with a copy of its message. */
export interface PreparedRequest {
  /** The operation. */
  readonly operation: Uint8Array;
  /** The bytes of the message in it. */
  readonly messageBytes: number;
  /** The number of the request. */
  readonly number: number;
}

/** A request that waits for its answer. */
export interface PendingRequest {
  /** Whether nobody waits for the answer; it is of interest all the same. */
  readonly quiet?: boolean;
  /** The answer has come; it can be read. The request is not pending any more. */
  answered(reader: OperationReader): void;
  /** A part of the answer has come. */
  progressed?(reader: OperationReader): void;
  /** No answer will come, as the session has ended. The request is not pending any more. */
  parted(error: PeerLostError): void;
}

/** A request of the peer that this side has not answered. */
export interface OpenRequest {
  /** The peer does not want the answer any more, or the session has ended. The request is not open any more. */
  cancelled(): void;
}

/** See the head of this file. */
export class Requests {
  private readonly pending: Map<number, PendingRequest> = new Map();
  private readonly open: Map<number, OpenRequest> = new Map();
  private last = 0;

  /** How many requests somebody waits for. */
  get size(): number {
    let count = 0;
    for (const { quiet } of this.pending.values()) if (quiet !== true) count++;
    return count;
  }

  /** Whether there are none, of either side. */
  get isEmpty(): boolean {
    return this.pending.size === 0 && this.open.size === 0;
  }

  /** Adds a request of this side. Returns its number. */
  add(request: PendingRequest): number {
    const number = this.reserve();
    this.register(number, request);
    return number;
  }

  /** A number for a request that is written before it is sent. */
  reserve(): number {
    return ++this.last;
  }

  /** Adds a request whose number was reserved. */
  register(number: number, request: PendingRequest): void {
    this.pending.set(number, request);
  }

  /** A request of this side that waits for its answer. */
  find(number: number): PendingRequest | undefined {
    return this.pending.get(number);
  }

  /** Removes a request of this side: its answer, if it comes, is ignored. */
  remove(number: number): void {
    this.pending.delete(number);
  }

  /** The answer to a request has come. */
  answer(number: number, reader: OperationReader): void {
    const request = this.pending.get(number);
    this.pending.delete(number);
    request?.answered(reader);
  }

  /** A part of the answer to a request has come. */
  progress(number: number, reader: OperationReader): void {
    this.pending.get(number)?.progressed?.(reader);
  }

  /** Adds a request of the peer, which may cancel it. One of the same number, which no honest peer makes, ends. */
  addOpen(number: number, request: OpenRequest): void {
    const earlier = this.open.get(number);
    this.open.set(number, request);
    if (earlier !== request) earlier?.cancelled();
  }

  /** Removes a request of the peer: it has been answered. */
  removeOpen(number: number): void {
    this.open.delete(number);
  }

  /** The peer has cancelled a request. */
  cancel(number: number): void {
    const request = this.open.get(number);
    this.open.delete(number);
    request?.cancelled();
  }

  /** The session has ended: settles all. */
  part(error: PeerLostError): void {
    const [pending, open] = [[...this.pending.values()], [...this.open.values()]];
    this.pending.clear();
    this.open.clear();
    for (const request of pending) request.parted(error);
    for (const request of open) request.cancelled();
  }
}
