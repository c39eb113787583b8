// Small dense matrices, row by row: products of a tall one with itself, and symmetric equations.
import { CODE, compiled } from './wasm.js';

const CHUNK = 64; // rows that stay in the processor's nearest memory
const EIGHT = 8; // columns that the kernel takes at once, of four others

/** Places for a tall matrix (rows, n) in single precision, n a multiple of eight, whose product with itself is asked for.
 *  Rows can be sums of three neighbouring ones of `sets`, matrices of as many rows each. */
export class Tall {
  constructor(rows, n, sets) {
    Object.assign(this, { rows, n });
    const widths = sets.map((set) => 4 * Math.ceil(set.length / rows / 4));
    const ends = [rows * n, n * n, 4, ...widths.map((width) => rows * width)].map(((at) => (size) => (at += size))(0));
    const memory = new WebAssembly.Memory({ initial: Math.ceil((4 * ends.at(-1)) / 65536) });
    this.values = new Float32Array(memory.buffer, 0, rows * n);
    this.product = new Float32Array(memory.buffer, 4 * ends[0], n * n);
    this.shares = new Float32Array(memory.buffer, 4 * ends[1], 4);
    this.sets = sets.map((set, k) => padded(memory.buffer, 4 * ends[2 + k], widths[k], set, rows));
    this.block = compiled(memory, 5, 11, block());
    this.three = compiled(memory, 6, 3, three());
  }

  /** values[at ...] = a times row `from` of a set, b times the next, c times the one after it. What is behind may become
   *  0, up to three numbers: they are to be written later. */
  combine(at, set, from, a, b, c) {
    const { first, width } = this.sets[set];
    const [start, row] = [first + 4 * from * width, 4 * width];
    [this.shares[0], this.shares[1], this.shares[2]] = [a, b, c];
    this.three(4 * at, start, start + row, start + 2 * row, start + row, this.shares.byteOffset);
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

/** A matrix in memory from byte `first` on, its rows filled up with zeros. */
function padded(buffer, first, width, set, rows) {
  const size = set.length / rows;
  const values = new Float32Array(buffer, first, rows * width);
  for (let row = 0; row < rows; row++) values.set(set.subarray(row * size, (row + 1) * size), row * width);
  return { first, width };
}

/** Code of b(to, a, b, c, stop, d): numbers from address a up to `stop`, times that at d, and those from b and c, times the
 *  next two, are summed up from `to` on. */
function three() {
  const { simd, get, set, load, plus, times, ahead, again, below } = CODE;
  const [TO, A, B, C, STOP, D, SHARES] = [0, 1, 2, 3, 4, 5, 6];
  const part = (k, from) => [...get(SHARES + k), ...get(from), ...load(0), ...times];
  return [
    ...[0, 1, 2].flatMap((k) => [...get(D), ...simd(0x09, 2, 4 * k), ...set(SHARES + k)]),
    ...[...again, ...get(TO), ...part(0, A), ...part(1, B), ...plus, ...part(2, C), ...plus, ...simd(0x0b, 2, 0)],
    ...[TO, A, B, C].flatMap((local) => [...get(local), ...ahead(16), ...set(local)]),
    ...[...get(A), ...get(STOP), ...below],
  ];
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
  for (let j = 0; j < n; j++) {
    const row = j * n;
    let square = h[j * stride + j];
    for (let k = 0; k < j; k++) square -= out[row + k] * out[row + k];
    if (!(square > 0)) throw new Error('a matrix is not positive definite');
    const root = out[row + j] = Math.sqrt(square);
    let i = j + 1;
    for (; i + 3 < n; i += 4) { // four rows at once: a processor need not wait for each sum
      const [p, q, r, s] = [i * n, (i + 1) * n, (i + 2) * n, (i + 3) * n];
      let [a, b, c, d] = [h[i * stride + j], h[(i + 1) * stride + j], h[(i + 2) * stride + j], h[(i + 3) * stride + j]];
      for (let k = 0; k < j; k++) {
        const factor = out[row + k];
        a -= out[p + k] * factor;
        b -= out[q + k] * factor;
        c -= out[r + k] * factor;
        d -= out[s + k] * factor;
      }
      [out[p + j], out[q + j], out[r + j], out[s + j]] = [a / root, b / root, c / root, d / root];
    }
    for (; i < n; i++) {
      let sum = h[i * stride + j];
      for (let k = 0; k < j; k++) sum -= out[i * n + k] * out[row + k];
      out[i * n + j] = sum / root;
    }
  }
  return out;
}

/** x of L Lᵀ x = right, for Cholesky's factor L (n, n). */
export function solved(factor, right) {
  const n = right.length;
  const x = Float64Array.from(right);
  for (let i = 0; i < n; i++) {
    let sum = x[i];
    for (let k = 0; k < i; k++) sum -= factor[i * n + k] * x[k];
    x[i] = sum / factor[i * n + i];
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
