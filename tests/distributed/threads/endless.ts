/** The module of a thread whose top level never ends. */
await new Promise(() => {});
