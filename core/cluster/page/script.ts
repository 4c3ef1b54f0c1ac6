/**
 * The script of the monitor page, for browsers.
 *
 * It asks for the whole state once a second, so that a page which has missed something is right again a second later.
 * Whatever comes from the computation becomes text or the value of an attribute that is no code, never HTML.
 */
export const SCRIPT = `"use strict";

const INTERVAL = 1000;
const PATIENCE = 5000;

const byId = (id) => document.getElementById(id);
const part = (element, name) => element.querySelector("[data-part=" + name + "]");

/* Elements are changed only if they show something else: a selection of text and a screen reader are not disturbed. */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function setState(element, state) {
  setText(element, state);
  element.dataset.state = state;
}

/* A part of a whole, 0 to 1, whatever was sent. */
const share = (value) => Math.min(1, Math.max(0, value || 0));

function setMeter(meter, value) {
  meter.firstElementChild.style.width = 100 * share(value) + "%";
  meter.setAttribute("aria-valuenow", share(value));
  meter.setAttribute("aria-valuetext", percent(value));
}

/* A text that may be long: the rest is seen by pointing at it. */
function setLong(element, text) {
  setText(element, text);
  if (element.title !== text) element.title = text;
}

const shown = new WeakMap();

/* Makes the children of an element those of a list: one for each item, kept for as long as its key is in the list. */
function setList(parent, template, items, keyOf, update) {
  const known = new Map(Array.from(parent.children, (child) => [shown.get(child), child]));
  const children = items.map((item, index) => {
    const key = keyOf(item, index);
    const child = known.get(key) || byId(template).content.firstElementChild.cloneNode(true);
    shown.set(child, key);
    update(child, item);
    return child;
  });
  const isSame = children.length === parent.children.length &&
    children.every((child, index) => child === parent.children[index]);
  if (!isSame) parent.replaceChildren(...children);
}

const number = (value) => (value || 0).toLocaleString("en");
const percent = (value) => Math.round(100 * share(value)) + " %";

function plural(count, word) {
  return number(count) + " " + word + (count === 1 ? "" : "s");
}

function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds || 0));
  const units = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const first = units.findIndex(([size]) => whole >= size);
  if (first < 0) return "0 s";
  const [size, unit] = units[first];
  const text = Math.floor(whole / size) + " " + unit;
  if (first === units.length - 1) return text;
  const [nextSize, nextUnit] = units[first + 1];
  const rest = Math.floor((whole % size) / nextSize);
  return rest === 0 ? text : text + " " + rest + " " + nextUnit;
}

function bytes(count) {
  const gibibytes = (count || 0) / 2 ** 30;
  return gibibytes.toFixed(gibibytes < 10 ? 1 : 0) + " GiB";
}

function showProgress({ progress, rate }) {
  byId("progress").hidden = progress === null;
  if (progress === null) return;
  const { done, total } = progress;
  const ended = share(done / total);
  byId("bar").value = ended;
  const left = rate > 0 && done < total ? ", about " + duration((total - done) / rate) + " left" : "";
  setText(byId("progress-text"), number(done) + " of " + number(total) + " (" + Math.floor(100 * ended) + " %)" + left);
}

function showCounts({ jobs, stored, rate, nodes }) {
  const servers = nodes.flatMap((node) => node.servers).filter(({ state }) => state === "ready");
  const busy = servers.reduce((sum, server) => sum + server.busy, 0) / Math.max(1, servers.length);
  const counts = [
    ["Running", number(jobs.running)],
    ["Waiting", number(jobs.waiting)],
    ["Done", number(jobs.done)],
    ["Failed", number(jobs.failed), jobs.failed > 0],
    ["Lost", number(jobs.lost), jobs.lost > 0],
    ["Retried", number(jobs.retried)],
    ["Per second", (rate || 0).toLocaleString("en", { maximumFractionDigits: rate < 10 ? 1 : 0 })],
    ["Load", percent(busy)],
  ];
  if (stored !== null) {
    counts.push(["Stored", number(stored.waiting)], ["Dead", number(stored.dead), stored.dead > 0]);
  }
  setList(byId("counts"), "count", counts, ([name]) => name, (element, [name, value, isBad]) => {
    setText(part(element, "name"), name);
    setText(part(element, "value"), value);
    element.className = isBad ? "bad" : "";
  });
}

function showServer(row, server) {
  row.className = server.state === "ended" ? "ended" : "";
  setLong(part(row, "name"), server.name);
  setState(part(row, "state"), server.state);
  setMeter(part(row, "load"), server.busy);
  setText(part(row, "percent"), percent(server.busy));
  setText(part(row, "running"), number(server.running));
  setText(part(row, "done"), number(server.done));
}

function showNode(card, node) {
  card.classList.toggle("ended", node.state === "ended");
  setLong(part(card, "name"), node.name);
  setState(part(card, "state"), node.state);
  /* A node says what it is when it is this client's turn. */
  const resources = node.cpus > 0 ? [plural(node.cpus, "CPU"), bytes(node.memory) + " free"] : [];
  const about = [node.address, node.platform, ...resources].filter((text) => text !== "");
  setLong(part(card, "about"), about.join(" \\u00b7 "));
  part(card, "table").hidden = node.servers.length === 0;
  setList(part(card, "servers"), "server", node.servers, ({ id }) => id, showServer);
}

function showNodes({ nodes }) {
  const servers = nodes.flatMap((node) => node.servers);
  const ready = servers.filter(({ state }) => state === "ready").length;
  const totals = plural(nodes.length, "node") + ", " + plural(servers.length, "server") + ", " + ready + " ready";
  setText(byId("totals"), nodes.length === 0 ? "" : totals);
  byId("no-nodes").hidden = nodes.length > 0;
  setList(byId("nodes"), "node", nodes, ({ id }) => id, showNode);
}

function showFailures({ failures }) {
  byId("no-failures").hidden = failures.length > 0;
  byId("failures").hidden = failures.length === 0;
  byId("failures-link").hidden = failures.length === 0;
  setText(byId("failures-link"), plural(failures.length, "recent failure"));
  setList(byId("failure-rows"), "failure", failures, (_, index) => index, (row, { at, job, server, error }) => {
    setText(part(row, "when"), duration(at));
    setLong(part(row, "job"), job);
    setLong(part(row, "server"), server);
    setLong(part(row, "error"), error);
  });
}

function show(state) {
  const { progress } = state;
  setText(byId("name"), state.name);
  document.title = (progress === null ? "" : progress.done + "/" + progress.total + " \\u00b7 ") + state.name;
  setState(byId("state"), state.state);
  setText(byId("age"), duration(state.age));
  showProgress(state);
  showCounts(state);
  showNodes(state);
  showFailures(state);
}

let seen = new Date();

function connected() {
  seen = new Date();
  document.body.classList.remove("lost");
  setText(byId("connection"), "");
}

function lost(reason) {
  document.body.classList.add("lost");
  setText(byId("connection"), reason + " What is shown is from " + seen.toLocaleTimeString() + ".");
}

async function update() {
  try {
    const signal = AbortSignal.timeout(PATIENCE);
    const response = await fetch("state" + location.search, { cache: "no-store", signal });
    if (response.ok) {
      show(await response.json());
      connected();
    } else {
      lost("The computation refuses this address: its program may have been started again, with another token.");
    }
  } catch {
    lost("The connection to the computation is lost. Trying again.");
  }
  setTimeout(update, INTERVAL);
}

show(JSON.parse(byId("initial").textContent));
setTimeout(update, INTERVAL);
`;
