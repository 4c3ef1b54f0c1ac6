/**
 * The types of Deno that the declarations of this package mention, for compilers that do not know Deno. They declare
 * only what is true in Deno too, so that Deno's objects are assignable.
 */

/** An address of a network endpoint. */
export interface NetAddr {
  readonly transport: "tcp" | "udp";
  readonly hostname: string;
  readonly port: number;
}

/** The path of a Unix domain socket. */
export interface UnixAddr {
  readonly transport: "unix" | "unixpacket";
  readonly path: string;
}

/** An address between a virtual machine and its host. */
export interface VsockAddr {
  readonly transport: "vsock";
  readonly cid: number;
  readonly port: number;
}

/** An address at either end of a connection. */
export type Addr = NetAddr | UnixAddr | VsockAddr;

/** A connection. */
export interface Conn {
  readonly localAddr: Addr;
  readonly remoteAddr: Addr;
  read(buffer: Uint8Array): Promise<number | null>;
  write(data: Uint8Array): Promise<number>;
  closeWrite(): Promise<void>;
  ref(): void;
  unref(): void;
  close(): void;
}

/** What accepts connections. */
export interface Listener {
  readonly addr: Addr;
  accept(): Promise<Conn>;
  ref(): void;
  unref(): void;
  close(): void;
}

/** How a file is opened. */
export interface OpenOptions {
  read?: boolean;
  write?: boolean;
  append?: boolean;
  truncate?: boolean;
  create?: boolean;
  createNew?: boolean;
  mode?: number;
}

/** The metadata of a file. */
export interface FileInfo {
  readonly isFile: boolean;
  readonly isDirectory: boolean;
  readonly isSymlink: boolean;
  readonly size: number;
  readonly mtime: Date | null;
  readonly atime: Date | null;
  readonly birthtime: Date | null;
  readonly mode: number | null;
}

/** A signal, by its name on Unix. */
export type Signal =
  | "SIGABRT"
  | "SIGALRM"
  | "SIGBUS"
  | "SIGCHLD"
  | "SIGCONT"
  | "SIGFPE"
  | "SIGHUP"
  | "SIGILL"
  | "SIGINT"
  | "SIGIO"
  | "SIGKILL"
  | "SIGPIPE"
  | "SIGPROF"
  | "SIGQUIT"
  | "SIGSEGV"
  | "SIGSTOP"
  | "SIGSYS"
  | "SIGTERM"
  | "SIGTRAP"
  | "SIGTSTP"
  | "SIGTTIN"
  | "SIGTTOU"
  | "SIGURG"
  | "SIGUSR1"
  | "SIGUSR2"
  | "SIGVTALRM"
  | "SIGWINCH"
  | "SIGXCPU"
  | "SIGXFSZ";

/** How a child process ended. */
export interface CommandStatus {
  readonly success: boolean;
  readonly code: number;
  readonly signal: Signal | null;
}
