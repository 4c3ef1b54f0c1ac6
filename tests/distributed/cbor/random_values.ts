/** Random sendable values and random bytes, from a seed. */

/** Returns a number from 0 to one less than the argument. */
export type Dice = (sides: number) => number;

/** Random numbers of a seed. */
export function dice(seed: number): Dice {
  let state = Math.imul(seed + 1, 0x9e3779b1) ^ 0x5bd1e995;
  return (sides) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % sides;
  };
}

const TEXTS = [
  "",
  "a",
  "__proto__",
  "é",
  "日本",
  "😀",
  "\ud800",
  "x\udfff",
  "\ufeff",
  "x".repeat(23),
  "x".repeat(24),
  "y".repeat(300),
];
const NUMBERS = [0, -0, 1, 23, 24, 255, 256, 65535, 65536, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, -(2 ** 53 - 1), 2 ** 53];
const FRACTIONS = [
  0.5,
  1.1,
  65504,
  65505.5,
  2 ** -24,
  2 ** -25,
  1e300,
  NaN,
  Infinity,
  -Infinity,
  3.4028234663852886e38,
  5e-324,
];
const VIEWS: readonly (new (buffer: ArrayBuffer, start: number) => ArrayBufferView)[] = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  DataView,
];
const ERRORS = [Error, TypeError, RangeError, SyntaxError, EvalError, URIError, ReferenceError];

/** Makes random values. */
export class RandomValues {
  readonly #roll: Dice;
  readonly #sharing: boolean;
  readonly #made: object[] = [];

  /** With `sharing`, values may hold what was made before, and those that they are in. */
  constructor(roll: Dice, sharing = true) {
    this.#roll = roll;
    this.#sharing = sharing;
  }

  /** Returns a value of at most so many levels. */
  value(levels = 4): unknown {
    const roll = this.#roll;
    if (this.#sharing && this.#made.length > 0 && roll(12) === 0) return this.#made[roll(this.#made.length)];
    switch (roll(levels > 0 ? 12 : 7)) {
      case 0:
        return [undefined, null, true, false][roll(4)];
      case 1:
        return NUMBERS[roll(NUMBERS.length)] * (roll(2) ? 1 : -1);
      case 2:
        return FRACTIONS[roll(FRACTIONS.length)];
      case 3:
        return roll(0x7fffffff) / (1 << roll(20));
      case 4:
        return this.text();
      case 5:
        return (BigInt(roll(0x7fffffff)) << BigInt(roll(130))) * (roll(2) ? 1n : -1n);
      case 6:
        return this.#keep(this.#leaf());
      default:
        return this.#container(levels - 1);
    }
  }

  /** Returns a string. */
  text(): string {
    const roll = this.#roll;
    if (roll(2)) return TEXTS[roll(TEXTS.length)];
    return Array.from({ length: roll(30) }, () => String.fromCharCode(roll(3) ? 32 + roll(90) : roll(65536))).join("");
  }

  #leaf(): object {
    const roll = this.#roll;
    switch (roll(5)) {
      case 0:
        return new Date(roll(9) ? (roll(0x7fffffff) - 0x40000000) * (1 + roll(4000)) : NaN);
      case 1:
        return new RegExp(["a+", "", "[^/]\\/", "(?<name>é)"][roll(4)], ["", "g", "gi", "u", "dy"][roll(5)]);
      case 2:
        return this.#bytes(roll(40));
      default: {
        const start = 8 * roll(3);
        const View = VIEWS[roll(VIEWS.length)];
        return new View(this.#bytes(start + 8 * roll(4)), start);
      }
    }
  }

  #container(levels: number): object {
    const roll = this.#roll;
    const size = roll(6);
    switch (roll(6)) {
      case 0: {
        const array = this.#keep<unknown[]>([]);
        for (let i = 0; i < size; i++) if (roll(5)) array[i] = this.value(levels);
        array.length = Math.max(array.length, size);
        return array;
      }
      case 1: {
        const map = this.#keep(new Map());
        for (let i = 0; i < size; i++) map.set(this.value(levels), this.value(levels));
        return map;
      }
      case 2: {
        const set = this.#keep(new Set());
        for (let i = 0; i < size; i++) set.add(this.value(levels));
        return set;
      }
      case 3:
        return this.#fill(this.#keep(this.#error(levels)), roll(3), levels);
      case 4:
        return this.#fill(this.#keep(Object.create(null)), size, levels);
      default:
        return this.#fill(this.#keep({}), size, levels);
    }
  }

  #error(levels: number): Error {
    const roll = this.#roll;
    const options = roll(2) ? { cause: this.value(levels) } : undefined;
    if (roll(8) === 0) return new AggregateError([this.value(levels)], this.text(), options);
    return new ERRORS[roll(ERRORS.length)](this.text(), options);
  }

  #fill<T extends object>(object: T, size: number, levels: number): T {
    for (let i = 0; i < size; i++) {
      const property = { value: this.value(levels), enumerable: true, writable: true, configurable: true };
      Object.defineProperty(object, `${this.text()}${i}`, property);
    }
    if (this.#roll(20) === 0) Object.defineProperty(object, "__proto__", { value: this.text(), enumerable: true });
    return object;
  }

  #bytes(size: number): ArrayBuffer {
    return Uint8Array.from({ length: size }, () => this.#roll(256)).buffer;
  }

  #keep<T extends object>(object: T): T {
    this.#made.push(object);
    return object;
  }
}
