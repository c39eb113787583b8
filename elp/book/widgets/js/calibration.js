// Identity, focal length and noise from some still seconds, as elp.extraction.identity finds them, and frames fitted one
// by one, as elp.extraction.solve. What takes long yields now and then, so that a page can go on.
import { beforeTheCamera } from './energy.js';
import { cholesky, damped, median, solved } from './matrices.js';

const KEY = 8; // every so many frames one is fitted from scratch
const AFRESH = 12; // steps from no answer
const ENOUGH = 5e-4; // share of its cost by which a frame's last step lowers it
const FOCAL = 1.5; // of the picture's longer side
const FOCAL_PRIOR = 0.15; // standard deviation of its logarithm
const ROUGH = 3; // every so many frames are enough to begin with
const TURNS = 8; // rounds over all that is shared
const INDEPENDENT = 75; // frames after which an expression counts as new

/** Least cost from x on: { x, h, g, n }. */
export function levenbergMarquardt(energy, observed, x, steps = AFRESH) {
  const still = energy.still(x);
  const look = (at) => energy.look(observed, still, at);
  let seen = look(x);
  let { h, g, n } = energy.normal(seen);
  let share = 1e-4;
  let factor = cholesky(damped(h, n, share), energy.N, n);
  let moved = false;
  for (let k = 0; k < steps && share < 1e4; k++) {
    const trial = look(stepped(seen.x, solved(factor, g.subarray(0, energy.N))));
    const gain = seen.cost - trial.cost;
    if (gain > 0) {
      const last = gain < ENOUGH * seen.cost;
      seen = trial;
      g = energy.slope(seen);
      moved = true;
      if (last) break;
    } else {
      if (moved) ({ h } = energy.normal(seen));
      moved = false;
      share *= 10;
      factor = cholesky(damped(h, n, share), energy.N, n);
    }
  }
  return { x: seen.x, h, g, n };
}

export function stepped(x, step) {
  return beforeTheCamera(x.map((value, i) => value - step[i]));
}

/** Each of some frames by itself, with β about `beta` at first; every eighth goes first, the others start between. */
function* fitFrames(energy, frames, beta) {
  const guesses = frames.map((observed) => {
    const guess = energy.start(observed);
    guess.set(beta, 6);
    return guess;
  });
  const moved = [];
  for (let i = 0; i < frames.length; i += KEY) {
    const { x } = levenbergMarquardt(energy, frames[i], guesses[i]);
    moved.push(x.map((value, k) => value - guesses[i][k]));
    yield;
  }
  const out = [];
  for (let i = 0; i < frames.length; i++) {
    const low = Math.min(Math.floor(i / KEY), moved.length - 1);
    const high = Math.min(low + 1, moved.length - 1);
    const share = Math.min((i - low * KEY) / KEY, 1);
    const guess = guesses[i].map((value, k) => value + moved[low][k] * (1 - share) + moved[high][k] * share);
    out.push(levenbergMarquardt(energy, frames[i], guess));
    yield;
  }
  return out;
}

/** The energy with identity, focal length and noise of some frames (3 * 468 pixels from the centre each), and these
 *  frames as `levenbergMarquardt` leaves them. `identity` are its modes (3 * 468, S), `longer` the picture's longer side, `most` how many frames
 *  identity is found from. */
export function* calibrated(energy, identity, frames, longer, most) {
  const size = Math.min(most, frames.length);
  const each = size > 1 ? (frames.length - 1) / (size - 1) : 0;
  const picked = Array.from({ length: size }, (_, k) => frames[Math.round(k * each)]);
  const few = picked.filter((_, k) => k % ROUGH === 0);
  const independent = 1 + frames.length / INDEPENDENT;
  const focal = FOCAL * longer;
  let people = { identity, alpha: new Float64Array(identity.length / energy.mean.length), focal };
  energy = energy.with({ focal, noise: 0.03 * spread(picked) });
  let answers = few.map((observed) => energy.start(observed));
  for (const [enough, some] of [[1e-2, few], [1e-3, picked]]) {
    if (some === picked) answers = (yield* fitFrames(energy, some, middle(answers, true))).map(({ x }) => x);
    people = { ...people, caution: some.length / Math.min(independent, some.length) };
    ({ energy, answers, people } = yield* together(energy, some, answers, people, enough));
    const distances = some.flatMap((observed, b) => [...energy.pixels(observed, answers[b])]);
    energy = energy.with({ noise: Math.max(median(distances, true) / 1.177, 0.002 * spread(some)) }); // a Rayleigh median
  }
  return { energy, frames: yield* fitFrames(energy, frames, middle(answers, true)) };
}

