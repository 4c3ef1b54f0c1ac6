/**
 * Which objects a value has more than once.
 *
 * That an object is shared is known when it is reached again, and its mark (tag 28) belongs where it was reached first.
 * So the encoder writes nothing for the later places and notes them; when the value is complete, the marks and
 * references are inserted. A mark's number is its place among the marks.
 */
import type { ByteWriter } from "./byte_writer.ts";
import { Major, Tag } from "./wire_format.ts";

/** Up to so many objects, looking at each is faster than a Map. */
const FEW = 16;

/** The objects of one value, by where they were first written. */
export class SharedObjects {
  declare private count: number;
  declare private readonly few: (object | null)[];
  declare private readonly fewStarts: number[];
  declare private readonly many: Map<object, number>;
  /** Pairs: where a reference belongs, and where its object starts. */
  declare private readonly references: number[];

  constructor() {
    this.count = 0;
    this.few = new Array(FEW).fill(null);
    this.fewStarts = new Array(FEW).fill(0);
    this.many = new Map();
    this.references = [];
  }

  /** Notes an object that is to be written at a position; returns whether it is there already and only to be noted. */
  note(object: object, position: number): boolean {
    const start = this.startOf(object);
    if (start < 0) {
      this.add(object, position);
      return false;
    }
    this.references.push(position, start);
    return true;
  }

  /**
   * Inserts the marks and references into what was written. At one position references come first, as they were noted
   * before what starts there.
   */
  insertInto(out: ByteWriter): void {
    const { references } = this;
    if (references.length === 0) return;
    const marks = this.marks();
    const numbers = new Map(marks.map((start, number) => [start, number]));
    const first = marks[0];
    const unmarked = out.written(first).slice();
    out.truncate(first);
    let copied = 0;
    let next = 0;
    for (let i = 0; i < references.length; i += 2) {
      const position = references[i];
      for (; marks[next] < position; next++) {
        out.append(unmarked.subarray(copied, copied = marks[next] - first));
        out.tag(Tag.SHARED);
      }
      out.append(unmarked.subarray(copied, copied = position - first));
      out.tag(Tag.REFERENCE);
      out.head(Major.UNSIGNED, numbers.get(references[i + 1])!);
    }
    out.append(unmarked.subarray(copied));
  }

  /** Forgets all objects. */
  clear(): void {
    for (let i = Math.min(this.count, FEW) - 1; i >= 0; i--) this.few[i] = null;
    if (this.count > FEW) this.many.clear();
    this.references.length = 0;
    this.count = 0;
  }

  private startOf(object: object): number {
    if (this.count > FEW) return this.many.get(object) ?? -1;
    for (let i = 0; i < this.count; i++) {
      if (this.few[i] === object) return this.fewStarts[i];
    }
    return -1;
  }

  private add(object: object, position: number): void {
    const index = this.count++;
    if (index < FEW) {
      this.few[index] = object;
      this.fewStarts[index] = position;
      return;
    }
    if (index === FEW) {
      for (let i = 0; i < FEW; i++) this.many.set(this.few[i]!, this.fewStarts[i]);
    }
    this.many.set(object, position);
  }

  /** Where the shared objects start, in order. */
  private marks(): number[] {
    const starts = new Set<number>();
    for (let i = 1; i < this.references.length; i += 2) starts.add(this.references[i]);
    return [...starts].sort((a, b) => a - b);
  }
}
