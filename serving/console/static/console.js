// The console's script. Every page works without it for reading; with it, pages stay current and
// decisions take one key.

import { announce, showSwitches, toggle } from "./attention.js";
import { openDialog, submit } from "./commands.js";
import { press, reveal, toggleTheme } from "./keys.js";
import { go, listen, refresh, watch } from "./live.js";
import { localise } from "./times.js";

const TYPED_MS = 250;
const TICK_MS = 20_000;

const TOOLS = {
  theme: toggleTheme,
  sound: () => toggle("sound"),
  notify: () => toggle("notify"),
  help: () => document.getElementById("help").showModal(),
};

document.addEventListener("keydown", press);

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.matches("[data-command]")) {
    event.preventDefault();
    submit(form, event.submitter);
  } else if (form.matches("[data-filters]")) {
    event.preventDefault();
    choose(form);
  }
});

document.addEventListener("click", (event) => {
  const plain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey;
  const tool = event.target.closest("[data-tool]");
  if (tool) return TOOLS[tool.dataset.tool]();
  const hidden = event.target.closest("[data-reveal]");
  if (hidden) return reveal(hidden.closest("[data-comment]"));
  const link = event.target.closest("a[href]");
  if (!link || !plain) return;
  if (link.matches("[data-cancel]") && link.closest("dialog")) {
    event.preventDefault();
    link.closest("dialog").close();
  } else if (link.matches("[data-dialog]")) {
    event.preventDefault();
    openDialog(link.href);
  } else if (isHere(link)) {
    event.preventDefault();
    go(link.href).then(() => settle(link));
  }
});

let typing = null;
document.addEventListener("input", (event) => {
  const form = event.target.closest("[data-filters]");
  if (!form) return;
  clearTimeout(typing);
  typing = setTimeout(() => choose(form), event.target.matches("select") ? 0 : TYPED_MS);
});

/** Shows what the filters ask for; the address says it too. */
function choose(form) {
  const asked = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (value) asked.set(name, value);
  go(`${form.action.split("?")[0]}?${asked}`, { replace: true });
}

/** A link to the same page with other choices. */
function isHere(link) {
  return (
    link.origin === location.origin &&
    link.pathname === location.pathname &&
    !link.hash &&
    !link.target
  );
}

/** A story that was opened begins at its top. */
function settle(link) {
  const detail = document.querySelector("[data-open]");
  if (!detail || !link.matches(".row-link")) return;
  detail.scrollTop = 0;
  if (matchMedia("(max-width: 1180px)").matches) window.scrollTo(0, 0);
}

window.addEventListener("popstate", refresh);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) {
    watch();
    refresh();
  }
});
setInterval(() => {
  watch();
  localise(document);
}, TICK_MS);

showSwitches();
localise(document);
announce();
listen();
