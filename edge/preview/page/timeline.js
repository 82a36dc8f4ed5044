// The last ten minutes: each face is a bar in a lane of its own, in the colours of its emotions.

const LANE = 22; // CSS pixels
const GAP = 4;
const AXIS = 18;
const LEAST_LANES = 2;
const WIDE = 480;

/** Puts faces into lanes, so that no two of one lane overlap; returns the lane of each face. */
export function lanes(stretches) {
  const faces = new Map();
  for (const [face, , began, ended] of stretches) {
    const known = faces.get(face) ?? [0, Infinity];
    faces.set(face, [Math.max(known[0], began), Math.min(known[1], ended)]);
  }
  const ends = []; // seconds ago, by lane
  const found = new Map();
  for (const [face, [began, ended]] of [...faces].sort((one, other) => other[1][0] - one[1][0])) {
    let lane = ends.findIndex((end) => end >= began);
    if (lane < 0) lane = ends.length;
    ends[lane] = ended;
    found.set(face, lane);
  }
  return found;
}

export function drawTimeline(canvas, status) {
  const sharp = Math.min(window.devicePixelRatio || 1, 2);
  const placed = lanes(status.timeline);
  const count = Math.max(LEAST_LANES, ...[...placed.values()].map((lane) => lane + 1));
  const width = canvas.clientWidth;
  const height = count * (LANE + GAP) + AXIS;
  canvas.style.height = `${height}px`;
  canvas.width = Math.round(width * sharp);
  canvas.height = Math.round(height * sharp);
  const context = canvas.getContext("2d");
  context.scale(sharp, sharp);
  const style = getComputedStyle(canvas);
  const at = (ago) => width * (1 - Math.min(ago, status.window_s) / status.window_s);
  drawAxis(context, style, at, status.window_s, height);
  for (const [face, emotion, began, ended] of status.timeline) {
    const left = at(began);
    const top = placed.get(face) * (LANE + GAP);
    const length = Math.max(1, at(ended) - left);
    context.fillStyle = status.colours[emotion] ?? "#c98fa8";
    context.fillRect(left, top, length, LANE);
  }
  nameFaces(context, status.timeline, placed, at);
}

function drawAxis(context, style, at, window_s, height) {
  const every = at(0) < WIDE ? 5 : 2; // minutes
  context.font = "11px system-ui, sans-serif";
  context.textBaseline = "bottom";
  for (let minutes = 0; minutes * 60 <= window_s; minutes += every) {
    const x = at(minutes * 60);
    context.strokeStyle = style.getPropertyValue("--line");
    context.beginPath();
    context.moveTo(x, 0);
    context.lineTo(x, height - AXIS + 2);
    context.stroke();
    context.fillStyle = style.getPropertyValue("--faint");
    context.textAlign = minutes === 0 ? "right" : minutes * 60 === window_s ? "left" : "center";
    context.fillText(minutes === 0 ? "now" : `−${minutes} min`, x, height);
  }
  context.textAlign = "left";
}

/** Writes each face's number at its beginning, where there is room. */
function nameFaces(context, timeline, placed, at) {
  const extent = new Map();
  for (const [face, , began, ended] of timeline) {
    const known = extent.get(face) ?? [0, Infinity];
    extent.set(face, [Math.max(known[0], began), Math.min(known[1], ended)]);
  }
  context.font = "600 11px system-ui, sans-serif";
  context.textBaseline = "middle";
  context.fillStyle = "#000";
  for (const [face, [began, ended]] of extent) {
    if (at(ended) - at(began) < 10 + 7 * String(face).length) continue;
    context.fillText(String(face), at(began) + 4, placed.get(face) * (LANE + GAP) + LANE / 2 + 0.5);
  }
}
