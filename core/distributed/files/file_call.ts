import { FileTransferError, type PeerLostError, type PermissionError } from "../errors.ts";
import type { OperationReader } from "../peers/operation_reader.ts";
import type { OperationWriter } from "../peers/operation_writer.ts";
import { Kind } from "../peers/operation_kind.ts";
import type { Peer } from "../peers/peer.ts";
import type { PendingRequest } from "../peers/requests.ts";
import { Change } from "./change.ts";
import { CHUNK_BYTES, type FileName, type FileRequest, readAnswer, WINDOW, writeRequest } from "./file_request.ts";

/** A request about a file, from when it is sent until it is answered or given up: `using call = new FileCall(...)`. */
export class FileCall implements PendingRequest, Disposable {
  /** Its number. */
  readonly number: number;
  private readonly peer: Peer;
  private readonly writer: OperationWriter;
  private readonly ticket: number;
  private readonly changed: Change;
  private answer: boolean | PermissionError | FileTransferError | PeerLostError | null = null;
  private sent = 0;
  /** What the peer has written; -1: it has not asked for the file. */
  private confirmed = -1;

  /** Sends the request. */
  constructor(peer: Peer, writer: OperationWriter, request: FileName | FileRequest) {
    this.peer = peer;
    this.writer = writer;
    this.changed = new Change(`${peer} to answer about a file`);
    this.number = peer.requests.add(this);
    writeRequest(writer.begin(Kind.FILE).integer(this.number), request);
    this.ticket = peer.post(writer);
  }

  /** Waits until the peer asks for the file. Returns `false` if it has answered instead. */
  *isWanted(): Generator<unknown, boolean, unknown> {
    while (this.answer === null && this.confirmed < 0) yield* this.changed.wait();
    return this.answer === null;
  }

  /**
   * Sends what comes next of the file, while messages go before it: waits for the peer to write what was sent.
   *
   * @returns `false` if the peer has answered.
   */
  *send(bytes: Uint8Array): Generator<unknown, boolean, unknown> {
    for (let start = 0; start < bytes.length; start += CHUNK_BYTES) {
      const chunk = bytes.subarray(start, start + CHUNK_BYTES);
      while (this.answer === null && this.sent + chunk.length - this.confirmed > WINDOW) yield* this.changed.wait();
      if (this.answer !== null) return false;
      this.writer.begin(Kind.CHUNK).integer(this.number).integer(this.sent).bytes(chunk);
      this.peer.postBackground(this.writer);
      this.sent += chunk.length;
    }
    return true;
  }

  /**
   * Waits for the answer: whether the file was there.
   *
   * @throws {PermissionError} The peer does not allow it.
   * @throws {FileTransferError} It has failed there.
   * @throws {PeerLostError} The peer is lost or has left.
   */
  *result(): Generator<unknown, boolean, unknown> {
    while (this.answer === null) yield* this.changed.wait();
    if (typeof this.answer !== "boolean") throw this.answer;
    return this.answer;
  }

  /** Cancels the request if it was not answered. */
  [Symbol.dispose](): void {
    if (this.answer !== null) return;
    this.peer.requests.remove(this.number);
    if (!this.peer.withdraw(this.ticket)) this.peer.cancel(this.number);
  }

  /** The peer has written so many bytes. */
  written(total: number): void {
    // Whatever a peer says: no more is sent ahead than it should be.
    this.confirmed = Math.max(this.confirmed, Math.min(total, this.sent));
    this.changed.tell();
  }

  answered(reader: OperationReader): void {
    // Also if the answer cannot be read, nothing is left to wait for.
    this.answer = new FileTransferError(`Cannot read the answer of ${this.peer} about a file`);
    try {
      this.answer = readAnswer(reader);
    } finally {
      this.changed.tell();
    }
  }

  parted(error: PeerLostError): void {
    this.answer = error;
    this.changed.tell();
  }
}
