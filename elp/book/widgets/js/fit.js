// A face that is being watched: pose and expression of each frame from the past alone, as elp.extraction.causal.
import { calibrated, levenbergMarquardt, middle, stepped } from './calibration.js';
import { Energy, POINTS, POSE } from './energy.js';
import { cholesky, median, solved } from './matrices.js';
import { smoothColumn, smoothFrames } from './smoothness.js';

const CALIBRATION = 50; // frames with a face
const PICKED = 24; // of them, for the identity
const STEPS = 2; // from the last frame's answer
const SHRINKS = 1; // squared steps, in units of noise: the second's share of the first's,
const SMALL = 1000; // and what is small anyway
const RADIANS = Math.PI / 180;
const NOISE = [0.25 * RADIANS, 0.25 * RADIANS, 0.25 * RADIANS, 0.05, 0.05, 0.3]; // of a pose's steps
const EXPRESSION = 0.03; // and of β's, in deviations
const TIE = 1; // to the last frame,
const TOGETHER = 10; // and to both neighbours in the calibration,
const TAIL = 16; // at its end
const TREMBLE = [0.15 * RADIANS, 0.12 * RADIANS, 0.08 * RADIANS, 0.01, 0.01, 0.1];
const PAST = 15; // poses that the newest is smoothed with,
const SMOOTHED = 3; // and how often
const LONG = 10; // how often the calibration's are
const FORGET = 13; // frames without a face after which the next one is fitted afresh
const LIDS = [[33, 160, 158, 133, 153, 144, 469, 471], [263, 387, 385, 362, 380, 373, 474, 476]];
const SHUT = 0.56; // of the open eyes' aspect ratio
const WINK = 0.8; // of the more open one's
const COVERED = 0.45; // of the iris

/** Watches one person; `model` holds the arrays of elp.book.widgets.tracking.face.
 *
 *  `push(points, width, height)` takes 478 * 3 pixels, or null where no face is seen. It gives { beta, pose, ear, blink,
 *  calibrated }: pose in radians and cm from where the head was, as `ResponseStream.push` takes it, ear of the right and
 *  the left eye. β and pose stay the last ones while no face is seen, and 0 until `calibrated`: the first 50 faces are
 *  kept, then each call gives the calibration `patience` milliseconds. */
export function createFit({ model, patience = 25, frames = CALIBRATION }) {
  return new Watch(model, patience, frames);
}

class Watch {
  constructor(model, patience, frames) {
    Object.assign(this, { model, patience, count: frames, kept: [], ratios: [], work: null, fit: null });
    this.last = { beta: new Float32Array(model.deviation.length), pose: new Float32Array(POSE) };
  }

  /** Share of the calibration's frames that are there. */
  get progress() {
    return this.kept.length / this.count;
  }

  /** Whether all of the calibration's frames are there and it is being computed: pictures are not looked at. */
  get busy() {
    return !this.fit && this.kept.length >= this.count;
  }

  push(points, width, height) {
    const ear = points && ratio(points, 0, 3);
    if (this.fit) this.last = this.fit.push(points && centred(points, width, height)) ?? this.last;
    else if (this.busy) this.wait();
    else this.keep(points, ear, width, height);
    const blink = Boolean(this.fit && points && shut(points, ear, this.fit.open));
    return { ...this.last, ear, blink, calibrated: Boolean(this.fit) };
  }

  keep(points, ear, width, height) {
    if (this.size && (this.size[0] !== width || this.size[1] !== height)) [this.kept, this.ratios] = [[], []];
    this.size = [width, height];
    if (!points) return;
    this.kept.push(centred(points, width, height));
    this.ratios.push(ear);
  }

  wait() {
    const { model, kept, size } = this;
    this.work ??= this.calibration(energyOf(model), model.identity, kept, Math.max(...size));
    const stop = performance.now() + this.patience;
    do {
      const { done, value } = this.work.next();
      if (done) this.fit = value;
    } while (!this.fit && performance.now() < stop);
  }

  *calibration(...asked) {
    const { energy, frames } = yield* calibrated(...asked, PICKED);
    const answers = frames.map(({ x }) => x);
    // the last answer counts, on which frames further back have no bearing
    answers.splice(-TAIL, TAIL, ...(yield* smoothFrames(frames.slice(-TAIL), scaleOf(energy), TOGETHER)));
    const poses = TREMBLE.map((sigma, k) => smoothColumn(answers.map((x) => x[k]), sigma, LONG));
    const last = answers.at(-1).slice();
    poses.forEach((column, k) => { last[k] = column.at(-1); });
    const [origin, open] = [poses.slice(3).map((column) => median(column)), [0, 1].map((eye) => openEye(this.ratios, eye))];
    return new CausalFit(energy, { last, rest: middle(answers), origin, open });
  }
}

