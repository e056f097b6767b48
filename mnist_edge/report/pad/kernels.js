// What operators have in common: how a sum becomes an int8, and how a window slides.

const RANGES = { int8: [-128, 127], uint8: [0, 255] };
const [LOW, HIGH] = RANGES.int8;
const ACTIVATIONS = { 0: [-Infinity, Infinity], 1: [0, Infinity], 2: [-1, 1], 3: [0, 6] };

// Sums of products: `values` with each row of `weights`, [sums.length, values.length]. Four rows at
// a time, so that each value is read once for them, take three fifths of the time.
function multiply(values, weights, sums) {
  const length = values.length;
  const fours = sums.length - (sums.length % 4);
  for (let row = 0, first = 0; row < fours; row += 4, first += 4 * length) {
    const [second, third, fourth] = [first + length, first + 2 * length, first + 3 * length];
    let [a, b, c, d] = [0, 0, 0, 0];
    for (let at = 0; at < length; at += 1) {
      const value = values[at];
      a = (a + Math.imul(value, weights[first + at])) | 0;
      b = (b + Math.imul(value, weights[second + at])) | 0;
      c = (c + Math.imul(value, weights[third + at])) | 0;
      d = (d + Math.imul(value, weights[fourth + at])) | 0;
    }
    [sums[row], sums[row + 1], sums[row + 2], sums[row + 3]] = [a, b, c, d];
  }
  for (let row = fours; row < sums.length; row += 1) {
    let sum = 0;
    for (let at = 0; at < length; at += 1) {
      sum = (sum + Math.imul(values[at], weights[row * length + at])) | 0;
    }
    sums[row] = sum;
  }
}

// What an activation leaves of the 256 steps: [least, greatest].
function limits({ scales, zeroPoint }, activation) {
  if (!(activation in ACTIVATIONS)) throw new ModelError(`activation ${activation} is not known`);
  const step = (real) => zeroPoint + roundHalfAway(Math.fround(real / scales[0]));
  const [low, high] = ACTIVATIONS[activation];
  return [Math.max(LOW, step(low)), Math.min(HIGH, step(high))];
}

// Return what makes the sum of a channel's products into the output's integer.
function finisher([image, weights, bias], given, channels, activation, rescale = scaled) {
  if (weights.type !== "int8" || !weights.constant || weights.zeroPoint) {
    throw new ModelError("weights are known as int8 constants around 0");
  }
  if (bias && (bias.type !== "int32" || bias.data.length !== channels)) {
    throw new ModelError("a bias is known as one int32 for each channel");
  }
  const [low, high] = limits(given, activation);
  const [before, after] = [image.scales[0], given.scales[0]];
  const factors = weights.scales.map((scale) => factor((before * scale) / after));
  if (factors.length !== 1 && factors.length !== channels) {
    throw new ModelError(`${channels} channels have ${factors.length} scales`);
  }
  const sums = bias ? bias.data : new Int32Array(channels);
  return (sum, channel) => {
    const steps = rescale(sum + sums[channel], factors[factors.length > 1 ? channel : 0]);
    return clamped(steps + given.zeroPoint, low, high);
  };
}

// Return a function that calls `visit(pixel, cells)` for each place of a sliding window; `cells` is
// where each of its cells begins in the image's data, -1 for one outside.
function windowOf(image, given, [height, width], options, fields) {
  const [, rows, columns, channels] = image.shape;
  const [, tall, wide] = given.shape;
  const stride = [options.int(fields.strideHeight, 1), options.int(fields.strideWidth, 1)];
  const spread = [options.int(fields.dilationHeight, 1), options.int(fields.dilationWidth, 1)];
  const same = options.byte(0) === 0;
  const before = [[rows, tall, height, 0], [columns, wide, width, 1]].map(
    ([size, found, side, axis]) => {
      const missing = (found - 1) * stride[axis] + (side - 1) * spread[axis] + 1 - size;
      return same ? Math.max(0, Math.floor(missing / 2)) : 0;
    });
  if (!(height * width * tall * wide <= MOST)) {
    throw new ModelError(`the model is damaged: a window of ${width}x${height} slides`);
  }
  const cells = new Int32Array(height * width);
  return (visit) => {
    for (let pixel = 0; pixel < tall * wide; pixel += 1) {
      const top = Math.floor(pixel / wide) * stride[0] - before[0];
      const left = (pixel % wide) * stride[1] - before[1];
      for (let cell = 0; cell < cells.length; cell += 1) {
        const row = top + Math.floor(cell / width) * spread[0];
        const column = left + (cell % width) * spread[1];
        const inside = row >= 0 && row < rows && column >= 0 && column < columns;
        cells[cell] = inside ? (row * columns + column) * channels : -1;
      }
      visit(pixel, cells);
    }
  };
}

// Bring what a window sees into `patch`, [cells * channels], as distances from the zero point.
function gather({ data, shape, zeroPoint }, cells, patch) {
  const channels = shape[3];
  let at = 0;
  for (const cell of cells) {
    for (let channel = 0; channel < channels; channel += 1, at += 1) {
      patch[at] = cell < 0 ? 0 : data[cell + channel] - zeroPoint;
    }
  }
}
