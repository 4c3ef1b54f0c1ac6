/** What an error of the host's `accept` means for the listener: see accept(2). */

/** Seconds for which a listener that found no descriptor lets others give theirs back. */
export const SHORTAGE_PAUSE = 1;

const SHORTAGES = new Set(["EMFILE", "ENFILE", "ENOMEM", "ENOBUFS"]);

// The connection broke before it was accepted: Linux passes on what the network has said about it.
const GONE = new Set([
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

const GONE_NAMES = new Set(["ConnectionAborted", "ConnectionReset", "NotConnected", "Interrupted", "BrokenPipe"]);

/** Whether only this one connection is lost. */
export function isGone(error: unknown): boolean {
  const { code, name } = error as { code?: string; name?: string };
  return code === undefined ? GONE_NAMES.has(name ?? "") : GONE.has(code);
}

/** Whether the process or the system lacks descriptors or memory at the moment. */
export function isShortage(error: unknown): error is Error {
  return SHORTAGES.has((error as { code?: string }).code ?? "");
}
