// From a drawing to the image that a model knows: image_file.py in JavaScript, number for number.
//
// Ink bright on dark, scaled into 20x20 pixels with its proportions kept, its centre of mass in the
// middle of 28x28. The scaling is Pillow's Lanczos filter on float32; where Python works with
// float32, Math.fround rounds to it, in the order in which numpy adds.

const SIDE = 28; // pixels of the image
const INK_BOX = 20; // pixels a side that the ink is scaled into
const INK_FLOOR = 0.25; // of the contrast; fainter pixels are paper when the ink's box is sought

// Return {image, steps} of grey pixels, uint8 [height * width], 28x28 or larger; null where nothing
// is drawn. `image` is uint8 [28 * 28]; `steps` is what was done, in words.
function readDrawing(pixels, width, height) {
  const steps = [];
  if (pixels.every((value) => value === pixels[0])) return null;
  let ink = pixels;
  if (paperOf(ink, width, height) > 127) {
    ink = ink.map((value) => 255 - value);
    steps.push("turned dark-on-bright into bright-on-dark");
  }
  if (width === SIDE && height === SIDE) return { image: ink.slice(), steps };
  const paper = paperOf(ink, width, height);
  const contrast = ink.reduce((most, value) => Math.max(most, value), 0) - paper;
  if (contrast < 16) return null;

  const box = boxOf(ink, width, height, paper + INK_FLOOR * contrast);
  const { left, right, top, bottom } = box;
  const [wide, tall] = [right - left + 1, bottom - top + 1];
  const touched = [top === 0, left === 0, bottom === height - 1, right === width - 1];
  if (touched.filter(Boolean).length >= 3) {
    steps.push("NOT SURE: ink reaches the edges; uneven light reads as ink, so crop closer");
  }
  const cut = new Float32Array(wide * tall);
  for (let at = 0; at < cut.length; at += 1) {
    const place = (top + Math.floor(at / wide)) * width + left + (at % wide);
    cut[at] = clamped((ink[place] - paper) / contrast, 0, 1);
  }
  const scale = INK_BOX / Math.max(wide, tall);
  const [across, down] = [wide, tall].map((side) => Math.max(1, roundHalfEven(side * scale)));
  const digit = resized(cut, wide, tall, across, down).map((value) => clamped(value, 0, 1));
  const most = digit.reduce((best, value) => Math.max(best, value), 0);
  steps.push(`scaled the ink from ${wide}x${tall} to ${across}x${down} pixels`);
  steps.push("centred it by its mass");
  return { image: placed(digit.map((value) => value / most), across, down), steps };
}

// How bright the paper is: the median along the four edges.
function paperOf(pixels, width, height) {
  const counts = new Uint32Array(256);
  for (let column = 0; column < width; column += 1) {
    counts[pixels[column]] += 1;
    counts[pixels[(height - 1) * width + column]] += 1;
  }
  for (let row = 1; row < height - 1; row += 1) {
    counts[pixels[row * width]] += 1;
    counts[pixels[row * width + width - 1]] += 1;
  }
  const count = 2 * width + 2 * (height - 2);
  const ranked = (rank) => {
    let value = 0;
    for (let passed = counts[0]; passed <= rank; passed += counts[value]) value += 1;
    return value;
  };
  return (ranked(count / 2 - 1) + ranked(count / 2)) / 2; // there are always evenly many
}

// The box of what is brighter than `floor`.
function boxOf(pixels, width, height, floor) {
  const box = { left: width, right: -1, top: height, bottom: -1 };
  for (let row = 0, at = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1, at += 1) {
      if (pixels[at] <= floor) continue;
      if (row < box.top) box.top = row;
      if (column < box.left) box.left = column;
      if (column > box.right) box.right = column;
      box.bottom = row;
    }
  }
  return box;
}

// Scale float32 [tall, wide] as Pillow does with LANCZOS: first along the rows, then the columns.
function resized(values, wide, tall, across, down) {
  let found = values;
  if (across !== wide) found = filtered(found, wide, tall, across, false);
  if (down !== tall) found = filtered(found, across, tall, down, true);
  return found;
}

// Scale to `size` along the columns where `upright`, else along the rows; float32 either way.
function filtered(values, wide, tall, size, upright) {
  const lines = upright ? wide : tall;
  const found = new Float32Array(lines * size);
  lanczos(upright ? tall : wide, size).forEach(({ first, weights }, at) => {
    for (let line = 0; line < lines; line += 1) {
      let sum = 0;
      for (let tap = 0; tap < weights.length; tap += 1) {
        const from = upright ? (first + tap) * wide + line : line * wide + first + tap;
        sum += values[from] * weights[tap];
      }
      found[upright ? at * wide + line : line * size + at] = sum;
    }
  });
  return found;
}

// For each of `size` pixels made of `length`: the first that it takes from, and their weights.
function lanczos(length, size) {
  const scale = length / size;
  const stretch = Math.max(scale, 1); // a larger picture takes the filter as it is
  const support = 3 * stretch;
  const sinc = (x) => (x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI));
  return Array.from({ length: size }, (_, at) => {
    const centre = (at + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const end = Math.min(length, Math.trunc(centre + support + 0.5));
    const weights = [];
    let total = 0;
    for (let tap = first; tap < end; tap += 1) {
      const x = (tap - centre + 0.5) * (1 / stretch);
      weights.push(x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0);
      total += weights[weights.length - 1];
    }
    return { first, weights: weights.map((weight) => (total ? weight / total : weight)) };
  });
}

// Put a digit, float32 [tall, wide] of at most 20x20, on 28x28 by its centre of mass.
function placed(digit, wide, tall) {
  const [rows, columns] = [new Float32Array(tall), new Float32Array(wide)];
  for (let row = 0; row < tall; row += 1) {
    const line = digit.subarray(row * wide, (row + 1) * wide);
    rows[row] = sumOf(line);
    for (let column = 0; column < wide; column += 1) columns[column] += line[column];
  }
  const [top, left] = [rows, columns].map((weights) => {
    const moments = Float64Array.from(weights, (weight, at) => weight * (at + 0.5));
    const centre = sumOf(moments, (value) => value) / sumOf(weights);
    return clamped(roundHalfEven(SIDE / 2 - centre), 0, SIDE - weights.length);
  });
  const image = new Uint8Array(SIDE * SIDE);
  for (let at = 0; at < digit.length; at += 1) {
    const place = (top + Math.floor(at / wide)) * SIDE + left + (at % wide);
    image[place] = roundHalfEven(Math.fround(digit[at] * 255));
  }
  return image;
}

// The sum in numpy's order, for up to 128 numbers: eight sums side by side, then what is left.
function sumOf(values, rounded = Math.fround) {
  const add = (one, other) => rounded(one + other);
  const whole = values.length - (values.length % 8);
  let sum = 0;
  if (whole) {
    const lanes = Array.from(values.subarray(0, 8));
    for (let at = 8; at < whole; at += 1) lanes[at % 8] = add(lanes[at % 8], values[at]);
    const [a, b, c, d, e, f, g, h] = lanes;
    sum = add(add(add(a, b), add(c, d)), add(add(e, f), add(g, h)));
  }
  for (let at = whole; at < values.length; at += 1) sum = add(sum, values[at]);
  return sum;
}
