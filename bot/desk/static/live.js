// The desk, live. Everything here only makes quicker what the page can do without it.

const RING_AGAIN_MS = 20000;
const STALE_MS = 40000;
const AWAKE_MS = 240000;
const WRITING_MS = 6000;
const SAY_AGAIN_MS = 3000;

/** Put the children of `fresh` into `old`, keeping every element that did not change, and the focus. */
function patch(old, fresh) {
  const known = byKey(old);
  const kept = [...fresh.children].map((child, n) => {
    const before = known.get(child.dataset.key ?? `#${n}`);
    return before && same(before, child) ? before : document.importNode(child, true);
  });
  replace(old, kept);
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
}

/** The children of a part by their keys. */
function byKey(part) {
  return new Map([...part.children].map((child, n) => [child.dataset.key ?? `#${n}`, child]));
}

/** Give `old` these children; where the focus was inside, it finds its place again. */
function replace(old, children) {
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  const focusKey = focused?.id || focused?.getAttribute("href") || focused?.getAttribute("name");
  old.replaceChildren(...children);
  if (focused && !old.contains(document.activeElement) && focusKey) {
    [...old.querySelectorAll("a, button, input, summary, textarea")]
      .find((it) => it.id === focusKey || it.getAttribute("href") === focusKey || it.getAttribute("name") === focusKey)
      ?.focus({ preventScroll: true });
  }
}

/** What the server had said of an element before the clock wrote into it. */
const sources = new WeakMap();

/** Whether two elements came from the same HTML. */
function same(before, fresh) {
  return (sources.get(before) ?? before.outerHTML) === fresh.outerHTML;
}

/** Keep the HTML of the child of a live part that holds `element`, before it is changed here. */
function remember(element) {
  let child = element;
  while (child && !child.parentElement?.dataset.part) child = child.parentElement;
  if (child && !sources.has(child)) sources.set(child, child.outerHTML);
}

/** Whether the reader is at the last line, and wants to stay there. */
function nearEnd(log) {
  if (log.scrollHeight > log.clientHeight) return log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  return (log.lastElementChild?.getBoundingClientRect().top ?? 0) < lowestInSight();
}

/** On a phone the field for the answer lies over the page, and what is behind it is not read. */
function lowestInSight() {
  return Math.min(innerHeight, document.querySelector(".write")?.getBoundingClientRect().top ?? innerHeight);
}

/** Three short tones, without a file. Browsers let us only after the officer has touched the page once. */
class Bell {
  #context = null;

  get silent() {
    return !this.#context || this.#context.state !== "running";
  }

