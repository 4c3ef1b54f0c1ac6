import { HotSwapException } from "./errors.ts";

/** A hot swap that was requested. Exceptions that the program has made itself swap nothing. */
export class HotSwapProposal extends HotSwapException {}
