/**
 * A headless Chromium, driven by its DevTools protocol (https://chromedevtools.github.io/devtools-protocol/).
 *
 * The tests need less of it than a driver library would bring.
 */

// The network of a test machine may be closed: without these flags, Chromium waits for servers of its maker.
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--remote-debugging-port=0",
];

interface Reply {
  readonly id?: number;
  readonly sessionId?: string;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

interface RemoteObject {
  readonly value?: unknown;
  readonly description?: string;
}

interface Call {
  resolve(result: Record<string, unknown>): void;
  reject(error: Error): void;
}

/** A running browser. */
export class Chromium {
  readonly #child: Deno.ChildProcess;
  readonly #profile: string;
  readonly #socket: WebSocket;
  readonly #output: Output;
  readonly #calls = new Map<number, Call>();
  readonly #pages = new Map<string, Page>();
  #lastId = 0;

  private constructor(child: Deno.ChildProcess, profile: string, socket: WebSocket, output: Output) {
    this.#child = child;
    this.#profile = profile;
    this.#socket = socket;
    this.#output = output;
    socket.onmessage = ({ data }) => this.#take(JSON.parse(data));
  }

  /** Starts it, with a profile of its own. */
  static async start(command: string): Promise<Chromium> {
    const profile = await Deno.makeTempDir();
    const child = new Deno.Command(command, {
      args: [...FLAGS, `--user-data-dir=${profile}`, "about:blank"],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const output = new Output(child.stderr);
    const socket = new WebSocket(await inTime(output.address, "start Chromium"));
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = reject;
    });
    return new Chromium(child, profile, socket, output);
  }

  /** Ends it. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#socket.onclose = resolve);
    await this.send("Browser.close");
    await Promise.all([closed, this.#child.status]);
    await this.#output.stop();
    await removeFolder(this.#profile);
  }

  /** Calls a method of the protocol. */
  send(method: string, params: object = {}, sessionId?: string): Promise<Record<string, unknown>> {
    const id = ++this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<Record<string, unknown>>();
    this.#calls.set(id, { resolve, reject });
    this.#socket.send(JSON.stringify({ id, method, params, sessionId }));
    return inTime(promise, method);
  }

  #take({ id, sessionId, method, params, result, error }: Reply): void {
    if (id === undefined) return this.#pages.get(sessionId ?? "")?.told(method!, params!);
    const call = this.#calls.get(id)!;
    this.#calls.delete(id);
    if (error === undefined) call.resolve(result!);
    else call.reject(new Error(error.message));
  }

  /** Opens a page and waits until it is loaded, its modules included. */
  async open(url: string): Promise<Page> {
    const { targetId } = await this.send("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await this.send("Target.attachToTarget", { targetId, flatten: true });
    const page = new Page(this, sessionId as string, targetId as string);
    this.#pages.set(page.sessionId, page);
    await page.load(url);
    return page;
  }
}

// The browser's log does not contain all of them.
const REPORT_VIOLATIONS = `addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI }) =>
  console.error(effectiveDirective, "forbids", blockedURI))`;

/** A page of the browser. */
export class Page {
  /** Uncaught exceptions, console errors, and complaints of the browser, such as violations of a policy. */
  readonly problems: string[] = [];
  readonly #loaded = Promise.withResolvers<void>();

  /** Use {@linkcode Chromium.open}. */
  constructor(readonly browser: Chromium, readonly sessionId: string, readonly targetId: string) {}

  /** @internal Goes to its address. */
  async load(url: string): Promise<void> {
    for (const domain of ["Page", "Runtime", "Log"]) await this.send(`${domain}.enable`);
    await this.send("Page.addScriptToEvaluateOnNewDocument", { source: REPORT_VIOLATIONS });
    await this.send("Page.navigate", { url });
    await inTime(this.#loaded.promise, `load ${url}`);
  }

  /** @internal An event of the protocol. */
  told(method: string, params: Record<string, unknown>): void {
    // deno-lint-ignore no-explicit-any -- the protocol's own words, see the head of this file
    const event = params as any;
    if (method === "Page.loadEventFired") this.#loaded.resolve();
    else if (method === "Log.entryAdded" && event.entry.level === "error") this.problems.push(event.entry.text);
    else if (method === "Runtime.exceptionThrown") this.problems.push(describe(event.exceptionDetails));
    else if (method === "Runtime.consoleAPICalled" && event.type === "error") {
      this.problems.push(event.args.map((arg: RemoteObject) => arg.value ?? arg.description).join(" "));
    }
  }

  /** Calls a method of the protocol for this page. */
  send(method: string, params: object = {}): Promise<Record<string, unknown>> {
    return this.browser.send(method, params, this.sessionId);
  }

  /** The value of an expression in the page; a promise is awaited. */
  async evaluate<T>(expression: string): Promise<T> {
    const options = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", options);
    if (exceptionDetails !== undefined) throw new Error(describe(exceptionDetails));
    return (result as { value: T }).value;
  }

  /** Presses and releases the left button of the mouse. */
  async click(x: number, y: number): Promise<void> {
    for (const type of ["mousePressed", "mouseReleased"]) {
      await this.send("Input.dispatchMouseEvent", { type, x, y, button: "left", clickCount: 1 });
    }
  }

  /** Closes it. */
  async close(): Promise<void> {
    await this.browser.send("Target.closeTarget", { targetId: this.targetId });
  }
}

// deno-lint-ignore no-explicit-any -- the protocol's own words
function describe(details: any): string {
  return details.exception?.description ?? details.text;
}

/** What the browser writes: it is read to the end, so that it does not block the browser. */
class Output {
  /** The address on which the browser listens. */
  readonly address: Promise<string>;
  readonly #stopped = new AbortController();
  readonly #ended: Promise<void>;

  constructor(stderr: ReadableStream<Uint8Array<ArrayBuffer>>) {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    this.address = promise;
    const decoder = new TextDecoder();
    let text = "";
    const sink = new WritableStream<Uint8Array>({
      write(chunk) {
        text += decoder.decode(chunk, { stream: true });
        const address = /DevTools listening on (ws:\S+)/.exec(text)?.[1];
        if (address !== undefined) resolve(address);
      },
    });
    const ended = () => reject(new Error(`Chromium ended:\n${text}`));
    this.#ended = stderr.pipeTo(sink, { signal: this.#stopped.signal }).then(ended, ended);
  }

  /** Reads no more. Processes of the browser that end last may hold it open. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#ended;
  }
}

/** Processes of the browser that end last may still write there. */
async function removeFolder(path: string): Promise<void> {
  for (let left = 50;; left--) {
    try {
      return await Deno.remove(path, { recursive: true });
    } catch (error) {
      if (left === 0) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** The promise, or an error after a minute: a browser that hangs must not hang the tests. */
async function inTime<T>(promise: Promise<T>, action: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Cannot ${action} as Chromium does not answer`)), 60_000);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
