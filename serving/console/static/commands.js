// Forms become commands without leaving the page; dialogs; what was said, and its undo.

import { refresh } from "./live.js";
import { parsed } from "./morph.js";

const SAID_MS = 6_000;

const dialog = () => document.getElementById("dialog");
const csrf = () => document.querySelector('meta[name="csrf"]').content;

let lastUndo = null;

/** Sends a form's command and says what came of it. */
export async function submit(form, submitter) {
  const body = new URLSearchParams(new FormData(form, submitter));
  const shown = form.querySelector(".error");
  const result = await send(form.action, body);
  if (result.error) {
    if (shown) {
      shown.textContent = result.error;
      shown.hidden = false;
    } else {
      say(result.error, { bad: true });
    }
    return;
  }
  if (dialog().contains(form)) dialog().close();
  say(result.said, { undo: result.undo, forMs: result.undo_for_ms });
  await refresh();
}

/** Sends a command of a few fields. */
export async function give(fields) {
  const result = await send("/console/commands", new URLSearchParams(fields));
  if (result.error) say(result.error, { bad: true });
  else say(result.said, { undo: result.undo, forMs: result.undo_for_ms });
  await refresh();
}

/** Takes the editor's last decision back, also one of before this page was loaded. */
export async function undo() {
  const id = lastUndo?.id ?? document.getElementById("main").dataset.undo;
  lastUndo?.toast.remove();
  lastUndo = null;
  if (!id) return say("There is nothing to undo");
  await give({ kind: "undo", undoes: id });
}

async function send(address, body) {
  try {
    const answer = await fetch(address, {
      method: "POST",
      body,
      headers: { "x-live": "1", "x-csrf-token": csrf() },
    });
    if (answer.status === 401) return { error: "You are logged out. Log in again." };
    const result = await answer.json();
    return answer.ok ? result : { error: result.error ?? result.detail ?? "It was not taken" };
  } catch {
    return { error: "The server is away: the command was not given" };
  }
}

/** Opens a form that the server renders. */
export async function openDialog(address) {
  let answer;
  try {
    answer = await fetch(address, { headers: { "x-live": "1" } });
  } catch {
    return say("The server is away", { bad: true });
  }
  if (answer.status === 401) return refresh(); // which leads to the login page
  const body = parsed(await answer.text()).querySelector("[data-dialog-body]");
  if (!body) return say("This is not at hand any more", { bad: true });
  const place = dialog();
  place.replaceChildren(document.importNode(body, true));
  place.addEventListener("close", () => place.replaceChildren(), { once: true });
  place.showModal();
  const first = place.querySelector("[autofocus], input:not([type=hidden]), select");
  first?.focus();
}

/** Says something at the foot of the page; a decision with a button to take it back. */
export function say(text, { undo: id = null, forMs = 0, bad = false } = {}) {
  const toast = document.createElement("div");
  toast.className = bad ? "toast bad" : "toast";
  const words = document.createElement("span");
  words.textContent = text;
  toast.append(words);
  if (id) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Undo";
    const key = document.createElement("kbd");
    key.textContent = "u";
    key.setAttribute("aria-hidden", "true");
    button.append(key);
    button.addEventListener("click", undo);
    toast.append(button);
    lastUndo?.toast.remove();
    lastUndo = { id, toast };
  }
  const place = document.getElementById("toasts");
  place.append(toast);
  setTimeout(() => {
    toast.remove();
    if (lastUndo?.toast === toast) lastUndo = null;
  }, id ? forMs : SAID_MS);
}
