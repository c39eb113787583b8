// What happens in a conversation, counted as it goes: the speaker's voice and cues, the listener's nods, blinks and
// smiles. The definitions of elp.metrics.events without the future: filters look back only, a range is the last minute's.
const LOW = 0.26; // rank of a low pitch (Ward & Tsukahara 2000)
const REGION = 3; // frames that it lasts, 110 ms
const SPOKEN = 18; // frames of speech before it, 0.7 s
const APART = 20; // frames between two such cues, 0.8 s
const GAP = 5; // frames without voice that end a phrase, 0.2 s
const PHRASE = 8; // frames that a phrase lasts, 0.3 s
// a Butterworth filter of second order from 1 to 4 Hz, as two sections: b0, b1, b2, a1, a2
const BAND = [
  [0.0913149004358, 0.182629800872, 0.0913149004358, -0.902682453018, 0.455365854996],
  [1, -2, 1, -1.69236808587, 0.763485867545],
];
const HALF = 12; // frames of half a second, over which a swing's power is averaged
const SWING = 0.6; // degrees of amplitude from which a head swings
const WIDE = 1.5; // degrees of a nod, from one side to the other
const SMOOTH = 0.125; // a smile's step towards its newest value, 0.3 s in all
const MINUTE = 1500; // frames
const KNOWN = 50; // frames before which nobody's range is known
const SELDOM = 5; // frames from one sorting of the last minute to the next: it takes as long as a twentieth of a step
const RANGE = [0.1, 0.9]; // quantiles of a minute that count as its least and its widest smile
const NOISE = 10; // deviations of the noise from frame to frame that this range must exceed,
const SHARE = 0.04; // and of a full smile
const [ARMED, HIGH] = [0.25, 0.5]; // parts of that range: from below the one to above the other

export class Moments {
  constructor() {
    Object.assign(this, { frame: 0, phrase: 0, silence: GAP, low: 0, lastCue: -APART, shut: 0 });
    Object.assign(this, { nod: new Swing(), shake: new Swing(), nodding: false, smile: new Smile() });
    this.counts = { pauses: 0, cues: 0, nods: 0, blinks: 0, smiles: 0 };
  }

  /** The next frame: prosody's rank and voicing, the listener's pitch and yaw in degrees, lids and share of a smile.
   *  Returns what began in it, or was found to have begun. */
  push({ rank, voiced, pitch, yaw, shut, smile }) {
    this.frame++;
    const began = {
      ...this.heard(rank, voiced),
      nods: this.nodded(pitch, yaw),
      blinks: Boolean(shut && !this.shut),
      smiles: this.smile.push(smile),
    };
    this.shut = shut;
    for (const [name, so] of Object.entries(began)) this.counts[name] += so;
    return began;
  }

  heard(rank, voiced) {
    this.silence = voiced ? 0 : this.silence + 1;
    const pauses = this.silence === GAP && this.phrase >= PHRASE + GAP - 1;
    this.phrase = this.silence < GAP ? this.phrase + 1 : 0;
    this.low = voiced && rank < LOW ? this.low + 1 : 0;
    const cues = this.low === REGION && this.phrase >= SPOKEN && this.frame - this.lastCue >= APART;
    if (cues) this.lastCue = this.frame;
    return { pauses, cues };
  }

  /** Once in each run of frames in which the head swings: when it is as wide as a nod and wider than a shake. */
  nodded(pitch, yaw) {
    const [nod, shake] = [this.nod.push(pitch), this.shake.push(yaw)];
    if (nod.amplitude <= SWING) this.nodding = false;
    const begins = nod.amplitude > SWING && !this.nodding && nod.width >= WIDE && nod.amplitude > shake.amplitude;
    this.nodding ||= begins;
    return begins;
  }
}

/** An angle's swinging between 1 and 4 Hz in the last half second. */
class Swing {
  constructor() {
    this.states = BAND.map(() => [0, 0]);
    this.powers = new Float64Array(HALF);
    this.frame = 0;
  }

  /** Amplitude and width from peak to peak, in the angle's unit. */
  push(angle) {
    this.first ??= angle; // as if it had been there for ever
    let value = angle - this.first;
    BAND.forEach(([b0, b1, b2, a1, a2], k) => {
      const [one, two] = this.states[k];
      const out = b0 * value + one;
      this.states[k] = [b1 * value - a1 * out + two, b2 * value - a2 * out];
      value = out;
    });
    this.powers[this.frame++ % HALF] = value * value;
    const mean = this.powers.reduce((sum, power) => sum + power, 0) / HALF;
    return { amplitude: Math.sqrt(2 * mean), width: 2 * Math.sqrt(Math.max(...this.powers)) };
  }
}

/** Smiles of one face: each begins above the middle of the last minute's range, after a rest in its lowest quarter. */
class Smile {
  constructor() {
    Object.assign(this, { past: [], steps: [], armed: false, frame: 0 });
  }

  push(share) {
    const smooth = this.smooth === undefined ? share : this.smooth + SMOOTH * (share - this.smooth);
    this.past = [...this.past.slice(1 - MINUTE), smooth];
    this.steps = [...this.steps.slice(1 - MINUTE), Math.abs(share - (this.last ?? share))];
    Object.assign(this, { smooth, last: share });
    if (this.frame++ % SELDOM === 0) {
      // differences of neighbours have twice the noise's variance; their median ignores movements
      const noise = (1.4826 * quantiles(this.steps, [0.5])[0]) / Math.SQRT2;
      this.range = [...quantiles(this.past, RANGE), noise];
    }
    const [least, widest, noise] = this.range;
    if (this.past.length < KNOWN || widest - least <= Math.max(NOISE * noise, SHARE)) return false;
    const height = (smooth - least) / (widest - least);
    const begins = this.armed && height >= HIGH;
    this.armed = !begins && (this.armed || height < ARMED);
    return begins;
  }
}

function quantiles(values, shares) {
  const sorted = Float32Array.from(values).sort();
  return shares.map((share) => sorted[Math.round(share * (sorted.length - 1))]);
}
