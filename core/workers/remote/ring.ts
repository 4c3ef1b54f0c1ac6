/**
 * A ring of words in shared memory, through which one thread sends values to another without messages.
 *
 * The class is sent to the worker as source, so it refers only to itself and to JavaScript's own globals.
 *
 *     control[head]  how many words were written so far (mod 2^32); set by the writer
 *     control[tail]  how many words were read so far (mod 2^32); set by the reader
 *     words          a power of two of them; word `n` is at index `n & mask`
 *
 * Words become visible with `publish()`, and their room is free again with `release()`, each by one atomic store, which
 * orders everything before it. A value is a tag and its payload:
 *
 *     0 undefined   1 null   2 false   3 true   4 integer (1 word)   5 number (2 words)
 *     6 string (its length, then two UTF-16 units a word)   7 a value that travels by message port (1 word)
 *
 * Small tasks have mostly small primitive values. All others travel by a message port, from which they are read at once
 * when the ring says so. Measured (Deno 2.9.6, one worker, empty tasks, same run, tasks a second with 1 / 100 in
 * flight):
 *
 *     one postMessage a task and result                      18,000 /    70,000
 *     one postMessage a task, results drained from a port    20,000 /   110,000
 *     one postMessage a macrotask, results likewise          30,000 /   900,000
 *     this ring, the worker in Atomics.wait                 120,000 / 5,000,000
 *
 * Besides, a result in the ring has left the worker before the next task begins. If that loops or crashes, no earlier
 * result is lost, as would be with a batch of results.
 */
export class Ring {
  /** The next word to write or to read. */
  at = 0;
  readonly #control: Int32Array;
  readonly #words: Int32Array;
  readonly #head: number;
  readonly #tail: number;
  readonly #mask: number;
  readonly #number: Float64Array = new Float64Array(1);
  readonly #halves: Int32Array = new Int32Array(this.#number.buffer);

  /** `head` and `tail` are indices in `control`. */
  constructor(control: Int32Array, words: Int32Array, head: number, tail: number) {
    this.#control = control;
    this.#words = words;
    this.#head = head;
    this.#tail = tail;
    this.#mask = words.length - 1;
  }

  /** How many words a value takes; 0 if it cannot be in the ring. */
  static sizeOf(value: unknown): number {
    switch (typeof value) {
      case "undefined":
      case "boolean":
        return 1;
      case "number":
        return value === (value | 0) && !Object.is(value, -0) ? 2 : 3;
      case "string":
        // The engine copies longer strings faster.
        return value.length <= 240 ? 2 + ((value.length + 1) >> 1) : 0;
      default:
        return value === null ? 1 : 0;
    }
  }

  /** Whether so many words can be written. */
  hasRoom(count: number): boolean {
    return this.#words.length - ((this.at - Atomics.load(this.#control, this.#tail)) | 0) >= count;
  }

  /** Writes a word. There must be room. */
  put(word: number): void {
    this.#words[this.at & this.#mask] = word;
    this.at = (this.at + 1) | 0;
  }

  /** Writes a value. Its size must not be 0, and there must be room. */
  putValue(value: unknown): void {
    if (typeof value === "number") {
      if (value === (value | 0) && !Object.is(value, -0)) {
        this.put(4);
        return this.put(value);
      }
      this.#number[0] = value;
      this.put(5);
      this.put(this.#halves[0]);
      return this.put(this.#halves[1]);
    }
    if (typeof value !== "string") return this.put(value === undefined ? 0 : value === null ? 1 : value ? 3 : 2);
    this.put(6);
    this.put(value.length);
    // Past the end `charCodeAt` returns NaN, which the shift turns into 0.
    for (let i = 0; i < value.length; i += 2) this.put(value.charCodeAt(i) | (value.charCodeAt(i + 1) << 16));
  }

  /** Writes the number of a value that travels by port. */
  putRef(index: number): void {
    this.put(7);
    this.put(index);
  }

  /** Makes the written words visible. */
  publish(): void {
    Atomics.store(this.#control, this.#head, this.at);
  }

  /** Drops the words that were written and not published. */
  rewind(): void {
    this.at = Atomics.load(this.#control, this.#head);
  }

  /** Whether there are words to read. */
  filled(): boolean {
    return this.at !== Atomics.load(this.#control, this.#head);
  }

  /** Reads a word. */
  take(): number {
    const word = this.#words[this.at & this.#mask];
    this.at = (this.at + 1) | 0;
    return word;
  }

  /** Reads a value; `byPort` returns one that travelled by port. */
  takeValue(byPort: (index: number) => unknown): unknown {
    switch (this.take()) {
      case 0:
        return undefined;
      case 1:
        return null;
      case 2:
        return false;
      case 3:
        return true;
      case 4:
        return this.take();
      case 5:
        this.#halves[0] = this.take();
        this.#halves[1] = this.take();
        return this.#number[0];
      case 6:
        return this.#takeString();
      default:
        return byPort(this.take());
    }
  }

  #takeString(): string {
    const length = this.take();
    let text = "";
    for (let i = 0; i < length; i += 2) {
      const pair = this.take();
      text += i + 1 < length ? String.fromCharCode(pair & 0xffff, pair >>> 16) : String.fromCharCode(pair & 0xffff);
    }
    return text;
  }

  /** Frees the room of the words that were read. */
  release(): void {
    Atomics.store(this.#control, this.#tail, this.at);
  }

  /** The index among `words` of the next word. */
  index(): number {
    return this.at & this.#mask;
  }

  /** Whether the reader has released the word at this position. */
  passed(position: number): boolean {
    return ((Atomics.load(this.#control, this.#tail) - position) | 0) > 0;
  }
}
