// The whole ABI of the kernel, which holds the data of one scheduler. It imports nothing, reads no clock, draws no random
// number and allocates nothing while it runs: the same calls give the same order, always. Only i32 and f64 cross the
// border. The scheduler alone calls, and knows which slots are in use: no call checks that.
//
// The scheduler does `allocate`, `free`, `push`, `unshift` and `shift` in place, on the memory that memory.ts describes.

export { expire, push, readyCount, shift, turn, unshift } from "./ready";
export { allocate, capacity, free, recycle, refill, setLevel } from "./slots";
export { arm, deadline, disarm, nextDeadline, timerCount } from "./timers";
