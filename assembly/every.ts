// The ABI of the kernel, and the functions that the scheduler performs itself: for the specs, and for the tests that compare
// the scheduler's with these.

export * from "./index";
export { push, readyCount, shift, unshift } from "./ready";
export { allocate, free } from "./slots";
