// What the fit of a face minimises, as elp.extraction.energy: residuals, robust weights, priors, normal equations.
import { Tall, cholesky, solved } from './matrices.js';

export const POINTS = 468;
export const POSE = 6;
const KINK = 3; // residuals beyond this many σ count as outliers
const DEPTH = 0.35; // weight of relative depth against x and y
const talls = {}; // places for Jacobians, by their columns
const NEAR = 5; // cm: the head stays before the camera

/** Rotation matrix of a rotation vector, and its left Jacobian. */
export function rotation([x, y, z]) {
  const s = x * x + y * y + z * z;
  const angle = Math.sqrt(s);
  const small = s < 1e-4;
  const a = small ? 1 - s / 6 : Math.sin(angle) / angle;
  const b = small ? 0.5 - s / 24 : (1 - Math.cos(angle)) / s;
  const c = small ? 1 / 6 - s / 120 : (angle - Math.sin(angle)) / (s * angle);
  const cross = [0, -z, y, z, 0, -x, -y, x, 0];
  const twice = [x * x - s, x * y, x * z, x * y, y * y - s, y * z, x * z, y * z, z * z - s];
  const mixed = (p, q) => cross.map((value, i) => (i % 4 ? 0 : 1) + p * value + q * twice[i]);
  return [mixed(a, b), mixed(b, c)];
}

/** Frames x are (6 + K): rotation vector, position in cm, expression. Observed points are (3 * 468) pixels from the
 *  picture's centre, with relative depth. */
export class Energy {
  /** mean (3 * 468), modes (3 * 468, K), deviation (K), normals (3 * 468), weight (468), noise σ and focal in pixels. */
  constructor(facts) {
    Object.assign(this, facts);
    this.K = this.deviation.length;
    this.N = POSE + this.K;
  }

  with(facts) {
    return new Energy({ ...this, ...facts });
  }

  /** Weights of the points that stay while x is improved: less on the far side of a turned head. */
  still(x) {
    const [matrix] = rotation(x);
    return Float64Array.from(this.weight, (weight, p) => {
      const facing = -(matrix[6] * this.normals[3 * p] + matrix[7] * this.normals[3 * p + 1] + matrix[8] * this.normals[3 * p + 2]);
      return weight * (0.15 + 1.7 * Math.min(Math.max(facing, 0), 0.5));
    });
  }

  /** Residuals of a frame in σ, the points' weights, the frame's cost, and what derivatives need. */
  look(observed, still, x) {
    const { K, modes, mean, focal, noise, deviation } = this;
    const [matrix, left] = rotation(x);
    const [turned, image, residuals] = [0, 1, 2].map(() => new Float64Array(3 * POINTS));
    const weights = new Float64Array(POINTS);
    const beta = x.subarray(POSE);
    let [offset, total] = [0, 0];
    for (let p = 0, i = 0, at = 0; p < POINTS; p++, i += 3, at += 3 * K) {
      let [a, b, c] = [mean[i], mean[i + 1], mean[i + 2]];
      for (let k = 0; k < K; k++) {
        a += modes[at + k] * beta[k];
        b += modes[at + K + k] * beta[k];
        c += modes[at + 2 * K + k] * beta[k];
      }
      for (let k = 0; k < 3; k++) turned[i + k] = matrix[3 * k] * a + matrix[3 * k + 1] * b + matrix[3 * k + 2] * c;
      const away = turned[i + 2] + x[5];
      image[i] = (focal * (turned[i] + x[3])) / away;
      image[i + 1] = (focal * (turned[i + 1] + x[4])) / away;
      image[i + 2] = (focal * turned[i + 2]) / x[5];
      for (let c = 0; c < 3; c++) residuals[i + c] = (image[i + c] - observed[i + c]) / noise;
      offset += still[p] * residuals[i + 2]; // the tracker's zero of depth is arbitrary
      total += still[p];
    }
    let cost = 0;
    for (let p = 0, i = 0; p < POINTS; p++, i += 3) {
      residuals[i + 2] = DEPTH * (residuals[i + 2] - offset / total);
      const share = (residuals[i] ** 2 + residuals[i + 1] ** 2 + residuals[i + 2] ** 2) / KINK ** 2;
      weights[p] = still[p] / (1 + share);
      cost += still[p] * KINK ** 2 * Math.log1p(share);
    }
    for (let k = 0; k < K; k++) cost += (beta[k] / deviation[k]) ** 2;
    return { x, matrix, left, turned, image, residuals, weights, still, total, cost };
  }

