// A portrait that moves: a file of elp.render.page, and where its vertices are, as elp.render.warping computes them.
import { cholesky, solved } from './matrices.js';

const KINDS = { F32: Float32Array, I32: Int32Array, U8: Uint8ClampedArray };
const EYES = [0, 1]; // the subject's right one, left one

/** Arrays of a safetensors file and their shapes, and the facts in its header. */
export function readPortrait(buffer) {
  try {
    const head = Number(new DataView(buffer).getBigUint64(0, true));
    const { __metadata__: { facts }, ...places } = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, head)));
    const [arrays, shapes] = [{}, {}];
    for (const [name, { dtype, shape, data_offsets: [from, to] }] of Object.entries(places)) {
      arrays[name] = new KINDS[dtype](buffer.slice(8 + head + from, 8 + head + to));
      shapes[name] = shape;
      if (arrays[name].length !== shape.reduce((product, size) => product * size, 1)) throw new Error(name);
    }
    return { arrays, shapes, facts: JSON.parse(facts) };
  } catch {
    throw new Error('This file is no portrait, or not whole: make one with elp portrait PICTURE -o portrait.bin.');
  }
}

/** 0 below 0, 1 above 1, 3x² - 2x³ between. */
export function eased(x) {
  const inside = Math.min(1, Math.max(0, x));
  return inside * inside * (3 - 2 * inside);
}

/** Distance of the inner lips at the middle, in mouth widths, of vertices (V, 2). */
export function lipGap(p) {
  const far = (i, j) => Math.hypot(p[2 * i] - p[2 * j], p[2 * i + 1] - p[2 * j + 1]);
  return far(13, 14) / Math.max(far(78, 308), 1e-6);
}

function turned([x, y, z]) {
  const angle = Math.hypot(x, y, z);
  const [sine, rest] = angle < 1e-9 ? [1, 0.5] : [Math.sin(angle) / angle, (1 - Math.cos(angle)) / (angle * angle)];
  const [s, c] = [x * x + y * y + z * z, rest];
  return [
    ...[1 + c * (x * x - s), c * x * y - sine * z, c * x * z + sine * y],
    ...[c * x * y + sine * z, 1 + c * (y * y - s), c * y * z - sine * x],
    ...[c * x * z - sine * y, c * y * z + sine * x, 1 + c * (z * z - s)],
  ];
}

function applied(m, [x, y, z]) {
  return [0, 3, 6].map((i) => m[i] * x + m[i + 1] * y + m[i + 2] * z);
}

/** What a portrait may do, as elp.render.limits.Limits. */
class Bounds {
  constructor({ low, high, gain, deviation }, facts) {
    Object.assign(this, { facts, gain, deviation, D: deviation.length });
    this.sides = [[0, this.D], [this.D, this.D + 3], [this.D + 3, low.length]].map(([from, to]) => [low.subarray(from, to), high.subarray(from, to)]);
  }

  bent(x, low, high) {
    const { linear } = this.facts;
    const limit = Math.max(x < 0 ? -low : high, 1e-9);
    const size = Math.abs(x) / limit;
    return Math.sign(x) * limit * (size <= linear ? size : linear + (1 - linear) * Math.tanh((size - linear) / (1 - linear)));
  }

  shortened(vector, longest) {
    const length = Math.max(Math.hypot(...vector), 1e-9);
    const share = this.bent(length, 0, longest) / length;
    return vector.map((value) => value * share);
  }

  /** β, the head's rotation and travel, and the way of the whole person. */
  of(beta, pose) {
    const { facts: { strongest, round, travel: most, lean: farthest }, deviation, sides: [own, turns] } = this;
    const shares = Float64Array.from(beta, (value, k) => this.bent(value, own[0][k], own[1][k]) / deviation[k]);
    const change = this.measured(this.shortened(shares, strongest).map((value, k) => value * deviation[k]));
    const way = Array.from(pose.slice(3));
    const travel = way.map((value, k) => this.bent(value, -most[k], most[k]));
    const lean = way.map((value, k) => this.bent(value - travel[k], -farthest[k], farthest[k]));
    const turn = this.shortened(Array.from(pose.slice(0, 3), (value, k) => this.bent(value, turns[0][k], turns[1][k])), round);
    return { change, turn, travel, lean };
  }