  async wake() {
    this.#context ??= new AudioContext();
    if (this.#context.state !== "running") await this.#context.resume().catch(() => {});
  }

  ring() {
    if (this.silent) return;
    const start = this.#context.currentTime;
    for (const [n, pitch] of [880, 660, 880].entries()) {
      const tone = this.#context.createOscillator();
      const volume = this.#context.createGain();
      tone.frequency.value = pitch;
      volume.gain.setValueAtTime(0.0001, start + n * 0.22);
      volume.gain.exponentialRampToValueAtTime(0.3, start + n * 0.22 + 0.02);
      volume.gain.exponentialRampToValueAtTime(0.0001, start + n * 0.22 + 0.2);
      tone.connect(volume).connect(this.#context.destination);
      tone.start(start + n * 0.22);
      tone.stop(start + n * 0.22 + 0.21);
    }
  }
}

/**
 * What was typed and is not kept by the server yet. It stays in this tab, for this officer, until a page says that it
 * was kept, or until they sign out. With it goes what the field said before, and which version of the record it
 * changes: whoever changed that in between is then heard of, and not written over.
 */
class Drafts {
  #desk;

  constructor(desk) {
    this.#desk = desk;
  }

  /** Give back what was typed on an earlier page, and forget what has arrived since. */
  restore() {
    const sent = JSON.parse(sessionStorage.getItem("sent") ?? "[]");
    sessionStorage.removeItem("sent");
    // A page that is loaded again, or gone back to, says once more what it said of an earlier form.
    const news = performance.getEntriesByType("navigation")[0]?.type === "navigate";
    if (news && "done" in this.#desk.dataset) for (const name of sent) sessionStorage.removeItem(name);
    for (const field of this.#in(this.#desk)) this.#restore(field);
  }

  keep(field) {
    const name = this.#name(field);
    if (!name) return;
    if (field.value === field.defaultValue) return sessionStorage.removeItem(name);
    const draft = { text: field.value, base: field.defaultValue, version: this.#version(field)?.value };
    sessionStorage.setItem(name, JSON.stringify(draft));
  }

  /** A form is on its way: its fields are kept here until the next page says what became of it. */
  leave(form) {
    if ("forget" in form.dataset) return sessionStorage.clear();
    sessionStorage.setItem("sent", JSON.stringify(this.#in(form).map((field) => this.#name(field))));
  }

  #restore(field) {
    const draft = JSON.parse(sessionStorage.getItem(this.#name(field)) ?? "null");
    if (!draft || draft.text === field.value) return;
    const version = this.#version(field);
    if (version) version.value = draft.version;
    else if (field.value && field.value !== draft.base) return;
    field.value = draft.text;
    const folded = field.closest("details:not(.menu)");
    if (folded) folded.open = true;
  }

  #in(part) {
    const typed = "textarea, input:not([type])";
    return [...part.querySelectorAll(typed)].filter((field) => this.#name(field));
  }

  #name(field) {
    const form = field.form?.dataset.drafts;
    const key = field.dataset.draft ?? (form && field.name && `${form}:${field.name}`);
    return key && `draft:${this.#desk.dataset.me}:${key}`;
  }

  #version(field) {
    return field.dataset.version && field.form.elements[field.dataset.version];
  }
}

class WaymarkLive extends HTMLElement {
  #stream = null;
  #bell = new Bell();
  #drafts = new Drafts(this);
  #rung = new Set();
  #ringing = [];
  #title = document.title;
  #heard = 0;
  #stopped = false;
  #leaving = false; // a form is on its way to another page

  connectedCallback() {
    this.#open();
    setInterval(() => this.#tick(), 1000);
    setInterval(() => this.#ring(true), RING_AGAIN_MS);
    for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, () => this.#awake(), { passive: true });
    document.addEventListener("visibilitychange", () => document.hidden || this.#tick());
    this.addEventListener("submit", (event) => this.#submit(event));
    this.addEventListener("keydown", (event) => this.#keys(event));
    this.addEventListener("input", (event) => this.#drafts.keep(event.target));
    this.addEventListener("input", (event) => this.#sayWriting(event.target));
    // Whoever writes has read what was just done: the talk takes its room back.
    this.addEventListener("input", () => this.querySelector('.talk > .notice[role="status"]')?.remove());
    this.#drafts.restore();
    this.querySelector("[data-sound]")?.addEventListener("click", () => this.#sound());
    if (navigator.userActivation?.hasBeenActive) this.#bell.wake().then(() => this.#showSound());
    this.#showSound();
    this.#noteAlerts();
    this.#tick();
    this.#toEnd(true);
    this.#toWhatIsWrong();
  }

  #open() {
    this.#heard = Date.now();
    this.#stream = new EventSource(this.getAttribute("src"));
    this.#stream.addEventListener("part", (event) => this.#show(JSON.parse(event.data)));
    this.#stream.addEventListener("rows", (event) => this.#showRows(JSON.parse(event.data)));
    this.#stream.addEventListener("writing", () => this.#personWrites(WRITING_MS));
    this.#stream.addEventListener("fresh", () => this.#connected());
    this.#stream.addEventListener("gone", () => this.#over("gone"));
    this.#stream.addEventListener("end", (event) => {
      if (JSON.parse(event.data).reason === "signed_out") this.#over("signed_out");
    });
    this.#stream.addEventListener("error", () => {
      if (this.#stream.readyState === EventSource.CLOSED && !this.#stopped) setTimeout(() => this.#open(), 3000);
    });
  }

  #connected() {
    this.#heard = Date.now();
    this.dataset.state = "live";
  }

  /** The stream is over for good: say so in a way nobody can miss. */
  #over(state) {
    this.#stopped = true;
    this.#stream.close();
    this.dataset.state = state;
    if (state === "signed_out") this.#bell.ring();
  }

  #show({ name, html }) {
    const old = this.querySelector(`[data-part="${name}"]`);
    const fresh = new DOMParser().parseFromString(html, "text/html").querySelector(`[data-part="${name}"]`);
    if (!old || !fresh) return;
    // Asked before anything moves: an alarm above the talk makes it smaller, and its last line must stay in sight.
    const log = this.querySelector('[data-part="log"]');
    const atEnd = log && nearEnd(log);
    const moved = old.dataset.standing !== fresh.dataset.standing;
    patch(old, fresh);
    if (moved && !this.#leaving) this.#reload();
    if (name === "alerts") this.#noteAlerts();
    if (name === "log") this.#personWrites(0);
    this.#toEnd(atEnd);
    this.#tick();
  }

  /** The rows of a list in their order: those in `html` are new or say something else, the others stay as they are. */
  #showRows({ name, keys, html }) {
    const old = this.querySelector(`[data-part="${name}"]`);
    if (!old) return;
    const fresh = byKey(new DOMParser().parseFromString(`<ol>${html}</ol>`, "text/html").querySelector("ol"));
    const there = byKey(old);
    replace(old, keys.map((key) => (fresh.has(key) ? document.importNode(fresh.get(key), true) : there.get(key))).filter(Boolean));
    this.#tick();
  }

  /** The case changed hands: the forms around the talk are others now. What was being written is kept. */
  #reload() {
    this.#stopped = true;
    this.#stream.close();
    location.reload();
  }

  #toEnd(follow) {
    const log = this.querySelector('[data-part="log"]');
    if (!log || !follow) return;
    log.scrollTop = log.scrollHeight;
    // On a phone the page scrolls and not the talk: show its last line above the field.
    const hidden = (log.lastElementChild?.getBoundingClientRect().bottom ?? 0) - lowestInSight();
    if (log.scrollHeight <= log.clientHeight && hidden > 0) scrollBy(0, hidden + 12);
  }

  /** Why an act was refused stands where it was tried, on a phone far above the end of the talk: go there. */
  #toWhatIsWrong() {
    const refused = performance.getEntriesByType("navigation")[0]?.responseStatus >= 400;
    const wrong = this.querySelector('main .notice-warn[role="alert"]');
    if (!refused || !wrong) return;
    wrong.tabIndex = -1;
    wrong.focus({ preventScroll: true });
    wrong.scrollIntoView({ block: "center" });
  }

  #noteAlerts() {
    const alerts = this.querySelector('[data-part="alerts"]');
    this.#ringing = (alerts?.dataset.ringing ?? "").split(" ").filter(Boolean);
    this.#ring(false);
  }

  #ring(again) {
    const due = again ? this.#ringing : this.#ringing.filter((key) => !this.#rung.has(key));
    for (const key of this.#ringing) this.#rung.add(key);
    if (due.length) this.#bell.ring();
  }

  async #sound() {
    await this.#bell.wake();
    this.#bell.ring();
    this.#showSound();
  }

  /** Once it was shown its room stays: what lies below must not move away from under the finger that woke the sound. */
  #showSound() {
    const button = this.querySelector("[data-sound]");
    if (!button) return;
    if (this.#bell.silent) button.hidden = false;
    button.style.visibility = this.#bell.silent ? "" : "hidden";
  }

  /** An officer who works here stays signed in; a desk that was left does not. */
  #awake() {
    this.#bell.wake().then(() => this.#showSound());
    if (Date.now() - (this.awakeAt ?? 0) < AWAKE_MS) return;
    this.awakeAt = Date.now();
    fetch(this.dataset.here, { headers: { Accept: "application/json" } }).catch(() => {});
  }

  #tick() {
    const now = Date.now();
    for (const due of this.querySelectorAll("time[data-due]")) this.#due(due, now);
    for (const clock of this.querySelectorAll("time[data-clock]")) this.#clock(clock);
    const waiting = Number(this.querySelector('[data-part="nav"]')?.dataset.waiting ?? 0);
    const sign = this.#ringing.length && Math.floor(now / 1000) % 2 ? "❗ " : "";
    document.title = `${sign}${waiting ? `(${waiting}) ` : ""}${this.#title}`;
    if (!this.#stopped && now - this.#heard > STALE_MS) this.dataset.state = "cut";
  }

  #due(element, now) {
    const seconds = Math.round((Date.parse(element.dataset.due) - now) / 1000);
    remember(element);
    element.toggleAttribute("data-late", seconds < 0);
    if (Math.abs(seconds) >= 5400) return;
    const [minutes, rest] = [Math.floor(Math.abs(seconds) / 60), Math.abs(seconds) % 60];
    const time = `${minutes}:${String(rest).padStart(2, "0")}`;
    this.#say(element, (seconds < 0 ? element.dataset.lateWords : element.dataset.leftWords).replace("{time}", time));
  }

