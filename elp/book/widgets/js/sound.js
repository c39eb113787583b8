// What the listener hears of a microphone: 16 kHz sound, mel cepstra and prosody, row by row with the numbers of
// elp.media.audio.CepstraStream and elp.media.prosody.ProsodyStream.
export const FPS = 25;
export const RATE = 16000;
const HOP = 640; // samples of a frame
const WINDOW = 1024;
const BANDS = 80;
const MFCC = 29;
const FLOOR = 1e-8; // mel power that counts as 0 dB

/** Sound at any rate as 16 kHz: band-limited interpolation, whole samples of it as soon as they are known. */
export class Resampler {
  constructor(rate) {
    const common = divisor(rate, RATE);
    this.phases = RATE / common;
    this.stride = rate / common; // output n lies at input n * stride / phases
    this.half = rate === RATE ? 0 : Math.ceil(48 * Math.max(1, rate / RATE));
    const cut = 0.95 * Math.min(1, RATE / rate);
    this.weights = Array.from({ length: this.phases }, (_, phase) => taps(this.half, phase / this.phases, cut));
    this.held = new Float32Array(this.half); // silence before the first sample
    this.next = 0; // output sample, counted from the first held one
  }

  push(samples) {
    const { half, phases, stride } = this;
    if (!half) return samples;
    const held = new Float32Array(this.held.length + samples.length);
    held.set(this.held);
    held.set(samples, this.held.length);
    const out = new Float32Array(Math.ceil((held.length * phases) / stride));
    let count = 0;
    let at = Math.floor(this.next / phases);
    for (; at + 2 * half < held.length; at = Math.floor(this.next / phases)) {
      const weights = this.weights[this.next % phases];
      let sum = 0;
      for (let k = 0; k < weights.length; k++) sum += weights[k] * held[at + k];
      out[count++] = sum;
      this.next += stride;
    }
    const used = Math.min(at, held.length);
    this.held = held.slice(used);
    this.next -= used * phases;
    return out.subarray(0, count);
  }
}

function divisor(a, b) {
  return b ? divisor(b, a % b) : a;
}

/** A low pass around a point that lies `part` of a sample behind the middle: sinc under a Kaiser window, sum 1. */
function taps(half, part, cut) {
  const weights = Float64Array.from({ length: 2 * half + 1 }, (_, k) => {
    const x = k - half - part;
    const inside = 1 - (x / (half + 1)) ** 2;
    const angle = Math.PI * cut * x;
    return (angle ? Math.sin(angle) / angle : 1) * bessel(8 * Math.sqrt(Math.max(0, inside)));
  });
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((w) => w / sum);
}

