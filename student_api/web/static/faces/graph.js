// Reads a network from a .tflite file (a FlatBuffer): tensors, constants and steps, nothing more.
// The numbers of fields, types and operators are those of TensorFlow Lite's schema.fbs.

const READERS = {
  0: (view, at, i) => view.getFloat32(at + 4 * i, true),
  1: (view, at, i) => half(view.getUint16(at + 2 * i, true)),
  2: (view, at, i) => view.getInt32(at + 4 * i, true),
};
const OPERATORS = {
  0: "add", 2: "concatenation", 3: "conv", 4: "depthwise", 6: "dequantize", 17: "max_pool", 19: "relu", 22: "reshape", 34: "pad",
};
const SIGNATURE = 0x334c4654; // "TFL3"

/** A table of a FlatBuffer; `at` is its place in the file. Fields that were left out are 0 or empty. */
class Table {
  constructor(view, at) {
    this.view = view;
    this.at = at;
    this.fields = at - view.getInt32(at, true);
  }

  place(field) {
    const entry = 4 + 2 * field;
    if (entry >= this.view.getUint16(this.fields, true)) return 0;
    const offset = this.view.getUint16(this.fields + entry, true);
    return offset && this.at + offset;
  }

  byte(field) {
    const at = this.place(field);
    return at && this.view.getInt8(at);
  }

  int(field) {
    const at = this.place(field);
    return at && this.view.getInt32(at, true);
  }

  table(field) {
    const at = this.place(field);
    return at ? new Table(this.view, at + this.view.getUint32(at, true)) : null;
  }

  /** Where a vector begins and how many items it has. */
  vector(field) {
    const at = this.place(field);
    if (!at) return { at: 0, length: 0 };
    const start = at + this.view.getUint32(at, true);
    return { at: start + 4, length: this.view.getUint32(start, true) };
  }

  ints(field) {
    const { at, length } = this.vector(field);
    return Array.from({ length }, (_, i) => this.view.getInt32(at + 4 * i, true));
  }

  tables(field) {
    const { at, length } = this.vector(field);
    return Array.from({ length }, (_, i) => new Table(this.view, at + 4 * i + this.view.getUint32(at + 4 * i, true)));
  }
}

/**
 * Return {tensors: [{shape, values}], steps: [{name, inputs, outputs, options}], inputs, outputs} of a
 * file's bytes. `values` is a Float64Array: engines reckon in doubles, and turning each number into
 * one at every use takes longer than the sums. What the steps compute is still 0. Throws when the
 * file is no network, or has an operator or a type of number that is not known here.
 */
export function readGraph(buffer) {
  const view = new DataView(buffer);
  if (view.getUint32(4, true) !== SIGNATURE) throw new Error("not a network");
  const model = new Table(view, view.getUint32(0, true));
  const names = model.tables(1).map((code) => OPERATORS[code.int(3) || code.byte(0)]);
  const [graph] = model.tables(2);
  const data = model.tables(4).map((held) => held.vector(0));
  const steps = graph.tables(3).map((operator) => step(operator, names));
  return { tensors: graph.tables(0).map((tensor) => filled(tensor, data)), steps, inputs: graph.ints(1), outputs: graph.ints(2) };
}

function step(operator, names) {
  const name = names[operator.int(0)];
  if (!name) throw new Error("an operator that is not known here");
  const options = operator.table(4);
  return { name, inputs: operator.ints(1), outputs: operator.ints(2), options: options && settings(name, options) };
}

// Only what our layers ask for; where the schema has the field for a step of that name.
function settings(name, options) {
  const windowed = { same: options.byte(0) === 0, stride: options.int(1) };
  if (name === "conv") return { ...windowed, relu: options.byte(3) === 1 };
  if (name === "depthwise") return { ...windowed, relu: options.byte(4) === 1 };
  if (name === "max_pool") return { ...windowed, height: options.int(4), width: options.int(3), relu: options.byte(5) === 1 };
  if (name === "add") return { relu: options.byte(0) === 1 };
  return {};
}

function filled(tensor, data) {
  const shape = tensor.ints(0);
  const values = new Float64Array(shape.reduce((product, side) => product * side, 1));
  const { at, length } = data[tensor.int(2)];
  const read = READERS[tensor.byte(1)];
  if (!read) throw new Error("a type of number that is not known here");
  if (length) for (let i = 0; i < values.length; i++) values[i] = read(tensor.view, at, i);
  return { shape, values };
}

/** A 16-bit floating point number from its bits. */
function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
