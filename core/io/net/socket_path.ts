/**
 * The path of a listener in the file system. It is removed when the listener is closed, unless another listener has
 * been bound to the path meanwhile.
 *
 * Deno also removes the path, whatever file is there, when an `accept` that was under way has ended. The socket of a
 * newer listener is protected from that by a second link, from which the path is restored.
 */

// The paths of listeners that were closed and whose path Deno has not removed yet.
const closingPaths = new Map<string, SocketPath>();

/** See the head of this file. */
export class SocketPath {
  readonly #path: string;
  readonly #identity: string | null;
  // The second link to the socket of a newer listener.
  #link: string | null = null;

  /** Called when a listener has just been bound to the path. */
  constructor(path: string) {
    this.#path = path;
    this.#identity = identityOf(path);
    closingPaths.get(path)?.protect();
  }

  /** Called before the listener is closed. */
  closing(): void {
    const now = identityOf(this.#path);
    if (now !== null && now === this.#identity) quietly(() => Deno.removeSync(this.#path));
    else if (now !== null) this.protect();
    closingPaths.set(this.#path, this);
  }

  /** Called after Deno has removed the path. */
  closed(): void {
    if (closingPaths.get(this.#path) === this) closingPaths.delete(this.#path);
    const link = this.#link;
    if (link === null) return;
    this.#link = null;
    if (identityOf(this.#path) === null) quietly(() => Deno.renameSync(link, this.#path));
    else quietly(() => Deno.removeSync(link));
  }

  /** Protects the socket of a newer listener at this path. */
  protect(): void {
    if (this.#link !== null) return;
    const link = `${this.#path}.${crypto.randomUUID().slice(0, 8)}`;
    quietly(() => {
      Deno.linkSync(this.#path, link);
      this.#link = link;
    });
  }
}

/** Identifies the file at a path; `null` if there is none. */
function identityOf(path: string): string | null {
  try {
    const { dev, ino } = Deno.lstatSync(path);
    return `${dev}:${ino}`;
  } catch {
    return null;
  }
}

/** Runs an action that may fail because a permission is missing or another program was quicker. */
function quietly(action: () => void): void {
  try {
    action();
  } catch {
    // Nothing can be done about it.
  }
}
