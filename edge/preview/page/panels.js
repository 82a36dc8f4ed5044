// The page's texts, bars and tables. All text is set as text, never as markup.

const byId = (id) => document.getElementById(id);

const CAMERA = {
  opening: "the camera is being opened",
  online: "camera online",
  stalled: "the camera has stalled",
  offline: "the camera is away",
  off: "detection is off",
};

function element(name, text = "", attributes = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

const percent = (part) => `${Math.round(100 * part)} %`;
const share = (part) => `${(100 * part).toFixed(1)}%`; // a blank before the sign is no CSS

export function showStatus(status) {
  const { camera } = status;
  const name = camera.synthetic ? "test card, a synthetic person" : camera.name;
  byId("device").textContent = status.device;
  document.title = `${status.device}: emotion-edge preview`;
  const state = byId("camera");
  state.dataset.status = camera.status;
  state.textContent =
    camera.status === "online"
      ? `${CAMERA.online}: ${name}, ${camera.per_second.toFixed(1)} frames/s`
      : [CAMERA[camera.status] ?? camera.status, camera.reason].filter(Boolean).join(": ");
  const left = Math.ceil(status.closes_in_s);
  byId("closes").textContent = `closes in ${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
  byId("facts").textContent = `model ${status.model}, emotion-edge ${status.version}`;
  showHints(status.hints, []);
  showStages(status.stages);
  showLegend(status);
  if (camera.status !== "online") showFaces([], status);
}

/** Shows what to do; what holds only while nobody is followed goes with the first frame that has a face. */
function showHints(hints, faces) {
  const texts = hints.filter((hint) => !(hint.nobody && faces.length)).map((hint) => hint.text);
  const list = byId("hints");
  if (list.dataset.shown === texts.join("\n")) return; // else a screen reader repeats them each second
  list.dataset.shown = texts.join("\n");
  list.replaceChildren(...texts.map((text) => element("li", text)));
}

function showStages(stages) {
  const most = Math.max(0.1, ...stages.map((stage) => stage.p50));
  byId("stages").replaceChildren(
    ...stages.map((stage) => {
      const row = element("tr");
      const bar = element("div", "", { class: "track" });
      const fill = element("div", "", { class: "fill" });
      fill.style.width = share(stage.p50 / most);
      bar.append(fill);
      const cell = element("td");
      cell.append(bar);
      const title = stage.name === "waiting" ? { title: "from the capture to the beginning of processing" } : {};
      row.append(element("td", stage.name, title), cell, element("td", number(stage.p50)), element("td", number(stage.p95)));
      return row;
    }),
  );
}

const number = (milliseconds) => milliseconds.toFixed(milliseconds < 10 ? 2 : 1);

function showLegend(status) {
  const list = byId("legend");
  const names = Object.keys(status.colours);
  if (list.dataset.shown === names.join()) return;
  list.dataset.shown = names.join();
  list.replaceChildren(...names.map((name) => coloured(element("li", name), status.colours[name])));
}

function coloured(made, colour) {
  made.style.setProperty("--colour", colour);
  return made;
}

/** Shows each face with a bar for each emotion; what is there already is changed, not made anew. */
export function showFaces(faces, status) {
  if (faces.length) showHints(status.hints, faces);
  const box = byId("faces");
  const known = new Map([...box.querySelectorAll(".face")].map((card) => [card.dataset.id, card]));
  const cards = faces.map((face) => known.get(String(face.id)) ?? faceCard(face));
  faces.forEach((face, index) => fillCard(cards[index], face, status.colours));
  if (cards.length !== box.children.length || cards.some((card, index) => card !== box.children[index])) {
    box.replaceChildren(...(cards.length ? cards : [element("p", "Nobody is seen.", { class: "faint" })]));
  }
}

function faceCard(face) {
  const card = element("div", "", { class: "face", "data-id": face.id });
  const head = element("h3");
  head.append(element("b"), element("span", "", { class: "faint" }));
  card.append(head);
  for (const label of Object.keys(face.probabilities)) {
    const bar = element("div", "", { class: "bar" });
    const track = element("div", "", { class: "track" });
    track.append(element("div", "", { class: "fill" }));
    bar.append(element("span", label), track, element("span"));
    card.append(bar);
  }
  return card;
}

function fillCard(card, face, colours) {
  const [name, size] = card.querySelector("h3").children;
  name.textContent = `${face.id}  ${face.emotion} ${percent(face.confidence)}`;
  coloured(name, colours[face.emotion] ?? "#c98fa8");
  size.textContent = `${Math.round(face.box[3])} px`;
  Object.entries(face.probabilities).forEach(([label, probability], index) => {
    const [, track, value] = card.children[index + 1].children;
    coloured(track.firstChild, colours[label] ?? "#c98fa8").style.width = share(probability);
    value.textContent = percent(probability);
  });
}
