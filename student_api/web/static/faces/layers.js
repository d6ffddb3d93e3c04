// The layers of a network, for pictures as rows of pixels of channels (NHWC, one picture at a time).

/** Return a function that computes all steps of a graph anew from its inputs' values. */
export function runner(graph) {
  const tensors = graph.tensors;
  const constants = graph.steps.filter((step) => step.name === "dequantize");
  for (const step of constants) LAYERS.dequantize(step, tensors); // weights, once
  const steps = graph.steps.filter((step) => step.name !== "dequantize");
  return () => { for (const step of steps) LAYERS[step.name](step, tensors); };
}

const LAYERS = { dequantize: copy, reshape: copy, conv, depthwise, max_pool, add, relu, pad, concatenation };

// Half-precision weights were read as numbers already, and a reshape only renames the axes.
function copy({ inputs, outputs }, tensors) {
  tensors[outputs[0]].values.set(tensors[inputs[0]].values);
}

function relu({ inputs, outputs }, tensors) {
  const from = tensors[inputs[0]].values;
  const to = tensors[outputs[0]].values;
  for (let i = 0; i < to.length; i++) to[i] = from[i] > 0 ? from[i] : 0;
}

function add({ inputs, outputs, options }, tensors) {
  const [one, other] = inputs.map((index) => tensors[index].values);
  const to = tensors[outputs[0]].values;
  for (let i = 0; i < to.length; i++) to[i] = one[i] + other[i];
  if (options.relu) positive(to);
}

// One picture only, along the first axis after it: one after the other.
function concatenation({ inputs, outputs }, tensors) {
  let at = 0;
  for (const index of inputs) {
    tensors[outputs[0]].values.set(tensors[index].values, at);
    at += tensors[index].values.length;
  }
}

function pad({ inputs, outputs }, tensors) {
  const { shape: [, height, width, channels], values: from } = tensors[inputs[0]];
  const { shape: [, , wide, deep], values: to } = tensors[outputs[0]];
  const [, , top, , left, , before] = tensors[inputs[1]].values;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const start = (y * width + x) * channels;
      const target = ((y + top) * wide + x + left) * deep + before;
      for (let c = 0; c < channels; c++) to[target + c] = from[start + c];
    }
  }
}

// Where the windows begin: "same" puts the missing pixels evenly around, the odd one after.
function margin(size, out, stride, window, same) {
  return same ? Math.floor(Math.max(0, (out - 1) * stride + window - size) / 2) : 0;
}

// One row of pixels at a time: the windows under it side by side, then every window by every filter.
function conv({ inputs, outputs, options: { stride, same, relu: bent } }, tensors) {
  const { shape: [, height, width, channels], values: from } = tensors[inputs[0]];
  const { shape: [count, high, wide], values: weights } = tensors[inputs[1]];
  const { values: bias } = tensors[inputs[2]];
  const { shape: [, rows, columns], values: to } = tensors[outputs[0]];
  const top = margin(height, rows, stride, high, same);
  const left = margin(width, columns, stride, wide, same);
  const size = high * wide * channels;
  const windows = new Float64Array(columns * size);
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      cut(windows, x * size, from, y * stride - top, x * stride - left, [height, width, channels, high, wide]);
    }
    products(to, y * columns * count, windows, weights, bias, [columns, count, size]);
  }
  if (bent) positive(to);
}

// The pixels under one window, 0 outside the picture.
function cut(windows, at, from, y0, x0, [height, width, channels, high, wide]) {
  for (let y = y0; y < y0 + high; y++) {
    for (let x = x0; x < x0 + wide; x++) {
      const inside = y >= 0 && y < height && x >= 0 && x < width;
      const start = (y * width + x) * channels;
      for (let c = 0; c < channels; c++) windows[at++] = inside ? from[start + c] : 0;
    }
  }
}

// Two windows by two filters at a time: every number is loaded half as often. Both counts are even.
function products(to, start, windows, weights, bias, [columns, count, size]) {
  for (let x = 0; x < columns; x += 2) {
    for (let o = 0; o < count; o += 2) {
      let a = bias[o], b = bias[o + 1], c = a, d = b;
      const one = x * size, other = one + size, first = o * size, second = first + size;
      for (let i = 0; i < size; i++) {
        const p = windows[one + i], q = windows[other + i], v = weights[first + i], w = weights[second + i];
        a += p * v;
        b += p * w;
        c += q * v;
        d += q * w;
      }
      const at = start + x * count + o;
      to[at] = a;
      to[at + 1] = b;
      to[at + count] = c;
      to[at + count + 1] = d;
    }
  }
}

function depthwise({ inputs, outputs, options: { stride, same, relu: bent } }, tensors) {
  const { shape: [, height, width, channels], values: from } = tensors[inputs[0]];
  const { shape: [, high, wide], values: weights } = tensors[inputs[1]];
  const { values: bias } = tensors[inputs[2]];
  const { shape: [, rows, columns], values: to } = tensors[outputs[0]];
  const top = margin(height, rows, stride, high, same);
  const left = margin(width, columns, stride, wide, same);
  for (let i = 0; i < to.length; i++) to[i] = bias[i % channels];
  for (let y = 0; y < rows; y++) {
    for (let place = 0; place < high * wide; place++) {
      const row = y * stride - top + Math.floor(place / wide);
      const before = (place % wide) - left;
      if (row < 0 || row >= height) continue;
      for (let x = 0; x < columns; x++) {
        const column = x * stride + before;
        if (column < 0 || column >= width) continue;
        const target = (y * columns + x) * channels, start = (row * width + column) * channels, weight = place * channels;
        for (let c = 0; c < channels; c++) to[target + c] += from[start + c] * weights[weight + c];
      }
    }
  }
  if (bent) positive(to);
}

function max_pool({ inputs, outputs, options }, tensors) {
  const { shape: [, height, width, channels], values: from } = tensors[inputs[0]];
  const { shape: [, rows, columns], values: to } = tensors[outputs[0]];
  const { stride, same, height: high, width: wide } = options;
  const top = margin(height, rows, stride, high, same);
  const left = margin(width, columns, stride, wide, same);
  to.fill(-Infinity);
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      const target = (y * columns + x) * channels;
      const under = inside(y * stride - top, x * stride - left, [high, wide, height, width]);
      for (let i = 0; i < under.length; i += 2) {
        const start = under[i] * channels;
        for (let c = 0; c < channels; c++) to[target + c] = Math.max(to[target + c], from[start + c]);
      }
    }
  }
  if (options.relu) positive(to);
}

// The part of a window inside the picture, as pairs: pixel of the picture, place in the window.
function inside(y0, x0, [high, wide, height, width]) {
  const found = [];
  for (let y = Math.max(0, -y0); y < Math.min(high, height - y0); y++) {
    for (let x = Math.max(0, -x0); x < Math.min(wide, width - x0); x++) found.push((y0 + y) * width + x0 + x, y * wide + x);
  }
  return found;
}

function positive(values) {
  for (let i = 0; i < values.length; i++) if (!(values[i] > 0)) values[i] = 0;
}
