/**
 * The few types of a page that the tests' programs need; this project is checked with Deno's types, without the DOM's.
 */

interface PageGlobals {
  requestAnimationFrame(callback: () => void): number;
  postMessage(message: unknown): void;
  /** The functions that a test calls. */
  scenarios: Readonly<Record<string, (...args: never[]) => unknown>>;
}

/** The page that runs this program. */
export const page: PageGlobals = globalThis as unknown as PageGlobals;