  /** The likeliest change of β that brings every measure of the face into its room. */
  measured(beta) {
    const { gain, deviation, D, sides: [, , [low, high]] } = this;
    const G = low.length;
    const lack = Float64Array.from({ length: G }, (_, g) => {
      let asked = 0;
      for (let k = 0; k < D; k++) asked += gain[g * D + k] * beta[k];
      return this.bent(asked, low[g], high[g]) - asked;
    });
    if (!(Math.max(...lack.map(Math.abs)) > 1e-6)) return beta;
    const square = new Float64Array(G * G);
    for (let g = 0; g < G; g++) {
      for (let h = 0; h < G; h++) for (let k = 0; k < D; k++) square[g * G + h] += gain[g * D + k] * deviation[k] ** 2 * gain[h * D + k];
    }
    const pull = solved(cholesky(square, G), lack);
    return beta.map((value, k) => value + deviation[k] ** 2 * pull.reduce((sum, x, g) => sum + gain[g * D + k] * x, 0));
  }
}

/** Vertices of a portrait, in source pixels. */
export class Moving {
  constructor({ arrays, facts }) {
    Object.assign(this, arrays, { facts, bounds: new Bounds(arrays, facts), V: arrays.depth.length });
    this.follow = { at: arrays['follow.at'], share: arrays['follow.share'] };
    this.spread = { at: arrays['spread.at'], share: arrays['spread.share'] };
  }

  /** { moved (V, 2), depth (V), skull (20, 2) where the lips' rim would be had only the head moved, closure of the lids
   *  (r, l), gaze, shift of the irises } with β (D) added and moved by a pose (6). */
  vertices(beta, pose) {
    const { V, facts, weight, loose, rest, depth: own, origin, solid } = this;
    const closure = facts.eyes.length ? this.together(...facts.lids.map((k) => beta[k] / this.full[k])) : [0, 0];
    const { change, turn, travel, lean } = this.bounds.of(beta, pose);
    facts.lids.forEach((k) => { change[k] = 0; }); // this portrait's lids: see `close`
    const about = applied(this.turn, turn);
    const matrix = turned(about);
    const shift = this.shifted(change);
    const place = travel.map((value, c) => value + origin[c]);
    const nearer = travel[2] / (1 + (travel[2] / facts.nearer) ** 2);
    const [step, depth] = [new Float64Array(2 * V), new Float64Array(V)];
    const [m0, m1, m2, m3, m4, m5, m6, m7, m8] = matrix;
    for (let v = 0, i = 0; v < V; v++, i += 3) { // numbers only: this is what a frame waits for
      const x = solid[i] + shift[i] - origin[0];
      const y = solid[i + 1] + shift[i + 1] - origin[1];
      const z = solid[i + 2] + shift[i + 2] - origin[2];
      const away = m6 * x + m7 * y + m8 * z + place[2] - loose[v] * nearer;
      step[2 * v] = weight[v] * (((m0 * x + m1 * y + m2 * z + place[0]) / away) * facts.focal + facts.centre - rest[2 * v]);
      step[2 * v + 1] = weight[v] * (((m3 * x + m4 * y + m5 * z + place[1]) / away) * facts.focal + facts.centre - rest[2 * v + 1]);
      depth[v] = own[v] + weight[v] * (away - own[v]);
    }
    this.hide(step);
    const moved = step.map((value, i) => rest[i] + value);
    this.seal(moved);
    for (const eye of EYES) this.close(moved, eye, closure[eye]);
    const head = (v) => applied(matrix, [0, 1, 2].map((c) => solid[3 * v + c] - origin[c])).map((value, c) => value + place[c] + lean[c]);
    const skull = Float64Array.from([...this.rim].flatMap((v) => this.projected(head(v))));
    const limit = (x) => Math.min(facts.gaze, Math.max(-facts.gaze, x)) * facts.eyeball * (facts.focal / origin[2]);
    const gaze = [about[1], -about[0]].map((value) => limit(facts.steady * value));
    if (lean.some((value) => value)) this.carry(moved, depth, lean);
    return { moved, depth, skull, closure, gaze };
  }

  /** How far both lid pairs are closed: alike, but for a wink. */
  together(right, left) {
    const both = (right + left) / 2;
    const apart = (right - left) * eased((Math.abs(right - left) - this.facts.wink) / 0.2);
    return [both + apart / 2, both - apart / 2].map((x) => Math.min(1, Math.max(-0.25, x)));
  }

