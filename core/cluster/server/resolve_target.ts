/** From what a client names as the target of a job to the function, in a server. */
import { describe } from "../../base/describe.ts";
import { isGeneratorFunction } from "../../base/generator.ts";
import type { CoroFunction } from "../../coroutine/coro.ts";
import type { Operation } from "../../fiber/operation.ts";
import { Immediate } from "../../operations/immediate.ts";
import { until } from "../../operations/until.ts";
import type { JobTarget } from "../protocol.ts";

/**
 * Makes the function of a target.
 *
 * @param target The target.
 * @param folder The URL of the folder of the job, with a slash at its end.
 * @throws {TypeError} At the yield, if it is no generator function, or the module has no such export.
 * @throws {SyntaxError} At the yield, if the source is not valid.
 * @throws what the import of the module throws, at the yield.
 */
export function resolveTarget(target: JobTarget, folder: string): Operation<CoroFunction> {
  if ("source" in target) return new Immediate("resolve", () => evaluated(target.source));
  return until(imported(target.module, target.name, folder));
}

function evaluated(source: string): CoroFunction {
  // Indirect, so that the function sees the global scope and nothing of this one.
  const evaluate = globalThis.eval;
  return checked(evaluate(`(${source})`), "its source is that of another value");
}

async function imported(module: string, name: string, folder: string): Promise<CoroFunction> {
  // One of the computation's files goes by its base name.
  const url = URL.canParse(module) ? module : new URL(encodeURIComponent(module), folder).href;
  const exported = await import(url);
  if (Object.hasOwn(exported, name)) return checked(exported[name], `export '${name}' of ${module} is another value`);
  const names = Object.keys(exported).filter((name) => isGeneratorFunction(exported[name]));
  throw new TypeError(
    `Cannot run a job as module ${module} has no export '${name}': ` +
      `its generator functions are ${names.length === 0 ? "none" : names.join(", ")}`,
  );
}

function checked(value: unknown, otherwise: string): CoroFunction {
  if (isGeneratorFunction(value)) return value as CoroFunction;
  throw new TypeError(
    `Cannot run a job as its target must be a generator function, and ${otherwise}: current value is ${
      describe(value)
    }`,
  );
}
