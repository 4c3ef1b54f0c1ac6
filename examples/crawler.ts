/**
 * A polite crawler: it visits each page of a site once, at most 20 at once and 50 a second, tries again what fails for
 * a moment, and reports what fails for good. Ctrl-C finishes the pages that are under way; a second one ends it at once.
 *
 *     deno run --allow-net=127.0.0.1 examples/crawler.ts
 *     deno run --allow-net=example.com examples/crawler.ts https://example.com/
 *
 * Without a URL it crawls a small site that it serves itself.
 */
import { every, main, map, Queue, RateLimiter, retry, scope, signals, TimeoutError, until } from "@asyncoro/asyncoro";
import { fetchLinks, PageError } from "./crawler/page.ts";
import { serveSite } from "./crawler/site.ts";

const CONCURRENCY = 20;
const PER_SECOND = 50;
const REQUEST_SECONDS = 10;

/** The pages of one site: those to visit, those under way, and what became of the others. */
class Crawl {
  /** The pages to visit. It is closed when no more can come. */
  readonly pages = new Queue<string>(Infinity, { name: "pages" });
  readonly failures = new Map<string, string>();
  visited = 0;
  underWay = 0;
  /** How many pages were not visited as the crawl was stopped; `null` if it was not. */
  leftOut: number | null = null;
  readonly #limiter = new RateLimiter({ rate: PER_SECOND, burst: CONCURRENCY });
  readonly #seen = new Set<string>();
  readonly #requestSeconds: number;
  // Pages that are not finished: `pages`, those that are under way, and those between the two.
  #unfinished = 0;

  constructor(requestSeconds: number) {
    this.#requestSeconds = requestSeconds;
  }

  /** Adds a page, unless it was added before or the crawl has been stopped. */
  add(url: string): void {
    if (this.#seen.has(url)) return;
    this.#seen.add(url);
    if (this.leftOut !== null) this.leftOut++;
    else if (this.pages.tryPut(url)) this.#unfinished++;
  }

  /** Begins no further page. */
  stop(): void {
    this.leftOut = this.pages.size;
    this.pages.close();
    while (this.pages.tryGet() !== undefined);
  }

  /** Visits a page. Its failure is noted, and the others go on. */
  *visit(url: string): Generator<unknown, void, unknown> {
    this.underWay++;
    try {
      for (const link of yield* this.#fetch(url)) this.add(link);
      this.visited++;
    } catch (error) {
      this.failures.set(url, reasonOf(error));
    } finally {
      this.underWay--;
      if (--this.#unfinished === 0) this.pages.close();
    }
  }

  #fetch(url: string) {
    const [limiter, seconds] = [this.#limiter, this.#requestSeconds];
    const when = (error: unknown) => this.leftOut === null && !(error instanceof PageError && error.permanent);
    return retry(function* () {
      yield* limiter.take();
      // The request is aborted when its time is up.
      return yield* until((signal) => fetchLinks(url, signal), seconds);
    }, { when });
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof TimeoutError) return "no response in time";
  const { message, cause } = error as Error;
  return cause instanceof Error ? `${message}: ${cause.message}` : message;
}

function* crawlSite(start: string, requestSeconds: number): Generator<unknown, Crawl, unknown> {
  const crawl = new Crawl(requestSeconds);
  crawl.add(start);
  yield* scope(function* (scope) {
    // Services end with the work.
    scope.service(stopOnInterrupt, crawl);
    scope.service(showProgress, crawl);
    const visit = function* (_coro: unknown, url: string) {
      yield* crawl.visit(url);
    };
    yield* map(crawl.pages.items(), visit, { concurrency: CONCURRENCY });
  });
  return crawl;
}

function* stopOnInterrupt(_coro: unknown, crawl: Crawl) {
  // Once this has ended, Ctrl-C ends the program.
  using interrupts = signals("SIGINT");
  yield* interrupts.next();
  crawl.stop();
}

/** Writes a line on stderr, over and over. */
function* showProgress(_coro: unknown, crawl: Crawl) {
  const show = (end: string) => {
    const line = `${crawl.visited} visited, ${crawl.failures.size} failed, ${crawl.underWay} under way`;
    Deno.stderr.writeSync(new TextEncoder().encode(`\r${line}, ${crawl.pages.size} to go  ${end}`));
  };
  using ticks = every(0.1);
  try {
    for (;; yield* ticks.next()) show("");
  } finally {
    show("\n");
  }
}

function report(start: string, { visited, failures, leftOut }: Crawl): void {
  for (const [url, reason] of [...failures].sort()) console.log(`${url.replace(start, "/")}: ${reason}`);
  console.log(`${visited} pages visited, ${failures.size} failed`);
  if (leftOut === null) return;
  console.log(`Stopped: ${leftOut} pages were not visited`);
  Deno.exitCode = 130;
}

main(function* () {
  const [given] = Deno.args;
  if (given !== undefined && !URL.canParse(given)) {
    console.error(`Cannot crawl "${given}": give the URL of a page`);
    Deno.exitCode = 2;
    return;
  }
  const site = given === undefined ? serveSite() : null;
  try {
    const start = new URL(site?.url ?? given).href;
    report(start, yield* crawlSite(start, site === null ? REQUEST_SECONDS : 0.3));
  } finally {
    if (site !== null) yield* until(site.close());
  }
});
