/**
 * The document of the monitor page: style, script and the state in one response, so that one request shows everything.
 *
 * The policy allows this style and this script by their hashes, and nothing else.
 */
import { builtin } from "../../host/capability.ts";
import { SCRIPT } from "./script.ts";
import { STYLE } from "./style.ts";

const START = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Computation</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<header>
  <h1 id="name">Computation</h1>
  <span id="state" class="state"></span>
  <span class="muted">for <span id="age"></span></span>
  <a id="failures-link" href="#failures-title" hidden></a>
</header>
<p id="connection" role="status"></p>
<noscript><p class="empty">This page needs JavaScript.</p></noscript>
<main>
  <div id="progress" hidden>
    <progress id="bar" max="1" value="0" aria-label="Progress" aria-describedby="progress-text"></progress>
    <p id="progress-text"></p>
  </div>
  <dl id="counts" aria-label="Totals"></dl>
  <section aria-labelledby="nodes-title">
    <h2 id="nodes-title">Nodes and servers</h2>
    <p id="totals" class="muted"></p>
    <p id="no-nodes" class="empty">No node has been found yet.</p>
    <div id="nodes"></div>
  </section>
  <section aria-labelledby="failures-title">
    <h2 id="failures-title">Failures</h2>
    <p id="no-failures" class="empty">No job has failed.</p>
    <div id="failures" class="failures" hidden>
      <table aria-labelledby="failures-title">
        <thead>
          <tr>
            <th scope="col" class="when">After</th>
            <th scope="col" class="job">Job and server</th>
            <th scope="col" class="error">Error</th>
          </tr>
        </thead>
        <tbody id="failure-rows"></tbody>
      </table>
    </div>
  </section>
</main>
<template id="count">
  <div><dt data-part="name"></dt><dd data-part="value"></dd></div>
</template>
<template id="node">
  <article class="node">
    <div class="node-title"><h3 class="clip" data-part="name"></h3><span class="state" data-part="state"></span></div>
    <p class="clip" data-part="about"></p>
    <table data-part="table">
      <thead>
        <tr>
          <th scope="col">Server</th>
          <th scope="col">State</th>
          <th scope="col" class="load">Load</th>
          <th scope="col" class="number">Running</th>
          <th scope="col" class="number">Done</th>
        </tr>
      </thead>
      <tbody data-part="servers"></tbody>
    </table>
  </article>
</template>
<template id="server">
  <tr>
    <th scope="row"><span class="clip" data-part="name"></span></th>
    <td><span class="state" data-part="state"></span></td>
    <td class="load">
      <div class="gauge">
        <div role="meter" aria-label="Load" aria-valuemin="0" aria-valuemax="1" data-part="load"><div></div></div>
        <span class="percent" aria-hidden="true" data-part="percent"></span>
      </div>
    </td>
    <td class="number" data-part="running"></td>
    <td class="number" data-part="done"></td>
  </tr>
</template>
<template id="failure">
  <tr>
    <td class="when" data-part="when"></td>
    <td class="job"><span class="clip" data-part="job"></span><span class="clip muted" data-part="server"></span></td>
    <td class="error"><span class="clip" data-part="error"></span></td>
  </tr>
</template>
<script id="initial" type="application/json">`;

const END = `</script>
<script>${SCRIPT}</script>
</body>
</html>
`;

/** The document with a state in it, given as JSON. */
export function documentWith(state: string): string {
  // In JSON, "<" occurs within strings only. Escaped, it can begin no tag and no comment.
  return START + state.replaceAll("<", "\\u003c") + END;
}

/** The Content-Security-Policy of the document. */
export function securityPolicy(action: string): string {
  const { createHash } = builtin("node:crypto", action) as typeof import("node:crypto");
  const hash = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
  return [
    "default-src 'none'",
    `script-src ${hash(SCRIPT)}`,
    `style-src ${hash(STYLE)}`,
    "connect-src 'self'",
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; ");
}
