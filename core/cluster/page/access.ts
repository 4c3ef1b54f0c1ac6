/**
 * Which requests may see the monitor page: those that send its token to an address of the page.
 *
 * The token keeps other users of the machine and of the network out. The checks of Host and Origin are for programs that
 * may know the token without being allowed to read the page: a site whose name was made to point to this machine (DNS
 * rebinding), and a site that sends requests from the browser of a viewer.
 */
import type { IncomingMessage } from "node:http";
import { builtin } from "../../host/capability.ts";

/** See the head of this file. */
export class Access {
  /** What a request must have as `token` in its query. */
  readonly token: string;
  readonly #crypto: typeof import("node:crypto");
  readonly #hostname: string;
  readonly #digest: Uint8Array;

  /** `hostname` is where the server listens. Without a token, 128 random bits are taken. */
  constructor(hostname: string, token: string | undefined, action: string) {
    this.#crypto = builtin("node:crypto", action) as typeof import("node:crypto");
    this.#hostname = hostname;
    this.token = token ?? this.#crypto.randomBytes(16).toString("base64url");
    this.#digest = this.#sha256(this.token);
  }

  /** Whether a request may be responded to. It says nothing about its method and its path. */
  allows(request: IncomingMessage): boolean {
    const hosts = this.#hosts(request.socket.localAddress ?? "", request.socket.localPort ?? 0);
    const origins = hosts.map((host) => `http://${host}`);
    const [host, ...otherHosts] = valuesOf(request, "host");
    return this.#isToken(targetOf(request).query.get("token") ?? "") &&
      otherHosts.length === 0 && hosts.includes(host?.toLowerCase()) &&
      valuesOf(request, "origin").every((origin) => origins.includes(origin.toLowerCase()));
  }

  /**
   * The values of Host that mean this server. The address that a connection was made to is among them, as a server may
   * listen to all addresses of its machine. A name that points to it is not, unless the server listens to that name.
   */
  #hosts(localAddress: string, port: number): string[] {
    const names = [this.#hostname.toLowerCase(), localAddress.replace(/^::ffff:(?=\d+\.)/, ""), "localhost"];
    // Browsers leave out the port that is usual for HTTP.
    return names.map(hostInUrl).flatMap((name) => port === 80 ? [name, `${name}:80`] : [`${name}:${port}`]);
  }

  /** Takes the same time for all tokens: neither their length nor how far they are right can be measured. */
  #isToken(token: string): boolean {
    return this.#crypto.timingSafeEqual(this.#sha256(token), this.#digest);
  }

  #sha256(text: string): Uint8Array {
    return this.#crypto.createHash("sha256").update(text).digest();
  }
}

/** A host name or address, as URLs have it. */
export function hostInUrl(hostname: string): string {
  return hostname.includes(":") ? `[${hostname}]` : hostname;
}

/** The path of a request, and its query. */
export function targetOf({ url = "" }: IncomingMessage): { path: string; query: URLSearchParams } {
  const [path, ...rest] = url.split("?");
  return { path, query: new URLSearchParams(rest.join("?")) };
}

/** All values of a header: `headers` has only the first Host of a request with two. */
function valuesOf({ rawHeaders }: IncomingMessage, name: string): string[] {
  return rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1].toLowerCase() === name);
}
