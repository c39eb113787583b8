// The listener in plain JavaScript: event heads, encoder, codes and D1 of a model as elp.book.widgets.weights packs
// it, frame by frame, with elp.listener.ELPResponder's numbers.
import { Gru, Lstm, Window, concat, linear, norm, relu } from './layers.js';
import { Draws } from './random.js';

/** elp.model.event_heads.EventHeads: draws a frame's categories one after the other. */
class EventHeads {
  constructor(w, name, sizes, guided) {
    Object.assign(this, { w, name, guided, ...sizes });
    this.grus = guided ? [new Gru(w, `${name}.gru`), new Gru(w, `${name}.gru`)] : [new Gru(w, `${name}.gru`)];
  }

  /** cues: one array, or with guidance one heard and one deaf. Returns each head's category and how far into it. */
  step(cues, past, e, uniform, guidance) {
    const { w, name, heads, categories, width } = this;
    const bias = w[`${name}.past.b`];
    const known = relu(linear(new Float32Array(bias.length), w[`${name}.past.w`], concat(past, e), bias));
    const states = this.grus.map((gru, i) => {
      const hidden = gru.step(concat(known, cues[i]));
      return linear(new Float32Array(width), w[`${name}.first.w`], concat(hidden, cues[i], e), w[`${name}.first.b`]);
    });
    const x = states[0];
    const found = [];
    for (let head = 0; head < heads; head++) {
      let logits = this.logits(x, head, e);
      if (this.guided && head === 0) {
        const unheard = this.logits(states[1], head, e);
        logits = logits.map((l, v) => unheard[v] + guidance * (l - unheard[v]));
      }
      const [code, within] = inverse(logits, uniform[head]);
      found.push([code, within]);
      const table = w[`${name}.table`];
      for (let n = 0; n < e.length; n++) {
        const at = ((n * heads + head) * categories + code) * width;
        for (let c = 0; c < width; c++) x[c] += e[n] * table[at + c];
      }
    }
    return found;
  }

  logits(x, head, e) {
    const { w, name, heads, categories, width } = this;
    const y = relu(norm(x.slice(), w[`${name}.norm.w`], w[`${name}.norm.b`]));
    const [bias, matrix] = [w[`${name}.bias`], w[`${name}.out`]];
    const out = new Float32Array(categories);
    for (let n = 0; n < e.length; n++) {
      for (let v = 0; v < categories; v++) out[v] += e[n] * bias[(n * heads + head) * categories + v];
    }
    for (let c = 0, at = head * width * categories; c < width; c++, at += categories) {
      if (y[c]) for (let v = 0; v < categories; v++) out[v] += y[c] * matrix[at + v];
    }
    return out;
  }
}

/** Inverse transform sampling from logits by one uniform number: category, and how far into its share it fell. */
function inverse(logits, uniform) {
  const most = Math.max(...logits);
  const shares = Array.from(logits, (x) => Math.exp(x - most));
  const total = shares.reduce((a, b) => a + b, 0);
  let edge = 0;
  for (let code = 0; ; code++) {
    const share = shares[code] / total;
    if (edge + share >= uniform || code === shares.length - 1) {
      return [code, Math.min(1, Math.max(0, (uniform - edge) / Math.max(share, 1e-12)))];
    }
    edge += share;
  }
}

/** What an answer holds: pose (T, 6), shut (T), logits (T, H, V), codes (T, H) from 0. */
export class Answer {
  constructor(frames, heads, categories) {
    this.pose = new Float32Array(frames * 6);
    this.shut = new Uint8Array(frames);
    this.logits = new Float32Array(frames * heads * categories);
    this.codes = new Uint8Array(frames * heads);
  }
}

/** A model: weights by name from `unpack`, best `quickened`, and its sizes. */
export class Listener {
  constructor(weights, sizes) {
    this.w = weights;
    this.sizes = sizes;
  }

  /** The numbers of one response; as in Python, none are drawn for the codes where temperature is 0. */
  draws(seed, temperature) {
    const { heads, categories, spreads, traits } = this.sizes;
    const asked = temperature ? { heads, categories } : { heads: 0, categories: 1 };
    return new Draws(seed, { ...asked, spreads, traits, events: 7 });
  }

