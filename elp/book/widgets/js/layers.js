// Arrays from packed bytes, and the layers of a network that sees one frame after the other.

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

/** y = W x + b for W (outputs, inputs) row by row; four rows at once, so that each x is read once for four. */
export function linear(y, W, x, b) {
  const [outputs, inputs] = [y.length, x.length];
  let o = 0;
  for (; o + 3 < outputs; o += 4) {
    let i0 = o * inputs;
    let [i1, i2, i3] = [i0 + inputs, i0 + 2 * inputs, i0 + 3 * inputs];
    let [s0, s1, s2, s3] = [0, 0, 0, 0];
    for (let i = 0; i < inputs; i++) {
      const value = x[i];
      s0 += W[i0++] * value;
      s1 += W[i1++] * value;
      s2 += W[i2++] * value;
      s3 += W[i3++] * value;
    }
    y[o] = s0;
    y[o + 1] = s1;
    y[o + 2] = s2;
    y[o + 3] = s3;
  }
  for (; o < outputs; o++) {
    let sum = 0;
    for (let i = 0, at = o * inputs; i < inputs; i++, at++) sum += W[at] * x[i];
    y[o] = sum;
  }
  if (b) for (let i = 0; i < outputs; i++) y[i] += b[i];
  return y;
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
