/** The files of a computation: what they are called in the folder of the job, and how they are sent to a node. */
import { describe } from "../../base/describe.ts";
import type { Coro } from "../../coroutine/coro.ts";
import { disk } from "../../distributed/files/disk.ts";
import { denoWith } from "../../host/capability.ts";
import type { ToNode } from "../protocol.ts";

/** Bytes of a piece: below the shortest limit for messages that makes sense, and long enough that asking costs little. */
const PIECE = 256 * 1024;
/** Seconds in which a node must have written a piece. */
const PIECE_SECONDS = 60;

/** A file that a computation needs. */
export interface JobFile {
  /** Its name in the folder. */
  readonly name: string;
  /** Where it is here. */
  readonly path: string | URL;
}

/**
 * Checks the files.
 *
 * @throws {TypeError} If one is neither a path nor a URL, or two have the same base name.
 */
export function checkFiles(files: unknown): readonly JobFile[] {
  if (files === undefined) return [];
  if (!Array.isArray(files)) throw wrong("'files' must be an array of paths and URLs", files);
  const names = new Set<string>();
  return files.map((file: unknown) => {
    const path = asPath(file);
    const name = baseName(path);
    if (names.has(name)) throw wrong(`two of 'files' have the base name '${name}'`, file);
    names.add(name);
    return { name, path };
  });
}

/** The base name of a path or URL. */
export function baseName(path: string | URL): string {
  const text = path instanceof URL ? decodeURIComponent(path.pathname) : path;
  return text.slice(Math.max(text.lastIndexOf("/"), text.lastIndexOf("\\")) + 1);
}

function asPath(file: unknown): string | URL {
  const path = typeof file === "string" && /^(?:file|https?):/.test(file) ? new URL(file) : file;
  const isPath = typeof path === "string" || path instanceof URL;
  if (!isPath || baseName(path) === "") throw wrong("each of 'files' must be a path or a URL of a file", file);
  if (path instanceof URL && !/^(?:file|https?):$/.test(path.protocol)) {
    throw wrong("a URL in 'files' must begin with file:, http: or https:", file);
  }
  return path;
}

function wrong(reason: string, value: unknown): TypeError {
  return new TypeError(`Cannot make a computation as ${reason}: current value is ${describe(value)}`);
}

/** Looks whether the files of this machine can be read. Throws what the host throws if one cannot. */
export function* checkReadable(files: readonly JobFile[]): Generator<unknown, void, unknown> {
  for (const { path } of files) {
    if (path instanceof URL && path.protocol !== "file:") continue;
    const deno = denoWith("open", "send a file");
    yield* disk(async () => (await deno.open(path)).close());
  }
}

/** Sends a file to a node, in pieces, each of which is written before the next one is read. */
export function* sendFile(tenancy: Coro, { name, path }: JobFile): Generator<unknown, void, unknown> {
  const source = yield* disk(() => openStream(path), (stream) => void stream.cancel());
  const reader = source.getReader();
  try {
    for (;;) {
      const { value } = yield* disk(() => reader.read());
      const bytes = value ?? new Uint8Array(0);
      for (let from = 0; from === 0 || from < bytes.length; from += PIECE) {
        const piece = bytes.subarray(from, from + PIECE);
        const message: ToNode = { kind: "file", name, bytes: piece, last: value === undefined };
        yield* tenancy.ask(message, PIECE_SECONDS);
      }
      if (value === undefined) return;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

async function openStream(path: string | URL): Promise<ReadableStream<Uint8Array>> {
  if (path instanceof URL && path.protocol !== "file:") {
    const response = await fetch(path);
    if (response.ok && response.body !== null) return response.body;
    await response.body?.cancel();
    throw new Error(`Cannot read ${path}: ${response.status} ${response.statusText}`);
  }
  return (await denoWith("open", "send a file").open(path)).readable;
}
