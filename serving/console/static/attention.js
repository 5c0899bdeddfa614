// Tells of new alerts: to screen readers always, by sound and notification when asked to.

const told = new Set();
let first = true;

/** Tells of alerts on the page that nobody was told of. */
export function announce() {
  const fresh = [...document.querySelectorAll("[data-announce]")].filter(
    (row) => !told.has(row.dataset.announce),
  );
  for (const row of fresh) told.add(row.dataset.announce);
  if (first || fresh.length === 0) {
    first = false;
    return;
  }
  const titles = fresh.map((row) => row.querySelector("h3").textContent.trim());
  document.getElementById("announcer").textContent = `New alert: ${titles.join("; ")}`;
  for (const row of fresh) flash(row);
  if (isOn("sound")) sound();
  if (isOn("notify") && document.hidden) notify(titles, fresh[0].dataset.announce);
}

/** Whether the editor asked for `sound` or `notify` in this browser. */
export function isOn(name) {
  return localStorage.getItem(name) === "on";
}

/** Turns sound or notifications on or off; asks the browser where it must be asked. */
export async function toggle(name) {
  let on = !isOn(name);
  if (name === "notify" && on) {
    on = "Notification" in window && (await Notification.requestPermission()) === "granted";
  }
  localStorage.setItem(name, on ? "on" : "off");
  if (name === "sound" && on) sound();
  showSwitches();
  return on;
}

/** Shows on the buttons what is on. */
export function showSwitches() {
  for (const name of ["sound", "notify"]) {
    const button = document.querySelector(`[data-tool="${name}"]`);
    button?.setAttribute("aria-pressed", String(isOn(name)));
  }
}

function flash(row) {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  const colour = getComputedStyle(document.documentElement).getPropertyValue("--alert-soft");
  row.animate([{ backgroundColor: colour }, { backgroundColor: "transparent" }], 4_000);
}

function sound() {
  const audio = new AudioContext();
  const volume = audio.createGain();
  volume.connect(audio.destination);
  volume.gain.setValueAtTime(0.12, audio.currentTime);
  volume.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + 0.7);
  [660, 880].forEach((frequency, index) => {
    const tone = audio.createOscillator();
    tone.frequency.value = frequency;
    tone.connect(volume);
    tone.start(audio.currentTime + index * 0.16);
    tone.stop(audio.currentTime + 0.7);
  });
  setTimeout(() => audio.close(), 1_000);
}

function notify(titles, tag) {
  const [title, ...more] = titles;
  const notice = new Notification("Breaking", {
    body: more.length ? `${title}, and ${more.length} more` : title,
    tag,
  });
  notice.onclick = () => {
    window.focus();
    notice.close();
  };
}