  /** Half of the cost's gradient, that of depth's zero included. */
  slope(seen) {
    const { K, N, modes, deviation } = this;
    const { residuals, weights, still, total, x } = seen;
    const out = new Float64Array(N);
    let pull = 0;
    for (let p = 0; p < POINTS; p++) pull += weights[p] * residuals[3 * p + 2];
    const [by, way] = [new Float64Array(27), new Float64Array(3)];
    for (let p = 0, i = 0, at = 0; p < POINTS; p++, i += 3) {
      this.derivatives(seen, i, by);
      for (let c = 0; c < 3; c++) way[c] = weights[p] * residuals[i + c];
      way[2] -= (still[p] * pull) / total;
      for (let k = 0; k < POSE; k++) out[k] += way[0] * by[9 + k] + way[1] * by[15 + k] + way[2] * by[21 + k];
      for (let c = 0; c < 3; c++) {
        const along = way[0] * by[c] + way[1] * by[3 + c] + way[2] * by[6 + c];
        for (let k = 0; k < K; k++) out[POSE + k] += along * modes[at++];
      }
    }
    for (let k = 0; k < K; k++) out[POSE + k] += x[POSE + k] / deviation[k] ** 2;
    return out;
  }

  /** Derivatives of a point's residuals, in σ: (3, 3) by the model's point, then (3, 6) by the pose. */
  derivatives({ x, matrix, left, turned, image }, i, by) {
    const { focal, noise } = this;
    const away = turned[i + 2] + x[5];
    const near = focal / away / noise;
    const [u, v] = [-image[i] / away / noise, -image[i + 1] / away / noise];
    const flat = ((focal / x[5]) * DEPTH) / noise;
    const [a, b, c] = [turned[i], turned[i + 1], turned[i + 2]];
    for (let k = 0; k < 3; k++) {
      by[k] = near * matrix[k] + u * matrix[6 + k];
      by[3 + k] = near * matrix[3 + k] + v * matrix[6 + k];
      by[6 + k] = flat * matrix[6 + k];
      const [right, down, far] = [c * left[3 + k] - b * left[6 + k], a * left[6 + k] - c * left[k], b * left[k] - a * left[3 + k]];
      by[9 + k] = near * right + u * far;
      by[15 + k] = near * down + v * far;
      by[21 + k] = flat * far;
    }
    by[12] = by[16 + 3] = near;
    by[13] = by[18] = by[24] = by[25] = 0;
    by[14] = u;
    by[20] = v;
    by[26] = ((-image[i + 2] / x[5]) * DEPTH) / noise;
  }

  /** Gauss-Newton's normal equations { h (n, n), lower triangle, g (n) }, half of the cost's. With
   *  `shared`, modes (3 * 468, S) of what all frames share, there are S more columns, then one for log f. */
  normal(seen, shared = null) {
    const { K, N, modes, deviation } = this;
    const S = shared ? shared.length / (3 * POINTS) : 0;
    const columns = N + (shared ? S + 1 : 0);
    const n = 8 * Math.ceil((columns + 1) / 8); // the last one is for the residuals
    const tall = tallOf(n, shared ? [modes, shared] : [modes]);
    const jacobian = tall.values;
    const by = new Float64Array(27);
    for (let p = 0, i = 0; p < POINTS; p++, i += 3) {
      this.derivatives(seen, i, by);
      const root = Math.sqrt(seen.weights[p]);
      for (let c = 0; c < 3; c++) {
        const row = (i + c) * n;
        const [d0, d1, d2] = [root * by[3 * c], root * by[3 * c + 1], root * by[3 * c + 2]];
        for (let k = 0; k < POSE; k++) jacobian[row + k] = root * by[9 + 6 * c + k];
        tall.combine(row + POSE, 0, i, d0, d1, d2);
        if (shared) {
          tall.combine(row + N, 1, i, d0, d1, d2);
          jacobian[row + N + S] = (root * seen.image[i + c] * (c === 2 ? DEPTH : 1)) / this.noise;
        }
        jacobian[row + n - 1] = root * seen.residuals[i + c];
      }
    }
    const h = tall.square();
    const g = h.slice((n - 1) * n, n * n);
    for (let k = 0; k < K; k++) {
      h[(POSE + k) * (n + 1)] += deviation[k] ** -2;
      g[POSE + k] += seen.x[POSE + k] / deviation[k] ** 2;
    }
    return { h, g, n };
  }

