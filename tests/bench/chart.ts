/** Charts as SVG text: the same figures give the same text, readable on light and on dark pages. */

/** One bar of a panel. */
export interface Bar {
  readonly name: string;
  /** Greater than zero. */
  readonly value: number;
  /** The text behind the bar. */
  readonly text: string;
  /** Whether it is our library's, and drawn so. */
  readonly ours?: boolean;
}

/** Bars that belong together, with a scale of their own. */
export interface Panel {
  readonly title: string;
  readonly unit: string;
  readonly bars: readonly Bar[];
}

/** Small multiples of horizontal bars. */
export interface BarChart {
  readonly title: string;
  readonly note: string;
  readonly panels: readonly Panel[];
}

/** Lines over two logarithmic axes. */
export interface LineChart {
  readonly title: string;
  readonly note: string;
  readonly x: string;
  readonly y: string;
  readonly series: readonly { readonly name: string; readonly points: readonly (readonly [number, number])[] }[];
}

const COLOURS = ["#0b7285", "#d9480f", "#5f3dc4", "#2b8a3e", "#a61e4d", "#e67700", "#495057"];

const STYLE = `
text { font: 12px system-ui, sans-serif; fill: #24292f }
.title { font-size: 16px; font-weight: 600 } .panel { font-weight: 600 } .note { fill: #57606a }
.bar { fill: #b6bec8 } .ours { fill: #0b7285 } .grid { stroke: #d0d7de } .line { fill: none; stroke-width: 2 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .note { fill: #8d96a0 } .bar { fill: #57606a } .ours { fill: #22b8cf } .grid { stroke: #30363d }
}`;

const WIDTH = 960;
const COLUMNS = 3;
const ROW = 18;
const HEAD = 64;

/** Draws panels of bars, each panel on a logarithmic scale of its own. */
export function barPanels({ title, note, panels }: BarChart): string {
  const width = WIDTH / COLUMNS;
  const parts: string[] = [];
  let top = HEAD;
  for (let first = 0; first < panels.length; first += COLUMNS) {
    const row = panels.slice(first, first + COLUMNS);
    row.forEach((panel, column) => parts.push(onePanel(panel, column * width, top)));
    top += 30 + ROW * Math.max(...row.map(({ bars }) => bars.length)) + 16;
  }
  return page(title, note, top, parts);
}

const NAMES = 82;
const TEXTS = 74;

function onePanel({ title, unit, bars }: Panel, left: number, top: number): string {
  const longest = WIDTH / COLUMNS - NAMES - TEXTS - 16;
  const least = Math.min(...bars.map(({ value }) => value)) / 2;
  const span = Math.log(Math.max(...bars.map(({ value }) => value)) / least);
  const lines = bars.map(({ name, value, text, ours }, index) => {
    const y = top + 24 + ROW * index;
    const length = (longest * Math.log(value / least)) / span;
    return label(left + NAMES - 6, y + 10, name, "", "end") +
      `<rect class="${ours ? "ours" : "bar"}" x="${at(left + NAMES)}" y="${at(y)}" width="${
        at(length)
      }" height="13"/>` +
      label(left + NAMES + length + 5, y + 10, text, "note");
  });
  return label(left + 4, top + 12, `${title}, ${unit}`, "panel") + lines.join("");
}

const PLOT = { left: 70, top: HEAD + 10, width: 700, height: 380 };

/** Draws lines over logarithmic axes. */
export function lineChart({ title, note, x, y, series }: LineChart): string {
  const points = series.flatMap((one) => one.points);
  const across = axis(points.map(([value]) => value));
  const up = axis(points.map(([, value]) => value));
  const px = (value: number) => PLOT.left + PLOT.width * across.place(value);
  const py = (value: number) => PLOT.top + PLOT.height * (1 - up.place(value));
  const parts = [
    ...across.ticks.map((tick) =>
      tickLine(px(tick), PLOT.top, px(tick), PLOT.top + PLOT.height) +
      label(px(tick), PLOT.top + PLOT.height + 18, tick.toLocaleString("en"), "note", "middle")
    ),
    ...up.ticks.map((tick) =>
      tickLine(PLOT.left, py(tick), PLOT.left + PLOT.width, py(tick)) +
      label(PLOT.left - 8, py(tick) + 4, tick.toLocaleString("en"), "note", "end")
    ),
    label(PLOT.left + PLOT.width / 2, PLOT.top + PLOT.height + 40, x, "", "middle"),
    label(PLOT.left, PLOT.top - 8, y),
  ];
  const ends = spread(series.map((one) => py(one.points.at(-1)![1])));
  series.forEach(({ name, points }, index) => {
    const colour = COLOURS[index % COLOURS.length];
    const path = points.map(([a, b]) => `${at(px(a))},${at(py(b))}`).join(" ");
    parts.push(`<polyline class="line" stroke="${colour}" points="${path}"/>`);
    for (const [a, b] of points) parts.push(`<circle cx="${at(px(a))}" cy="${at(py(b))}" r="3" fill="${colour}"/>`);
    parts.push(label(px(points.at(-1)![0]) + 10, ends[index] + 4, name));
  });
  return page(title, note, PLOT.top + PLOT.height + 56, parts);
}

/** A logarithmic axis over whole powers of ten: where a value lies between 0 and 1, and where its ticks are. */
function axis(values: readonly number[]): { place(value: number): number; ticks: number[] } {
  const low = Math.floor(Math.log10(Math.min(...values)) + 1e-9);
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values)) - 1e-9));
  const ticks = [];
  for (let power = low; power <= high; power++) ticks.push(10 ** power);
  return { place: (value) => (Math.log10(value) - low) / (high - low), ticks };
}

/** Moves labels apart that would overlap, keeping their order. */
function spread(heights: readonly number[]): number[] {
  const order = heights.map((_, index) => index).sort((a, b) => heights[a] - heights[b]);
  const moved = [...heights];
  order.forEach((index, rank) => {
    if (rank > 0) moved[index] = Math.max(moved[index], moved[order[rank - 1]] + 15);
  });
  return moved;
}

function page(title: string, note: string, height: number, parts: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img">` +
    `<title>${escape(title)}</title><style>${STYLE}</style>\n` +
    label(4, 22, title, "title") + label(4, 42, note, "note") + "\n" + parts.join("\n") + "\n</svg>\n";
}

function tickLine(x1: number, y1: number, x2: number, y2: number): string {
  return `<line class="grid" x1="${at(x1)}" y1="${at(y1)}" x2="${at(x2)}" y2="${at(y2)}"/>`;
}

function label(x: number, y: number, text: string, name = "", anchor = ""): string {
  const attributes = (name && ` class="${name}"`) + (anchor && ` text-anchor="${anchor}"`);
  return `<text x="${at(x)}" y="${at(y)}"${attributes}>${escape(text)}</text>`;
}

function at(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
