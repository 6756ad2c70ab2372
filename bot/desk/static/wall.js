// The wall board, live. Without it the page loads itself again every ten seconds.

const STALE_MS = 20000;
const cut = document.querySelector(".wall-cut");
let heard = Date.now();

function show(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html").querySelector("[data-board]");
  if (fresh) document.querySelector("[data-board]").replaceWith(document.importNode(fresh, true));
}

function listen() {
  const stream = new EventSource(document.body.dataset.live);
  stream.addEventListener("board", (event) => show(event.data));
  stream.addEventListener("fresh", () => { heard = Date.now(); });
  // Taken back: the same address says so now, and shows no number any more.
  stream.addEventListener("gone", () => { stream.close(); location.reload(); });
  stream.addEventListener("error", () => {
    if (stream.readyState !== EventSource.CLOSED) return;
    setTimeout(() => fetch(location.href).then((answer) => (answer.status === 404 ? location.reload() : listen()), listen), 5000);
  });
}

// What is old must not look like what is true.
setInterval(() => { cut.hidden = Date.now() - heard < STALE_MS; }, 1000);
listen();
