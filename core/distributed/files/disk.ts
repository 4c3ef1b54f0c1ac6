/**
 * What is done with the disk, as operations. An error of the host becomes a `FileTransferError` here, where it arises, so
 * that nothing above catches errors that a coroutine is thrown.
 */
import type { WaitingFiber } from "../../fiber/context.ts";
import type { Operation } from "../../fiber/operation.ts";
import { HostCall } from "../../io/wait/host_call.ts";
import { FileTransferError } from "../errors.ts";

/**
 * Calls the host.
 *
 * @param start Makes the call.
 * @param discard Disposes of a result that comes when nothing waits for it any more.
 * @throws {FileTransferError} At the yield, with the message of the host's error, which is its cause.
 */
export function disk<T>(start: () => Promise<T>, discard?: (value: T) => void): Operation<T> {
  return new DiskCall<T>({
    label: "disk",
    waitsFor: "the disk",
    start: async () => {
      try {
        return await start();
      } catch (cause) {
        throw diskError(cause);
      }
    },
    discard,
  }, null);
}

/** A call of the host that is counted once more, so that in a simulation time stands still for it. */
class DiskCall<T> extends HostCall<T> {
  protected override count(fiber: WaitingFiber): void {
    super.count(fiber);
    fiber.loop.diskWaits++;
  }

  protected override uncount(): boolean {
    const loop = this.countedBy;
    if (!super.uncount()) return false;
    loop!.diskWaits--;
    return true;
  }
}

function diskError(cause: unknown): FileTransferError {
  if (cause instanceof FileTransferError) return cause;
  return new FileTransferError(cause instanceof Error ? cause.message : String(cause), { cause });
}

/** Opens a file. */
export function openFile(path: string | URL, options: Deno.OpenOptions): Operation<Deno.FsFile> {
  return disk(() => Deno.open(path, options), (file) => file.close());
}

/** What is at a path, which is not followed if it is a symbolic link. `null`: nothing. */
export function lookAt(path: string): Operation<Deno.FileInfo | null> {
  return disk(() => Deno.lstat(path).catch(nullIfMissing));
}

/** Removes what is at a path, if anything is. Returns whether something was. */
export function removePath(path: string): Operation<boolean> {
  return disk(() => Deno.remove(path).then(() => true, (error) => nullIfMissing(error) ?? false));
}

/** Makes a directory. Returns `false` if something is there. */
export function makeDirectory(path: string): Operation<boolean> {
  return disk(() =>
    Deno.mkdir(path).then(() => true, (error) => {
      if (error instanceof Deno.errors.AlreadyExists) return false;
      throw error;
    })
  );
}

/** Writes all bytes. */
export async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) written += await file.write(bytes.subarray(written));
}

/** `null` for the error that there is nothing at a path. Throws any other. */
export function nullIfMissing(error: unknown): null {
  const { NotFound, NotADirectory } = Deno.errors;
  if (error instanceof NotFound || error instanceof NotADirectory) return null;
  throw error;
}
