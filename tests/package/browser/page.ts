/** The little that the tests' programs need of a page; this project is checked with Deno's types, without the DOM's. */

interface PageGlobals {
  requestAnimationFrame(callback: () => void): number;
  postMessage(message: unknown): void;
  /** What a test calls. */
  scenarios: Readonly<Record<string, (...args: never[]) => unknown>>;
}

/** The page that runs this. */
export const page: PageGlobals = globalThis as unknown as PageGlobals;
