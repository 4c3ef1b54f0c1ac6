/** Its top level never ends. */
for (;;);
