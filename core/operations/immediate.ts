import { Operation } from "../fiber/operation.ts";

/** Calls a function when it is yielded, and never waits. */
export class Immediate<T> extends Operation<T> {
  declare readonly label: string;
  #act: () => T;

  constructor(label: string, act: () => T) {
    super();
    this.label = label;
    this.#act = act;
  }

  override begin(): boolean {
    return this.give(this.#act());
  }

  override detach(): void {}
}
