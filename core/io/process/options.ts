/** A stream of a child: we have its other end, the child shares ours, or there is none. */
export type PipeStream = "piped" | "inherit" | "null";

/** How to start a process. All streams are piped by default. */
export interface PipeOptions {
  /** Arguments. */
  readonly args?: readonly string[];
  /** The directory it runs in. */
  readonly cwd?: string | URL;
  /** Environment variables, added to ours. */
  readonly env?: Readonly<Record<string, string>>;
  /** Whether it gets none of our environment variables. */
  readonly clearEnv?: boolean;
  /** The user it runs as. */
  readonly uid?: number;
  /** The group it runs as. */
  readonly gid?: number;
  /** Its standard input. */
  readonly stdin?: PipeStream;
  /** Its standard output. */
  readonly stdout?: PipeStream;
  /** Its standard error. */
  readonly stderr?: PipeStream;
}
