/**
 * deno run -A tests/bench/pages.ts
 *
 * Makes texts and charts anew from all stored results, as is needed when the form of a page has changed.
 */
import { fairnessPage } from "./fairness/page.ts";
import { figuresPage, peersPage } from "./peers/page.ts";
import { type Page, render } from "./results.ts";
import { scalePage } from "./scale/page.ts";
import { sizePage, startPage } from "./size/page.ts";

/** A page whose result may have any type: each page in the list only gets its own. */
// deno-lint-ignore no-explicit-any
type AnyPage = Page<any>;

/** All pages. */
export const PAGES: readonly AnyPage[] = [fairnessPage, figuresPage, peersPage, scalePage, sizePage, startPage];

if (import.meta.main) { for (const page of PAGES) await render(page); }
