/**
 * A hash of all events: in virtual time, two runs with the same seed have the same one. It takes constant memory.
 */
export class Trace {
  /** The number of events so far. */
  events = 0;
  #hash = 0x811c9dc5;
  /** Adds an event. */
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

  /** The hash. */
  get digest(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, "0");
  }
}
