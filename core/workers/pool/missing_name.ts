/** What is said of a task that uses a name that its worker does not have. */
import type { WorkerError } from "../../base/errors.ts";
import type { Target } from "./targets.ts";

// What belongs to a window, or to Deno's main thread, and to no worker of any runtime. Names that a program might well
// use for variables of its own, such as `parent`, `history` or `Node`, are left out.
const OF_THE_MAIN_THREAD: ReadonlySet<string> = new Set([
  ...["alert", "confirm", "prompt", "window", "document", "localStorage", "sessionStorage", "Window", "Document"],
  ...["Location", "Navigator", "Storage", "onload", "onunload", "onbeforeunload", "requestAnimationFrame"],
  ...["cancelAnimationFrame", "requestIdleCallback", "cancelIdleCallback", "getComputedStyle", "matchMedia"],
  ...["customElements", "visualViewport", "HTMLElement", "SVGElement", "DOMParser", "XMLSerializer"],
  ...["MutationObserver", "IntersectionObserver", "ResizeObserver"],
]);

// As V8 and JavaScriptCore say it.
const MISSING = /^(?:(\S+) is not defined|Can't find variable: (\S+))$/;

/**
 * Says in the message of a task's ReferenceError what to do about it: a name that no worker has is used outside;
 * a variable from around a function that was sent as source is passed.
 */
export function explainMissing(error: WorkerError, { note, label }: Target): void {
  if (error.name !== "ReferenceError") return;
  const match = MISSING.exec(error.message);
  if (match === null) return;
  const missing = match[1] ?? match[2];
  const name = label === "" || label === "function" ? "the function" : `'${label}'`;
  const uses = `Cannot run ${name} in a worker as it uses '${missing}', which`;
  if (OF_THE_MAIN_THREAD.has(missing)) {
    error.message = `${uses} no worker has: use it in the main thread, and send the task what it needs of it`;
  } else if ("source" in note && note.source.includes(missing)) {
    error.message = `${uses} is outside it: only its source is sent, so pass '${missing}' as an argument, ` +
      "import() it inside, or put it in a module and use { module, name }";
  }
}
