/** What the monitor page sends: the document, which has the state in it, and the state alone, for its script. */
import type { IncomingMessage } from "node:http";
import { printError } from "../../base/error_report.ts";
import { type Access, targetOf } from "./access.ts";
import { documentWith, securityPolicy } from "./document.ts";
import type { Reply } from "./http_server.ts";
import type { ComputationSnapshot } from "./snapshot.ts";

/** Names and errors may come from other machines, and be as long as a message. */
const MAX_TEXT = 1000;

const HEADERS = {
  "cache-control": "no-store",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

/** What can be shown. */
export interface PageSource {
  /** @internal What there is to see of it now. */
  snapshot(): ComputationSnapshot;
}

/** Returns what replies to requests. */
export function repliesOf(source: PageSource, access: Access, action: string): (request: IncomingMessage) => Reply {
  const policy = securityPolicy(action);
  const reply = (request: IncomingMessage): Reply => {
    if (!access.allows(request)) {
      return plain(403, "Forbidden: open the whole address that the program has for this page, with its token");
    }
    if (request.method !== "GET" && request.method !== "HEAD") {
      return plain(405, "Method Not Allowed: use GET or HEAD", { allow: "GET, HEAD" });
    }
    switch (targetOf(request).path) {
      case "/":
        return of(200, "text/html", documentWith(stateOf(source)), { "content-security-policy": policy });
      case "/state":
        return of(200, "application/json", stateOf(source));
      default:
        return plain(404, "Not Found");
    }
  };
  return (request) => {
    try {
      return reply(request);
    } catch (error) {
      printError("Error in the monitor page", error);
      return plain(500, "Internal Server Error");
    }
  };
}

function plain(status: number, text: string, headers: Record<string, string> = {}): Reply {
  return of(status, "text/plain", `${text}\n`, { "content-security-policy": "default-src 'none'", ...headers });
}

function of(status: number, type: string, body: string, headers: Record<string, string> = {}): Reply {
  return { status, headers: { ...HEADERS, "content-type": `${type}; charset=utf-8`, ...headers }, body };
}

/** The state as JSON, with long texts cut. */
function stateOf(source: PageSource): string {
  return JSON.stringify(source.snapshot(), (_, value) => typeof value === "string" ? cut(value) : value);
}

function cut(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}...`;
}
