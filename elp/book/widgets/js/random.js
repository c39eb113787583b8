// PyTorch's random numbers, so that a seed gives a page and Python the same listener: the Mersenne Twister of
// torch.Generator, and elp.listener.sampling.SmoothUniform on top of it.

/** The numbers of torch.Generator().manual_seed(seed), a whole number below 2^32. */
export class Twister {
  constructor(seed) {
    this.words = new Uint32Array(624);
    this.words[0] = seed;
    for (let i = 1; i < 624; i++) {
      const before = this.words[i - 1] ^ (this.words[i - 1] >>> 30);
      this.words[i] = Math.imul(1812433253, before) + i;
    }
    this.at = 624;
  }

  /** The next 32 bits. */
  bits() {
    const w = this.words;
    if (this.at === 624) {
      for (let i = 0; i < 624; i++) {
        const y = (w[i] & 0x80000000) | (w[(i + 1) % 624] & 0x7fffffff);
        w[i] = w[(i + 397) % 624] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
      }
      this.at = 0;
    }
    let y = w[this.at++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  /** torch.rand: a multiple of 2^-24 in [0, 1). */
  uniform() {
    return (this.bits() & 0xffffff) / 0x1000000;
  }

  skip(count) {
    for (let i = 0; i < count; i++) this.bits();
  }
}

/** Keeps a number away from 0 and 1, as the sampler does. */
export function clamp(u) {
  return Math.min(Math.max(u, 1e-7), 1 - 1e-7);
}

/** The normal distribution's Φ, to 1e-7 (Numerical Recipes, erfcc). */
export function ndtr(x) {
  const z = Math.abs(x) * Math.SQRT1_2;
  const t = 1 / (1 + z / 2);
  let sum = t * (-0.82215223 + t * 0.17087277);
  sum = t * (0.27886807 + t * (-1.13520398 + t * (1.48851587 + sum)));
  sum = t * (1.00002368 + t * (0.37409196 + t * (0.09678418 + t * (-0.18628806 + sum))));
  const tail = (t * Math.exp(-z * z - 1.26551223 + sum)) / 2;
  return x > 0 ? 1 - tail : tail;
}

/** The inverse of Φ, to 1e-9 relative (Acklam). */
export function ndtri(p) {
  if (p > 0.97575) return -ndtri(1 - p);
  if (p < 0.02425) {
    const q = Math.sqrt(-2 * Math.log(p));
    const over = ((((-0.007784894002430293 * q - 0.3223964580411365) * q - 2.400758277161838) * q - 2.549732539343734) * q + 4.374664141464968) * q + 2.938163982698783;
    return over / ((((0.007784695709041462 * q + 0.3224671290700398) * q + 2.445134137142996) * q + 3.754408661907416) * q + 1);
  }
  const q = p - 0.5;
  const r = q * q;
  const over = ((((-39.69683028665376 * r + 220.9460984245205) * r - 275.9285104469687) * r + 138.357751867269) * r - 30.66479806614716) * r + 2.506628277459239;
  const under = ((((-54.47609879822406 * r + 161.5858368580409) * r - 155.6989798598866) * r + 66.80131188771972) * r - 13.28068155288572) * r + 1;
  return (q * over) / under;
}

/** Gaussian weights of deviation `spread` frames, their squares summing to 1. */
function kernel(spread) {
  if (!spread) return Float64Array.of(1);
  const reach = Math.ceil(3 * spread);
  const weights = Float64Array.from({ length: 2 * reach + 1 }, (_, i) => Math.exp(-((i - reach) ** 2) / (2 * spread ** 2)));
  const norm = Math.hypot(...weights);
  return weights.map((x) => x / norm);
}

/** elp.listener.sampling.Draws of one response, frame by frame. */
export class Draws {
  constructor(seed, { heads, categories, spreads, traits, events }) {
    const holds = spreads.length - 1;
    this.kernels = spreads.map(kernel);
    this.groups = Array.from({ length: holds }, (_, n) => Array.from({ length: heads }, (_, h) => h).filter((h) => h % holds === n));
    Object.assign(this, { heads, categories, events, width: heads * categories + 1 });
    this.twister = new Twister(seed);
    this.length = Math.max(...this.kernels.map((k) => k.length)); // rows that a frame's numbers are made of
    this.rows = Array.from({ length: this.length }, () => new Float64Array(this.width));
    this.rows.slice(1).forEach((row) => this.fill(row));
    this.twister.bits(); // of the 62 bits that seed the event heads, the lower 32 count
    this.inner = new Twister(this.twister.bits());
    this.inner.skip(4 * Math.ceil(traits / 2)); // who listens, which a portrait decides
  }

  fill(row) {
    for (let i = 0; i < row.length; i++) row[i] = ndtri(clamp(this.twister.uniform()));
  }

  /** The next frame's numbers: (heads, categories), and those of the event heads (1 + 6). */
  next() {
    const { rows, groups, kernels, heads, categories } = this;
    const oldest = rows.shift();
    this.fill(oldest);
    rows.push(oldest);
    const uniform = new Float32Array(heads * categories);
    let column = 0;
    groups.forEach((members, n) => {
      const sums = this.smoothed(column, kernels[n], members.length * categories);
      column += sums.length;
      members.forEach((h, i) => {
        for (let v = 0; v < categories; v++) uniform[h * categories + v] = clamp(ndtr(sums[i * categories + v]));
      });
    });
    return { uniform, own: Float32Array.from({ length: this.events }, () => clamp(this.inner.uniform())) };
  }

  /** Weighted sum of the newest rows, as many as there are weights: `count` columns from `column` on. */
  smoothed(column, weights, count) {
    const sums = new Float64Array(count);
    const rows = this.rows.slice(this.length - weights.length);
    for (let i = 0; i < weights.length; i += 4) add(sums, column, weights.slice(i, i + 4), rows.slice(i, i + 4));
    return sums;
  }
}

/** Four rows at once, so that each sum is read once for four; zeros of the first row where there are fewer. */
function add(sums, column, [a, b = 0, c = 0, d = 0], [p, q = p, r = p, s = p]) {
  for (let k = 0, at = column; k < sums.length; k++, at++) sums[k] += a * p[at] + b * q[at] + c * r[at] + d * s[at];
}
