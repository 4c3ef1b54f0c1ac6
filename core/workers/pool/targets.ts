/** What may be run in a worker, and how it gets there. */
import { describe } from "../../base/describe.ts";
import type { TargetNote } from "../remote/protocol.ts";
import type { WorkerTask } from "../remote/worker_task.ts";

/**
 * A function of a module: `{ module: new URL("./work.ts", import.meta.url), name: "work" }`.
 *
 * The worker imports it, once. Without a name it is the default export.
 */
export interface ModuleTarget {
  /** The absolute URL of the module, or a specifier with a scheme such as `npm:`. */
  readonly module: URL | string;
  /** The name of the export; `"default"` if left out. */
  readonly name?: string;
}

/**
 * A self-contained function: its source is sent, so it must not use variables from around it.
 *
 * It may be async, and a generator function for {@linkcode WorkerPool.stream}. Unless it is an arrow function it finds
 * a {@linkcode WorkerTask} as its `this`.
 */
// deno-lint-ignore no-explicit-any -- inferred from what is passed
export type TaskFunction<A extends readonly any[], R> = (this: WorkerTask, ...args: A) => R;

/** A target, known to the pool. */
export interface Target {
  readonly id: number;
  readonly note: TargetNote;
  /** For messages. */
  readonly label: string;
}

// A program has a bounded number of functions in its text, but it may also make texts.
const MAX_TARGETS = 1000;

const EXPRESSION = /^(?:async\b\s*)?(?:function\b|\(|[\p{ID_Start}$_][\p{ID_Continue}$]*\s*=>)/u;

/** The targets of a pool, so that each travels to a worker once. */
export class Targets {
  #byFunction: WeakMap<object, Target> = new WeakMap();
  #byText: Map<string, Target> = new Map();
  #made = 0;
  readonly #forget: (id: number) => void;

  /** `forget` is told of targets that were dropped as there are too many. */
  constructor(forget: (id: number) => void) {
    this.#forget = forget;
  }

  /** The target for what a caller passed. Throws a `TypeError` if it can be none. */
  of(target: unknown): Target {
    if (typeof target === "function") {
      const known = this.#byFunction.get(target);
      if (known !== undefined) return known;
      const note = functionNote(target as () => unknown);
      const made = this.#known(`function ${note.source}`, note, target.name === "" ? "function" : target.name);
      this.#byFunction.set(target, made);
      return made;
    }
    const note = moduleNote(target);
    return this.#known(`${note.name} of ${note.module}`, note, note.name);
  }

  #known(text: string, note: TargetNote, label: string): Target {
    let target = this.#byText.get(text);
    if (target === undefined) {
      target = { id: ++this.#made, note, label };
      this.#byText.set(text, target);
      if (this.#byText.size > MAX_TARGETS) this.#dropOldest();
    }
    return target;
  }

  #dropOldest(): void {
    const [[text, target]] = this.#byText;
    this.#byText.delete(text);
    // A function that is still about is made known again when it is next used.
    this.#byFunction = new WeakMap();
    this.#forget(target.id);
  }
}

// deno-lint-ignore ban-types -- any function
function functionNote(target: Function): { source: string; method: boolean; name: string } {
  const source = Function.prototype.toString.call(target);
  const refuse = (why: string) =>
    new TypeError(
      `Cannot run a task as ${why}: current value is ${describe(target)}, ` +
        "pass a self-contained function or { module, name }",
    );
  if (/\{\s*\[native code\]\s*\}$/.test(source)) throw refuse("a bound or built-in function has no source to send");
  if (/^class\b/.test(source)) throw refuse("a class cannot be called");
  return { source, method: !EXPRESSION.test(source), name: target.name };
}

function moduleNote(target: unknown): { module: string; name: string } {
  const { module, name = "default" } = (typeof target === "object" && target !== null ? target : {}) as ModuleTarget;
  if (!(module instanceof URL) && typeof module !== "string") {
    throw new TypeError(
      `Cannot run a task as its target must be a function or { module, name }: current value is ${describe(target)}`,
    );
  }
  if (typeof name !== "string") {
    throw new TypeError(`Cannot run a task as 'name' must be a string: current value is ${describe(name)}`);
  }
  if (!URL.canParse(module)) {
    throw new TypeError(
      `Cannot run a task as 'module' must be an absolute URL: current value is ${describe(module)}, ` +
        `use new URL(${describe(module)}, import.meta.url)`,
    );
  }
  return { module: String(module), name };
}
