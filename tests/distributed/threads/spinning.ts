/** The module of a thread that is busy for ever soon after it was started. */
setTimeout(() => {
  for (;;);
}, 10);
