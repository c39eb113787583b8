// Prosody of a voice that is still speaking: elp.media.prosody in JavaScript.
import { FPS, Fourier, RATE, hann } from './sound.js';

const [LOWEST, HIGHEST] = [65, 500]; // Hz
const [SHORTEST, LONGEST] = [HIGHEST, LOWEST].map((f) => Math.floor(RATE / f)); // samples of a period
const SIZE = 2048; // room for these lags without wrapping
const CUT = 2500; // Hz of the low pass
const OCTAVE = 0.03; // what a candidate loses per octave
const VOICED = 0.55; // least strength of a voiced frame
const AUDIBLE = -6; // log10 of its least power
const POWER = 1e-8;
const MEMORY = 1000; // voiced frames that the statistics look back on
const PRIOR = 6;
const [SPREAD, LEAST] = [0.12, 0.05];
const LEVEL = -2.5;
const LIMIT = 4;
const BIN = Math.log(2) / 120;
const BINS = Math.ceil(Math.log(HIGHEST / LOWEST) / BIN);
const [QUIETEST, LOUDEST] = [-4, 2];
const PAUSE = 2;

const fourier = new Fourier(SIZE);

/** Autocorrelation of samples from their spectrum in `fourier`, of powers that `weight` scales. */
function autocorrelation(weight) {
  const { re, im } = fourier;
  for (let k = 0; k < SIZE; k++) {
    re[k] = (re[k] ** 2 + im[k] ** 2) * (weight ? weight[k] : 1);
    im[k] = 0;
  }
  fourier.transform(); // of a real, even spectrum: the inverse but for its scale
  return re.slice(0, LONGEST + 2);
}

const lowpass = Float64Array.from({ length: SIZE }, (_, k) => 1 / (1 + ((Math.min(k, SIZE - k) * RATE) / SIZE / CUT) ** 4));
fourier.of(hann);
const own = autocorrelation().map((x, _, all) => x / all[0]);

/** Fundamental frequency (0 where there is no voice), strength and log10 of the power of a window. */
export function pitch(window) {
  let [sum, square] = [0, 0];
  for (const x of window) {
    sum += x;
    square += x * x;
  }
  const mean = sum / window.length;
  const power = Math.log10(square / window.length + POWER);
  fourier.of(window.map((x) => x - mean), hann);
  const found = autocorrelation(lowpass);
  const zero = Math.max(found[0] / SIZE, 1e-9) * SIZE;
  const r = found.map((x, lag) => x / zero / own[lag]);
  let [most, height, period] = [-Infinity, 0, 0];
  for (let lag = SHORTEST; lag <= LONGEST; lag++) {
    const [left, middle, right] = [r[lag - 1], r[lag], r[lag + 1]];
    if (middle < left || middle <= right) continue;
    const slope = (right - left) / 2;
    const bend = Math.max(2 * middle - left - right, 1e-9);
    const high = middle + slope ** 2 / (2 * bend);
    const score = Math.min(high, 1) - OCTAVE * Math.log2(lag / SHORTEST);
    if (score > most) [most, height, period] = [score, high, lag + slope / bend];
  }
  const strength = period && power > AUDIBLE ? Math.min(1, Math.max(0, height)) : 0;
  return { f0: strength > VOICED ? RATE / Math.max(period, 1) : 0, strength, power };
}

/** What is known of a speaker's voice so far. */
class Voice {
  constructor() {
    Object.assign(this, { count: 0, mean: 0, variance: SPREAD ** 2, level: LEVEL, shares: new Float64Array(BINS) });
  }

  /** A voiced frame's log-f0 and log10 of its power -> pitch in deviations from the mean, and rank. */
  hear(pitch, power) {
    this.count = Math.min(this.count + 1, MEMORY);
    const known = Math.min(this.count + PRIOR, MEMORY);
    const before = pitch - this.mean;
    this.mean += before / this.count;
    const after = pitch - this.mean;
    this.variance += (before * after - this.variance) / known;
    this.level += (power - this.level) / known;
    const at = Math.min(Math.max(Math.floor((pitch - Math.log(LOWEST)) / BIN), 0), BINS - 1);
    let below = 0;
    for (let i = 0; i < BINS; i++) {
      this.shares[i] *= 1 - 1 / this.count;
      if (i === at) this.shares[i] += 1 / this.count;
      if (i < at) below += this.shares[i];
    }
    const deviations = after / Math.max(Math.sqrt(this.variance), LEAST);
    return [Math.min(Math.max(deviations, -LIMIT), LIMIT), below + this.shares[at] / 2];
  }
}

/** One row a window, eight numbers: pitch, rank, voiced, strength, energy, their changes, time without voice. */
export class Prosody {
  constructor(silent) {
    this.voice = new Voice();
    this.row = silent;
    this.begun = false;
  }

  of(window) {
    const { f0, strength, power } = pitch(window);
    let [pitched, rank, , , before, , , unvoiced] = this.row;
    if (f0) [pitched, rank] = this.voice.hear(Math.log(f0), power);
    const energy = Math.min(Math.max(power - this.voice.level, QUIETEST), LOUDEST);
    unvoiced = f0 ? 0 : Math.min(unvoiced + 1 / FPS, PAUSE);
    const change = this.begun ? energy - before : 0;
    this.row = [pitched, rank, Number(f0 > 0), strength, energy, pitched - this.row[0], change, unvoiced];
    this.begun = true;
    return Float32Array.from(this.row);
  }
}
