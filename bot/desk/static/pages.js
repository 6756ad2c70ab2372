// This browser as a place where its officer is paged while the desk is closed.

const WORKER = { script: "/desk/worker.js", scope: "/desk/worker/" };
const TOLD = "waymark-pages-back";

/** The form token of this session. */
const token = () => document.querySelector('input[name="csrf"]').value;

/** Tell the server something about the subscription of this browser. */
async function tell(address, subscription) {
  const body = new URLSearchParams({ csrf: token(), subscription: JSON.stringify(subscription) });
  const answer = await fetch(address, { method: "POST", body, headers: { Accept: "application/json" } });
  return { ok: answer.ok, ...(await answer.json().catch(() => ({}))) };
}

/** After signing in: the pages of this browser end with the session that is open now. Once for each session. */
async function back(address) {
  const known = await navigator.serviceWorker.getRegistration(WORKER.scope);
  const subscription = await known?.pushManager.getSubscription();
  if (!subscription) return;
  const { ok, paged } = await tell(address, subscription);
  if (ok && !paged) await subscription.unsubscribe();
  if (ok) sessionStorage.setItem(TOLD, token().slice(0, 8));
}

/** The button: ask the browser, then tell the server. */
async function connect(part) {
  part.dataset.state = "";
  if ((await Notification.requestPermission()) !== "granted") return "denied";
  const registration = await navigator.serviceWorker.register(WORKER.script, { scope: WORKER.scope });
  await active(registration);
  const key = { userVisibleOnly: true, applicationServerKey: part.dataset.key };
  const subscription = await registration.pushManager.subscribe(key);
  const { ok, problem } = await tell(part.dataset.add, subscription);
  if (ok) return location.reload();
  await subscription.unsubscribe();
  return problem === "too_many" ? problem : "failed";
}

/** Wait until the worker works: before that a browser does not subscribe. */
function active(registration) {
  const worker = registration.installing ?? registration.waiting;
  if (!worker || registration.active) return undefined;
  return new Promise((done) => worker.addEventListener("statechange", () => worker.state === "activated" && done()));
}

const part = document.querySelector("[data-connect]");
const can = "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
if (part && !can) part.dataset.state = "cannot";
if (part && can) {
  const button = part.querySelector("button");
  button.hidden = false;
  button.addEventListener("click", async () => {
    part.dataset.state = (await connect(part).catch(() => "failed")) ?? "";
  });
}
const address = document.querySelector("[data-pages-back]")?.dataset.pagesBack;
if (address && can && sessionStorage.getItem(TOLD) !== token().slice(0, 8)) back(address).catch(() => {});
