// Runs an int8 TensorFlow Lite model, one image at a time, as LiteRT's reference kernels do.

// What is taken and given where a model's edges are of other types than int8.
const EDGES = {
  QUANTIZE: [["int8", "uint8", "float32"], ["int8", "uint8"]], DEQUANTIZE: [["int8"], ["float32"]],
};

class Model {
  // Takes the file as a Uint8Array; throws a ModelError for what cannot be run here.
  constructor(file) {
    try {
      this.prepare(file);
    } catch (error) {
      if (error instanceof ModelError) throw error;
      throw new ModelError("the model is damaged: what it says of itself does not agree");
    }
  }

  prepare(file) {
    const { tensors, operators, inputs, outputs } = readTflite(file);
    if (inputs.length !== 1 || outputs.length !== 1) {
      throw new ModelError(`the model has ${inputs.length} inputs and ${outputs.length} outputs`);
    }
    this.tensors = tensors;
    this.input = tensors[inputs[0]];
    this.output = tensors[outputs[0]];
    if (this.input.data.length !== SIDE * SIDE) {
      throw new ModelError(`the model takes images of [${this.input.shape}]`);
    }
    this.steps = operators.map((operator) => prepared(operator, tensors));
    this.encoding = Array.from({ length: 256 }, (_, byte) => encoded(byte, this.input));
  }

  // Takes pixels, uint8 [28 * 28], ink bright on dark; gives the output tensor's own numbers, which
  // the next call overwrites.
  run(pixels) {
    const { data } = this.input;
    for (let at = 0; at < data.length; at += 1) data[at] = this.encoding[pixels[at]];
    for (const step of this.steps) step();
    return this.output.data;
  }

  // The same as a Float32Array of probabilities.
  probabilities(pixels) {
    const { type, scales, zeroPoint } = this.output;
    const found = Float32Array.from(this.run(pixels));
    return type === "float32" ? found : found.map((value) => (value - zeroPoint) * scales[0]);
  }
}

// A pixel as the input tensor has it; halves go to the even number, as in quantize.py.
function encoded(byte, { type, scales, zeroPoint }) {
  const real = Math.fround(byte / 255);
  if (type === "float32") return real;
  return clamped(roundHalfEven(real / scales[0]) + zeroPoint, ...RANGES[type]);
}

// Return the function that runs one operator on the tensors' data.
function prepared({ name, inputs, outputs, options }, tensors) {
  const taken = inputs.map((place) => (place < 0 ? null : tensors[place]));
  const given = tensors[outputs[0]];
  const [into, from] = EDGES[name] || [["int8"], ["int8"]];
  if (!taken[0] || !given || !into.includes(taken[0].type) || !from.includes(given.type)) {
    throw new ModelError(`${name} of ${taken[0]?.type} to ${given?.type} is not known here`);
  }
  for (const { type, scales } of [taken[0], given]) {
    if (type !== "float32" && scales.length !== 1) {
      throw new ModelError(`${name} has a tensor with ${scales.length} scales; wanted one`);
    }
  }
  return OPERATORS[name](taken, given, options);
}
