// One key, one action: on the story that is open, else on the one in focus.

import { toggle } from "./attention.js";
import { give, openDialog, submit, undo } from "./commands.js";
import { go } from "./live.js";

const rows = () => [...document.querySelectorAll(".row-link, .comment")];
const inFocus = (selector) => document.activeElement?.closest(selector);
const story = () => document.querySelector("[data-open]") ?? inFocus("[data-story]");
const comment = () => inFocus("[data-comment]");

const ANYWHERE = {
  "?": () => document.getElementById("help").showModal(),
  "/": () => document.querySelector('input[type="search"]')?.focus(),
  j: () => move(1),
  ArrowDown: () => move(1),
  k: () => move(-1),
  ArrowUp: () => move(-1),
  u: undo,
  t: toggleTheme,
  s: () => toggle("sound"),
  n: () => toggle("notify"),
  Escape: () => document.querySelector("[data-close]")?.click(),
};

const ON_STORY = {
  c: (about) => confirm(about),
  d: (about) => about.dataset.alert && form("dismiss", about),
  m: (about) => form("mute", about),
  p: (about) => ("pinned" in about.dataset ? unpin(about) : form("pin", about)),
  g: (about) => form("merge", about),
  x: (about) => form("split", about),
  o: (about) => form("override_score", about),
  b: (about) => form("set_budget", about),
  e: () => document.querySelector("[data-open] [data-lead], [data-open] .correct")?.click(),
};

const ON_COMMENT = {
  a: (about) => verdict(about, "approve"),
  r: (about) => verdict(about, "remove"),
  e: (about) => verdict(about, "escalate"),
  v: (about) => reveal(about),
};

/** Does what a key stands for; keys with Ctrl, Alt or Meta and keys in fields are the browser's. */
export function press(event) {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.target.closest("input, select, textarea")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (document.querySelector("dialog[open]")) return;
  const page = document.querySelector(`[data-page="${CSS.escape(event.key)}"]`);
  const action = found(event.key) ?? (page && (() => page.click()));
  if (!action) return;
  event.preventDefault();
  action();
}

function found(key) {
  const about = comment();
  if (about && Object.hasOwn(ON_COMMENT, key)) return () => ON_COMMENT[key](about);
  const opened = story();
  if (opened && Object.hasOwn(ON_STORY, key)) return () => ON_STORY[key](opened);
  return Object.hasOwn(ANYWHERE, key) ? ANYWHERE[key] : undefined;
}

function move(by) {
  const all = rows();
  if (all.length === 0) return;
  const here = all.findIndex((row) => row === inFocus(".row-link, .comment"));
  const opened = all.findIndex((row) => row.closest(".row.open"));
  const from = here >= 0 ? here : opened;
  const next = all[Math.min(Math.max(from + by, 0), all.length - 1)];
  next.focus();
  next.scrollIntoView({ block: "nearest" });
  if (document.querySelector("[data-open]") && next.href) go(next.href, { replace: true });
}

function confirm(about) {
  if (!about.dataset.alert) return;
  give({
    kind: "confirm",
    alert_id: about.dataset.alert,
    desk: about.dataset.alertDesk,
    story_id: about.dataset.story,
  });
}

function unpin(about) {
  give({ kind: "unpin", story_id: about.dataset.story });
}

function form(kind, about) {
  const asked = new URLSearchParams({ story: about.dataset.story });
  if (about.dataset.alert) asked.set("alert", about.dataset.alert);
  const desk = about.dataset.alertDesk || about.dataset.desk;
  if (desk) asked.set("desk", desk);
  openDialog(`/console/dialogs/${kind}?${asked}`);
}

function verdict(about, name) {
  const button = about.querySelector(`form[data-command="${name}"]`);
  if (!button) return;
  const next = about.nextElementSibling ?? about.previousElementSibling;
  submit(button).then(() => (document.activeElement === document.body ? next?.focus() : null));
}

/** Shows or hides the words of a comment. */
export function reveal(about) {
  const shown = about.querySelector("[data-shown-text]");
  const button = about.querySelector("[data-reveal]");
  if (!shown) return;
  const opening = shown.hidden;
  shown.hidden = !opening;
  about.querySelector("[data-hidden-text]").hidden = opening;
  button?.setAttribute("aria-expanded", String(opening));
}

/** Light becomes dark and dark light, whatever the system prefers. */
export function toggleTheme() {
  const root = document.documentElement;
  const dark =
    root.dataset.theme === "dark" ||
    (!root.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
  root.dataset.theme = dark ? "light" : "dark";
  localStorage.setItem("theme", root.dataset.theme);
}
