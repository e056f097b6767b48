// Reads a TensorFlow Lite file: its tensors, and its operators in the order in which they run.
//
// The file is a flatbuffer, little-endian. A table begins with the distance back to its vtable,
// which holds a distance (uint16) for each field, 0 for an absent one; strings, vectors and tables
// are reached by a distance forward (uint32); a vector begins with its count. The numbers of
// fields, types and operators are those of the format's public schema, version 3.

class ModelError extends Error {}

const TYPES = { 0: "float32", 2: "int32", 3: "uint8", 7: "int16", 9: "int8" };
const BYTES = { float32: 4, int32: 4, uint8: 1, int16: 2, int8: 1 };
const ARRAYS = {
  float32: Float32Array, int32: Int32Array, uint8: Uint8Array, int16: Int16Array, int8: Int8Array,
};
const NAMES = {
  0: "ADD", 1: "AVERAGE_POOL_2D", 3: "CONV_2D", 4: "DEPTHWISE_CONV_2D", 6: "DEQUANTIZE",
  9: "FULLY_CONNECTED", 17: "MAX_POOL_2D", 22: "RESHAPE", 25: "SOFTMAX", 40: "MEAN",
  114: "QUANTIZE",
};
const MOST = 1 << 24; // elements of one tensor: far more than a digit needs

// One table of the file. Every getter takes the number of a field.
class Table {
  constructor(view, at) {
    this.view = view;
    this.at = at;
    this.vtable = at - view.getInt32(at, true);
    this.size = view.getUint16(this.vtable, true);
  }

  // Where a field is, or 0 where it is absent.
  place(field) {
    const slot = 4 + 2 * field;
    const distance = slot + 2 <= this.size ? this.view.getUint16(this.vtable + slot, true) : 0;
    return distance && this.at + distance;
  }

  int(field, otherwise = 0) {
    const place = this.place(field);
    return place ? this.view.getInt32(place, true) : otherwise;
  }

  byte(field, otherwise = 0) {
    const place = this.place(field);
    return place ? this.view.getInt8(place) : otherwise;
  }

  float(field) {
    const place = this.place(field);
    return place ? this.view.getFloat32(place, true) : 0;
  }

  table(field) {
    const place = this.place(field);
    return place ? new Table(this.view, place + this.view.getUint32(place, true)) : null;
  }

  // A vector as an array: `read` takes the view and the place of one item, `width` bytes wide.
  vector(field, width, read) {
    const place = this.place(field);
    if (!place) return [];
    const start = place + this.view.getUint32(place, true);
    const count = this.view.getUint32(start, true);
    if (start + 4 + count * width > this.view.byteLength) throw new RangeError("too long");
    return Array.from({ length: count }, (_, item) => read(this.view, start + 4 + item * width));
  }

  ints(field) {
    return this.vector(field, 4, (view, at) => view.getInt32(at, true));
  }

  longs(field) {
    return this.vector(field, 8, (view, at) => Number(view.getBigInt64(at, true)));
  }

  floats(field) {
    return this.vector(field, 4, (view, at) => view.getFloat32(at, true));
  }

  tables(field) {
    return this.vector(field, 4, (view, at) => new Table(view, at + view.getUint32(at, true)));
  }

  bytes(field) {
    const place = this.place(field);
    if (!place) return null;
    const start = place + this.view.getUint32(place, true);
    const count = this.view.getUint32(start, true);
    return new Uint8Array(this.view.buffer, this.view.byteOffset + start + 4, count);
  }
}

// Return {tensors, operators, inputs, outputs} of a file, a Uint8Array.
//
// A tensor is {shape, type, data, constant, scales, zeroPoint, axis}; `data` is a typed array of
// its own, filled for constants. An operator is {name, inputs, outputs, options}: tensors by their
// place (-1 for one left out), and the table of its settings or null.
//
// What lies outside of the file is a RangeError.
function readTflite(file) {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (String.fromCharCode(...file.subarray(4, 8)) !== "TFL3") {
    throw new ModelError("the model is not a TensorFlow Lite file");
  }
  const model = new Table(view, view.getUint32(0, true));
  const graphs = model.tables(2);
  if (model.int(0) !== 3 || graphs.length !== 1) {
    throw new ModelError("the model is not one graph of schema version 3");
  }
  const codes = model.tables(1).map((code) => Math.max(code.byte(0), code.int(3)));
  const buffers = model.tables(4).map((buffer) => buffer.bytes(0));
  const graph = graphs[0];
  const tensors = graph.tables(0).map((table) => readTensor(table, buffers));
  const within = (places) => {
    if (places.every((place) => place >= -1 && place < tensors.length)) return places;
    throw new ModelError("the model is damaged: it takes a tensor that is not there");
  };
  const operators = graph.tables(3).map((operator) => {
    const code = codes[operator.int(0)];
    const name = NAMES[code];
    if (!name) throw new ModelError(`the model needs operator ${code}, which is not known here`);
    const [inputs, outputs] = [within(operator.ints(1)), within(operator.ints(2))];
    return { name, inputs, outputs, options: operator.table(4) };
  });
  return { tensors, operators, inputs: within(graph.ints(1)), outputs: within(graph.ints(2)) };
}

function readTensor(table, buffers) {
  const shape = table.ints(0);
  const type = TYPES[table.byte(1)];
  if (!type) throw new ModelError(`the model has tensors of type ${table.byte(1)}, not known here`);
  const size = shape.reduce((product, side) => product * side, 1);
  if (shape.some((side) => side < 0) || size > MOST) {
    throw new ModelError(`the model is damaged: a tensor has the shape [${shape}]`);
  }
  const quantization = table.table(4);
  const stored = buffers[table.int(2)];
  const constant = Boolean(stored && stored.length);
  const data = new ARRAYS[type](size);
  if (constant) {
    if (stored.length !== size * BYTES[type]) {
      throw new ModelError("the model is damaged: a tensor has more or less data than its shape");
    }
    new Uint8Array(data.buffer).set(stored); // computers of today are little-endian, as the file
  }
  return {
    shape, type, data, constant,
    scales: quantization ? quantization.floats(2) : [],
    zeroPoint: (quantization && quantization.longs(3)[0]) || 0,
    axis: quantization ? quantization.int(6) : 0,
  };
}