/** Steps that count as noise. */
function scaleOf(energy) {
  return Float64Array.from([...NOISE, ...energy.deviation.map((value) => EXPRESSION * value)]);
}

export function energyOf({ mean, expression, deviation, normals, weight }) {
  return new Energy({ mean, modes: expression, deviation, normals, weight });
}

/** Where a calibrated person begins: `last`, the last frame's answer, `rest`, the usual β, `origin` of places in cm,
 *  `open`, both open eyes' aspect ratios. */
export class CausalFit {
  constructor(energy, { last, rest, origin, open }) {
    Object.assign(this, { energy, rest, origin, open, poses: [], missing: 0 });
    this.alone = this.tied = last; // each frame by itself; tied to the one before
    this.scale = scaleOf(energy);
  }

  push(observed) {
    if (!observed) {
      this.missing++;
      return null;
    }
    const afresh = this.missing >= FORGET;
    this.missing = 0;
    if (afresh) {
      this.alone = this.energy.start(observed);
      this.alone.set(this.rest, POSE);
      this.poses = [];
    }
    const found = (afresh ? null : this.stepped(observed)) ?? levenbergMarquardt(this.energy, observed, this.alone);
    this.alone = found.x;
    this.tied = afresh ? found.x : this.tie(found);
    const pose = this.smoothed(this.tied.slice(0, POSE));
    const place = pose.map((value, k) => (k < 3 ? value : value - this.origin[k - 3]));
    return { beta: Float32Array.from(this.tied.subarray(POSE)), pose: Float32Array.from(place) };
  }

  /** Two steps from the last frame's answer; null where they do not shrink, as after a cut. */
  stepped(observed) {
    const { energy, scale } = this;
    const still = energy.still(this.alone);
    const steps = [];
    let x = this.alone;
    for (let k = 0; k < STEPS; k++) {
      const { h, g, n } = energy.normal(energy.look(observed, still, x));
      const step = solved(cholesky(h, energy.N, n), g.subarray(0, energy.N));
      steps.push(step.reduce((sum, value, i) => sum + (value / scale[i]) ** 2, 0));
      x = stepped(x, step);
    }
    if (steps[1] > Math.max(SHRINKS * steps[0], SMALL)) return null;
    return { x, ...energy.normal(energy.look(observed, still, x)) };
  }

  /** The minimum of the frame's quadratic model about x and the tie to the last frame: steps of noise are held back. */
  tie({ x, h, g, n }) {
    const before = this.tied;
    let y = x;
    for (let round = 0; round < 3; round++) {
      const pull = this.scale.map((scale, k) => TIE / (1 + ((y[k] - before[k]) / scale) ** 2) / scale ** 2);
      const matrix = h.slice();
      pull.forEach((value, k) => { matrix[k * (n + 1)] += value; });
      const step = solved(cholesky(matrix, x.length, n), x.map((value, k) => g[k] + pull[k] * (value - before[k])));
      y = x.map((value, k) => value - step[k]);
    }
    return y;
  }

  /** The newest of the last poses without trembling. */
  smoothed(pose) {
    this.poses = [...this.poses, pose].slice(-PAST);
    if (this.poses.length < 4) return pose;
    return pose.map((_, k) => smoothColumn(this.poses.map((row) => row[k]), TREMBLE[k], SMOOTHED).at(-1));
  }
}

function centred(points, width, height) {
  const middle = [width / 2, height / 2, 0];
  return Float64Array.from({ length: 3 * POINTS }, (_, i) => Math.fround(points[i] - middle[i % 3]));
}

/** Height of the lids' gap over the distance of two points of each eye's row. */
function ratio(points, one, other) {
  const far = (p, q) => Math.hypot(points[3 * p] - points[3 * q], points[3 * p + 1] - points[3 * q + 1], points[3 * p + 2] - points[3 * q + 2]);
  return LIDS.map((eye) => (far(eye[1], eye[5]) + far(eye[2], eye[4])) / Math.max(2 * far(eye[one], eye[other]), 1e-6));
}

/** Aspect ratio of an open eye: 70th percentile. */
function openEye(ratios, eye) {
  const sorted = ratios.map((row) => row[eye]).sort((a, b) => a - b);
  const at = 0.7 * (sorted.length - 1);
  const low = Math.floor(at);
  return sorted[low] + (at - low) * (sorted[Math.min(low + 1, sorted.length - 1)] - sorted[low]);
}

function shut(points, ear, open) {
  const own = ear.map((value, eye) => value / open[eye]);
  return (own[0] + own[1]) / 2 < SHUT && Math.max(...own) < WINK && Math.max(...ratio(points, 6, 7)) < COVERED;
}