  #clock(element) {
    const moment = new Date(element.dateTime);
    const parts = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", numberingSystem: "latn" };
    if (moment.toDateString() !== new Date().toDateString()) Object.assign(parts, { day: "numeric", month: "short" });
    this.#say(element, new Intl.DateTimeFormat(document.documentElement.lang, parts).format(moment));
  }

  #say(element, words) {
    if (element.textContent === words) return;
    remember(element);
    element.textContent = words;
  }

  #keys(event) {
    const form = event.target.closest?.("form[data-answer]");
    if (form && event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      form.requestSubmit();
    }
  }

  /** The person sees that somebody is writing, never what. The server knows whether they may. */
  #sayWriting(field) {
    const form = field.form;
    if (!form?.dataset.writing || !field.dataset.draft || !field.value.trim()) return;
    if (Date.now() - (this.saidAt ?? 0) < SAY_AGAIN_MS) return;
    this.saidAt = Date.now();
    fetch(form.dataset.writing, { method: "POST", headers: { "X-CSRF-Token": form.elements.csrf.value } }).catch(() => {});
  }

  /** Say for so long that the person is writing. */
  #personWrites(forMs) {
    const sign = this.querySelector(".person-writes");
    if (!sign) return;
    clearTimeout(this.writingTimer);
    sign.hidden = !forMs;
    if (forMs) this.writingTimer = setTimeout(() => (sign.hidden = true), forMs);
  }

  async #submit(event) {
    const form = event.target;
    if (!form.matches("form[data-answer]")) {
      this.#leaving = true;
      this.#drafts.leave(form);
      return;
    }
    event.preventDefault();
    const [field, button, state] = ["textarea", "button", "[data-state]"].map((what) => form.querySelector(what));
    if (!field.value.trim() || button.disabled) return;
    button.disabled = true;
    state.dataset.state = "";
    try {
      const answer = await fetch(form.action, {
        method: "POST",
        body: new URLSearchParams(new FormData(form)),
        headers: { Accept: "application/json" },
      });
      if (!answer.ok) throw new Error(String(answer.status));
      field.value = "";
      this.#drafts.keep(field);
      form.elements.once.value = [...crypto.getRandomValues(new Uint8Array(16))]
        .map((byte) => byte.toString(16).padStart(2, "0"))
        .join("");
      this.#toEnd(true);
    } catch {
      state.dataset.state = "failed"; // the words stay in the field, and sending them again counts once
    } finally {
      button.disabled = false;
      field.focus();
    }
  }
}

customElements.define("waymark-live", WaymarkLive);
