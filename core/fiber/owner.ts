/** The coroutine that a fiber belongs to, as far as fibers and operations need to know it. */
export interface Owner {
  /** Identifies it in its scheduler. */
  readonly id: number;
  /** Whether the process may end while it lives. */
  readonly daemon: boolean;
  /** Its priority level, 0 (first) to 7. */
  readonly priority: number;
  /** The run loop of its scheduler. */
  readonly loop: OwnerLoop;
  /** Its name, as messages show it. */
  toString(): string;
}

/** The part of the run loop of coroutines that operations use. */
export interface OwnerLoop {
  /** Whether misuse is looked for. */
  readonly debug: boolean;
  /** Reports an error that reached no code of the program. */
  reportError(error: unknown, owner: Owner): void;
  /**
   * The coroutine began a wait that may be part of a deadlock, or one of several that it waits for has ended: the search
   * for deadlocks starts from it.
   */
  noteBlocked(owner: Owner): void;
}
