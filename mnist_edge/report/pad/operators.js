// The operators: each takes tensors and its settings, and returns a function that runs it.
//
// A tensor's data [1,H,W,C] has its channels side by side. The numbers of settings are those of the
// file format's schema: the fields of Conv2DOptions, Pool2DOptions and others.

const OPERATORS = {
  CONV_2D(taken, given, options) {
    const [image, weights] = taken;
    const [channels, height, width] = weights.shape;
    const window = windowOf(image, given, [height, width], options, {
      strideWidth: 1, strideHeight: 2, dilationWidth: 4, dilationHeight: 5,
    });
    const finish = finisher(taken, given, channels, options.byte(3));
    const patch = new Int32Array(height * width * image.shape[3]);
    const sums = new Int32Array(channels);
    return () => window((pixel, cells) => {
      gather(image, cells, patch);
      multiply(patch, weights.data, sums);
      for (let channel = 0; channel < channels; channel += 1) {
        given.data[pixel * channels + channel] = finish(sums[channel], channel);
      }
    });
  },

  DEPTHWISE_CONV_2D(taken, given, options) {
    const [image, weights] = taken;
    const [, height, width, channels] = weights.shape;
    const window = windowOf(image, given, [height, width], options, {
      strideWidth: 1, strideHeight: 2, dilationWidth: 5, dilationHeight: 6,
    });
    const finish = finisher(taken, given, channels, options.byte(4));
    const own = image.shape[3];
    const patch = new Int32Array(height * width * own);
    return () => window((pixel, cells) => {
      gather(image, cells, patch);
      for (let channel = 0; channel < channels; channel += 1) {
        let sum = 0;
        const from = Math.floor((channel * own) / channels);
        for (let at = 0; at < height * width; at += 1) {
          sum += patch[at * own + from] * weights.data[at * channels + channel];
        }
        given.data[pixel * channels + channel] = finish(sum, channel);
      }
    });
  },

  FULLY_CONNECTED(taken, given, options) {
    const [image, weights] = taken;
    const [channels, depth] = weights.shape;
    const activation = options ? options.byte(0) : 0;
    const finish = finisher(taken, given, channels, activation, scaledOnce);
    const [row, sums] = [new Int32Array(depth), new Int32Array(channels)];
    return () => {
      for (let first = 0, at = 0; first < image.data.length; first += depth, at += channels) {
        for (let item = 0; item < depth; item += 1) {
          row[item] = image.data[first + item] - image.zeroPoint;
        }
        multiply(row, weights.data, sums);
        for (let channel = 0; channel < channels; channel += 1) {
          given.data[at + channel] = finish(sums[channel], channel);
        }
      }
    };
  },

  MAX_POOL_2D([image], given, options) {
    return pooled(image, given, options, (values, count) => {
      let best = LOW;
      for (let at = 0; at < count; at += 1) if (values[at] > best) best = values[at];
      return best;
    });
  },

  AVERAGE_POOL_2D([image], given, options) {
    return pooled(image, given, options, (values, count) => {
      let sum = 0;
      for (let at = 0; at < count; at += 1) sum += values[at];
      const half = Math.floor(count / 2);
      return Math.trunc((sum > 0 ? sum + half : sum - half) / count);
    });
  },

  MEAN([image, axes], given) {
    const rank = image.shape.length;
    const along = Array.from(axes.data, (axis) => (axis + rank) % rank).sort().join();
    if (rank !== 4 || along !== "1,2") throw new ModelError("MEAN is known over rows and columns");
    const [, height, width, channels] = image.shape;
    const count = height * width;
    const means = factorOfMean(image.scales[0] / given.scales[0], count);
    return () => {
      for (let channel = 0; channel < channels; channel += 1) {
        let sum = -image.zeroPoint * count;
        for (let at = channel; at < image.data.length; at += channels) sum += image.data[at];
        given.data[channel] = clamped(scaled(sum, means) + given.zeroPoint, LOW, HIGH);
      }
    };
  },

  ADD([left, right], given, options) {
    const [small, large] = left.data.length < right.data.length ? [left, right] : [right, left];
    const ending = large.shape.slice(large.shape.length - small.shape.length);
    if (small.data.length > 1 && small.shape.join() !== ending.join()) {
      throw new ModelError(`ADD of [${left.shape}] and [${right.shape}] is not known here`);
    }
    if (right.type !== "int8" || right.scales.length !== 1) {
      throw new ModelError(`ADD of int8 and ${right.type} is not known here`);
    }
    const twice = 2 * Math.max(left.scales[0], right.scales[0]);
    const factors = [factor(left.scales[0] / twice), factor(right.scales[0] / twice)];
    const back = factor(twice / (2 ** 20 * given.scales[0]));
    const [low, high] = limits(given, options ? options.byte(0) : 0);
    return () => {
      for (let at = 0; at < given.data.length; at += 1) {
        const one = left.data[at % left.data.length] - left.zeroPoint;
        const other = right.data[at % right.data.length] - right.zeroPoint;
        const sum = scaled(one * 2 ** 20, factors[0]) + scaled(other * 2 ** 20, factors[1]);
        given.data[at] = clamped(scaled(sum, back) + given.zeroPoint, low, high);
      }
    };
  },

  RESHAPE([image], given) {
    if (image.data.length !== given.data.length) throw new ModelError("RESHAPE changes the size");
    return () => given.data.set(image.data);
  },

  SOFTMAX([image], given, options) {
    if (given.scales[0] !== 1 / 256 || given.zeroPoint !== LOW) {
      throw new ModelError("SOFTMAX is known to give steps of 1/256");
    }
    const steps = factor(Math.min(options.float(0) * image.scales[0] * 2 ** 26, TWO_31 - 1));
    const least = -Math.floor((31 * 2 ** 26) / 2 ** steps.shift); // below: e to it is nothing
    const depth = image.shape[image.shape.length - 1];
    const exps = new Int32Array(depth);
    return () => {
      for (let first = 0; first < image.data.length; first += depth) {
        const row = image.data.subarray(first, first + depth);
        const top = row.reduce((best, value) => Math.max(best, value), LOW);
        let sum = 0;
        for (let at = 0; at < depth; at += 1) {
          const below = row[at] - top;
          exps[at] = below < least ? 0 : expOfNegative(scaled(below, steps));
          sum += shiftedRight(exps[at], 12);
        }
        const room = Math.clz32(sum);
        const share = reciprocalOfOnePlus(sum * 2 ** room - TWO_31);
        for (let at = 0; at < depth; at += 1) {
          const part = shiftedRight(doublingHighProduct(share, exps[at]), 12 - room + 31 - 8);
          given.data[first + at] = clamped(part + LOW, LOW, HIGH);
        }
      }
    };
  },

  QUANTIZE([image], given) {
    const steps = image.type === "float32" ? null : factor(image.scales[0] / given.scales[0]);
    const [low, high] = RANGES[given.type];
    const quantized = steps
      ? (value) => scaled(value - image.zeroPoint, steps)
      : (value) => roundHalfAway(Math.fround(value / given.scales[0]));
    return () => image.data.forEach((value, at) => {
      given.data[at] = clamped(quantized(value) + given.zeroPoint, low, high);
    });
  },

  DEQUANTIZE([image], given) {
    return () => image.data.forEach((value, at) => {
      given.data[at] = (value - image.zeroPoint) * image.scales[0];
    });
  },
};

// The mean's factor: that of the scales, divided by the count without losing digits.
function factorOfMean(ratio, count) {
  const { multiplier, shift } = factor(ratio);
  const more = Math.min(Math.floor(Math.log2(count)), 31 + shift);
  return { multiplier: Math.floor((multiplier * 2 ** more) / count), shift: shift - more };
}

function pooled(image, given, options, choose) {
  const window = windowOf(image, given, [options.int(4), options.int(3)], options, {
    strideWidth: 1, strideHeight: 2, dilationWidth: 99, dilationHeight: 99, // pools have none
  });
  const [low, high] = limits(given, options.byte(5));
  const channels = image.shape[3];
  const values = new Int32Array(options.int(3) * options.int(4));
  return () => window((pixel, cells) => {
    for (let channel = 0; channel < channels; channel += 1) {
      let count = 0;
      for (const cell of cells) if (cell >= 0) values[count++] = image.data[cell + channel];
      given.data[pixel * channels + channel] = clamped(choose(values, count), low, high);
    }
  });
}
