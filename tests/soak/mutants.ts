/**
 * Faults in the library, each of which the soak must find. They are put into the library's own classes, so that the
 * societies run unchanged.
 */
import { Channel, Coro, Queue, Semaphore } from "@asyncoro/asyncoro";
import { Queue as TaskQueue } from "@asyncoro/asyncoro/asyncio";
import { currentContext } from "../../core/host/async_context.ts";
import { ByteQueue } from "../../core/io/stream/byte_queue.ts";
import { Handshakes } from "../../core/io/net/handshakes.ts";
import { AsyncListener } from "../../core/io/net/listener.ts";
import { NONE, ReadyQueue } from "../../core/kernel/ready_queue.ts";
import { BranchGroup } from "../../core/coroutine/branches.ts";
import { AskOperation } from "../../core/coroutine/ask_operation.ts";
import { BoundedMailbox } from "../../core/coroutine/bounded_mailbox.ts";
import { Deliver } from "../../core/coroutine/deliver.ts";
import { Mailbox } from "../../core/coroutine/mailbox.ts";
import { Operation } from "../../core/fiber/operation.ts";
import { Call } from "../../core/operations/call.ts";
import { Immediate } from "../../core/operations/immediate.ts";
import { Sleep } from "../../core/operations/sleep.ts";
import { RunLoop } from "../../core/fiber/run_loop.ts";
import { Fiber } from "../../core/fiber/fiber.ts";
import { Mutex } from "../../core/sync/mutex.ts";
import { TokenBucket } from "../../core/sync/token_bucket.ts";
import { ChildGroup } from "../../core/patterns/child_group.ts";
import { ChildrenWait } from "../../core/patterns/children_wait.ts";
import { WaitQueue } from "../../core/fiber/wait_queue.ts";
import { Dispatcher } from "../../core/workers/pool/dispatcher.ts";
import { WorkerHandle } from "../../core/workers/pool/worker_handle.ts";
import { DatabaseConnection } from "../../core/workers/database/connection.ts";
import { DecisiveTask } from "../../core/workers/tasks/lasting_task.ts";
import { HostItems } from "../../core/patterns/host_items.ts";
import { Fetch } from "../../core/workers/database/result_rows.ts";

/** A method of any class. Each fault casts its receiver and arguments. */
// deno-lint-ignore no-explicit-any -- see above
type Method = (this: any, ...args: any[]) => unknown;

/** Replaces a method for one call in `every`. Returns a function that restores it. */
function sometimes(owner: object, name: string, every: number, make: (original: Method) => Method): () => void {
  const prototype = owner as Record<string, Method>;
  const original = prototype[name];
  const fault = make(original);
  let calls = 0;
  prototype[name] = function (...args): unknown {
    return (++calls % every === 0 ? fault : original).apply(this, args);
  };
  return () => {
    prototype[name] = original;
  };
}

/** Lets what became ready last run first. */
function lastFirst(queue: ReadyQueue, level: number): void {
  const slots: number[] = [];
  for (let slot; (slot = queue.shift(level)) !== NONE;) slots.push(slot);
  slots.unshift(slots.pop()!);
  while (slots.length > 0) queue.unshift(level, slots.pop()!);
}

/** A fault, and the society that finds it. */
export interface Mutant {
  /** As in "the soak finds that a message is dropped". */
  readonly name: string;
  /** The name of the society that finds it. */
  readonly society: string;
  readonly virtual: boolean;
  /** A part of the invariant that it breaks; empty if it may be one of several. */
  readonly invariant: string;
  /** Inserts the fault. Returns a function that removes it. */
  apply(): () => void;
}

