import type { CoroLoop } from "./coro_loop.ts";

/** The run loop whose callback runs now, where no fiber runs: coroutines that the callback creates join it. */
export const callbackContext: { loop: CoroLoop | null } = { loop: null };
