/** The error message of a task that uses a name which its worker does not have. */
import type { WorkerError } from "../errors.ts";
import type { Target } from "./targets.ts";

// Names that exist in a window or in Deno's main thread, but in no worker of any runtime. Names that a program may use
// for its own variables, such as `parent`, `history` or `Node`, are left out.
const MAIN_THREAD_NAMES: ReadonlySet<string> = new Set([
  ...["alert", "confirm", "prompt", "window", "document", "localStorage", "sessionStorage", "Window", "Document"],
  ...["Location", "Navigator", "Storage", "onload", "onunload", "onbeforeunload", "requestAnimationFrame"],
  ...["cancelAnimationFrame", "requestIdleCallback", "cancelIdleCallback", "getComputedStyle", "matchMedia"],
  ...["customElements", "visualViewport", "HTMLElement", "SVGElement", "DOMParser", "XMLSerializer"],
  ...["MutationObserver", "IntersectionObserver", "ResizeObserver"],
]);

// The messages of V8 and JavaScriptCore.
const MISSING = /^(?:(\S+) is not defined|Can't find variable: (\S+))$/;

/**
 * Adds to the message of a task's ReferenceError what to do about it: use a name that no worker has in the main thread;
 * pass a variable of a scope around the function as an argument.
 */
export function explainMissing(error: WorkerError, { note, label }: Target): void {
  if (error.name !== "ReferenceError") return;
  const match = MISSING.exec(error.message);
  if (match === null) return;
  const missing = match[1] ?? match[2];
  const name = label === "" || label === "function" ? "the function" : `'${label}'`;
  const uses = `Cannot run ${name} in a worker as it uses '${missing}', which`;
  if (MAIN_THREAD_NAMES.has(missing)) {
    error.message = `${uses} no worker has: use it in the main thread, and send the task what it needs of it`;
  } else if ("source" in note && note.source.includes(missing)) {
    error.message = `${uses} is outside it: only its source is sent, so pass '${missing}' as an argument, ` +
      "import() it inside, or put it in a module and use { module, name }";
  }
}
