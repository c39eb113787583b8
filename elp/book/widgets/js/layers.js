// Arrays from packed bytes, and the layers of a network that sees one frame after the other.
import { CODE, compiled } from './wasm.js';

/** Bytes of a trait: base64 in a page, a view in JupyterLab. */
export function bytes(value) {
  if (typeof value === 'string') return Uint8Array.from(atob(value), (c) => c.charCodeAt(0));
  return new Uint8Array(value.buffer ?? value, value.byteOffset ?? 0, value.byteLength);
}

/** Arrays by name, of bytes that elp.book.widgets.packing wrote. */
export async function unpack(bytes, layout) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
  const raw = await new Response(stream).arrayBuffer();
  const half = new Int8Array(raw);
  const count = layout.reduce((sum, [, size, step]) => sum + (step ? size : 0), 0);
  const found = {};
  let low = 0;
  let whole = 2 * count; // floats follow both halves of the integers
  for (const [name, size, step] of layout) {
    const values = new Float32Array(size);
    if (step) {
      for (let i = 0; i < size; i++, low++) values[i] = (half[low] + 256 * half[low + count]) * step;
    } else {
      values.set(new Float32Array(raw.slice(whole, whole + 4 * size)));
      whole += 4 * size;
    }
    found[name] = values;
  }
  return found;
}

const MATRIX = /\.(w|ih|hh)$/; // names of what `linear` multiplies by
const quick = new WeakMap(); // of a matrix: its memory's kernel, where vectors lie there, and its step

/** The same arrays with those matrices that `layout` stores as integers in memory of WebAssembly, as integers: there
 *  `linear` is quick, and reads half as many bytes. */
export function quickened(arrays, layout) {
  const matrices = layout.filter(([name, , step]) => step && MATRIX.test(name));
  const whole = matrices.reduce((sum, [, size]) => sum + size, 0) + 8;
  const most = 4 * Math.ceil(matrices.reduce((longest, [, size]) => Math.max(longest, size), 0) / 4);
  const x = 4 * Math.ceil(whole / 8); // of its numbers of four bytes; y lies behind it
  const memory = new WebAssembly.Memory({ initial: Math.ceil((4 * (x + 2 * most)) / 65536) });
  const place = { products: compiled(memory, 7, 5, products()), values: new Float32Array(memory.buffer), x, y: x + most };
  const levels = new Int16Array(memory.buffer);
  const found = { ...arrays };
  let at = 0;
  for (const [name, size, step] of matrices) {
    found[name] = levels.subarray(at, at + size);
    for (let i = 0; i < size; i++) levels[at + i] = Math.round(arrays[name][i] / step);
    quick.set(found[name], { ...place, step });
    at += size;
  }
  return found;
}

/** Code of b(r, s, t, u, x, stop, y): four rows of integers, each times the numbers from x up to `stop`, are summed up at y. */
function products() {
  const { simd, get, set, load, plus, times, add, ahead, again, below } = CODE;
  const [X, STOP, Y, PART, SUMS] = [4, 5, 6, 7, 8]; // the rows' addresses are 0 to 3
  const four = [0, 1, 2, 3];
  const move = (local, bytes) => [...get(local), ...ahead(bytes), ...set(local)];
  const integers = [...simd(0x03, 1, 0), ...simd(0xfa, 1)]; // integers of two bytes, as numbers
  const lane = (sum, k) => [...get(sum), ...simd(0x1f, k)];
  return [
    ...[...again, ...get(X), ...load(0), ...set(PART)],
    ...four.flatMap((k) => [...get(SUMS + k), ...get(k), ...integers, ...get(PART), ...times, ...plus, ...set(SUMS + k), ...move(k, 8)]),
    ...[...move(X, 16), ...get(X), ...get(STOP), ...below],
    ...four.flatMap((k) => [...get(Y), ...four.flatMap((i) => [...lane(SUMS + k, i), ...(i ? add : [])]), 0x38, 2, 4 * k]),
  ];
}

