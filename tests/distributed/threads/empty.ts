/** The module of a thread that does nothing. */
export {};