/** The modified Bessel function I0. */
function bessel(x) {
  let [sum, term] = [1, 1];
  for (let k = 1; term > 1e-12 * sum; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

/** The discrete Fourier transform of a power of two, in place. */
export class Fourier {
  constructor(size) {
    this.size = size;
    this.cos = Float64Array.from({ length: size / 2 }, (_, k) => Math.cos((2 * Math.PI * k) / size));
    this.sin = Float64Array.from({ length: size / 2 }, (_, k) => -Math.sin((2 * Math.PI * k) / size));
    this.re = new Float64Array(size);
    this.im = new Float64Array(size);
  }

  /** Of `values` under `window`, zeros behind them; the result lies in `re` and `im`. */
  of(values, window) {
    const { re, im } = this;
    re.fill(0);
    im.fill(0);
    for (let i = 0; i < values.length; i++) re[i] = window ? window[i] * values[i] : values[i];
    this.transform();
  }

  transform() {
    const { size, re, im, cos, sin } = this;
    for (let i = 1, j = 0; i < size; i++) {
      let bit = size >> 1;
      for (; j & bit; bit >>= 1) j ^= bit;
      j ^= bit;
      if (i < j) {
        [re[i], re[j]] = [re[j], re[i]];
        [im[i], im[j]] = [im[j], im[i]];
      }
    }
    for (let length = 2; length <= size; length *= 2) {
      const half = length / 2;
      for (let start = 0; start < size; start += length) {
        for (let k = 0, turn = 0; k < half; k++, turn += size / length) {
          const [a, b] = [start + k, start + k + half];
          const x = re[b] * cos[turn] - im[b] * sin[turn];
          const y = re[b] * sin[turn] + im[b] * cos[turn];
          re[b] = re[a] - x;
          im[b] = im[a] - y;
          re[a] += x;
          im[a] += y;
        }
      }
    }
  }
}

/** Periodic Hann window. */
export const hann = Float64Array.from({ length: WINDOW }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / WINDOW));

// Slaney's mel scale: linear up to 1 kHz, then 27 steps for each factor of 6.4
const LOG_STEP = Math.log(6.4) / 27;
const mel = (hertz) => (hertz < 1000 ? (3 * hertz) / 200 : 15 + Math.log(hertz / 1000) / LOG_STEP);
const hertz = (mels) => (mels < 15 ? (200 * mels) / 3 : 1000 * Math.exp(LOG_STEP * (mels - 15)));

/** Triangular bands of equal area: where each begins in a spectrum, and its weights. */
function bank() {
  const edges = Array.from({ length: BANDS + 2 }, (_, i) => hertz((mel(RATE / 2) * i) / (BANDS + 1)));
  return Array.from({ length: BANDS }, (_, band) => {
    const [low, middle, high] = edges.slice(band, band + 3);
    const all = Array.from({ length: WINDOW / 2 + 1 }, (_, k) => {
      const f = (k * RATE) / WINDOW;
      const ramp = Math.min((f - low) / (middle - low), (high - f) / (high - middle));
      return (Math.max(0, ramp) * 2) / (high - low);
    });
    const first = all.findIndex((w) => w > 0);
    return { first, weights: Float64Array.from(all.slice(first).filter((w) => w > 0)) };
  });
}

/** Mel cepstra of one window. */
class Cepstra {
  constructor() {
    this.fourier = new Fourier(WINDOW);
    this.bank = bank();
    const cosine = (k, b) => Math.cos((Math.PI * k * (2 * b + 1)) / (2 * BANDS)) * Math.sqrt((k ? 2 : 1) / BANDS);
    this.cosines = Array.from({ length: MFCC }, (_, k) => Float64Array.from({ length: BANDS }, (_, b) => cosine(k, b)));
  }

  of(samples) {
    const { re, im } = this.fourier;
    this.fourier.of(samples, hann);
    const decibels = this.bank.map(({ first, weights }) => {
      let power = 0;
      for (let k = 0, at = first; k < weights.length; k++, at++) power += weights[k] * (re[at] ** 2 + im[at] ** 2);
      return 10 * Math.log10(Math.max(power, FLOOR) / FLOOR);
    });
    return Float32Array.from(this.cosines, (row) => row.reduce((sum, c, b) => sum + c * decibels[b], 0));
  }
}

/** Samples at 16 kHz, any number of them -> the rows { mfcc, prosody } that they complete, 25 a second. */
export class Sound {
  constructor(prosody) {
    this.cepstra = new Cepstra();
    this.prosody = prosody;
    this.rest = new Float32Array(WINDOW / 2); // half a window of silence before the first sample
  }

  push(samples) {
    const all = new Float32Array(this.rest.length + samples.length);
    all.set(this.rest);
    all.set(samples, this.rest.length);
    const rows = [];
    let at = 0;
    for (; at + WINDOW <= all.length; at += HOP) {
      const window = all.subarray(at, at + WINDOW);
      rows.push({ mfcc: this.cepstra.of(window), prosody: this.prosody.of(window) });
    }
    this.rest = all.slice(at);
    return rows;
  }

  /** Seconds from the middle of the newest row's window to the last sample. */
  get waited() {
    return (this.rest.length + HOP - WINDOW / 2) / RATE;
  }
}
