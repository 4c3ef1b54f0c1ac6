import type { Scheduler } from "./scheduler.ts";

/** The scheduler whose callback runs now, where no fiber runs: coroutines that the callback creates join it. */
export const callbackContext: { scheduler: Scheduler | null } = { scheduler: null };
