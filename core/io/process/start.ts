/**
 * Starting child processes: one, or several of which each reads the output of the one before.
 */
import { describe } from "../../base/describe.ts";
import { mustBeObject } from "../../base/options.ts";
import { denoWith } from "../../host/capability.ts";
import type { PipeOptions, PipeStream } from "./options.ts";

/** A command and its options. */
export type Stage = readonly [command: string | URL, options: PipeOptions];

/** Processes that were started. They have the shape of options, so that the constructor of a pipe can take them. */
export class StartedProcesses implements PipeOptions {
  readonly children: Deno.ChildProcess[] = [];
  name = "";
  stdin: PipeStream = "piped";
  stdout: PipeStream = "piped";
  stderr: PipeStream = "piped";
}

/**
 * Starts processes, the output of each connected with the input of the next.
 *
 * @throws {Error} Deno's error about one of them; those that were started already are killed.
 */
export function startProcesses(stages: readonly Stage[]): StartedProcesses {
  const deno = denoWith("Command", "start a process");
  const started = new StartedProcesses();
  const last = stages.length - 1;
  try {
    stages.forEach(([command, options], index) => {
      mustBeObject(options, "start a process");
      const stderr = options.stderr ?? (index === last ? "piped" : "inherit");
      const streams = { stdin: options.stdin ?? "piped", stdout: options.stdout ?? "piped", stderr };
      const args = checkCommand(command, options.args ?? []);
      started.children.push(new deno.Command(command, { ...options, args, ...streams } as Deno.CommandOptions).spawn());
      if (index === 0) started.stdin = streams.stdin;
      Object.assign(started, { stdout: streams.stdout, stderr });
    });
  } catch (error) {
    for (const child of started.children) abandon(child);
    throw error;
  }
  for (let i = 0; i < last; i++) connect(started.children[i], started.children[i + 1]);
  started.name = stages.map(([command]) => String(command)).join(" | ");
  return started;
}

/**
 * Returns the commands of a pipeline with their options.
 *
 * @throws {TypeError} If there is none, or one is not an array.
 */
export function pipelineStages(commands: readonly (readonly [string, ...string[]])[]): Stage[] {
  if (commands.length === 0) throw new TypeError("Cannot start a pipeline as it has no commands: give at least one");
  return commands.map((command): Stage => {
    if (Array.isArray(command)) return [command[0], { args: command.slice(1) }];
    throw new TypeError(
      `Cannot start a pipeline as a command must be an array of strings: current value is ${describe(command)}`,
    );
  });
}

/**
 * Sends a signal to a process. Returns `false` if it has ended before.
 *
 * @throws {TypeError} If there is no such signal.
 */
export function killProcess(child: Deno.ChildProcess, signal: Deno.Signal): boolean {
  try {
    child.kill(signal);
    return true;
  } catch (error) {
    // A process that has ended throws a TypeError, too.
    if (error instanceof TypeError && !/terminated/.test(error.message)) throw error;
    return false;
  }
}

function checkCommand(command: unknown, args: readonly unknown[]): string[] {
  if (!(typeof command === "string" || command instanceof URL)) {
    throw new TypeError(
      `Cannot start a process as 'command' must be a string or a URL: current value is ${describe(command)}`,
    );
  }
  const wrong = Array.isArray(args) ? args.find((arg) => typeof arg !== "string") : args;
  if (wrong === undefined) return args as string[];
  throw new TypeError(
    `Cannot start a process as 'args' must be an array of strings: current value is ${describe(wrong)}`,
  );
}

/** Connects an output with an input. Either process may end early: the other then sees the end, or a broken pipe. */
function connect(from: Deno.ChildProcess, to: Deno.ChildProcess): void {
  from.stdout.pipeTo(to.stdin).catch(() => {});
}

function abandon(child: Deno.ChildProcess): void {
  killProcess(child, "SIGKILL");
  child.stdin.abort().catch(() => {});
  child.stdout.cancel().catch(() => {});
}