  /** (V, 3) displacement by expression in cm, of the face's points and of what goes along. */
  shifted(change) {
    const { modes, spread: { at, share }, V } = this;
    const P = modes.length / change.length;
    const face = new Float64Array(P);
    change.forEach((value, k) => { if (value) for (let i = 0; i < P; i++) face[i] += value * modes[k * P + i]; });
    const out = new Float64Array(3 * V);
    for (let e = 0; e < share.length; e++) {
      for (let c = 0; c < 3; c++) out[3 * at[e] + c] += share[e] * face[3 * at[share.length + e] + c];
    }
    return out;
  }

  projected([x, y, z]) {
    const { focal, centre } = this.facts;
    return [(x / z) * focal + centre, (y / z) * focal + centre];
  }

  /** Vertices that the portrait does not show follow the others, in place. */
  hide(step) {
    const { hidden, follow: { at, share } } = this;
    const out = new Float64Array(2 * hidden.length);
    for (let e = 0; e < share.length; e++) {
      for (let c = 0; c < 2; c++) out[2 * at[e] + c] += share[e] * step[2 * at[share.length + e] + c];
    }
    hidden.forEach((v, i) => { [step[2 * v], step[2 * v + 1]] = [out[2 * i], out[2 * i + 1]]; });
  }

  /** Lips that touch are soft and never pass through each other, in place. */
  seal(moved) {
    const { rest, lips, facts } = this;
    const count = lips.length / 2;
    const axis = [moved[2 * 152] - moved[2 * 10], moved[2 * 152 + 1] - moved[2 * 10 + 1]];
    const length = Math.hypot(...axis);
    const down = axis.map((value) => value / length);
    const wide = Math.hypot(moved[2 * 78] - moved[2 * 308], moved[2 * 78 + 1] - moved[2 * 308 + 1]);
    const soft = facts.soft * wide * (1 - eased((lipGap(rest) - 0.03) / 0.06));
    for (let i = 1; i < count - 1; i++) {
      const [upper, lower] = [lips[i], lips[count + i]];
      const between = (p) => (p[2 * lower] - p[2 * upper]) * down[0] + (p[2 * lower + 1] - p[2 * upper + 1]) * down[1];
      const [was, now] = [between(rest), between(moved)];
      const parting = Math.max(now - was, 0);
      const wanted = now > was ? was + (parting * parting) / (parting + soft + 1e-9) : Math.max(now, Math.min(was, 0));
      const lack = (wanted - now) / 2;
      for (const c of [0, 1]) {
        moved[2 * upper + c] -= lack * down[c];
        moved[2 * lower + c] += lack * down[c];
      }
    }
  }

  /** Brings the lids of an eye together, in place: 1 makes them meet, below 0 opens them wider. */
  close(moved, eye, closure) {
    const { upper, lower, lash, facts: { meet, lidsFollow } } = this;
    const inner = (rows, row) => rows.subarray(27 * eye + 9 * row + 1, 27 * eye + 9 * row + 8);
    const [above, below] = [upper, lower].map((rows) => [...inner(rows, 0)].map((v) => [moved[2 * v], moved[2 * v + 1]]));
    [[upper, above], [lower, below]].forEach(([rows, margin], lid) => {
      const way = margin.map((own, i) => own.map((value, c) => below[i][c] + meet * (above[i][c] - below[i][c]) - value));
      const pull = (v, i, share) => way[i].forEach((value, c) => { moved[2 * v + c] += share * closure * value; });
      lidsFollow.forEach((share, row) => inner(rows, row).forEach((v, i) => pull(v, i, share)));
      lash.subarray(14 * eye + 7 * lid, 14 * eye + 7 * lid + 7).forEach((v, i) => pull(v, i, 1));
    });
  }

  /** The whole person goes along, in place. */
  carry(moved, depth, by) {
    const { focal, centre } = this.facts;
    for (let v = 0; v < this.V; v++) {
      const solid = [0, 1].map((c) => ((moved[2 * v + c] - centre) / focal) * depth[v] + by[c]);
      depth[v] += by[2];
      [moved[2 * v], moved[2 * v + 1]] = this.projected([...solid, depth[v]]);
    }
  }
}
