import { FileTransferError, type PermissionError } from "../errors.ts";
import { Kind } from "../peers/operation_kind.ts";
import type { OperationWriter } from "../peers/operation_writer.ts";
import type { Peer } from "../peers/peer.ts";
import type { OpenRequest } from "../peers/requests.ts";
import { BlockQueue } from "./block_queue.ts";
import { Change } from "./change.ts";
import { type FileName, type FileRequest, WINDOW, writeAnswer } from "./file_request.ts";
import type { Chunks } from "./file_store.ts";

/** The bytes that are written at once. The window has several of it, so that more comes while they are written. */
const BLOCK_BYTES = WINDOW / 4;

/**
 * A request of a peer about a file, until it is answered or cancelled, and the chunks of the file on their way to the
 * disk.
 *
 * Invariant: no more than `WINDOW` bytes have arrived that are not confirmed as written; those that wait here are part of
 * them.
 */
export class IncomingFile implements OpenRequest, Chunks {
  /** Its number. */
  readonly number: number;
  /** What is asked for. */
  readonly request: FileName | FileRequest;
  private readonly peer: Peer;
  private readonly writer: OperationWriter;
  private readonly ended: (file: IncomingFile) => void;
  private readonly changed: Change;
  private blocks = new BlockQueue(0);
  /** The bytes that are wanted, that have arrived, and that are known to the peer to be written. */
  private size = 0;
  private arrived = 0;
  private confirmed = 0;
  private error: Error | null = null;
  private hasEnded = false;

  /** `ended` is called once, when it is answered or cancelled. */
  constructor(
    peer: Peer,
    writer: OperationWriter,
    number: number,
    request: FileName | FileRequest,
    ended: (file: IncomingFile) => void,
  ) {
    this.peer = peer;
    this.writer = writer;
    this.number = number;
    this.request = request;
    this.ended = ended;
    this.changed = new Change(`${peer} to send a file`);
  }

  /** A chunk has come, whose bytes are valid during the call. One that was not asked for ends the transfer. */
  take(offset: number, bytes: Uint8Array): void {
    if (this.error !== null) return;
    const end = offset + bytes.length;
    if (offset !== this.arrived || end > this.size || end - this.confirmed > WINDOW) {
      return this.fail(new FileTransferError("Cannot receive the file as the peer has sent what was not asked for"));
    }
    this.arrived = end;
    this.blocks.push(bytes);
    this.changed.tell();
  }

  /** The peer does not want an answer any more, or the session has ended. */
  cancelled(): void {
    this.end();
    this.fail(new FileTransferError("Cannot receive the file as the peer has given up"));
  }

  /** Answers the request, if it was not cancelled. */
  answer(answer: boolean | PermissionError | FileTransferError): void {
    if (this.hasEnded) return;
    this.end();
    this.peer.requests.removeOpen(this.number);
    writeAnswer(this.writer.begin(Kind.ANSWER).integer(this.number), answer);
    this.peer.post(this.writer);
  }

  // --- the chunks, for the store ------------------------------------------------------------------------------

  begin(size: number): void {
    if (this.error !== null) return;
    this.size = size;
    this.blocks = new BlockQueue(Math.min(BLOCK_BYTES, size));
    this.confirm(0);
  }

  *next(): Generator<unknown, Uint8Array, unknown> {
    for (;;) {
      this.check();
      const block = this.blocks.shift();
      if (block !== null) return block;
      yield* this.changed.wait();
    }
  }

  written(total: number): void {
    // Not each time: a frame costs as much as many bytes. The sender may send several blocks before it has to wait.
    const isEnough = total - this.confirmed >= BLOCK_BYTES || total === this.size;
    if (this.error === null && isEnough) this.confirm(total);
  }

  check(): void {
    if (this.error !== null) throw this.error;
  }

  private confirm(total: number): void {
    this.confirmed = total;
    this.peer.post(this.writer.begin(Kind.WRITTEN).integer(this.number).integer(total));
  }

  private fail(error: FileTransferError): void {
    this.error ??= error;
    this.blocks.clear();
    this.changed.tell();
  }

  private end(): void {
    this.hasEnded = true;
    this.ended(this);
  }
}
