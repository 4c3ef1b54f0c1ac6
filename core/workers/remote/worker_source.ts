/**
 * The program of a worker, as text: the sources of the loop and its kit.
 *
 * So it needs no permission to load and no file, and works for a package from a URL too.
 */
import { bytesTools } from "./bytes.ts";
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
  bytes: (${bytesTools})(),
  seal: (${seal}),
  unseal: (${unseal}),
  WORD: ${JSON.stringify(WORD)},
  CODE: ${JSON.stringify(CODE)},
  controlWords: ${CONTROL_WORDS},
  ringWords: ${RING_WORDS},
});`;
}

/**
 * The name of the function in which a bundler that keeps names wraps others. It may have been shortened, so it is read
 * from the source of an empty class.
 */
function nameKeeper(): string {
  const [, name = "__name"] = /\{\s*static\s*\{\s*([\w$]+)\(this\b/.exec(String(class Probe {})) ?? [];
  return name;
}

// Sent as source: refers only to its parameters and globals.
function begin(Loop: typeof WorkerLoop, kit: ConstructorParameters<typeof WorkerLoop>[0]): void {
  // deno-lint-ignore no-explicit-any -- a built-in module, without its types
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
    if (data === null) return loop?.wake();
    const running = loop = new Loop(kit, data, { receiveMessageOnPort, exit: (code) => exit(code), limiter });
    process.on("uncaughtException", (error: unknown) => running.crashed(error));
    process.on("unhandledRejection", (error: unknown) => running.crashed(error));
    // A web worker that closes itself causes no event, so it reports that before.
    if (!parentPort) {
      const close = globalThis.close.bind(globalThis);
      exit = () => {
        close();
        throw new Error("The worker is closed");
      };
      const leave = (code: unknown = 0) =>
        running.crashed(new Error(`The worker ended with code ${code} while ${running.busy ? "the" : "no"} task ran`));
      Object.assign(globalThis, { close: leave });
      Object.assign(process, { exit: leave });
      try {
        Object.assign((globalThis as { Deno?: object }).Deno ?? {}, { exit: leave });
      } catch {
        // It cannot be changed in this runtime.
      }
    }
    running.run();
  };
  if (parentPort) parentPort.on("message", start);
  else (globalThis as { onmessage?: unknown }).onmessage = (event: MessageEvent) => start(event.data);
}