  /** Lids, head and logits of codes for a whole clip, and the codes that are drawn from them. */
  respond(clip, settings) {
    const { heads, categories } = this.sizes;
    const answer = new Answer(clip.frames, heads, categories);
    const talk = new Conversation(this, settings);
    for (let t = 0; t < clip.frames; t++) {
      const part = (name) => clip[name].subarray(t * clip.widths[name], (t + 1) * clip.widths[name]);
      const { pose, shut, logits, codes } = talk.step({ lids: part('lids'), pose: part('pose'), style: part('style') });
      answer.pose.set(pose, 6 * t);
      answer.shut[t] = shut;
      answer.logits.set(logits, t * logits.length);
      answer.codes.set(codes, t * heads);
    }
    return answer;
  }

  /** β of frame t, standardised: D1 over the codes of five frames, of which the first `heads` heads are read. */
  decode(codes, t, emotion, heads) {
    const { heads: most } = this.sizes;
    const image = (s) => (s < 0 ? null : this.image(codes.subarray(s * most, (s + 1) * most), emotion, heads));
    const images = [-4, -3, -2, -1, 0].map((back) => image(t + back));
    return this.face([0, 1, 2].map((tap) => (t - 2 + tap < 0 ? null : this.hidden(images.slice(tap, tap + 3)))));
  }

  /** D1's second layer: of three frames' hidden values, null before the first, the standardised β of the newest. */
  face(hidden) {
    const { w, sizes: { heads, width, beta } } = this;
    const rows = new Float32Array(3 * heads * width);
    hidden.forEach((row, tap) => row && rows.set(row, tap * heads * width));
    return linear(new Float32Array(beta), w['d1.second.w'], rows, w['d1.second.b']);
  }

  /** D1's first layer: a frame's values (H, C') of its own image and the two before it. */
  hidden(images) {
    const { w, sizes: { heads, channels, width } } = this;
    const rows = new Float32Array(heads * width);
    const window = new Float32Array(3 * 3 * channels);
    for (let h = 0; h < heads; h++) {
      images.forEach((image, k) => {
        if (image) window.set(image.subarray(h * channels, (h + 3) * channels), k * 3 * channels);
      });
      relu(linear(rows.subarray(h * width, (h + 1) * width), w['d1.first.w'], window, w['d1.first.b']));
    }
    return rows;
  }

  /** A frame's codewords as D1 reads them, (1 + H + 1, C): blocks mixed by emotion, zeros beyond the first `heads`. */
  image(codes, emotion, heads) {
    const { w: { table }, sizes: { heads: most, categories, channels } } = this;
    const out = new Float32Array((most + 2) * channels);
    for (let n = 0; n < emotion.length; n++) {
      for (let h = 0; h < heads; h++) {
        const at = ((n * most + h) * categories + codes[h]) * channels;
        for (let c = 0; c < channels; c++) out[(h + 1) * channels + c] += emotion[n] * table[at + c];
      }
    }
    return out;
  }
}

/** An answer while it is given: `emotion` and `heads` may change from frame to frame. */
export class Conversation {
  constructor(listener, { emotion, temperature, seed, guidance = listener.sizes.guidance, heads = listener.sizes.heads }) {
    Object.assign(this, { listener, emotion, temperature, heads });
    this.draws = listener.draws(seed, temperature);
    this.events = new Events(listener.w, listener.sizes, guidance);
    this.encoder = new Encoder(listener.w, listener.sizes);
    this.newest = []; // codes of the frames that D1 sees
  }

  /** The next frame, from what is heard in it. */
  step(cues) {
    const { events, listener: { w } } = this;
    const { uniform, own } = this.draws.next();
    const said = events.step(cues, own, Float32Array.from(this.emotion));
    const told = said.map((x, i) => (x - w['own.mean'][i]) / w['own.std'][i]);
    const logits = this.encoder.step(cues.style, told);
    const codes = this.choose(logits, uniform);
    this.newest = [...this.newest.slice(-4), codes];
    return { pose: events.position, shut: events.shut, logits, codes };
  }

  /** β of the newest frame, in the corpus's units; of frames before, what D1 made of them is kept. */
  beta() {
    const { listener, newest, emotion, heads, listener: { w } } = this;
    const read = JSON.stringify([emotion, heads]);
    const known = this.read === read ? this.known.slice(-2) : [];
    const images = newest.map((codes) => listener.image(codes, emotion, heads));
    for (let t = images.length - Math.min(3, images.length) + known.length; t < images.length; t++) {
      known.push(listener.hidden([-2, -1, 0].map((back) => images[t + back] ?? null)));
    }
    Object.assign(this, { read, known });
    const said = listener.face([...Array(3 - known.length).fill(null), ...known]);
    return said.map((x, d) => x * w['beta.std'][d] + w['beta.mean'][d]);
  }