  /** (468) distances between projected and tracked points in pixels. */
  pixels(observed, x) {
    const { image } = this.look(observed, this.weight, x);
    return this.weight.map((_, p) => Math.hypot(image[3 * p] - observed[3 * p], image[3 * p + 1] - observed[3 * p + 1]));
  }

  /** First guess: neutral, posed by a weak-perspective camera. */
  start(observed) {
    const { mean, focal, N } = this;
    const average = (values, c) => values.reduce((sum, value, i) => sum + (i % 3 === c ? value : 0), 0) / POINTS;
    const middle = [0, 1, 2].map((c) => average(mean, c));
    const centre = [0, 1].map((c) => average(observed, c));
    const [own, right] = [new Float64Array(9), [new Float64Array(3), new Float64Array(3)]];
    for (let i = 0; i < 3 * POINTS; i += 3) {
      for (let a = 0; a < 3; a++) {
        const from = mean[i + a] - middle[a];
        for (let b = 0; b < 3; b++) own[3 * a + b] += from * (mean[i + b] - middle[b]);
        for (let c = 0; c < 2; c++) right[c][a] += from * (observed[i + c] - centre[c]);
      }
    }
    const factor = cholesky(own, 3);
    const [p, q] = right.map((row) => solved(factor, row));
    // made orthogonal: (A Aᵀ)^(-1/2) A, the root of two by two in closed form
    const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
    const [pp, pq, qq] = [dot(p, p), dot(p, q), dot(q, q)];
    const area = Math.sqrt(pp * qq - pq * pq);
    const size = Math.sqrt(pp + qq + 2 * area);
    const rows = [p.map((_, k) => ((qq + area) * p[k] - pq * q[k]) / (area * size)), p.map((_, k) => ((pp + area) * q[k] - pq * p[k]) / (area * size))];
    const matrix = [...rows[0], ...rows[1], ...cross(rows[0], rows[1])];
    const away = focal / (size / 2);
    const place = [(centre[0] * away) / focal, (centre[1] * away) / focal, away];
    const x = new Float64Array(N);
    x.set(vector(matrix));
    for (let c = 0; c < 3; c++) x[3 + c] = place[c] - dot(matrix.slice(3 * c, 3 * c + 3), middle);
    return x;
  }
}

/** Places for a Jacobian of n columns, from modes. */
function tallOf(n, sets) {
  const known = talls[n];
  if (known && known.sets.every((set, k) => set === sets[k])) return known.tall;
  talls[n] = { sets, tall: new Tall(3 * POINTS, n, sets) };
  return talls[n].tall;
}

function cross(a, b) {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

/** Rotation vector of a matrix, by way of its quaternion; turns below a half one. */
function vector(m) {
  const squares = [m[0] - m[4] - m[8], m[4] - m[0] - m[8], m[8] - m[0] - m[4], m[0] + m[4] + m[8]];
  const most = squares.indexOf(Math.max(...squares));
  const w = [
    [1 + squares[0], m[1] + m[3], m[2] + m[6], m[7] - m[5]],
    [m[1] + m[3], 1 + squares[1], m[5] + m[7], m[2] - m[6]],
    [m[2] + m[6], m[5] + m[7], 1 + squares[2], m[3] - m[1]],
    [m[7] - m[5], m[2] - m[6], m[3] - m[1], 1 + squares[3]],
  ][most];
  const sign = w[3] < 0 ? -1 : 1;
  const [x, y, z, real] = w.map((value) => (sign * value) / Math.hypot(...w));
  const length = Math.hypot(x, y, z);
  const scale = length < 1e-9 ? 2 : (2 * Math.atan2(length, real)) / length;
  return [x * scale, y * scale, z * scale];
}

/** A frame whose head has gone through the camera, put back before it, in place. */
export function beforeTheCamera(x) {
  x[5] = Math.max(x[5], NEAR);
  return x;
}
