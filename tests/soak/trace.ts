/**
 * What happened, as one number: two runs with the same seed have the same one in virtual time. It takes no memory,
 * however long the run.
 */
export class Trace {
  /** Events so far. */
  events = 0;
  #hash = 0x811c9dc5;
  /** Notes an event. */
  add(kind: string, detail: number, seconds: number): void {
    this.events++;
    for (let i = 0; i < kind.length; i++) this.#mix(kind.charCodeAt(i));
    this.#mix(detail);
    this.#mix(Math.round(seconds * 1e6));
  }

  #mix(value: number): void {
    this.#hash = Math.imul(this.#hash ^ value, 0x01000193);
    this.#hash ^= this.#hash >>> 15;
  }

  /** The number. */
  get digest(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, "0");
  }
}
