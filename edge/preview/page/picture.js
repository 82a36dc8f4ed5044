// The live picture: the JPEG, a box and the emotion of each face, and how small a face may be.

const FONT = "system-ui, sans-serif";

export class Picture {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.status = null;
    this.busy = false;
  }

  /** Draws a frame; one that comes while another is still being decoded is left out. */
  async show(frame, jpeg) {
    if (this.busy) return;
    this.busy = true;
    try {
      const picture = await createImageBitmap(jpeg);
      if (this.status?.camera.status === "online") this.#draw(frame, picture);
      picture.close();
    } finally {
      this.busy = false;
    }
  }

  /** Takes what is said once a second; without a camera the picture goes. */
  tell(status) {
    this.status = status;
    if (status.camera.status !== "online") this.blank();
  }

  blank() {
    this.#size(4, 3);
    this.context.fillStyle = "#000";
    this.context.fillRect(0, 0, this.canvas.width, this.canvas.height);
  }

  /** Gives the canvas as many pixels as the screen shows of it, and returns how many of them are one CSS pixel. */
  #size(width, height) {
    const sharp = Math.min(window.devicePixelRatio || 1, 2);
    this.canvas.style.aspectRatio = `${width} / ${height}`;
    const across = Math.round(this.canvas.clientWidth * sharp);
    const down = Math.round((across * height) / width);
    if (this.canvas.width !== across || this.canvas.height !== down) {
      this.canvas.width = across;
      this.canvas.height = down;
    }
    return sharp;
  }

  #draw(frame, picture) {
    const sharp = this.#size(frame.width, frame.height);
    const scale = this.canvas.width / frame.width;
    const { context, status } = this;
    context.drawImage(picture, 0, 0, this.canvas.width, this.canvas.height);
    for (const face of frame.faces) {
      const colour = status.colours[face.emotion] ?? "#c98fa8";
      const text = `${face.id}  ${face.emotion} ${Math.round(100 * face.confidence)} %`;
      this.#box(face.box.map((side) => side * scale), colour, text, sharp);
    }
    const missed = status.hints.filter((hint) => hint.box && !frame.faces.length);
    for (const hint of missed) {
      this.#box(hint.box.map((side) => side * scale), "#f5c518", "not followed", sharp, [6 * sharp, 5 * sharp]);
    }
    if (!frame.faces.length) this.#ruler(status.min_height * scale, sharp);
  }

  #box([x, y, width, height], colour, text, sharp, dashes = []) {
    const { context } = this;
    context.setLineDash(dashes);
    for (const [style, line] of [["rgba(0, 0, 0, .55)", 5], [colour, 2.5]]) {
      context.strokeStyle = style;
      context.lineWidth = line * sharp;
      context.strokeRect(x, y, width, height);
    }
    context.setLineDash([]);
    this.#label(text, x, y - 5 * sharp, colour, sharp);
  }

  /** Writes on a dark ground, above a place, but within the picture. */
  #label(text, x, bottom, colour, sharp) {
    const { context } = this;
    const size = 14 * sharp;
    context.font = `600 ${size}px ${FONT}`;
    const width = context.measureText(text).width + size;
    const height = 1.5 * size;
    const left = Math.max(0, Math.min(x, this.canvas.width - width));
    const top = Math.max(0, bottom - height);
    context.fillStyle = "rgba(0, 0, 0, .7)";
    context.fillRect(left, top, width, height);
    context.fillStyle = colour;
    context.fillRect(left, top, 0.25 * size, height);
    context.fillStyle = "#fff";
    context.textBaseline = "middle";
    context.fillText(text, left + 0.6 * size, top + height / 2);
  }

  #ruler(side, sharp) {
    const gap = 10 * sharp;
    this.#box([gap, this.canvas.height - gap - side, side, side], "#fff", "smallest face", sharp, [3 * sharp, 3 * sharp]);
  }
}
