/**
 * Sends files to peers, and deletes files there.
 *
 * A peer serves `MAX_REQUESTS` at a time, so no more are made of one peer: the others wait here for their turn.
 */
import { Semaphore } from "../../sync/semaphore.ts";
import { PeerLostError } from "../errors.ts";
import type { Location } from "../location.ts";
import type { OperationReader } from "../peers/operation_reader.ts";
import type { Peer } from "../peers/peer.ts";
import type { Peers } from "../peers/peers.ts";
import { FileCall } from "./file_call.ts";
import { type FileName, type FileRequest, MAX_REQUESTS } from "./file_request.ts";
import type { FileServer } from "./file_server.ts";
import type { Chunks } from "./file_store.ts";
import { relativePath, splitPath } from "./relative_path.ts";
import type { FileToSend, SentFile } from "./send_file_options.ts";
import { SourceFile } from "./source_file.ts";

/** See the head of this file. */
export class FileClient {
  private readonly peers: Peers;
  private readonly server: FileServer;
  private readonly turns: WeakMap<Peer, Semaphore> = new WeakMap();

  /** `server` does what this scheduler asks of itself. */
  constructor(peers: Peers, server: FileServer) {
    this.peers = peers;
    this.server = server;
  }

  /** Sends a file: see `Network.sendFile`. */
  *send(location: Location, { source: path, dir, name, overwrite }: FileToSend): Generator<unknown, SentFile, unknown> {
    using at = yield* this.reach(location);
    using source = yield* SourceFile.open(path);
    const { size, mode, modified } = source;
    const request = { dir, name, size, hash: yield* source.hash(), overwrite, mode, modified };
    const unchanged = yield* at.peer === null
      ? this.server.receive(location, request, new OwnChunks(source))
      : this.sendTo(at.peer, request, source);
    return { path: relativePath(dir, name).text, bytes: size, unchanged };
  }

  /** Deletes a file: see `Network.delFile`. */
  *delete(location: Location, path: string): Generator<unknown, boolean, unknown> {
    using at = yield* this.reach(location);
    const request = splitPath(path);
    if (at.peer === null) return yield* this.server.delete(location, request);
    using call = this.call(at.peer, request);
    return yield* call.result();
  }

  /** A peer has written a part of a file. */
  takeWritten(peer: Peer, reader: OperationReader): void {
    const call = peer.requests.find(reader.integer());
    if (call instanceof FileCall) call.written(reader.integer());
  }

  private *sendTo(peer: Peer, request: FileRequest, source: SourceFile): Generator<unknown, boolean, unknown> {
    using call = this.call(peer, request);
    let goesOn = yield* call.isWanted();
    while (goesOn && !source.atEnd) goesOn = yield* call.send(yield* source.read());
    return yield* call.result();
  }

  private call(peer: Peer, request: FileName | FileRequest): FileCall {
    if (!peer.isReachable) throw new PeerLostError(peer.location, peer.lastLoss ?? "left");
    return new FileCall(peer, this.peers.writer, request);
  }

  /** Waits for a turn with a peer, until it is disposed of. `peer` is `null` for this scheduler itself. */
  private *reach(location: Location): Generator<unknown, Disposable & { readonly peer: Peer | null }, unknown> {
    if (location.equals(this.peers.location)) return { peer: null, [Symbol.dispose]: () => {} };
    const peer = this.peers.peerAt(location);
    let turns = this.turns.get(peer);
    if (turns === undefined) this.turns.set(peer, turns = new Semaphore(MAX_REQUESTS, "files"));
    const turn = yield* turns.hold();
    const dispose = (): void => {
      turn[Symbol.dispose]();
      this.peers.release(peer);
    };
    return { peer, [Symbol.dispose]: dispose };
  }
}

/** The contents of a file of this machine. */
class OwnChunks implements Chunks {
  readonly #source: SourceFile;

  constructor(source: SourceFile) {
    this.#source = source;
  }

  begin(): void {}

  next(): Generator<unknown, Uint8Array, unknown> {
    return this.#source.read();
  }

  written(): void {}

  check(): void {}
}
