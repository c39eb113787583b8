// A smoothness prior over neighbouring frames, and a head's path without trembling, as elp.extraction.smoothness.
import { cholesky, solved } from './matrices.js';

const ROUNDS = 4;

/** The minimum of the frames' quadratic models { x, h, g, n } plus a robust prior on steps between them: `scale` are
 *  those that count as noise. Each round is solved exactly, frame after frame and back. */
export function* smoothFrames(frames, scale, strength) {
  const N = scale.length;
  const each = (b, value) => Float64Array.from({ length: N }, (_, k) => value(k, b));
  let y = frames.map(({ x }) => x);
  for (let round = 0; round < ROUNDS; round++) {
    // of the step from b to b + 1; none beyond both ends
    const pull = (k, b) => (y[b] && y[b + 1] ? strength / (1 + ((y[b + 1][k] - y[b][k]) / scale[k]) ** 2) / scale[k] ** 2 : 0);
    const pulls = frames.map((_, b) => each(b, pull));
    const flow = (k, b) => (frames[b] && frames[b + 1] ? pulls[b][k] * (frames[b + 1].x[k] - frames[b].x[k]) : 0);
    const [factors, rights] = [[], []];
    for (let b = 0; b < frames.length; b++) {
      const { h, g, n } = frames[b];
      const matrix = h.slice();
      const right = each(b, (k) => flow(k, b) - flow(k, b - 1) - g[k]);
      for (let k = 0; k < N; k++) matrix[k * (n + 1)] += pulls[b][k];
      if (b) {
        const before = pulls[b - 1];
        const carried = solved(factors[b - 1], rights[b - 1]);
        for (let k = 0; k < N; k++) {
          const column = solved(factors[b - 1], each(b, (i) => (i === k ? before[k] : 0)));
          for (let i = k; i < N; i++) matrix[i * n + k] -= before[i] * column[i];
          matrix[k * (n + 1)] += before[k];
          right[k] += before[k] * carried[k];
        }
      }
      factors.push(cholesky(matrix, N, n));
      rights.push(right);
      yield;
    }
    let after = new Float64Array(N);
    y = y.slice();
    for (let b = frames.length - 1; b >= 0; b--) {
      const next = after;
      after = solved(factors[b], each(b, (k) => rights[b][k] + pulls[b][k] * next[k]));
      y[b] = frames[b].x.map((value, k) => value + after[k]);
    }
  }
  return y;
}

/** A column of values of noise σ, freed of it: second differences are Cauchy's. */
export function smoothColumn(column, sigma, rounds) {
  const n = column.length;
  const rest = (sigma * 2) / 3;
  const right = column.map((value) => value / sigma ** 2);
  let y = column;
  for (let round = 0; round < rounds; round++) {
    const h = new Float64Array(n * n);
    for (let i = 0; i < n; i++) h[i * (n + 1)] = sigma ** -2;
    for (let i = 0; i + 2 < n; i++) {
      const turn = (y[i] - 2 * y[i + 1] + y[i + 2]) / rest;
      const weight = 2 / (1 + turn * turn) / rest ** 2;
      [1, -2, 1].forEach((a, p) => [1, -2, 1].forEach((b, q) => { h[(i + p) * n + i + q] += weight * a * b; }));
    }
    y = solved(cholesky(h, n), right);
  }
  return y;
}
