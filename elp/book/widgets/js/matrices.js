// Small dense matrices, row by row: products of a tall one with itself, and symmetric equations.

const CHUNK = 64; // rows that stay in the processor's nearest memory
const WIDE = 8; // columns that the kernel takes at once, of four others

/** Places for a tall matrix (rows, n) in single precision, n a multiple of eight, whose product with itself is asked for. */
export class Tall {
  constructor(rows, n) {
    Object.assign(this, { rows, n });
    const memory = new WebAssembly.Memory({ initial: Math.ceil((4 * n * (rows + n)) / 65536) });
    this.values = new Float32Array(memory.buffer, 0, rows * n);
    this.product = new Float32Array(memory.buffer, 4 * rows * n, n * n);
    this.block = new WebAssembly.Instance(new WebAssembly.Module(kernel()), { m: { m: memory } }).exports.b;
  }

  /** (n, n) valuesᵀ values, of which only the lower triangle may be read. */
  square() {
    const { rows, n, product } = this;
    const stride = 4 * n;
    product.fill(0);
    for (let first = 0; first < rows; first += CHUNK) {
      const [start, stop] = [first * stride, Math.min(rows, first + CHUNK) * stride];
      for (let a = 0; a < n; a += 4) {
        for (let b = 0; b <= a; b += WIDE) this.block(start + 4 * a, start + 4 * b, stop, stride, 4 * rows * n + a * stride + 4 * b);
      }
    }
    return Float64Array.from(product);
  }
}

/** WebAssembly of b(a, b, stop, stride, h): rows of four numbers from address a times eight from b, `stride` bytes
 *  apart and up to address `stop`, are summed up and added to four rows at h. Four products at once, as vectors. */
function kernel() {
  const [A, B, STOP, STRIDE, H, LEFT, X, Y, SUMS] = [0, 1, 2, 3, 4, 5, 6, 7, 8]; // what is called by number
  const get = (local) => [0x20, local];
  const set = (local) => [0x21, local];
  const vector = (...code) => [0xfd, ...code];
  const load = (at) => vector(0x00, 2, at);
  const [splat, store, plus, times] = [(at) => vector(0x09, 2, at), (at) => vector(0x0b, 2, at), vector(0xe4, 1), vector(0xe6, 1)];
  const move = (local) => [...get(local), ...get(STRIDE), 0x6a, ...set(local)];
  const four = [0, 1, 2, 3];
  const summed = (sum, half) => [...get(sum), ...get(LEFT), ...get(half), ...times, ...plus, ...set(sum)];
  const added = (sum, at) => [...get(H), ...get(H), ...load(at), ...get(sum), ...plus, ...store(at)];
  const body = [
    ...[1, 11, 0x7b], // eleven vectors
    ...[0x03, 0x40, ...get(B), ...load(0), ...set(X), ...get(B), ...load(16), ...set(Y)],
    ...four.flatMap((k) => [...get(A), ...splat(4 * k), ...set(LEFT), ...summed(SUMS + 2 * k, X), ...summed(SUMS + 2 * k + 1, Y)]),
    ...[...move(A), ...move(B), ...get(A), ...get(STOP), 0x49, 0x0d, 0, 0x0b], // again while a < stop
    ...four.flatMap((k) => [...added(SUMS + 2 * k, 0), ...added(SUMS + 2 * k + 1, 16), ...move(H)]),
    0x0b,
  ];
  const long = (count) => [(count & 0x7f) | 0x80, count >> 7];
  const section = (kind, code) => [kind, ...long(code.length), ...code];
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 5, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0]),
    ...section(2, [1, 1, 0x6d, 1, 0x6d, 2, 0, 1]),
    ...section(3, [1, 0]),
    ...section(7, [1, 1, 0x62, 0, 0]),
    ...section(10, [1, ...long(body.length), ...body]),
  ]);
}

/** Cholesky's factor of the symmetric matrix h (n, n), of which the lower triangle is read; the rows are `stride`
 *  numbers apart. Throws where h is not positive definite. */
export function cholesky(h, n, stride = n) {
  const out = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = h[i * stride + j];
      for (let k = 0; k < j; k++) sum -= out[i * n + k] * out[j * n + k];
      if (i === j && !(sum > 0)) throw new Error('a matrix is not positive definite');
      out[i * n + j] = i === j ? Math.sqrt(sum) : sum / out[j * n + j];
    }
  }
  return out;
}

/** x of L Lᵀ x = right, for Cholesky's factor L (n, n). */
export function solved(factor, right) {
  const n = right.length;
  const x = Float64Array.from(right);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) x[i] -= factor[i * n + k] * x[k];
    x[i] /= factor[i * n + i];
  }
  for (let i = n - 1; i >= 0; i--) {
    x[i] /= factor[i * n + i];
    for (let k = 0; k < i; k++) x[k] -= factor[i * n + k] * x[i];
  }
  return x;
}

/** A copy of h (n, n) with a share of its diagonal added. */
export function damped(h, n, share) {
  const out = Float64Array.from(h);
  for (let i = 0; i < n * n; i += n + 1) out[i] *= 1 + share;
  return out;
}

/** The middle of numbers; of an even count the lower middle one, or the mean of both. */
export function median(values, lower = false) {
  const sorted = Float64Array.from(values).sort();
  const low = sorted[(sorted.length - 1) >> 1];
  return lower ? low : (low + sorted[sorted.length >> 1]) / 2;
}
