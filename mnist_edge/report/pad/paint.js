// What the pad is drawn with: strokes, images of 28x28, and the page's elements.

const PAPER = 280; // pixels a side that strokes are kept and read in; the screen has twice as many
const NIB = 21; // pixels that a stroke is wide: of a digit, as much as those of MNIST are

// The grey pixels, uint8 [280 * 280], of strokes drawn bright on dark.
function inkOf(context, strokes) {
  context.fillStyle = "#000";
  context.fillRect(0, 0, PAPER, PAPER);
  context.strokeStyle = "#fff";
  drawStrokes(context, strokes, 1);
  const { data } = context.getImageData(0, 0, PAPER, PAPER);
  const pixels = new Uint8Array(PAPER * PAPER);
  for (let at = 0; at < pixels.length; at += 1) pixels[at] = data[4 * at];
  return pixels;
}

function drawStrokes(context, strokes, scale) {
  context.lineCap = "round";
  context.lineJoin = "round";
  context.lineWidth = NIB * scale;
  context.fillStyle = context.strokeStyle;
  for (const points of strokes) {
    const place = ([x, y]) => [x * scale, y * scale];
    context.beginPath();
    if (points.every(([x, y]) => x === points[0][0] && y === points[0][1])) {
      context.arc(...place(points[0]), (NIB * scale) / 2, 0, 2 * Math.PI);
      context.fill(); // a dot: stroke() paints nothing where a line has no length
      continue;
    }
    context.moveTo(...place(points[0]));
    for (let at = 1; at < points.length; at += 1) { // through the middles: round corners
      const [x, y] = points[at - 1];
      const middle = [(x + points[at][0]) / 2, (y + points[at][1]) / 2];
      context.quadraticCurveTo(...place(points[at - 1]), ...place(middle));
    }
    context.lineTo(...place(points[points.length - 1]));
    context.stroke();
  }
}

// Fill a context with an image of 28x28, in one colour, its brightness as opacity.
function drawImage(context, image, colour) {
  const small = newCanvas(SIDE, SIDE);
  const inner = small.getContext("2d");
  inner.putImageData(grey(image, true), 0, 0);
  inner.globalCompositeOperation = "source-in";
  inner.fillStyle = colour;
  inner.fillRect(0, 0, SIDE, SIDE);
  context.imageSmoothingEnabled = false;
  context.drawImage(small, 0, 0, 2 * PAPER, 2 * PAPER);
}

function grey(image, clear = false) {
  const found = new ImageData(SIDE, SIDE);
  image.forEach((value, at) => {
    found.data.fill(clear ? 255 : value, 4 * at, 4 * at + 3);
    found.data[4 * at + 3] = clear ? value : 255;
  });
  return found;
}

function newElement(name, style, text = "") {
  const element = document.createElement(name);
  element.className = style;
  element.textContent = text;
  return element;
}

function newCanvas(width, height, style = "") {
  return Object.assign(newElement("canvas", style), { width, height });
}

function newBar(list, label) {
  const [row, track] = [newElement("li", "pad-bar"), newElement("div", "pad-track")];
  const [fill, number] = [newElement("div", "pad-fill"), newElement("span", "pad-percent")];
  const name = newElement("span", "pad-name", label);
  name.title = label;
  track.append(fill);
  row.append(name, track, number);
  list.append(row);
  return { row, fill, number };
}

function newSample(label, image) {
  const button = newElement("button", "pad-sample");
  button.type = "button";
  button.title = label;
  button.setAttribute("aria-label", `Sample image of class ${label}`);
  const thumb = newCanvas(SIDE, SIDE, "pad-thumb");
  thumb.getContext("2d").putImageData(grey(image), 0, 0);
  button.append(thumb);
  return button;
}
