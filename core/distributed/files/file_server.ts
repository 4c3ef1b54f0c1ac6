/**
 * Does what peers ask for about files.
 *
 * Coroutines of this scheduler serve a peer's requests, `MAX_REQUESTS` at the most at a time, so no peer is in the way of
 * the others. One that has been cancelled still removes what it has written, and counts until then.
 */
import { describe } from "../../base/describe.ts";
import { FileTransferError, PermissionError } from "../errors.ts";
import type { Location } from "../location.ts";
import type { OperationReader } from "../peers/operation_reader.ts";
import type { Peer } from "../peers/peer.ts";
import type { Peers } from "../peers/peers.ts";
import type { Permissions } from "../permissions.ts";
import { type FileName, type FileRequest, MAX_REQUESTS, readRequest } from "./file_request.ts";
import type { Chunks, FileStore } from "./file_store.ts";
import { Inbox } from "./inbox.ts";
import { IncomingFile } from "./incoming_file.ts";
import { type RelativePath, relativePath } from "./relative_path.ts";

/** See the head of this file. */
export class FileServer {
  private readonly peers: Peers;
  private readonly permissions: Permissions;
  private readonly store: FileStore | null;
  private readonly inboxes: WeakMap<Peer, Inbox> = new WeakMap();
  private servers = 0;

  /** `store` is `null` if no files are taken. */
  constructor(peers: Peers, permissions: Permissions, store: FileStore | null) {
    this.peers = peers;
    this.permissions = permissions;
    this.store = store;
  }

  /** Whether a request is being served. */
  get isBusy(): boolean {
    return this.servers > 0;
  }

  /**
   * Receives a file.
   *
   * @returns Whether it was there.
   * @throws {PermissionError} If it is not allowed.
   * @throws {FileTransferError} If it has failed.
   */
  receive(from: Location, request: FileRequest, chunks: Chunks): Generator<unknown, boolean, unknown> {
    return this.serve(from, request, (store, path) => store.receive(request, path, chunks));
  }

  /** Deletes a file: the same. */
  delete(from: Location, request: FileName): Generator<unknown, boolean, unknown> {
    return this.serve(from, request, (store, path) => store.delete(path));
  }

  /** A request has come. */
  takeRequest(peer: Peer, reader: OperationReader): void {
    const number = reader.integer();
    const request = readRequest(reader);
    const inbox = this.inboxOf(peer);
    // A peer that does not keep to the protocol gets no answer.
    if (inbox.find(number) !== undefined || inbox.size >= MAX_REQUESTS) {
      this.peers.refusedOperations++;
      return;
    }
    const file = new IncomingFile(peer, this.peers.writer, number, request, (file) => inbox.remove(file));
    inbox.add(file);
    peer.requests.addOpen(number, file);
    if (inbox.servers < MAX_REQUESTS) this.startServer(peer, inbox);
  }

  /** A chunk has come. It may be too late: its transfer has failed or been cancelled. */
  takeChunk(peer: Peer, reader: OperationReader): void {
    const file = this.inboxes.get(peer)?.find(reader.integer());
    file?.take(reader.integer(), reader.view());
  }

  /** Checks a request and does it. */
  private *serve(
    from: Location,
    request: FileName,
    work: (store: FileStore, path: RelativePath) => Generator<unknown, boolean, unknown>,
  ): Generator<unknown, boolean, unknown> {
    const path = this.admit(from, request);
    try {
      return yield* work(this.store!, path);
    } catch (error) {
      throw this.counted(error);
    }
  }

  private inboxOf(peer: Peer): Inbox {
    let inbox = this.inboxes.get(peer);
    if (inbox === undefined) this.inboxes.set(peer, inbox = new Inbox());
    return inbox;
  }

  private startServer(peer: Peer, inbox: Inbox): void {
    inbox.servers++;
    this.servers++;
    this.peers.spawn(`files of ${peer}`, this.serveAll(peer, inbox), () => {
      inbox.servers--;
      this.servers--;
    });
  }

  private *serveAll(peer: Peer, inbox: Inbox): Generator<unknown, void, unknown> {
    for (let file; (file = inbox.next()) !== null;) yield* this.answer(peer, file);
  }

  private *answer(peer: Peer, file: IncomingFile): Generator<unknown, void, unknown> {
    let answer: boolean | Error = new FileTransferError("Cannot receive the file as the scheduler ends");
    try {
      const { location } = peer;
      const { request } = file;
      answer = yield* "size" in request ? this.receive(location, request, file) : this.delete(location, request);
    } catch (error) {
      answer = this.answerFor(error);
    } finally {
      file.answer(answer);
    }
  }

  private answerFor(error: unknown): PermissionError | FileTransferError {
    if (error instanceof PermissionError) return new PermissionError(this.shown(error));
    if (error instanceof FileTransferError) return new FileTransferError(this.shown(error));
    this.peers.report(error);
    return new FileTransferError("Cannot receive the file as the receiver has failed: it has reported the error");
  }

  /** The peer need not know where the directory is. */
  private shown({ message }: Error): string {
    return this.store?.withoutRoot(message) ?? message;
  }

  private admit(from: Location, { dir, name }: FileName): RelativePath {
    const path = this.check(dir, name);
    if (this.permissions.allows({ peer: from, action: "file", name: path.text })) return path;
    throw new PermissionError(`Cannot use the file ${describe(path.text)} of the peer as it does not allow that`);
  }

  private check(dir: string, name: string): RelativePath {
    try {
      if (this.store !== null) return relativePath(dir, name);
      throw new PermissionError("Cannot use files of the peer as it takes none: it has to join with 'files'");
    } catch (error) {
      throw this.counted(error);
    }
  }

  private counted(error: unknown): unknown {
    if (error instanceof PermissionError) this.peers.refusedOperations++;
    return error;
  }
}
