/**
 * The path of a listener in the file system: removed when the listener is closed, unless it is another one's by then.
 *
 * Deno removes the path too, whatever is there, and not before an `accept` that was under way has ended. What a newer
 * listener has put there gets a second name in the meantime, and its first name back.
 */

// Listeners that were closed and whose path Deno has not removed yet, by path.
const closing = new Map<string, SocketPath>();

/** See the head of this file. */
export class SocketPath {
  readonly #path: string;
  readonly #identity: string | null;
  // The second name of what somebody else has put there.
  #spare: string | null = null;

  /** A listener was bound to the path just now. */
  constructor(path: string) {
    this.#path = path;
    this.#identity = identityOf(path);
    closing.get(path)?.protect();
  }

  /** The listener is about to be closed. */
  begin(): void {
    const now = identityOf(this.#path);
    if (now !== null && now === this.#identity) quietly(() => Deno.removeSync(this.#path));
    else if (now !== null) this.protect();
    closing.set(this.#path, this);
  }

  /** Deno has removed the path. */
  end(): void {
    if (closing.get(this.#path) === this) closing.delete(this.#path);
    const spare = this.#spare;
    if (spare === null) return;
    this.#spare = null;
    if (identityOf(this.#path) === null) quietly(() => Deno.renameSync(spare, this.#path));
    else quietly(() => Deno.removeSync(spare));
  }

  /** What is at the path is somebody else's. */
  protect(): void {
    if (this.#spare !== null) return;
    const spare = `${this.#path}.${crypto.randomUUID().slice(0, 8)}`;
    quietly(() => {
      Deno.linkSync(this.#path, spare);
      this.#spare = spare;
    });
  }
}

/** Which file it is, or `null` if there is none. */
function identityOf(path: string): string | null {
  try {
    const { dev, ino } = Deno.lstatSync(path);
    return `${dev}:${ino}`;
  } catch {
    return null;
  }
}

/** Does what the program may lack the permission for, or what somebody else may just have done. */
function quietly(action: () => void): void {
  try {
    action();
  } catch {
    // See above.
  }
}
