// Small dense matrices, row by row: products of a tall one with itself, and symmetric equations.
import { CODE, compiled } from './wasm.js';

const CHUNK = 64; // rows that stay in the processor's nearest memory
const EIGHT = 8; // columns that the kernel takes at once, of four others

/** Places for a tall matrix (rows, n) in single precision, n a multiple of eight, whose product with itself is asked for. */
export class Tall {
  constructor(rows, n) {
    Object.assign(this, { rows, n });
    const memory = new WebAssembly.Memory({ initial: Math.ceil((4 * n * (rows + n)) / 65536) });
    this.values = new Float32Array(memory.buffer, 0, rows * n);
    this.product = new Float32Array(memory.buffer, 4 * rows * n, n * n);
    this.block = compiled(memory, 5, 11, block());
  }

  /** (n, n) valuesᵀ values, of which only the lower triangle may be read. */
  square() {
    const { rows, n, product } = this;
    const stride = 4 * n;
    product.fill(0);
    for (let first = 0; first < rows; first += CHUNK) {
      const [start, stop] = [first * stride, Math.min(rows, first + CHUNK) * stride];
      for (let a = 0; a < n; a += 4) {
        for (let b = 0; b <= a; b += EIGHT) this.block(start + 4 * a, start + 4 * b, stop, stride, 4 * rows * n + a * stride + 4 * b);
      }
    }
    return Float64Array.from(product);
  }
}

/** Code of b(a, b, stop, stride, h): rows of four numbers from address a times eight from b, `stride` bytes apart and up
 *  to address `stop`, are summed up and added to four rows at h. */
function block() {
  const { simd, get, set, load, plus, times, sum, again, below } = CODE;
  const [A, B, STOP, STRIDE, H, LEFT, X, Y, SUMS] = [0, 1, 2, 3, 4, 5, 6, 7, 8]; // what is called by number
  const [splat, store] = [(at) => simd(0x09, 2, at), (at) => simd(0x0b, 2, at)];
  const move = (local) => [...get(local), ...get(STRIDE), ...sum, ...set(local)];
  const four = [0, 1, 2, 3];
  const summed = (at, half) => [...get(at), ...get(LEFT), ...get(half), ...times, ...plus, ...set(at)];
  const added = (from, at) => [...get(H), ...get(H), ...load(at), ...get(from), ...plus, ...store(at)];
  return [
    ...[...again, ...get(B), ...load(0), ...set(X), ...get(B), ...load(16), ...set(Y)],
    ...four.flatMap((k) => [...get(A), ...splat(4 * k), ...set(LEFT), ...summed(SUMS + 2 * k, X), ...summed(SUMS + 2 * k + 1, Y)]),
    ...[...move(A), ...move(B), ...get(A), ...get(STOP), ...below],
    ...four.flatMap((k) => [...added(SUMS + 2 * k, 0), ...added(SUMS + 2 * k + 1, 16), ...move(H)]),
  ];
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
