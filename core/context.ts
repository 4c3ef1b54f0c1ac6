import type { Strand } from "./strand.ts";

/**
 * What is being run right now in this isolate. JavaScript runs one thing at a time, so one variable
 * serves every scheduler; the run loop sets it before a step and clears it after.
 */
export const context: { strand: Strand | null } = { strand: null };
