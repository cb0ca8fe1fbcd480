// Arrays as pictures. Blue is below 0, orange above, and the paper's colour is 0.

let below, above, paper, ink;

/** Take the colours from the style sheet: again when light turns to dark. */
export function takeColours() {
  const style = getComputedStyle(document.documentElement);
  [below, above, paper, ink] = ["--below", "--above", "--paper", "--ink"].map((name) => rgb(style.getPropertyValue(name)));
}

function rgb(text) {
  const hex = text.trim().slice(1);
  const pairs = hex.length === 3 ? [...hex].map((c) => c + c) : hex.match(/../g);
  return pairs.map((pair) => parseInt(pair, 16));
}

function bytes(letters) {
  return Uint8Array.from(atob(letters), (c) => c.charCodeAt(0));
}

function mix(from, to, share) {
  return from.map((value, place) => Math.round(value + (to[place] - value) * share));
}

/** The colours of -127 ... 127, as 255 triples from index 0. */
function ramp() {
  return Array.from({ length: 255 }, (_, index) => {
    const value = (index - 127) / 127;
    return mix(paper, value < 0 ? below : above, Math.sqrt(Math.abs(value)));
  });
}

function canvasOf(canvas, width, height) {
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  return canvas.getContext("2d");
}

/** A matrix, one pixel an entry, shown at most `most` CSS pixels wide. */
export function matrix(canvas, picture, most = 276, high = null) {
  const [rows, columns] = picture.shape;
  const context = canvasOf(canvas, columns, rows);
  const image = context.createImageData(columns, rows);
  const levels = new Int8Array(bytes(picture.data).buffer);
  const colours = ramp();
  for (let place = 0; place < levels.length; place++) {
    const colour = colours[levels[place] + 127];
    image.data.set(colour, 4 * place);
    image.data[4 * place + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  canvas.style.width = `${Math.min(12 * columns, most)}px`;
  canvas.style.height = high ? `${high}px` : "auto";
}

/** Several small images side by side in one canvas: fewer on a telephone, so that each can be seen. */
export function sheet(canvas, picture, across = innerWidth < 600 ? 8 : 16) {
  const [count, height, width] = picture.shape;
  const down = Math.ceil(count / across);
  const wide = Math.min(count, across);
  const context = canvasOf(canvas, wide * (width + 1) - 1, down * (height + 1) - 1);
  const image = context.createImageData(canvas.width, canvas.height);
  const levels = new Int8Array(bytes(picture.data).buffer);
  const colours = ramp();
  for (let n = 0; n < count; n++) {
    const left = (n % across) * (width + 1);
    const top = Math.floor(n / across) * (height + 1);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const at = 4 * ((top + y) * canvas.width + left + x);
        image.data.set(colours[levels[(n * height + y) * width + x] + 127], at);
        image.data[at + 3] = 255;
      }
    }
  }
  context.putImageData(image, 0, 0);
  canvas.style.width = `${Math.min(560, 8 * canvas.width)}px`;
}

/** A digit, ink on paper. */
export function digit(canvas, letters) {
  const context = canvasOf(canvas, 28, 28);
  const image = context.createImageData(28, 28);
  bytes(letters).forEach((level, place) => {
    image.data.set(mix(paper, ink, level / 255), 4 * place);
    image.data[4 * place + 3] = 255;
  });
  context.putImageData(image, 0, 0);
}

/** The background of a number, on a scale that goes to `most`. Pale, so that the number can be read. */
export function background(value, most) {
  if (value === null || !most) {
    return "";
  }
  const colour = value < 0 ? below : above;
  return `rgb(${mix(paper, colour, 0.55 * Math.sqrt(Math.min(1, Math.abs(value) / most))).join(" ")})`;
}
