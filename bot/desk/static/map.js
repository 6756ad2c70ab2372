// Maps on the desk: the places of a table, and the point of a record. The table and the fields say and do the same
// without them, so that nothing depends on a map.

const L = window.L;
const quiet = matchMedia("(prefers-reduced-motion: reduce)").matches;
const FARTHEST = 2;
const NEAREST = 17;
const NEAREST_WITHOUT_TILES = 9; // the shipped borders tell nothing nearer than that
const DIGITS = 5;
const SIGN = 30; // a sign and the room between two, in pixels
const ROOM = 4;

/** A map in this element: the operator's tiles where there are some, and the shipped borders. */
function mapIn(element) {
  const { tiles, credit, borders, zoomIn, zoomOut } = element.dataset;
  element.hidden = false;
  const map = L.map(element, {
    attributionControl: false,
    zoomControl: false,
    scrollWheelZoom: false, // the page scrolls; a map that takes the wheel keeps people in it
    worldCopyJump: true,
    minZoom: FARTHEST,
    maxZoom: tiles ? NEAREST : NEAREST_WITHOUT_TILES,
    zoomAnimation: !quiet,
    fadeAnimation: !quiet,
    markerZoomAnimation: !quiet,
  });
  L.control.zoom({ zoomInTitle: zoomIn, zoomOutTitle: zoomOut }).addTo(map);
  const said = document.createElement("span");
  said.textContent = credit;
  L.control.attribution({ prefix: false }).addAttribution(said.innerHTML).addTo(map);
  if (tiles) L.tileLayer(tiles, { maxZoom: NEAREST }).addTo(map);
  else drawBorders(map, borders);
  return map;
}

async function drawBorders(map, address) {
  const answer = await fetch(address);
  if (!answer.ok) return; // the places stand there all the same
  const lines = await answer.json();
  for (const kind of ["coast", "border"]) {
    L.polyline(lines[kind].map(unfold), { className: `map-${kind}`, interactive: false }).addTo(map).bringToBack();
  }
}

/** A line that is kept as steps from point to point, in hundredths of a degree. */
function unfold(steps) {
  const points = [];
  let east = 0;
  let north = 0;
  for (let n = 0; n < steps.length; n += 2) {
    east += steps[n];
    north += steps[n + 1];
    points.push([north / 100, east / 100]);
  }
  return points;
}

/** Every row with a point, as a sign with its figure. It opens what the row says, and leads there. */
function showPlaces(element) {
  const rows = [...document.querySelectorAll("tr[data-lat]")];
  if (!rows.length) return;
  const map = mapIn(element);
  const points = rows.map((row) => [Number(row.dataset.lat), Number(row.dataset.lon)]);
  let opened = null;
  map.fitBounds(L.latLngBounds(points).pad(0.15), { maxZoom: 7, animate: false });
  const places = rows.map((row, n) => {
    const icon = L.divIcon({ className: `map-place map-${row.dataset.level}`, html: figure(row), iconSize: [SIGN, SIGN] });
    const place = L.marker(points[n], { icon, keyboard: true });
    place.on("add", () => place.getElement().setAttribute("aria-label", row.dataset.said));
    place.bindPopup(() => told(row, element.dataset.toRow, place.more), { closeButton: false });
    place.on("popupopen", (event) => {
      opened = place;
      event.popup.getElement().querySelector("a").focus();
    });
    return place;
  });
  const showThose = () => spread(map, places, element.dataset.more);
  map.on("zoomend", showThose);
  showThose();
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    map.closePopup();
    opened?.getElement()?.focus();
  });
  element.addEventListener("click", (event) => {
    if (event.target.closest("a[href^='#place-']")) map.closePopup();
  });
}

/** Show the places that leave one another room, the first before the others; each says how many it hides. */
function spread(map, places, more) {
  const shown = [];
  for (const place of places) {
    const at = map.project(place.getLatLng());
    const hider = shown.find((other) => map.project(other.getLatLng()).distanceTo(at) < SIGN + ROOM);
    if (hider) {
      hider.hides += 1;
      place.remove();
    } else {
      place.hides = 0;
      shown.push(place.addTo(map));
    }
  }
  for (const place of shown) {
    place.more = place.hides ? more.replace("{n}", place.hides) : "";
    place.getElement().classList.toggle("map-hides", place.hides > 0);
  }
}

function figure(row) {
  const shown = document.createElement("b");
  shown.textContent = row.dataset.figure;
  return shown;
}

function told(row, label, more) {
  const box = document.createElement("div");
  box.dir = document.documentElement.dir;
  const said = document.createElement("p");
  said.textContent = more ? `${row.dataset.said} ${more}` : row.dataset.said;
  const link = document.createElement("a");
  link.href = `#${row.id}`;
  link.textContent = label;
  box.append(said, link);
  return box;
}

/** The point of a record: moved here or written into the two fields, whichever is easier. */
function movePoint(element) {
  const here = element.closest("[data-place]");
  const fields = ["latitude", "longitude"].map((name) => here.querySelector(`input[name$="${name}"]`));
  const set = here.querySelector("[data-map-set]");
  const written = () => (fields.every((field) => field.value.trim()) ? fields.map((field) => Number(field.value)) : []);
  const there = (point) => point.length === 2 && point.every(Number.isFinite);
  const map = mapIn(element);
  const icon = L.divIcon({ className: "map-point", iconSize: [22, 22] });
  const point = L.marker([0, 0], { icon, draggable: true, keyboard: false, interactive: true });

  const place = (at) => {
    point.setLatLng(at).addTo(map);
    point.getElement().setAttribute("aria-hidden", "true"); // the fields say it
  };
  const write = (at) => {
    const wrapped = at.wrap();
    fields[0].value = wrapped.lat.toFixed(DIGITS);
    fields[1].value = wrapped.lng.toFixed(DIGITS);
    place(wrapped);
  };
  const read = () => {
    if (there(written())) {
      place(written());
      map.panTo(written(), { animate: false });
    } else point.remove();
  };

  if (there(written())) {
    map.setView(written(), element.dataset.tiles ? 15 : 7);
    place(written());
  } else map.setView([30, 10], FARTHEST);
  map.on("click", (event) => write(event.latlng));
  point.on("dragend", () => write(point.getLatLng()));
  fields.forEach((field) => field.addEventListener("change", read));
  set.hidden = false;
  set.addEventListener("click", () => write(map.getCenter()));
}

for (const element of document.querySelectorAll("[data-map]")) {
  const draw = () => ({ coverage: showPlaces, point: movePoint })[element.dataset.map](element);
  const shut = element.closest("details:not([open])"); // in there nothing has a size, and mostly nobody looks
  if (shut) shut.addEventListener("toggle", draw, { once: true });
  else draw();
}
