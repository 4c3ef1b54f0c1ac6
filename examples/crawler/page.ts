/** Fetching one page: its links, or why it has none. */

const MAX_CHARACTERS = 1_000_000;
// These may be gone at the next attempt: too many requests, and trouble of the server.
const TEMPORARY = [429, 500, 502, 503, 504];

/** A page cannot be read. */
export class PageError extends Error {
  override name = "PageError";

  constructor(message: string, readonly permanent: boolean) {
    super(message);
  }
}

/** Fetches a page. Returns the addresses of the same site to which it leads: its links, or where it has moved. */
export async function fetchLinks(url: string, signal: AbortSignal): Promise<string[]> {
  // A redirection is a link like others: the page that it leads to is visited once, too.
  const response = await fetch(url, { signal, redirect: "manual" });
  try {
    const location = response.headers.get("location");
    if (response.status >= 300 && response.status < 400 && location !== null) return linksOf([location], url);
    if (!response.ok) throw new PageError(`status ${response.status}`, !TEMPORARY.includes(response.status));
    if (!response.headers.get("content-type")?.startsWith("text/html")) return [];
    const links = (await readText(response)).matchAll(/<a\s[^>]*href="([^"]*)"/gi);
    return linksOf([...links].map(([, href]) => href), url);
  } finally {
    // No effect if the body has been read.
    if (!response.bodyUsed) await response.body?.cancel();
  }
}

async function readText(response: Response): Promise<string> {
  let text = "";
  for await (const part of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += part;
    if (text.length > MAX_CHARACTERS) throw new PageError(`more than ${MAX_CHARACTERS} characters`, true);
  }
  return text;
}

/** The absolute addresses of links, without those that lead elsewhere. */
function linksOf(hrefs: readonly string[], base: string): string[] {
  const urls = hrefs.map((href) => URL.parse(href, base)).filter((url) => url !== null);
  for (const url of urls) url.hash = "";
  return urls.filter((url) => url.origin === new URL(base).origin).map((url) => url.href);
}