  /** Each head's category: the largest logit after Gumbel noise, without noise at temperature 0. */
  choose(logits, uniform) {
    const { temperature, listener: { sizes: { heads, categories } } } = this;
    const codes = new Uint8Array(heads);
    for (let h = 0, at = 0; h < heads; h++) {
      let most = -Infinity;
      for (let v = 0; v < categories; v++, at++) {
        const score = temperature ? logits[at] / temperature - Math.log(-Math.log(uniform[at])) : logits[at];
        if (score > most) [codes[h], most] = [v, score];
      }
    }
    return codes;
  }
}

/** elp.model.events.Events of one response. */
class Events {
  constructor(w, sizes, guidance) {
    Object.assign(this, { w, guidance, frames: 0 });
    this.lids = new EventHeads(w, 'lids', sizes.lids, false);
    this.pose = new EventHeads(w, 'pose', sizes.pose, true);
    this.bins = sizes.pose.categories;
    [this.position, this.velocity, this.before] = [0, 1, 2].map(() => new Float32Array(6));
    this.shut = 0;
    this.fading = new Float32Array(8);
    this.traits = new Float32Array(sizes.traits - 6);
  }

  /** The next frame under emotion e; returns what the encoder is told of it. */
  step(cues, uniform, e) {
    const { w, fading } = this;
    const [[shut]] = this.lids.step([cues.lids], concat([this.shut], fading), e, uniform.subarray(0, 1));
    const moved = (x) => x.map((value, i) => Math.asinh(value / w['events.unit'][i]));
    const placed = () => this.position.map((x, i) => x / w['events.spread'][i]);
    const past = concat(placed(), moved(this.velocity), moved(this.before));
    const heads = this.pose.step([cues.pose, this.silence()], past, e, uniform.subarray(1), this.guidance);
    this.before = this.velocity;
    this.velocity = Float32Array.from(heads, ([code, within], i) => {
      const at = i * (this.bins + 1) + code;
      return w['events.edges'][at] + within * (w['events.edges'][at + 1] - w['events.edges'][at]);
    });
    this.position = this.position.map((x, i) => x + this.velocity[i]);
    const began = [shut > this.shut, shut < this.shut];
    for (let i = 0; i < 8; i++) fading[i] = began[i >> 2] ? 1 : fading[i] * w['events.decay'][i % 4];
    this.shut = shut;
    return concat(placed(), moved(this.velocity), [shut], this.traits);
  }

  /** What a deaf listener's head hears: nothing, which after a while stays the same. */
  silence() {
    const width = this.pose.grus[0].width;
    const last = this.w.silence.length / width - 1;
    const at = Math.min(this.frames++, last) * width;
    return this.w.silence.subarray(at, at + width);
  }
}

/** elp.model.encoders.HeadEncoder of one response; of its first layer the speaker's part comes with the clip. */
class Encoder {
  constructor(w, sizes) {
    this.w = w;
    this.width = sizes.hidden;
    this.windows = Array.from({ length: sizes.convs }, (_, n) => new Window(sizes.kernel, n ? this.width : sizes.own));
    this.lstms = [0, 1, 2].map((n) => new Lstm(w, `lstm${n}`));
    this.logits = new Float32Array(sizes.heads * sizes.categories);
  }

  step(style, own) {
    const { w } = this;
    let x = linear(new Float32Array(this.width), w['conv0.w'], this.windows[0].push(own));
    x = x.map((value, i) => value + style[i]);
    relu(norm(x, w['conv0.norm.w'], w['conv0.norm.b']));
    for (let n = 1; n < this.windows.length; n++) {
      x = linear(new Float32Array(this.width), w[`conv${n}.w`], this.windows[n].push(x));
      relu(norm(x, w[`conv${n}.norm.w`], w[`conv${n}.norm.b`]));
    }
    for (const lstm of this.lstms) x = lstm.step(x);
    x = linear(new Float32Array(this.width), w['mlp.w'], x, w['mlp.b']);
    relu(norm(x, w['mlp.norm.w'], w['mlp.norm.b']));
    return linear(this.logits, w['out.w'], x, w['out.b']);
  }
}
