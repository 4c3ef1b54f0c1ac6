// The whole ABI of the kernel, which holds the data of one scheduler. It imports nothing, reads no clock, draws no random
// number and allocates nothing while it runs: the same calls always give the same order. Parameters and results are i32
// and f64 only. Only the scheduler calls it, and knows which slots are in use: no call checks that.
//
// The scheduler performs `allocate`, `free`, `push`, `unshift` and `shift` itself, on the memory that memory.ts describes:
// they are not in the published kernel. every.ts exports them too, for tests.

export { expire, turn } from "./ready";
export { capacity, recycle, refill, setLevel } from "./slots";
export { arm, deadline, disarm, nextDeadline, timerCount } from "./timers";
