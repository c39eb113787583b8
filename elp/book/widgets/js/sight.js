// How well a face is seen, as elp.media.sight says it: found alike at a second look, lit, and with eyes that show.
import { turning } from './picture.js';

export const EYES = [[33, 160, 158, 133, 153, 144], [263, 387, 385, 362, 380, 373]]; // the subject's right one, left one
const MOUTH = [61, 291, 13, 14, 0, 17, 78, 308];
const SKIN = [50, 280, 205, 425, 117, 346, 151, 9, 108, 337];
const MOVED = [0.06, 0.03]; // the second look's crop, in sides of the first,
const GROWN = 1.12;
const TURNED = 0.12; // radians
const ALIKE = 2; // points apart at the second look, in hundredths of the eyes' distance
const LIT = 30; // grey levels of skin below which points rest on noise
const DARK = [0.3, 0.5]; // an eye's grey level in the skin's,
const BARE = [0.09, 0.13]; // and its deviation
const PATCH = 256; // pixels of a patch,
const GRAIN = 128; // and those on which grey levels are taken

/** A crop of the same face that shows it a little differently. */
export function second({ x, y, side, angle }) {
  return { x: x + MOVED[0] * side, y: y + MOVED[1] * side, side: GROWN * side, angle: angle + TURNED };
}

/** How far two looks at a face disagree about eyes or mouth, whichever is worse. */
export function apart(one, other) {
  const distance = (p, q, i, j) => Math.hypot(p[3 * i] - q[3 * j], p[3 * i + 1] - q[3 * j + 1]);
  const mean = (rows) => rows.reduce((sum, i) => sum + distance(one, other, i, i), 0) / rows.length;
  const scale = distance(one, one, EYES[0][0], EYES[1][0]);
  return (100 * Math.max(mean(EYES.flat()), mean(MOUTH))) / Math.max(scale, 1e-6);
}

/** How sure points are and how much the eyes show, 0 to 1 each, of the patch of a crop. */
export function sight(seen, points, crop, disagreement) {
  const grey = greys(seen);
  const [a, b, c, d] = turning(crop);
  const place = (i) => {
    const [x, y] = [points[3 * i] - crop.x, points[3 * i + 1] - crop.y];
    return [a * x + b * y, c * x + d * y].map((value) => (value / crop.side + 0.5) * GRAIN - 0.5);
  };
  const levels = SKIN.map((i) => level(grey, ...place(i))).sort((p, q) => p - q);
  const skin = (levels[4] + levels[5]) / 2;
  const eyes = EYES.map((eye) => windowOf(place(eye[0]), place(eye[3])).map(([x, y]) => level(grey, x, y) / (skin + 1)));
  const means = eyes.map((eye) => eye.reduce((sum, value) => sum + value, 0) / eye.length);
  const spreads = eyes.map((eye, k) => Math.sqrt(eye.reduce((sum, value) => sum + (value - means[k]) ** 2, 0) / eye.length));
  const between = (value, [low, high]) => Math.min(Math.max((value - low) / (high - low), 0), 1);
  // the better of the two: a face half in shadow shows one
  const most = (values, range) => Math.max(...values.map((value) => between(value, range)));
  const alike = Math.exp(-Math.max(disagreement - ALIKE, 0) / 3);
  return { confidence: alike * Math.min(1, skin / LIT), eyes: Math.min(most(means, DARK), most(spreads, BARE)) };
}

/** (GRAIN * GRAIN) grey levels of a patch, means of two by two pixels. */
function greys(seen) {
  const grey = new Float32Array(GRAIN * GRAIN);
  for (let k = 0; k < grey.length; k++) {
    const i = 3 * (2 * Math.floor(k / GRAIN) * PATCH + 2 * (k % GRAIN));
    for (let c = i; c < i + 3; c++) grey[k] += (seen[c] + seen[c + 3] + seen[c + 3 * PATCH] + seen[c + 3 * PATCH + 3] + 2) >> 2;
    grey[k] /= 3;
  }
  return grey;
}

function level(grey, x, y) {
  const [column, row] = [Math.floor(x), Math.floor(y)];
  const inside = (value) => Math.min(Math.max(value, 0), GRAIN - 1);
  const at = (u, v) => grey[inside(row + v) * GRAIN + inside(column + u)];
  const [right, low] = [x - column, y - row];
  return (1 - low) * ((1 - right) * at(0, 0) + right * at(1, 0)) + low * ((1 - right) * at(0, 1) + right * at(1, 1));
}

/** Eight by twelve places on an eye, from corner to corner. */
function windowOf([x, y], [toX, toY]) {
  const [wide, high] = [toX - x, toY - y];
  return Array.from({ length: 96 }, (_, k) => {
    const [u, v] = [(k % 12) / 11, -0.3 + (0.6 * Math.floor(k / 12)) / 7];
    return [x + u * wide - v * high, y + u * high + v * wide];
  });
}