/** The faults. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: "an abort does not end a wait",
    society: "signals",
    virtual: true,
    invariant: "",
    apply: () => sometimes(Operation.prototype, "abort", 20, () => () => {}),
  },
  {
    name: "a message is dropped",
    society: "messages",
    virtual: true,
    invariant: "No message is lost",
    apply: () => sometimes(Mailbox.prototype, "post", 50, () => () => true),
  },
  {
    name: "a message is doubled",
    society: "messages",
    virtual: true,
    invariant: "A message arrives once",
    apply: () =>
      sometimes(Mailbox.prototype, "post", 50, (post) =>
        function (message) {
          post.call(this, message);
          return post.call(this, message);
        }),
  },
  {
    name: "a message overtakes another",
    society: "swaps",
    virtual: true,
    invariant: "Messages of one sender keep their order",
    apply: () =>
      sometimes(Mailbox.prototype, "post", 20, (post) =>
        function (message) {
          const last = this.messages?.shift();
          post.call(this, message);
          return last === undefined || post.call(this, last);
        }),
  },
  {
    name: "a message that was granted and not handed over is not returned",
    society: "messages",
    virtual: true,
    invariant: "No message is lost",
    apply: () => sometimes(Mailbox.prototype, "putBack", 1, () => () => {}),
  },
  {
    name: "a message does not wake its receiver",
    society: "messages",
    virtual: true,
    invariant: "",
    apply: () =>
      sometimes(Mailbox.prototype, "post", 20, (post) =>
        function (message) {
          // The message is stored as if nothing waited for it.
          const kept = new Mailbox();
          post.call(kept, message);
          if (this.messages === null) this.messages = kept.messages;
          else this.messages.push(message);
          return true;
        }),
  },
  {
    name: "a wake-up is lost",
    society: "conditions",
    virtual: true,
    invariant: "",
    apply: () => sometimes(Operation.prototype, "resolve", 100, () => () => {}),
  },
  {
    name: "a permit is granted twice",
    society: "locks",
    virtual: true,
    invariant: "No permit is",
    apply: () => sometimes(Semaphore.prototype, "take", 10, () => () => true),
  },
  {
    name: "a permit that was granted and not handed over is not returned",
    society: "locks",
    virtual: true,
    invariant: "",
    apply: () => sometimes(Semaphore.prototype, "giveBack", 10, () => () => {}),
  },
  {
    name: "a lock is granted to two",
    society: "conditions",
    virtual: true,
    invariant: "",
    apply: () => sometimes(Mutex.prototype, "take", 20, () => () => true),
  },
  {
    name: "a queue is not served in order",
    society: "locks",
    virtual: true,
    invariant: "First come, first served",
    apply: () =>
      sometimes(WaitQueue.prototype, "shift", 5, (shift) =>
        function () {
          const first = shift.call(this);
          const second = shift.call(this);
          if (second === null) return first;
          this.push(first);
          return second;
        }),
  },
  {
    name: "a sleep is too short",
    society: "time",
    virtual: true,
    invariant: "Nothing is early",
    apply: () =>
      sometimes(Sleep.prototype, "arm", 5, (arm) =>
        function (fiber) {
          this.limit *= 0.9;
          arm.call(this, fiber);
        }),
  },
  {
    name: "a resume reaches the next sleep",
    society: "time",
    virtual: true,
    invariant: "A resume reaches its coroutine",
    apply: () => {
      let last: unknown;
      return sometimes(Coro.prototype, "resume", 1, (resume) =>
        function (update) {
          const earlier = last ?? update;
          last = update;
          return resume.call(this, earlier);
        });
    },
  },
  {
    name: "a subscription is forgotten",
    society: "channels",
    virtual: true,
    invariant: "",
    apply: () => sometimes(Channel.prototype, "subscribe", 10, () => () => new Immediate("subscribe", () => true)),
  },
  {
    name: "a monitor is notified twice",
    society: "lives",
    virtual: true,
    invariant: "A monitor is notified of an end once",
    apply: () =>
      sometimes(Mailbox.prototype, "post", 20, (post) =>
        function (message) {
          post.call(this, message);
          return post.call(this, message);
        }),
  },
  {
    name: "a swap loses the messages in the mailbox",
    society: "swaps",
    virtual: true,
    invariant: "",
    apply: () =>
      sometimes(Mailbox.prototype, "uncategorize", 1, () =>
        function () {
          this.messages?.shift();
        }),
  },
  {
    name: "a restart loses the messages in the mailbox",
    society: "supervision",
    virtual: true,
    invariant: "",
    apply: () =>
      sometimes(Mailbox.prototype, "uncategorize", 1, () =>
        function () {
          this.messages?.shift();
        }),
  },
  {
    name: "a losing branch goes on",
    society: "combinations",
    virtual: true,
    invariant: "",
    apply: () =>
      sometimes(Fiber.prototype, "requestUnwind", 3, (requestUnwind) =>
        function (...args) {
          if (this.constructor.name !== "Branch") requestUnwind.apply(this, args);
        }),
  },
  {
    name: "a race without time loses a value that is available",
    society: "combinations",
    virtual: true,
    invariant: "Without time, an available value is taken",
    apply: () => sometimes(BranchGroup.prototype, "advances", 1, () => () => false),
  },
  {
    name: "a value that arrives with a deadline is not returned",
    society: "combinations",
    virtual: true,
    invariant: "A value that is not taken is returned",
    apply: () => sometimes(Call.prototype, "reclaim", 1, () => () => {}),
  },
  {
    name: "a message is in the wrong category",
    society: "categories",
    virtual: true,
    invariant: "",
    apply: () => sometimes(Mailbox.prototype, "post", 50, () => () => true),
  },
  {
    name: "an answer does not reach the one who asked",
    society: "offices",
    virtual: true,
    invariant: "No answer is lost",
    apply: () => sometimes(AskOperation.prototype, "replied", 10, () => () => {}),
  },
  {
    name: "a message that waited for room is dropped",
    society: "offices",
    virtual: true,
    invariant: "No message is lost",
    apply: () =>
      sometimes(Deliver.prototype, "roomMade", 5, () =>
        function () {
          this.mailbox = null;
          this.detach();
          this.resolve(1);
        }),
  },
  {
    name: "a full mailbox takes more messages",
    society: "offices",
    virtual: true,
    invariant: "",
    apply: () => sometimes(BoundedMailbox.prototype, "overflowFor", 3, () => () => null),
  },
  {
    name: "a coroutine that yields overtakes another",
    society: "priorities",
    virtual: true,
    invariant: "First come, first served",
    apply: () =>
      sometimes(ReadyQueue.prototype, "push", 50, (push) =>
        function (level, slot) {
          push.call(this, level, slot);
          lastFirst(this, level);
        }),
  },
  {
    name: "one whose priority changes overtakes others",
    society: "priorities",
    virtual: true,
    invariant: "First come, first served",
    apply: () =>
      sometimes(RunLoop.prototype, "setLevel", 1, (setLevel) =>
        function (entity, level) {
          setLevel.call(this, entity, level);
          if (entity.ready) lastFirst(this.queue, level);
        }),
  },
  {
    name: "a queue gives an item twice",
    society: "tasks",
    virtual: true,
    invariant: "An item is got once",
    apply: () =>
      sometimes(TaskQueue.prototype, "add", 20, (add) =>
        function (item) {
          add.call(this, item);
          add.call(this, item);
        }),
  },
  {
    name: "a scope does not learn of a failure",
    society: "scopes",
    virtual: true,
    invariant: "A failure of a child is the scope's",
    apply: () =>
      sometimes(ChildGroup.prototype, "childFailed", 5, () =>
        function (child) {
          this.childEnded(child);
        }),
  },
  {
    name: "an interruption ends the wait for the last children of a scope",
    society: "scopes",
    virtual: true,
    invariant: "No child outlives its scope",
    apply: () =>
      sometimes(ChildrenWait.prototype, "interruptArrived", 2, () =>
        function () {
          this.last = false;
          this.group.children.length = this.group.services.length = 0;
        }),
  },
  {
    name: "a byte is lost",
    society: "sockets",
    virtual: false,
    invariant: "No byte is lost or out of order",
    apply: () =>
      sometimes(ByteQueue.prototype, "take", 50, (take) =>
        function (count) {
          const bytes = take.call(this, count) as Uint8Array;
          bytes.copyWithin(0, 1);
          return bytes;
        }),
  },
  {
    name: "a handshake never begins",
    society: "listeners",
    virtual: false,
    invariant: "",
    apply: () =>
      sometimes(Handshakes.prototype, "begin", 4, () =>
        function (conn) {
          conn.close();
        }),
  },
  {
    name: "running out of descriptors is reported each time",
    society: "listeners",
    virtual: false,
    invariant: "A shortage is reported once",
    apply: () =>
      sometimes(AsyncListener.prototype, "report", 1, (report) =>
        function (...args) {
          report.apply(this, args);
          report.apply(this, args);
        }),
  },
  {
    name: "a task returns the result of another",
    society: "workers",
    virtual: false,
    invariant: "A task gives its own result",
    apply: () =>
      sometimes(Dispatcher.prototype, "finished", 50, (finished) =>
        function (task, ok, value) {
          finished.call(this, task, ok, typeof value === "number" ? value + 1 : value);
        }),
  },
  {
    name: "a coroutine is created without its context",
    society: "contexts",
    virtual: true,
    invariant: "A step has the context of its coroutine",
    apply: () =>
      sometimes(Fiber.prototype, "initialize", 50, (initialize) =>
        function (top) {
          initialize.call(this, top, undefined);
        }),
  },
  {
    name: "a step runs in the context of the one before",
    society: "contexts",
    virtual: true,
    invariant: "A step has the context of its coroutine",
    apply: () =>
      sometimes(Fiber.prototype, "run", 50, (run) =>
        function () {
          const own = this.hostContext;
          this.hostContext = currentContext();
          run.call(this);
          this.hostContext = own;
        }),
  },
  {
    name: "a task that a worker had not begun is lost with it",
    society: "workers",
    virtual: false,
    invariant: "A task does not fail for others",
    apply: () =>
      sometimes(WorkerHandle.prototype, "recall", 1, (recall) =>
        function (most, which) {
          return most === Infinity ? [] : recall.call(this, most, which);
        }),
  },
  {
    name: "a buffer arrives truncated",
    society: "workers",
    virtual: false,
    invariant: "A buffer arrives as it was",
    apply: () =>
      sometimes(Dispatcher.prototype, "finished", 1, (finished) =>
        function (task, ok, value) {
          if (value?.all instanceof Uint8Array) value.all = value.all.subarray(1);
          finished.call(this, task, ok, value);
        }),
  },
  {
    name: "an error loses its errors",
    society: "workers",
    virtual: false,
    invariant: "An error keeps its errors",
    apply: () =>
      sometimes(Dispatcher.prototype, "finished", 1, (finished) =>
        function (task, ok, value) {
          if (!ok) delete value.errors;
          finished.call(this, task, ok, value);
        }),
  },
  {
    name: "a commit is cancelled while it runs",
    society: "databases",
    virtual: false,
    invariant: "A payment that was reported as rolled back is not stored",
    apply: () => {
      const { prototype } = DecisiveTask;
      const shielded = Object.getOwnPropertyDescriptor(prototype, "shielded")!;
      Object.defineProperty(prototype, "shielded", { ...shielded, get: () => false });
      return () => Object.defineProperty(prototype, "shielded", shielded);
    },
  },
  {
    name: "a transaction that is interrupted stays open",
    society: "databases",
    virtual: false,
    invariant: "",
    apply: () =>
      sometimes(
        DatabaseConnection.prototype,
        "requestUncancelled",
        1,
        (requestUncancelled) =>
          function (action, ...args) {
            return action === "rollback" ? [] : requestUncancelled.call(this, action, ...args);
          },
      ),
  },
  {
    name: "rows that are not handed over are not returned",
    society: "databases",
    virtual: false,
    invariant: "A fetch loses no row",
    apply: () => sometimes(Fetch.prototype, "reclaim", 1, () => () => {}),
  },
  {
    name: "an item that is not handed over is not kept",
    society: "flows",
    virtual: false,
    invariant: "come once, in order",
    apply: () => sometimes(HostItems.prototype, "putBack", 1, () => () => {}),
  },
  {
    name: "items that are left early are not closed",
    society: "flows",
    virtual: false,
    invariant: "stays behind",
    apply: () => sometimes(HostItems.prototype, "close", 5, () => () => {}),
  },
  {
    name: "the item of a get that was cut short is lost",
    society: "queues",
    virtual: true,
    invariant: "No item is lost",
    apply: () => sometimes(Queue.prototype, "putBack", 1, () => () => {}),
  },
  {
    name: "tokens are taken and stay",
    society: "queues",
    virtual: true,
    invariant: "No token is made",
    apply: () => sometimes(TokenBucket.prototype, "take", 20, () => () => {}),
  },
];
