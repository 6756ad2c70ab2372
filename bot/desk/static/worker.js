// Shows a page while no desk is open. It keeps nothing, answers no request, and controls no page.

self.addEventListener("install", () => self.skipWaiting());

self.addEventListener("push", (event) => {
  let said = {};
  try {
    said = event.data.json();
  } catch {
    // nothing that we wrote: somebody is called all the same
  }
  event.waitUntil(
    self.registration.showNotification(said.title ?? "Waymark", {
      body: said.text ?? "",
      tag: said.tag ?? "page",
      renotify: true,
      requireInteraction: true,
    }),
  );
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open());
});

/** The desk that is open already, or a new one: at the queue, and never at a case. */
async function open() {
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const desk = windows.find((each) => new URL(each.url).pathname.startsWith("/desk"));
  return desk ? desk.focus() : self.clients.openWindow("/desk/queue");
}
