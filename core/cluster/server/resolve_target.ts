/** From what a client names as the target of a job to the function, in a server. */
import { describe } from "../../base/describe.ts";
import { isGeneratorFunction } from "../../base/generator.ts";
import type { CoroFunction } from "../../coroutine/coro.ts";
import type { Operation } from "../../fiber/operation.ts";
import { Immediate } from "../../operations/immediate.ts";
import { until } from "../../operations/until.ts";
import type { JobTarget } from "../protocol.ts";

/** So many functions are kept. A program has fewer, unless it makes them of text. */
const MOST_KEPT = 1000;

/** See the head of this file. */
export class TargetResolver {
  readonly #folder: string;
  readonly #kept: Map<string, CoroFunction> = new Map();

  /** `folder` is the URL of the folder of the job, with a slash at its end. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Returns the function of a target. What was resolved before is returned at once.
   *
   * @throws {TypeError} At the yield, if it is no generator function, or the module has no such export.
   * @throws {SyntaxError} At the yield, if the source is not valid.
   * @throws what the import of the module throws, at the yield.
   */
  resolve(target: JobTarget): Operation<CoroFunction> {
    if ("source" in target) return new Immediate("resolve", () => this.#evaluate(target.source));
    const url = this.#moduleUrl(target.module);
    const kept = this.#kept.get(keyOf(url, target.name));
    if (kept !== undefined) return new Immediate("resolve", () => kept);
    return until(this.#import(url, target.name));
  }

  #evaluate(source: string): CoroFunction {
    const kept = this.#kept.get(source);
    if (kept !== undefined) return kept;
    // Indirect, so that the function sees the global scope and nothing of this one.
    const evaluate = globalThis.eval;
    // A method has no `function` before its name.
    const value = /^\s*(?:async\s+)?function\b/.test(source)
      ? evaluate(`(${source})`)
      : Object.values(evaluate(`({${source}})`))[0];
    return this.#keep(source, checked(value, "its source is that of another value"));
  }

  async #import(url: string, name: string): Promise<CoroFunction> {
    const module = await import(url);
    if (!Object.hasOwn(module, name)) {
      const names = Object.keys(module).filter((name) => isGeneratorFunction(module[name]));
      throw new TypeError(
        `Cannot run a job as module ${url} has no export '${name}': ` +
          `its generator functions are ${names.length === 0 ? "none" : names.join(", ")}`,
      );
    }
    return this.#keep(keyOf(url, name), checked(module[name], `export '${name}' of ${url} is another value`));
  }

  #keep(key: string, target: CoroFunction): CoroFunction {
    this.#kept.set(key, target);
    if (this.#kept.size > MOST_KEPT) this.#kept.delete(this.#kept.keys().next().value!);
    return target;
  }

  /** One of the computation's files goes by its base name. */
  #moduleUrl(module: string): string {
    return URL.canParse(module) ? module : new URL(encodeURIComponent(module), this.#folder).href;
  }
}

function keyOf(url: string, name: string): string {
  return `${name} ${url}`;
}

function checked(value: unknown, otherwise: string): CoroFunction {
  if (isGeneratorFunction(value)) return value as CoroFunction;
  throw new TypeError(
    `Cannot run a job as its target must be a generator function, and ${otherwise}: current value is ${describe(value)}`,
  );
}
