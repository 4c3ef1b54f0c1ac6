/** Copies, compresses and compares the contents of files, piece by piece. */

const PIECE = 65_536;

/** Writes all bytes. A single write may write fewer. */
export async function writeAll(target: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await target.write(bytes.subarray(at));
}

/** Copies `source` from its current position to its end. */
export async function copy(source: Deno.FsFile, target: Deno.FsFile): Promise<void> {
  const piece = new Uint8Array(PIECE);
  for (let count; (count = await source.read(piece)) !== null;) await writeAll(target, piece.subarray(0, count));
}

/** The same without giving other code a turn. Returns whether there was anything to copy. */
export function copySync(source: Deno.FsFile, target: Deno.FsFile): boolean {
  const piece = new Uint8Array(PIECE);
  let any = false;
  for (let count; (count = source.readSync(piece)) !== null;) {
    any = true;
    for (let at = 0; at < count;) at += target.writeSync(piece.subarray(at, count));
  }
  return any;
}

/** Compresses `source` into `target`. */
export async function gzip(source: Deno.FsFile, target: Deno.FsFile): Promise<void> {
  const compressed = source.readable.pipeThrough<Uint8Array>(new CompressionStream("gzip"));
  for await (const piece of compressed) await writeAll(target, piece);
}

/** The contents of a compressed file. */
export function gunzip(source: Deno.FsFile): ReadableStream<Uint8Array> {
  return source.readable.pipeThrough<Uint8Array>(new DecompressionStream("gzip"));
}

/**
 * Whether `whole` is equal to `part`, begins with it, or is something else.
 *
 * If `part` fails at some point, such as compressed data whose writing was interrupted, the bytes before that point
 * count.
 */
export async function compare(
  part: ReadableStream<Uint8Array>,
  whole: Deno.FsFile,
): Promise<"equal" | "begins" | "different"> {
  try {
    for await (const piece of part) {
      for (let at = 0, count; at < piece.length; at += count) {
        const other = new Uint8Array(piece.length - at);
        count = await whole.read(other) ?? 0;
        if (count === 0 || !isSame(piece.subarray(at, at + count), other.subarray(0, count))) return "different";
      }
    }
  } catch (error) {
    // A DecompressionStream throws it for broken data.
    if (error instanceof TypeError) return "begins";
    throw error;
  }
  return await whole.read(new Uint8Array(1)) === null ? "equal" : "begins";
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.every((byte, index) => byte === other[index]);
}
