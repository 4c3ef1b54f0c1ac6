interface Returned<T> {
  readonly item: T;
  readonly ticket: number;
}

/**
 * Items that were granted to gets which were cut short before they ran, at the head of a queue.
 *
 * They stand in the order in which they were granted, whichever came back first.
 */
export class ReturnedItems<T> {
  readonly #returned: Returned<T>[] = [];

  /** The number of items. */
  get length(): number {
    return this.#returned.length;
  }

  /** Adds an item; `ticket` is its number in the order of the grants. */
  add(item: T, ticket: number): void {
    let place = this.#returned.length;
    while (place > 0 && this.#returned[place - 1].ticket > ticket) place--;
    this.#returned.splice(place, 0, { item, ticket });
  }

  /** Removes and returns the first item. There is one. */
  shift(): T {
    return this.#returned.shift()!.item;
  }
}
