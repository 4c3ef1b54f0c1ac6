/** The module of a thread whose top level is busy for ever. */
for (;;);
