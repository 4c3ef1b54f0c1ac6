/**
 * What locks and semaphores have in common: something is acquired, by one after the other, and released.
 *
 * While it can be had nobody waits for it: what is released goes to the first in the queue at once, and only if
 * there is none is it free. So nobody overtakes, and who releases and acquires again queues behind.
 */
import { context } from "../context.ts";
import { describe } from "../describe.ts";
import type { Strand } from "../strand.ts";
import { type Timeout, toSeconds } from "../time.ts";
import { callerPlace } from "../report.ts";
import { called, checkName } from "./naming.ts";
import { Waiter, WaitQueue } from "./wait_queue.ts";
