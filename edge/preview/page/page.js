// Connects, shows what comes, and connects again; nothing is asked of the device while the page is hidden.

import { showFaces, showStatus } from "./panels.js";
import { Picture } from "./picture.js";
import { read, Refused, UNAUTHORIZED } from "./stream.js";
import { drawTimeline } from "./timeline.js";

const LONGEST_PAUSE_MS = 8000;
const KEY = "emotion-edge-token";

const byId = (id) => document.getElementById(id);
const picture = new Picture(byId("picture"));
let status = null;
let stop = null;
let turn = 0; // counts attempts; an older one ends when it sees that
let ended = false; // for good, until somebody asks again

/** Shows one of: the live view, the question for the token, the reason why there is nothing. */
function show(what, why = "") {
  for (const id of ["live", "ask", "over"]) byId(id).hidden = id !== what;
  byId("why").textContent = what === "over" ? why : "";
  byId("wrong").textContent = what === "ask" ? why : "";
  if (what === "live") return;
  byId("closes").textContent = "";
  byId("camera").textContent = "";
  byId("camera").dataset.status = "";
  status = null;
}

function take(message, jpeg) {
  if (message.kind === "status") {
    status = message;
    show("live");
    showStatus(status);
    picture.tell(status);
    drawTimeline(byId("timeline"), status);
  } else if (message.kind === "frame" && status) {
    picture.show(message, jpeg);
    showFaces(message.faces, status);
  } else if (message.kind === "over") {
    ended = message.why === "time";
    if (ended) show("over", "The preview has closed by itself. Restart the daemon to open it again.");
  }
}

async function connect() {
  const mine = ++turn;
  let pause_ms = 500;
  while (mine === turn && !ended && !document.hidden) {
    stop?.abort();
    stop = new AbortController();
    try {
      await read(sessionStorage.getItem(KEY), stop.signal, (message, jpeg) => {
        pause_ms = 500;
        take(message, jpeg);
      });
    } catch (error) {
      if (error.name === "AbortError" || mine !== turn) return;
      if (error instanceof Refused && error.status === UNAUTHORIZED) {
        const asked = sessionStorage.getItem(KEY);
        sessionStorage.removeItem(KEY);
        show("ask", asked ? error.message : "");
        byId("token").focus();
        return;
      }
      show("over", error instanceof Refused ? error.message : "The device does not answer. Trying again …");
    }
    if (ended) return;
    if (status) show("over", "The connection ended. Trying again …");
    await new Promise((resume) => setTimeout(resume, pause_ms));
    pause_ms = Math.min(2 * pause_ms, LONGEST_PAUSE_MS);
  }
}

byId("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem(KEY, byId("token").value.trim());
  byId("token").value = "";
  connect();
});
byId("again").addEventListener("click", () => {
  ended = false;
  connect();
});
document.addEventListener("visibilitychange", () => (document.hidden ? stop?.abort() : connect()));
window.addEventListener("resize", () => status && drawTimeline(byId("timeline"), status));

/** Returns what stands behind the #, also where it was never encoded: a token may have a % in it. */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

// A link may bring the token behind the #, which is sent to nobody; it is not left in the address.
if (location.hash.length > 1) {
  sessionStorage.setItem(KEY, decoded(location.hash.slice(1)));
  history.replaceState(null, "", location.pathname);
}
connect();
