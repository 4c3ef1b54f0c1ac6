/** Its top level throws. */
await Promise.resolve();
throw new RangeError("the top level of the module has thrown");
