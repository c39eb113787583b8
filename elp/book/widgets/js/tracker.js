// The face that a reader's camera sees: detectors, crop, 478 points and how well they are seen, as elp.media.people and
// elp.media.sight find them. One face, the largest, is followed until it is lost. Networks run by LiteRT.
import { litert } from './litert.js';
import { patch, turning } from './picture.js';
import { EYES, apart, second, sight } from './sight.js';

const SIDE = 256; // pixels of the landmark network's patch
const MARGIN = 1.5; // of its crop around points or a detected box
const SURE = 0.5; // of a face, each network's own measure
const OVERLAP = 0.3; // intersection over union beyond which two boxes are one face
const LEAST = 350; // pixels: side of the smallest tiles
const CUT = 25; // grey levels between two pictures of different takes
const AGAIN = 12; // pictures between two second looks
const FALSE = 7; // two looks apart beyond which there is no face, hundredths of the eyes' distance
const COSTS = { near: 0.5, far: 1, face: 3 }; // looks of networks, saved up while there is a face
const INCOME = 0.8;
const SAVINGS = 100;
const inputs = {}; // places for a network's input, by its length
const DETECTORS = { near: [128, [[16, 2], [8, 6]]], far: [192, [[48, 1]]] };

/** A tracker; all arguments are bytes: near, far and landmarks are tflite files, core and utils LiteRT's modules, script
 *  and binary its loader and its WebAssembly. Nothing is fetched.
 *
 *  `await track(picture)` takes { data, width, height } as of ImageData, and gives { points (478 * 3, pixels),
 *  confidence, eyes } or null where no face is seen. One call at a time. */
export async function createTracker({ core, utils, script, binary, ...models }) {
  const open = await litert({ core, utils, script, binary });
  const networks = {};
  for (const [name, model] of Object.entries(models)) networks[name] = await open(model);
  return new Tracker(networks);
}

class Tracker {
  constructor(networks) {
    this.networks = networks;
    this.forget();
  }

  /** As if the next picture were the first. */
  forget() {
    Object.assign(this, { crop: null, before: null, savings: SAVINGS, tile: 0, looked: 0, apart: 0 });
  }

  close() {
    for (const each of Object.values(this.networks)) each.close();
  }

  async track({ data, width, height }) {
    const picture = { data, width, height, channels: 4 };
    const cut = this.notice(picture);
    if (cut) this.crop = null;
    this.savings = Math.min(this.savings + INCOME, SAVINGS);
    return (this.crop && (await this.follow(picture))) || this.search(picture, cut);
  }

  /** Whether nearly all of the picture changed, or its size. */
  notice({ data, width, height, channels }) {
    const step = Math.max(1, Math.floor(Math.min(width, height) / 36));
    const small = [];
    for (let y = step >> 1; y < height; y += step) {
      for (let x = step >> 1; x < width; x += step) small.push(data[channels * (y * width + x) + 1]);
    }
    const last = this.before;
    this.before = small;
    if (last?.length !== small.length) return true;
    return small.reduce((sum, value, i) => sum + Math.abs(value - last[i]), 0) / small.length > CUT;
  }

  async follow(picture) {
    const crop = this.crop;
    const { points, sure, seen } = await this.landmarks(picture, crop);
    this.crop = sure < SURE ? null : around(points);
    if (!this.crop) return null;
    if (++this.looked >= AGAIN) {
      const found = await this.again(picture, crop, points);
      if (found > FALSE) {
        this.crop = null;
        return null;
      }
      Object.assign(this, { apart: (this.apart + found) / 2, looked: 0 });
    }
    return { points, ...sight(seen, points, crop, this.apart) };
  }

  /** How far a second look at a face is from the first. */
  async again(picture, crop, points) {
    return apart(points, (await this.landmarks(picture, second(crop))).points);
  }

  /** A face in the whole picture, then in tiles; in all of them after a cut, else in the next two, as far as savings
   *  reach. */
  async search(picture, cut) {
    const { width, height } = picture;
    const whole = { x: width / 2, y: height / 2, side: Math.max(width, height), angle: 0 };
    let rows = tiles(height, width);
    if (!cut) {
      rows = Array.from({ length: Math.min(2, rows.length) }, (_, k) => rows[(this.tile + k) % rows.length]);
      this.tile += 2;
    }
    const looks = [['near', whole], ['far', whole], ...rows.map((tile) => ['far', tile])];
    for (const [which, window] of looks) {
      if (this.savings < COSTS[which]) return null;
      this.savings -= COSTS[which];
      const faces = await this.faces(picture, which, window);
      for (const face of faces.sort((one, other) => other[3] * other[4] - one[3] * one[4])) {
        const met = await this.meet(picture, cropOf(face));
        if (met) return met;
      }
    }
    if (cut) this.savings = 0; // all was searched: no reason to hurry
    return null;
  }

  async meet(picture, detected) {
    this.savings -= COSTS.face;
    const first = await this.landmarks(picture, detected);
    if (first.sure < SURE) return null;
    const crop = around(first.points); // once more, upright and centred, as it will be followed
    const { points, sure, seen } = await this.landmarks(picture, crop);
    if (sure < SURE) return null;
    const found = await this.again(picture, crop, points);
    if (found > FALSE) return null;
    Object.assign(this, { crop: around(points), apart: found, looked: 0 });
    return { points, ...sight(seen, points, crop, found) };
  }