/** Median β of frames. */
export function middle(answers, lower = false) {
  return answers[0].subarray(6).map((_, k) => median(answers.map((x) => x[6 + k]), lower));
}

/** Size of the face in pixels: standard deviation of its points about their centre. */
function spread(frames) {
  let sum = 0;
  for (const observed of frames) {
    for (const c of [0, 1]) {
      const values = observed.filter((_, i) => i % 3 === c);
      const mean = values.reduce((total, value) => total + value, 0) / values.length;
      sum += Math.sqrt(values.reduce((total, value) => total + (value - mean) ** 2, 0) / (values.length - 1));
    }
  }
  return sum / (2 * frames.length);
}

/** Levenberg-Marquardt over frames and what they share, until a round gains less than a share `enough` of the cost. */
function* together(energy, frames, answers, people, enough) {
  const still = answers.map((x) => energy.still(x));
  const looks = (energy, answers) => answers.map((x, b) => energy.look(frames[b], still[b], x));
  const total = (energy, people, seen) => {
    const stretched = Math.log(energy.focal / people.focal) / FOCAL_PRIOR;
    const alpha = people.alpha.reduce((sum, value) => sum + value * value, 0);
    return seen.reduce((sum, { cost }) => sum + cost, 0) + people.caution * alpha + stretched * stretched;
  };
  let share = 1e-3;
  let seen = looks(energy, answers);
  let best = total(energy, people, seen);
  for (let round = 0; round < TURNS; round++) {
    const equations = [];
    for (const each of seen) {
      equations.push(energy.normal(each, people.identity));
      yield;
    }
    let found = null;
    while (share < 1e6) {
      const { steps, common } = yield* arrowStep(equations, energy, people, share);
      const S = people.alpha.length;
      const trial = energy.with({
        mean: shaped(energy.mean, people.identity, common),
        focal: energy.focal * Math.exp(Math.min(Math.max(common[S], -0.3), 0.3)),
      });
      const who = { ...people, alpha: people.alpha.map((value, k) => value + common[k]) };
      const there = looks(trial, answers.map((x, b) => stepped(x, steps[b])));
      const now = total(trial, who, there);
      if (now < best) {
        found = { trial, who, there, now };
        break;
      }
      share *= 8;
    }
    if (!found) break;
    [energy, people, seen, share] = [found.trial, found.who, found.there, share / 8];
    answers = seen.map(({ x }) => x);
    const gain = best - found.now;
    if (gain < enough * best) break;
    best = found.now;
  }
  return { energy, answers, people };
}

function shaped(mean, modes, coefficients) {
  const S = modes.length / mean.length;
  return mean.map((value, i) => {
    let sum = value;
    for (let k = 0; k < S; k++) sum += modes[i * S + k] * coefficients[k];
    return sum;
  });
}

/** Damped steps of frames, to be taken away, and of what they share, to be added. The matrix has the shape of an arrow:
 *  the Schur complement of the frames' blocks solves it. */
function* arrowStep(equations, energy, people, share) {
  const [{ N }, S] = [energy, people.alpha.length + 1];
  const [schur, right] = [new Float64Array(S * S), new Float64Array(S)];
  const prior = (k) => (k < S - 1 ? people.caution : FOCAL_PRIOR ** -2);
  const stretched = (k) => (k < S - 1 ? people.alpha[k] : Math.log(energy.focal / people.focal));
  for (let k = 0; k < S; k++) {
    right[k] = prior(k) * stretched(k);
    schur[k * (S + 1)] = prior(k);
  }
  for (const { h, g, n } of equations) {
    for (let a = 0; a < S; a++) {
      right[a] += g[N + a];
      for (let b = 0; b <= a; b++) schur[a * S + b] += h[(N + a) * n + N + b];
    }
  }
  for (let k = 0; k < S; k++) schur[k * (S + 1)] *= 1 + share;
  const solutions = [];
  for (const { h, g, n } of equations) {
    const factor = cholesky(damped(h, n, share), N, n);
    const rows = Array.from({ length: S }, (_, a) => h.subarray((N + a) * n, (N + a) * n + N));
    const own = solved(factor, g.subarray(0, N));
    const columns = rows.map((row) => solved(factor, row));
    for (let a = 0; a < S; a++) {
      right[a] -= dot(rows[a], own);
      for (let b = 0; b <= a; b++) schur[a * S + b] -= dot(rows[a], columns[b]);
    }
    solutions.push({ own, columns });
    yield;
  }
  const common = solved(cholesky(schur, S), right).map((value) => -value);
  const steps = solutions.map(({ own, columns }) => own.map((value, i) => value + columns.reduce((sum, column, a) => sum + column[i] * common[a], 0)));
  return { steps, common };
}

function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
