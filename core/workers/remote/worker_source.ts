/**
 * The program of a worker, as text: what the loop and its kit are, read from their own source.
 *
 * So it is one piece that needs no permission to load and no file beside it, wherever the package comes from.
 */
import { describeError } from "./describe_error.ts";
import { seal, unseal } from "./envelope.ts";
import { CODE, CONTROL_WORDS, RING_WORDS, WORD } from "./protocol.ts";
import { Ring } from "./ring.ts";
import { TaskRunner } from "./task_runner.ts";
import { WorkerLoop, type WorkerStart } from "./worker_loop.ts";
import { TaskContext } from "./worker_task.ts";

let source: string | null = null;

/** The program. */
export function workerSource(): string {
  return source ??= `
globalThis.${nameKeeper()} ??= (value) => value;
globalThis.self ??= globalThis;
(${begin})((${WorkerLoop}), {
  Ring: (${Ring}),
  TaskContext: (${TaskContext}),
  TaskRunner: (${TaskRunner}),
  describeError: (${describeError}),
  seal: (${seal}),
  unseal: (${unseal}),
  WORD: ${JSON.stringify(WORD)},
  CODE: ${JSON.stringify(CODE)},
  controlWords: ${CONTROL_WORDS},
  ringWords: ${RING_WORDS},
});`;
}

/**
 * The function that a bundler which keeps names wraps others in. Its own name may have been shortened, so it is read
 * from a class that has nothing else in it.
 */
function nameKeeper(): string {
  const [, name = "__name"] = /\{\s*static\s*\{\s*([\w$]+)\(this\b/.exec(String(class Probe {})) ?? [];
  return name;
}

// Sent as source: refers to nothing but its parameters.
function begin(Loop: typeof WorkerLoop, kit: ConstructorParameters<typeof WorkerLoop>[0]): void {
  // deno-lint-ignore no-explicit-any -- what a runtime has built in, without its types
  const { process } = globalThis as any;
  const { parentPort, receiveMessageOnPort } = process.getBuiltinModule("node:worker_threads");
  let exit = process.exit.bind(process) as (code: number) => never;
  const limiter = () => {
    const { Script } = process.getBuiltinModule("node:vm");
    const key = Symbol.for("asyncoro.limited");
    const script = new Script("globalThis[Symbol.for('asyncoro.limited')]()");
    const slots = globalThis as unknown as Record<symbol, unknown>;
    return (timeout: number, call: () => unknown) => {
      slots[key] = call;
      try {
        return script.runInThisContext({ timeout });
      } catch (error) {
        if ((error as { code?: unknown } | null)?.code !== "ERR_SCRIPT_EXECUTION_TIMEOUT") throw error;
        const late = new Error(`The task was stopped as it ran for ${timeout / 1000} seconds without giving way`);
        late.name = "TimeoutError";
        throw late;
      }
    };
  };
  let loop: WorkerLoop | null = null;
  const start = (data: WorkerStart | null) => {
    if (data === null) return loop?.nudge();
    const made = loop = new Loop(kit, data, { receiveMessageOnPort, exit: (code) => exit(code), limiter });
    process.on("uncaughtException", (error: unknown) => made.crashed(error));
    process.on("unhandledRejection", (error: unknown) => made.crashed(error));
    // Nobody is told when a web worker closes itself: it says so before.
    if (!parentPort) {
      const close = globalThis.close.bind(globalThis);
      exit = () => {
        close();
        throw new Error("The worker is closed");
      };
      const leave = (code: unknown = 0) =>
        made.crashed(new Error(`The worker ended with code ${code} while the task ran`));
      Object.assign(globalThis, { close: leave });
      Object.assign(process, { exit: leave });
      try {
        Object.assign((globalThis as { Deno?: object }).Deno ?? {}, { exit: leave });
      } catch {
        // Not to be changed here.
      }
    }
    made.run();
  };
  if (parentPort) parentPort.on("message", start);
  else (globalThis as { onmessage?: unknown }).onmessage = (event: MessageEvent) => start(event.data);
}
