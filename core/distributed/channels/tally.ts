/** A part of a tally that is counted elsewhere. */
export interface TallyPart {
  /** Nobody waits for the number any more: what can still be held back is held back. */
  abandon(): void;
}

/** Is told that so many coroutines more have got the message, and whether that were the last. */
export type TallyListener = (added: number, settled: boolean) => void;

/**
 * Counts the coroutines that get a message: those of this process, and those of the peers to which it is passed on, as
 * they tell.
 *
 * It is settled, once, when this side has begun it and every part has told that there will be no more.
 */
export class Tally {
  /** How many coroutines it knows of. */
  count = 0;
  private open = 1;
  private readonly parts: Set<TallyPart> = new Set();
  private readonly listeners: TallyListener[] = [];

  /** Whether there will be no more. */
  get isSettled(): boolean {
    return this.open === 0;
  }

  /** Adds what is told of changes. */
  listen(listener: TallyListener): void {
    this.listeners.push(listener);
  }

  /** Adds a part. */
  add(part: TallyPart): void {
    this.parts.add(part);
    this.open++;
  }

  /** This side has given the message to so many coroutines, and there will be no more parts. */
  begin(count: number): void {
    this.change(count, true);
  }

  /** A part has so many coroutines more. `last`: it will tell no more. */
  tell(part: TallyPart, count: number, last: boolean): void {
    if (last) this.parts.delete(part);
    this.change(count, last);
  }

  /** Nobody waits for the number any more. */
  abandon(): void {
    for (const part of [...this.parts]) part.abandon();
  }

  private change(added: number, closes: boolean): void {
    this.count += added;
    if (closes) this.open--;
    for (const listener of this.listeners) listener(added, this.open === 0);
  }
}
