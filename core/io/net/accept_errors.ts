/** The meaning of an error of the host's `accept` for the listener: see accept(2). */

/** Seconds for which a listener that got no descriptor waits until others are closed. */
export const SHORTAGE_PAUSE = 1;

const SHORTAGE_CODES = new Set(["EMFILE", "ENFILE", "ENOMEM", "ENOBUFS"]);

// The connection broke before it was accepted: Linux passes on the error of the network.
const BROKEN_CODES = new Set([
  "ECONNABORTED",
  "ECONNRESET",
  "EHOSTDOWN",
  "EHOSTUNREACH",
  "EINTR",
  "ENETDOWN",
  "ENETUNREACH",
  "ENONET",
  "ENOPROTOOPT",
  "ENOTCONN",
  "EOPNOTSUPP",
  "EPERM",
  "EPIPE",
  "EPROTO",
  "ETIMEDOUT",
]);

const BROKEN_NAMES = new Set(["ConnectionAborted", "ConnectionReset", "NotConnected", "Interrupted", "BrokenPipe"]);

/** Whether only this one connection is lost. */
export function isBrokenConnection(error: unknown): boolean {
  const { code, name } = error as { code?: string; name?: string };
  return code === undefined ? BROKEN_NAMES.has(name ?? "") : BROKEN_CODES.has(code);
}

/** Whether the process or the system has no descriptors or no memory left at the moment. */
export function isShortage(error: unknown): error is Error {
  return SHORTAGE_CODES.has((error as { code?: string }).code ?? "");
}
