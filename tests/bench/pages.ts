/**
 * deno run -A tests/bench/pages.ts
 *
 * Makes texts and pictures anew from all results that are kept, as is needed when a page's form has changed.
 */
import { fairnessPage } from "./fairness/page.ts";
import { figuresPage, peersPage } from "./peers/page.ts";
import { type Page, render } from "./results.ts";
import { scalePage } from "./scale/page.ts";

/** A page whose result may be anything: what stands in the list is only ever given its own. */
// deno-lint-ignore no-explicit-any
type AnyPage = Page<any>;

/** All pages. */
export const PAGES: readonly AnyPage[] = [fairnessPage, figuresPage, peersPage, scalePage];

if (import.meta.main) { for (const page of PAGES) await render(page); }
