// Reads the stream of records that edge/preview/record.py writes: two lengths, a JSON text, a JPEG.

const LENGTHS = 8;
const MOST = 8 * 1024 * 1024; // bytes of a record that is believed

export const UNAUTHORIZED = 401;

export class Refused extends Error {
  constructor(status, sentence) {
    super(sentence);
    this.status = status;
  }
}

/** Calls `take(message, picture)` for each record until the stream ends; `picture` is a Blob or null. */
export async function read(token, signal, take) {
  // fetch() takes no other characters in a header, and throws what looks like a network that is down.
  if (token && /[^\x20-\x7e]/.test(token)) throw new Refused(UNAUTHORIZED, "This is not the preview's token.");
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const answer = await fetch("/stream", { headers, signal, cache: "no-store", credentials: "omit" });
  if (!answer.ok) throw new Refused(answer.status, (await answer.text()).trim());
  const reader = answer.body.getReader();
  let rest = new Uint8Array(0);
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    rest = joined(rest, value);
    for (let size; (size = wholeRecord(rest)); rest = rest.subarray(size)) {
      const [text, picture] = lengths(rest);
      const message = JSON.parse(new TextDecoder().decode(rest.subarray(LENGTHS, LENGTHS + text)));
      const jpeg = picture ? new Blob([rest.slice(LENGTHS + text, size)], { type: "image/jpeg" }) : null;
      take(message, jpeg);
    }
  }
}

function joined(one, other) {
  if (!one.length) return other;
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}

function lengths(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return [view.getUint32(0), view.getUint32(4)];
}

/** Returns the size of the record at the beginning if it is whole, else 0. */
function wholeRecord(bytes) {
  if (bytes.length < LENGTHS) return 0;
  const [text, picture] = lengths(bytes);
  const size = LENGTHS + text + picture;
  if (size > MOST) throw new Error("this is no stream of a preview");
  return bytes.length >= size ? size : 0;
}
