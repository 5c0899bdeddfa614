// Times in the editor's own zone, and how long ago.

const MINUTE = 60_000;
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

/** Writes every time below `root` for people. */
export function localise(root, now = Date.now()) {
  for (const time of root.querySelectorAll("time[data-ago], time[data-at]")) {
    const at = Date.parse(time.dateTime);
    write(time, "ago" in time.dataset ? ago(at, now) : moment(at, now));
    const title = whole.format(at);
    if (time.title !== title) time.title = title;
  }
  for (const label of root.querySelectorAll("[data-clock]")) {
    write(label, clock.format(Date.parse(label.dataset.clock)));
  }
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function ago(at, now) {
  const minutes = Math.floor((now - at) / MINUTE);
  if (minutes < -1) return moment(at, now);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min ago`;
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ago`;
  return day.format(at);
}

function moment(at, now) {
  const today = new Date(now).toDateString() === new Date(at).toDateString();
  return today ? clock.format(at) : `${day.format(at)} ${clock.format(at)}`;
}
