/** How the monitor page looks. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #f4f5f7;
  --panel: #ffffff;
  --line: #d8dce1;
  --track: #e3e7ec;
  --text: #1a1f26;
  --muted: #566070;
  --accent: #0b5fc4;
  --good: #12693a;
  --warn: #855000;
  --bad: #b3211a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #101317;
    --panel: #191e24;
    --line: #303842;
    --track: #2b333d;
    --text: #e7ebf0;
    --muted: #9ba7b4;
    --accent: #6fb1ff;
    --good: #5fd08a;
    --warn: #efb75b;
    --bad: #ff8d84;
  }
}
* {
  box-sizing: border-box;
}
body {
  margin: 0 auto;
  max-width: 96rem;
  padding: 1.25rem;
  background: var(--page);
  color: var(--text);
  font: 0.9375rem/1.45 system-ui, sans-serif;
  font-variant-numeric: tabular-nums;
}
h1, h2, h3, p, dl, dd {
  margin: 0;
}
h1, h2, h3, .clip {
  overflow-wrap: anywhere;
}
h1 {
  font-size: 1.375rem;
  line-height: 1.25;
}
h2 {
  margin: 1.75rem 0 0.625rem;
  font-size: 1.0625rem;
}
h3 {
  font-size: 1rem;
}
header, .node-title {
  display: flex;
  flex-wrap: wrap;
  align-items: baseline;
  gap: 0.25rem 0.75rem;
}
/* Names and errors come from elsewhere: their direction of writing and their length change nothing around them. */
h1, h3, .clip {
  unicode-bidi: isolate;
}
.clip {
  display: -webkit-box;
  -webkit-box-orient: vertical;
  -webkit-line-clamp: 2;
  overflow: hidden;
}
a {
  color: var(--accent);
}
.muted {
  color: var(--muted);
}
.empty {
  padding: 1rem;
  border: 1px dashed var(--line);
  border-radius: 0.5rem;
  color: var(--muted);
}

.state {
  white-space: nowrap;
  color: var(--muted);
}
.state::before {
  content: "";
  display: inline-block;
  width: 0.5em;
  height: 0.5em;
  margin-right: 0.4em;
  border-radius: 50%;
  background: currentColor;
}
.state[data-state="running"], .state[data-state="ready"] {
  color: var(--good);
}
.state[data-state="suspended"], .state[data-state="draining"], .state[data-state="closing"] {
  color: var(--warn);
}
.state[data-state="ignored"] {
  color: var(--bad);
}

#connection {
  margin-top: 0.75rem;
  padding: 0.5rem 0.75rem;
  border-left: 0.25rem solid var(--bad);
  background: var(--panel);
  color: var(--bad);
  font-weight: 600;
}
#connection:empty {
  display: none;
}
.lost main {
  opacity: 0.7;
}

#progress {
  margin-top: 1rem;
}
progress {
  display: block;
  width: 100%;
  height: 0.75rem;
  border: 0;
  border-radius: 1rem;
  overflow: hidden;
  appearance: none;
  background: var(--track);
}
progress::-webkit-progress-bar {
  background: var(--track);
}
progress::-webkit-progress-value {
  background: var(--accent);
}
progress::-moz-progress-bar {
  background: var(--accent);
}
#progress p {
  margin-top: 0.375rem;
}

#counts {
  display: grid;
  grid-template-columns: repeat(auto-fit, minmax(6.5rem, 1fr));
  gap: 0.625rem;
  margin-top: 1rem;
}
#counts div {
  padding: 0.5rem 0.75rem;
  border: 1px solid var(--line);
  border-radius: 0.5rem;
  background: var(--panel);
}
#counts dt {
  color: var(--muted);
  font-size: 0.8125rem;
}
#counts dd {
  font-size: 1.25rem;
  font-weight: 600;
  line-height: 1.3;
}
#counts .bad dd {
  color: var(--bad);
}

#totals {
  margin-bottom: 0.625rem;
}
#nodes {
  columns: 25rem;
  column-gap: 0.75rem;
}
.node {
  break-inside: avoid;
  margin-bottom: 0.75rem;
}
.node, .failures {
  padding: 0.75rem 0.875rem;
  border: 1px solid var(--line);
  border-radius: 0.5rem;
  background: var(--panel);
}
.node p {
  color: var(--muted);
  font-size: 0.8125rem;
}
.node table {
  margin-top: 0.5rem;
}
.ended, .ended .state {
  color: var(--muted);
}

table {
  width: 100%;
  border-collapse: collapse;
}
th {
  font-weight: 400;
  text-align: left;
}
thead th {
  color: var(--muted);
  font-size: 0.8125rem;
}
th, td {
  padding: 0.25rem 0.625rem 0.25rem 0;
  border-bottom: 1px solid var(--line);
  vertical-align: top;
}
tr > :last-child {
  padding-right: 0;
}
tbody tr:last-child > * {
  border-bottom: 0;
}
.number {
  text-align: right;
  white-space: nowrap;
}
.load {
  width: 7rem;
}
.gauge {
  display: flex;
  align-items: center;
  gap: 0.25rem;
  min-height: 1.45em;
}
.gauge [role="meter"] {
  flex: 1;
  height: 0.5rem;
  border-radius: 1rem;
  overflow: hidden;
  background: var(--track);
}
.gauge [role="meter"] div {
  height: 100%;
  background: var(--accent);
}
.percent {
  min-width: 3em;
  color: var(--muted);
  font-size: 0.8125rem;
  text-align: right;
  white-space: nowrap;
}
.when {
  width: 1%;
  white-space: nowrap;
}
.job {
  width: 22%;
}
.error .clip {
  -webkit-line-clamp: 5;
  white-space: pre-wrap;
}
@media (max-width: 40rem) {
  body {
    padding: 0.875rem;
  }
  th, td {
    padding-right: 0.5rem;
  }
  .load {
    width: 3rem;
  }
  .percent {
    display: none;
  }
  .job {
    width: 32%;
  }
}
`;
