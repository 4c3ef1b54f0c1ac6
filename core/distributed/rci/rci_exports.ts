import type { RCI } from "./rci.ts";

/** The RCIs of this process that peers were told of, by the numbers that they know them by. */
export class RciExports {
  private readonly numbers: WeakMap<RCI, number> = new WeakMap();
  private readonly byNumber: Map<number, WeakRef<RCI>> = new Map();
  private readonly collected: FinalizationRegistry<number> = new FinalizationRegistry((number) =>
    this.byNumber.delete(number)
  );
  private last = 0;

  /** The number of an RCI, which peers are told from now on. */
  numberOf(rci: RCI): number {
    const known = this.numbers.get(rci);
    if (known !== undefined) return known;
    const number = ++this.last;
    this.numbers.set(rci, number);
    this.byNumber.set(number, new WeakRef(rci));
    this.collected.register(rci, number);
    return number;
  }

  /** The RCI of a number, if peers were told of it and it is referenced. */
  find(number: number): RCI | undefined {
    return this.byNumber.get(number)?.deref();
  }
}