  /** Points in pixels of the picture, how sure the network is of a face, and the patch that it saw. */
  async landmarks(picture, crop) {
    const seen = patch(picture, crop, SIDE);
    const [found, logit] = await this.networks.landmarks.run(levels(seen, 255, 0));
    const scale = Math.fround(crop.side / SIDE);
    const [a, b, c, d] = turning(crop);
    const points = found.map((value) => value * scale);
    for (let i = 0; i < points.length; i += 3) {
      const x = Math.fround(points[i] - crop.side / 2);
      const y = Math.fround(points[i + 1] - crop.side / 2);
      points[i] = x * a + y * c + crop.x;
      points[i + 1] = x * b + y * d + crop.y;
    }
    return { points, sure: logistic(logit[0]), seen };
  }

  /** Rows of score, centre, width, height and six points, in pixels, of the faces in a square window. */
  async faces(picture, which, window) {
    const [side, grids] = DETECTORS[which];
    const seen = patch(picture, window, side);
    const [offsets, logits] = await this.networks[which].run(levels(seen, 127.5, -1));
    const rows = [];
    anchors(grids).forEach(([x, y], k) => {
      const score = logistic(logits[k]);
      if (score <= SURE) return;
      const row = Array.from(offsets.subarray(16 * k, 16 * k + 16), (value, i) => {
        const share = value / side;
        if (i === 2 || i === 3) return share * window.side; // a size
        return i % 2
          ? (share + y) * window.side + window.y - window.side / 2
          : (share + x) * window.side + window.x - window.side / 2;
      });
      rows.push([score, ...row]);
    });
    return merged(rows);
  }
}

/** One row for each face: boxes that overlap are averaged by score (BlazeFace, section 4.2). */
export function merged(rows) {
  const out = [];
  let left = [...rows].sort((one, other) => other[0] - one[0]);
  while (left.length) {
    const [best] = left;
    const same = left.filter((row) => overlap(row, best) > OVERLAP);
    const total = same.reduce((sum, row) => sum + row[0], 0);
    out.push(best.map((score, i) => (i ? same.reduce((sum, row) => sum + row[0] * row[i], 0) / total : score)));
    left = left.filter((row) => !same.includes(row));
  }
  return out;
}

function overlap(one, other) {
  const [wide, high] = [0, 1].map((k) => {
    const low = Math.max(one[1 + k] - one[3 + k] / 2, other[1 + k] - other[3 + k] / 2);
    return Math.max(0, Math.min(one[1 + k] + one[3 + k] / 2, other[1 + k] + other[3 + k] / 2) - low);
  });
  return (wide * high) / Math.max(one[3] * one[4] + other[3] * other[4] - wide * high, 1e-9);
}

function cropOf(face) {
  const angle = Math.atan2(face[8] - face[6], face[7] - face[5]);
  return { x: face[1], y: face[2], side: MARGIN * Math.max(face[3], face[4]), angle };
}

/** The crop for the next picture: upright by the eyes, around the points' box. */
export function around(points) {
  const [right, left] = EYES.map((eye) => 3 * eye[0]);
  const angle = Math.fround(Math.atan2(points[left + 1] - points[right + 1], points[left] - points[right]));
  const [a, b, c, d] = turning({ angle });
  const low = [Infinity, Infinity];
  const high = [-Infinity, -Infinity];
  for (let i = 0; i < points.length; i += 3) {
    const upright = [a * points[i] + b * points[i + 1], c * points[i] + d * points[i + 1]];
    upright.forEach((value, k) => {
      low[k] = Math.min(low[k], value);
      high[k] = Math.max(high[k], value);
    });
  }
  const [x, y] = low.map((value, k) => (value + high[k]) / 2);
  const side = MARGIN * Math.max(high[0] - low[0], high[1] - low[1]);
  return { x: x * a + y * c, y: x * b + y * d, side, angle };
}

/** Overlapping square windows of a picture: of its shorter side, then of half and a quarter of it. */
export function tiles(height, width) {
  const out = [];
  for (const parts of [1, 2, 4]) {
    const side = Math.min(height, width) / parts;
    if (side < LEAST && parts > 1) break;
    for (const y of centres(height, side)) for (const x of centres(width, side)) out.push({ x, y, side, angle: 0 });
  }
  return out;
}

function centres(length, side) {
  const count = Math.ceil((1.5 * length) / side - 0.5);
  return Array.from({ length: count }, (_, k) => (count > 1 ? (k * (length - side)) / (count - 1) : 0) + side / 2);
}

/** Centres of a detector's cells, in sides of its window. */
function anchors(grids) {
  return grids.flatMap(([cells, each]) =>
    Array.from({ length: cells * cells * each }, (_, k) => {
      const cell = Math.floor(k / each);
      return [((cell % cells) + 0.5) / cells, (Math.floor(cell / cells) + 0.5) / cells];
    }),
  );
}

/** Grey levels as a network takes them; they hold until the next ones of as many pixels are asked for. */
function levels(seen, whole, add) {
  const table = Float32Array.from({ length: 256 }, (_, level) => Math.fround(level / whole) + add);
  const out = inputs[seen.length] ??= new Float32Array(seen.length);
  for (let i = 0; i < seen.length; i++) out[i] = table[seen[i]];
  return out;
}

function logistic(value) {
  return 1 / (1 + Math.exp(-Math.min(Math.max(value, -80), 80)));
}
