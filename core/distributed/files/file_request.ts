/**
 * What peers say to each other about files.
 *
 *     FILE      request: number, SEND, dir, name, size, hash, 1 to overwrite, mode + 1, time of modification + 1
 *               request: number, DELETE, dir, name
 *     WRITTEN   number of the request, bytes that are written. The first one, of 0, asks for chunks
 *     CHUNK     number of the request, offset, bytes
 *     answer    DONE, 1 if the file was there: it is unchanged, or it was deleted
 *               DENIED or FAILED, a message
 *
 * The mode is that of Unix, the time in milliseconds since 1970, 0 for one that is not known.
 *
 * Invariants: chunks come in order, without gaps, after they were asked for; no more than `WINDOW` bytes are sent that are
 * not known to be written. A peer has at most `MAX_REQUESTS` that are not answered; the others wait where they are made.
 */
import { DecodeError } from "../cbor/decode_error.ts";
import { FileTransferError, PermissionError } from "../errors.ts";
import type { OperationReader } from "../peers/operation_reader.ts";
import type { OperationWriter } from "../peers/operation_writer.ts";
import { HASH_BYTES } from "./sha256.ts";

/** The bytes of one chunk: an operation of this size is taken by every peer, and fits into one frame of most engines. */
export const CHUNK_BYTES = 60 * 1024;
/** The bytes of one file that may be sent and not written. */
export const WINDOW = 1024 * 1024;
/** How many requests about files a peer may have that are not answered. */
export const MAX_REQUESTS = 8;

const SEND = 0;
const DELETE = 1;
const DONE = 0;
const DENIED = 1;
const FAILED = 2;
/** The latest time that a `Date` has. */
const LATEST = 8.64e15;
/** The characters that a message of a peer may have. */
const MAX_TEXT = 2000;

/** Where a file is to be, or is: not checked. */
export interface FileName {
  readonly dir: string;
  readonly name: string;
}

/** A file that is to be sent. */
export interface FileRequest extends FileName {
  readonly size: number;
  readonly hash: Uint8Array;
  readonly overwrite: boolean;
  readonly mode: number | null;
  readonly modified: Date | null;
}

/** Writes the items of a request, after its number. `size` is in requests to send only. */
export function writeRequest(writer: OperationWriter, request: FileName | FileRequest): void {
  const isSend = "size" in request;
  writer.integer(isSend ? SEND : DELETE).value(request.dir).value(request.name);
  if (!isSend) return;
  const { size, hash, overwrite, mode, modified } = request;
  writer.integer(size).bytes(hash).integer(overwrite ? 1 : 0);
  writer.integer(mode === null ? 0 : mode + 1);
  writer.integer(modified === null ? 0 : Math.max(0, modified.getTime()) + 1);
}

/** Reads them. */
export function readRequest(reader: OperationReader): FileName | FileRequest {
  const action = reader.integer();
  const [dir, name] = [reader.text(), reader.text()];
  if (action === DELETE) return { dir, name };
  if (action !== SEND) throw new DecodeError(`Cannot read a request about a file as its action is unknown: ${action}`);
  const [size, hash, overwrite] = [reader.integer(), reader.bytes(), reader.integer() === 1];
  if (hash.length !== HASH_BYTES) throw new DecodeError("Cannot read a request about a file as its hash is no hash");
  const [mode, modified] = [reader.integer(), reader.integer()];
  return {
    dir,
    name,
    size,
    hash,
    overwrite,
    mode: mode === 0 ? null : mode - 1,
    modified: modified === 0 ? null : new Date(Math.min(modified - 1, LATEST)),
  };
}

/** Writes an answer, after the number of its request: whether the file was there, or the error. */
export function writeAnswer(writer: OperationWriter, answer: boolean | PermissionError | FileTransferError): void {
  if (typeof answer === "boolean") writer.integer(DONE).integer(answer ? 1 : 0);
  else writer.integer(answer instanceof PermissionError ? DENIED : FAILED).value(answer.message.slice(0, MAX_TEXT));
}

/** Reads it. */
export function readAnswer(reader: OperationReader): boolean | PermissionError | FileTransferError {
  const status = reader.integer();
  if (status === DONE) return reader.integer() === 1;
  return status === DENIED ? new PermissionError(reader.text()) : new FileTransferError(reader.text());
}