/** y = W x + b for W (outputs, inputs) row by row. */
export function linear(y, W, x, b) {
  const [outputs, inputs] = [y.length, x.length];
  const place = quick.get(W);
  const done = place ? outputs - (outputs % 4) : 0;
  if (done) multiplied(place, y, W, x, done);
  for (let o = done; o < outputs; o++) {
    let sum = 0;
    for (let i = 0, at = o * inputs; i < inputs; i++, at++) sum += W[at] * x[i];
    y[o] = place ? place.step * sum : sum;
  }
  if (b) for (let i = 0; i < outputs; i++) y[i] += b[i];
  return y;
}

/** The first `outputs` numbers of y = W x. Rows are read up to a whole number of fours, where x is 0. */
function multiplied({ products, values, x: first, y: target, step }, y, W, x, outputs) {
  const inputs = x.length;
  values.set(x, first);
  values.fill(0, first + inputs, first + 4 * Math.ceil(inputs / 4));
  const [from, row] = [W.byteOffset, 2 * inputs];
  for (let o = 0; o < outputs; o += 4) {
    const at = from + o * row;
    products(at, at + row, at + 2 * row, at + 3 * row, 4 * first, 4 * (first + inputs), 4 * (target + o));
  }
  for (let o = 0; o < outputs; o++) y[o] = step * values[target + o];
}

export function relu(x) {
  for (let i = 0; i < x.length; i++) if (x[i] < 0) x[i] = 0;
  return x;
}

/** Layer normalisation in place. */
export function norm(x, scale, shift) {
  let [mean, square] = [0, 0];
  for (const value of x) mean += value;
  mean /= x.length;
  for (const value of x) square += (value - mean) ** 2;
  const deviation = Math.sqrt(square / x.length + 1e-5);
  for (let i = 0; i < x.length; i++) x[i] = ((x[i] - mean) / deviation) * scale[i] + shift[i];
  return x;
}

const sigmoid = (x) => 1 / (1 + Math.exp(-x));

export function concat(...parts) {
  const out = new Float32Array(parts.reduce((sum, x) => sum + x.length, 0));
  let at = 0;
  for (const x of parts) {
    out.set(x, at);
    at += x.length;
  }
  return out;
}

/** The newest frames of a series, oldest first, zeros before the first. */
export class Window {
  constructor(frames, width) {
    this.width = width;
    this.values = new Float32Array(frames * width);
  }

  push(x) {
    this.values.copyWithin(0, this.width);
    this.values.set(x, this.values.length - this.width);
    return this.values;
  }
}

export class Gru {
  constructor(w, name) {
    [this.input, this.recurrent, this.a, this.b] = ['ih', 'hh', 'bi', 'bh'].map((part) => w[`${name}.${part}`]);
    this.width = this.a.length / 3;
    this.hidden = new Float32Array(this.width);
  }

  step(x) {
    const n = this.width;
    const p = linear(new Float32Array(3 * n), this.input, x, this.a);
    const q = linear(new Float32Array(3 * n), this.recurrent, this.hidden, this.b);
    for (let i = 0; i < n; i++) {
      const r = sigmoid(p[i] + q[i]);
      const z = sigmoid(p[n + i] + q[n + i]);
      const fresh = Math.tanh(p[2 * n + i] + r * q[2 * n + i]);
      this.hidden[i] = (1 - z) * fresh + z * this.hidden[i];
    }
    return this.hidden;
  }
}

export class Lstm {
  constructor(w, name) {
    [this.input, this.recurrent, this.bias] = ['ih', 'hh', 'b'].map((part) => w[`${name}.${part}`]);
    this.width = this.bias.length / 4;
    this.hidden = new Float32Array(this.width);
    this.cell = new Float32Array(this.width);
  }

  step(x) {
    const n = this.width;
    const p = linear(new Float32Array(4 * n), this.input, x, this.bias);
    const q = linear(new Float32Array(4 * n), this.recurrent, this.hidden);
    for (let i = 0; i < n; i++) {
      const kept = sigmoid(p[n + i] + q[n + i]) * this.cell[i];
      this.cell[i] = kept + sigmoid(p[i] + q[i]) * Math.tanh(p[2 * n + i] + q[2 * n + i]);
      this.hidden[i] = sigmoid(p[3 * n + i] + q[3 * n + i]) * Math.tanh(this.cell[i]);
    }
    return this.hidden;
  }
}
