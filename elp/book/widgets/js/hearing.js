// What a listener makes of a speaker who is still speaking: audio encoder, motion style, and what event heads hear,
// with the numbers of elp.book.widgets.weights.cues.
import { Gru, Window, concat, linear, norm, relu } from './layers.js';
import { FPS } from './sound.js';

const FARTHEST = 8; // standard deviations; beyond lie tracking errors

export class Hearing {
  /** w: of `elp.book.widgets.weights.hearing`. sizes: its `facts`. */
  constructor(w, sizes) {
    Object.assign(this, { w, sizes });
    this.audio = new AudioEncoder(w, sizes.audio);
    this.style = new MotionStyle(sizes.window);
    this.first = new Window(sizes.kernel, sizes.style);
    this.branches = Object.fromEntries(['lids', 'pose'].map((name) => [name, new Branch(w, `hear.${name}`)]));
  }

  /** A frame of the speaker, in the corpus's units -> the cues of a `Conversation`. */
  step({ mfcc, prosody, beta, pose, blink }) {
    const { w, sizes } = this;
    const standard = (name, x, farthest) => standardised(x, w[`${name}.mean`], w[`${name}.std`], farthest);
    const limited = (name, x) => standard(name, x, FARTHEST);
    const told = standard('style', this.style.push(limited('beta', beta), limited('pose', pose)));
    const style = this.first.push(concat(this.audio.push(limited('mfcc', mfcc)), told));
    return {
      style: linear(new Float32Array(sizes.hidden), w['first.w'], style),
      lids: this.branches.lids.push(concat(prosody, [blink])),
      pose: this.branches.pose.push(sizes.seesBlinks ? concat(prosody, [blink]) : prosody),
    };
  }
}

function standardised(x, mean, deviation, farthest = Infinity) {
  const out = new Float32Array(x.length);
  for (let i = 0; i < out.length; i++) out[i] = Math.min(farthest, Math.max(-farthest, (x[i] - mean[i]) / deviation[i]));
  return out;
}

/** elp.model.encoders.AudioEncoder: stem and residual blocks of causal convolutions over three frames. */
class AudioEncoder {
  constructor(w, { stem, blocks }) {
    this.w = w;
    this.stem = stem.map((width, n) => ({ name: `audio.stem${n}`, window: new Window(3, width) }));
    this.blocks = blocks.map(([width, out], n) => ({
      name: `audio.block${n}`,
      windows: [new Window(3, width), new Window(3, out)],
    }));
  }

  push(x) {
    for (const { name, window } of this.stem) x = relu(this.layer(name, window, x));
    for (const { name, windows } of this.blocks) {
      const inner = relu(this.layer(`${name}.first`, windows[0], x));
      const outer = this.layer(`${name}.second`, windows[1], inner);
      const matrix = this.w[`${name}.skip.w`];
      const skip = matrix ? linear(new Float32Array(outer.length), matrix, x, this.w[`${name}.skip.b`]) : x;
      x = relu(outer.map((value, i) => value + skip[i]));
    }
    return x;
  }

  layer(name, window, x) {
    const scale = this.w[`${name}.norm.w`];
    const y = linear(new Float32Array(scale.length), this.w[`${name}.w`], window.push(x));
    return norm(y, scale, this.w[`${name}.norm.b`]);
  }
}

/** elp.model.style.StyleStream with the motion itself: σ of β and of both speeds over the newest frames. */
class MotionStyle {
  constructor(frames) {
    this.frames = frames;
    this.past = null; // the newest frames and one before them
    this.speeds = null;
  }

  push(beta, pose) {
    const motion = concat(beta, pose);
    this.past ??= Array(this.frames + 1).fill(motion); // still before the first frame
    this.speeds ??= Array(this.frames).fill(new Float32Array(motion.length));
    const before = this.past.at(-1);
    this.past = [...this.past.slice(1), motion];
    this.speeds = [...this.speeds.slice(1), Float64Array.from(motion, (value, d) => (value - before[d]) * FPS)];
    return concat(spreads(this.past.slice(1), beta.length), spreads(this.speeds, motion.length), motion);
  }
}

/** Standard deviations of the first `width` numbers of rows. */
function spreads(rows, width) {
  const [means, squares] = [new Float64Array(width), new Float64Array(width)];
  for (const row of rows) for (let d = 0; d < width; d++) means[d] += row[d] / rows.length;
  for (const row of rows) for (let d = 0; d < width; d++) squares[d] += (row[d] - means[d]) ** 2;
  return squares.map((sum) => Math.sqrt(sum / rows.length));
}

/** elp.model.event_heads.SpeakerBranch of somebody who is heard. */
class Branch {
  constructor(w, name) {
    Object.assign(this, { w, name, gru: new Gru(w, `${name}.gru`) });
  }

  push(x) {
    const { w, name } = this;
    const bias = w[`${name}.in.b`];
    return this.gru.step(relu(linear(new Float32Array(bias.length), w[`${name}.in.w`], x, bias)));
  }
}
