// Keeps the page current: the server says that something changed, the page is fetched again and
// only what differs is replaced. After a lost connection the same happens, so nothing is missed.

import { announce } from "./attention.js";
import { morph, parsed } from "./morph.js";
import { localise } from "./times.js";

const CALM_MS = 350;
const HIDDEN_CALM_MS = 2_000;
/** Waits this many times as long as a fetch took, so that no page keeps a busy server busier. */
const SHARE = 3;
const SILENT_MS = 25_000;
const AGAIN_MS = 2_000;

let source = null;
let heard = 0;
let running = null;
let asked = false;

/** Fetches the page and shows what changed; at once, or with the fetch that is under way. */
export async function refresh() {
  asked = true;
  running ??= run().finally(() => { running = null; });
  return running;
}

async function run() {
  while (asked) {
    asked = false;
    const begun = performance.now();
    await show(location.href);
    const calm = calmMs(performance.now() - begun);
    await new Promise((done) => setTimeout(done, calm));
  }
}

/** How long to wait before the next fetch: longer where a page says so, or the server is busy. */
function calmMs(tookMs) {
  const least = document.body.dataset.calmMs ?? (document.hidden ? HIDDEN_CALM_MS : CALM_MS);
  return Math.max(Number(least), SHARE * tookMs);
}

/** Goes to another address of the console without loading it anew. */
export async function go(address, { replace = false } = {}) {
  history[replace ? "replaceState" : "pushState"](null, "", address);
  await show(address);
}

async function show(address) {
  let answer;
  try {
    answer = await fetch(address, { headers: { "x-live": "1" }, cache: "no-store" });
  } catch {
    return lost("Server away");
  }
  if (answer.status === 401) return loggedOut();
  if (!answer.ok) return lost("Server away");
  const fresh = parsed(await answer.text());
  if (new URL(address, location.href).href !== location.href) return;
  if (setting(fresh, "build") !== setting(document, "build")) return location.reload();
  localise(fresh);
  document.title = fresh.title;
  document.body.className = fresh.body.className;
  morph(document.querySelector(".top nav"), fresh.querySelector(".top nav"));
  morph(document.getElementById("main"), fresh.getElementById("main"));
  fillIn();
  announce();
}

/** Filters say what the address says, but for the one that is being typed in. */
function fillIn() {
  const asked = new URLSearchParams(location.search);
  for (const field of document.querySelectorAll("[data-filters] [name]")) {
    if (field !== document.activeElement) field.value = asked.get(field.name) ?? "";
  }
}

function setting(page, name) {
  return page.querySelector(`meta[name="${name}"]`)?.content;
}

/** Listens for changes, for as long as the page is open. */
export function listen() {
  source?.close();
  source = new EventSource("/console/events");
  heard = Date.now();
  source.addEventListener("hello", () => { said("live", "Live"); refresh(); });
  source.addEventListener("changed", () => { said("live", "Live"); refresh(); });
  source.addEventListener("alive", () => said("live", "Live"));
  source.onerror = () => {
    lost("Reconnecting");
    // A browser gives up after an answer that is no stream: a proxy's error page, or that the
    // session has ended, which fetching the page finds out.
    if (source.readyState !== EventSource.CLOSED) return;
    refresh();
    setTimeout(listen, AGAIN_MS);
  };
}

/** A connection that went silent is as good as none: a laptop that slept, a network that changed. */
export function watch() {
  if (Date.now() - heard > SILENT_MS) {
    lost("Reconnecting");
    listen();
  }
}

function said(state, word) {
  heard = Date.now();
  connection(state, word);
}

function lost(word) {
  connection("lost", word);
}

function connection(state, word) {
  const place = document.getElementById("connection");
  if (place.className === `connection ${state}` && place.lastElementChild.textContent === word) return;
  place.className = `connection ${state}`;
  place.lastElementChild.textContent = word;
}

function loggedOut() {
  source?.close();
  const here = encodeURIComponent(location.pathname + location.search);
  location.assign(`/login?next=${here}`);
}
