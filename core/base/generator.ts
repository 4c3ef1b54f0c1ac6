/** A generator object as the run loop resumes it: the values it yields are inspected, and it may be sent any value. */
export type Body = Generator<unknown, unknown, unknown>;

/** Whether a value is a generator function, bound ones and those of another realm included. */
export function isGeneratorFunction(value: unknown): boolean {
  return typeof value === "function" &&
    (value as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag] === "GeneratorFunction";
}

/** Whether a value is a generator object, which `yield` calls as a subroutine. */
export function isGenerator(value: unknown): value is Body {
  // The same property that Object.prototype.toString reads, in a fifth of the time.
  return typeof value === "object" && value !== null &&
    (value as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag] === "Generator";
}

/** Whether a value can be awaited. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return value !== null && (typeof value === "object" || typeof value === "function") &&
    typeof (value as { then?: unknown }).then === "function";
}
