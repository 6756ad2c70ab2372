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
  log.querySelectorAll(".sent").forEach((sent) => { if (line.classList.contains("person")) sent.remove(); });
  if (!line.classList.contains("person")) waiting()?.remove();
  log.append(line);
  const now = performance.now();
  if (line.classList.contains("person") || now - shownAt > BREATH) first = line;
  shownAt = now;
  last = Math.max(last, Number(line.dataset.seq));
  down();
}

function listen() {
  const stream = new EventSource(`${log.dataset.stream}?after=${last}`);
  stream.addEventListener("line", (event) => show(event.data));
  // A closed stream (server restarted, phone slept) is opened again from the last line we have.
  stream.onerror = () => { stream.close(); setTimeout(listen, 1500 + Math.random() * 1500); };
}

async function send(form, submitter) {
  const data = new FormData(form, submitter);
  const words = data.get("text");
  if (words !== null && !words.trim()) return;
  const mine = document.createElement("div");
  mine.className = "m person sent";
  mine.dir = "auto";
  mine.textContent = words ?? submitter.textContent;
  waiting()?.remove();
  log.append(mine);
  first = mine;
  shownAt = performance.now();
  form.reset();
  down();
  // Each message carries a number used once, so that trying again cannot send it twice.
  for (let wait = 500; ; wait = Math.min(wait * 2, 15000)) {
    try {
      const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(data), headers: { accept: "application/json" }, signal: left.signal });
      if (answer.ok) {
        const once = (await answer.json()).once;
        document.querySelectorAll("input[name=once]").forEach((field) => { field.value = once; });
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
// Before the first message there is no cookie, and nothing to listen to.
if ("known" in log.dataset) listen();
