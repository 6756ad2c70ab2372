// The web chat without reloading. Everything here also works without it, by plain forms.
"use strict";
const log = document.getElementById("log");
const main = document.getElementById("main");
const write = document.getElementById("write");
const leave = document.getElementById("leave");
const left = new AbortController();
let last = Number(log.dataset.after);

// What comes in one breath is read from its beginning: the newest of it is shown as far as its first line stays.
const BREATH = 3000;
let first = [...log.querySelectorAll(".person")].at(-1);
let shownAt = 0;
const down = () => { main.scrollTop = first ? first.offsetTop - 14 : main.scrollHeight; };
const waiting = () => log.querySelector(".waiting");
const html = (text) => new DOMParser().parseFromString(text, "text/html").body.firstElementChild;

function show(text) {
  const line = html(text);
  if (!line || document.getElementById(line.id)) return;
  if (line.classList.contains("person")) log.querySelector(".sent")?.remove();
  else waiting()?.remove();
  // What is still on its way comes after all that has arrived.
  log.insertBefore(line, log.querySelector(".sent"));
  const now = performance.now();
  if (line.classList.contains("person") || now - shownAt > BREATH) first = line;
  shownAt = now;
  last = Math.max(last, Number(line.dataset.seq));
  if (line.classList.contains("officer")) writing.hidden = true;
  down();
  tellSeen();
}

// The word for danger was written, or the talk goes on at another phone: what was said before leaves the page too.
function forget(from) {
  if (from <= Number(log.dataset.shown)) return;
  log.dataset.shown = from;
  for (const line of log.querySelectorAll("[data-seq], .sent")) if (!(Number(line.dataset.seq) >= from)) line.remove();
  document.querySelector(".earlier")?.remove();
  first = undefined;
  down();
}

// Who is writing and what was seen: only while a person answers, and only if the one who needs help wants it shown.
const WRITING = 6000, SAY_AGAIN = 3000;
const writing = document.getElementById("writing");
const choice = document.getElementById("marks");
let over, saidAt = -SAY_AGAIN, seen = 0;
const tell = (url, data) => fetch(url, { method: "POST", body: new URLSearchParams(data), signal: left.signal }).catch(() => {});

function marks(now) {
  log.dataset.marks = now;
  choice.hidden = !now;
  for (const button of choice.querySelectorAll("button")) button.hidden = (button.value === "yes") !== (now === "hidden");
  if (now !== "shown") writing.hidden = true;
  tellSeen();
}

function tellSeen() {
  if (log.dataset.marks !== "shown" || document.hidden) return;
  const there = main.getBoundingClientRect();
  const inSight = (line) => { const box = line.getBoundingClientRect(); return box.top < there.bottom - 24 && box.bottom > there.top; };
  const newest = Number([...log.querySelectorAll(".officer")].filter(inSight).at(-1)?.dataset.seq ?? 0);
  if (newest <= seen) return;
  seen = newest;
  tell(log.dataset.read, { seq: newest });
}

function officerWrites() {
  const atEnd = main.scrollHeight - main.scrollTop - main.clientHeight < 40;
  writing.hidden = false;
  if (atEnd) main.scrollTop = main.scrollHeight;
  clearTimeout(over);
  over = setTimeout(() => { writing.hidden = true; }, WRITING);
}

write.addEventListener("input", (event) => {
  if (log.dataset.marks !== "shown" || !event.target.value.trim() || event.timeStamp - saidAt < SAY_AGAIN) return;
  saidAt = event.timeStamp;
  tell(log.dataset.writing, {});
});
document.addEventListener("visibilitychange", tellSeen);
main.addEventListener("scroll", tellSeen, { passive: true });

function listen() {
  const stream = new EventSource(`${log.dataset.stream}?after=${last}`);
  stream.addEventListener("line", (event) => show(event.data));
  stream.addEventListener("forget", (event) => forget(Number(event.data)));
  stream.addEventListener("marks", (event) => marks(event.data));
  stream.addEventListener("writing", officerWrites);
  // A closed stream (server restarted, phone slept) is opened again from the last line we have.
  stream.onerror = () => { stream.close(); setTimeout(listen, 1500 + Math.random() * 1500); };
}

const once = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
let before = Promise.resolve();

function send(form, submitter) {
  const data = new FormData(form, submitter);
  const words = data.get("text");
  if (words !== null ? !words.trim() : "sent" in form.dataset) return;
  // Each message carries a number of its own, so that trying again cannot send it twice, nor keep the next one out.
  data.set("once", once());
  const mine = document.createElement("div");
  mine.className = "m person sent";
  mine.dir = "auto";
  mine.textContent = words ?? submitter.textContent;
  waiting()?.remove();
  log.append(mine);
  first = mine;
  shownAt = performance.now();
  form.reset();
  if (words === null) form.dataset.sent = "";
  down();
  // One after the other: what was written first arrives first, and the first brings the cookie for the others.
  before = before.then(() => deliver(form, data, mine));
}

async function deliver(form, data, mine) {
  for (let wait = 500; ; wait = Math.min(wait * 2, 15000)) {
    try {
      const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(data), headers: { accept: "application/json" }, signal: left.signal });
      if (answer.ok) {
        await answer.text();
        delete form.dataset.sent;
        document.querySelector("main > .choices")?.remove();
        if (!("known" in log.dataset)) { log.dataset.known = ""; listen(); }
        return;
      }
      if (answer.status < 500 && answer.status !== 429) { location.reload(); return; }
    } catch { if (left.signal.aborted) return; /* else no network just now */ }
    mine.classList.add("failed");
    await new Promise((again) => setTimeout(again, wait));
    mine.classList.remove("failed");
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.action !== write.action) return;
  event.preventDefault();
  send(form, event.submitter);
});

// Leaving: the page is replaced, so that "back" does not return here. Escape three times does the same. An answer that
// is still on its way would bring the cookie back after it was taken.
function go() {
  left.abort();
  document.body.replaceChildren();
  location.replace(leave.href);
}
leave.addEventListener("click", (event) => { event.preventDefault(); go(); });
let escapes = [];
addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  escapes = [...escapes.filter((at) => event.timeStamp - at < 1500), event.timeStamp];
  if (escapes.length >= 3) go();
});
// A page brought back from memory by the back button shows nothing old.
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

down();
marks(log.dataset.marks);
// Before the first message there is no cookie, and nothing to listen to.
if ("known" in log.dataset) listen();
