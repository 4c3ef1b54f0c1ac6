/**
 * Operations that were enqueued before the peer's limit for messages was known. Once it is, those that are too large
 * are refused, before any of them is written.
 */
export class OversizeCheck {
  private readonly tickets: number[] = [];
  private readonly sizes: number[] = [];

  /** Remembers the bytes of a message. */
  add(ticket: number, messageBytes: number): void {
    this.tickets.push(ticket);
    this.sizes.push(messageBytes);
  }

  /** Returns the tickets of the messages above the limit, and forgets all. */
  tooLarge(limit: number): number[] {
    const tickets = this.tickets.filter((_, i) => this.sizes[i] > limit);
    this.clear();
    return tickets;
  }

  /** Forgets all. */
  clear(): void {
    this.tickets.length = 0;
    this.sizes.length = 0;
  }
}
