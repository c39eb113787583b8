// What happens in a conversation, counted as it goes: the speaker's voice and cues, the listener's nods, blinks and
// smiles. Rules without the future: rougher than elp.metrics.events, which look at whole clips.
const LOW = 0.26; // rank of a low pitch (Ward & Tsukahara 2000)
const REGION = 3; // frames that it lasts, 110 ms
const SPOKEN = 18; // frames of speech before it, 0.7 s
const APART = 20; // frames between two such cues, 0.8 s
const GAP = 5; // frames without voice that end a phrase, 0.2 s
const PHRASE = 8; // frames that a phrase lasts, 0.3 s
const WIDE = 1.5; // degrees of a nod, from one side to the other
const QUICK = 25; // frames in which it goes there and back
const SMILE = 0.12; // share of a full smile by which one begins
const WHILE = 25; // frames in which it does

export class Moments {
  constructor() {
    Object.assign(this, { frame: 0, phrase: 0, silence: GAP, low: 0, lastCue: -APART });
    Object.assign(this, { extreme: 0, side: 0, turned: -QUICK, shut: 0, smiles: [], smiling: false });
    this.counts = { pauses: 0, cues: 0, nods: 0, blinks: 0, smiles: 0 };
  }

  /** The next frame: prosody's rank and voicing, the listener's pitch in degrees, lids and share of a smile. Returns
   *  what began in it. */
  push({ rank, voiced, pitch, shut, smile }) {
    this.frame++;
    const began = {
      ...this.heard(rank, voiced),
      nods: this.nodded(pitch),
      blinks: shut > this.shut,
      smiles: this.smiled(smile),
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

  /** A swing of the head that has come back. */
  nodded(pitch) {
    if (!this.side) {
      if (this.frame === 1) this.extreme = pitch;
      if (Math.abs(pitch - this.extreme) < WIDE) return false;
      this.side = Math.sign(pitch - this.extreme);
    }
    if ((pitch - this.extreme) * this.side > 0) this.extreme = pitch;
    if ((this.extreme - pitch) * this.side < WIDE) return false;
    const back = this.frame - this.turned < QUICK;
    Object.assign(this, { side: -this.side, extreme: pitch, turned: back ? -QUICK : this.frame });
    return back;
  }

  smiled(share) {
    this.smiles = [...this.smiles.slice(1 - WHILE), share];
    const risen = share - Math.min(...this.smiles);
    const begins = risen > SMILE && !this.smiling;
    this.smiling = risen > SMILE / 3 && (this.smiling || begins);
    return begins;
  }
}
