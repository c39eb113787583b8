// Skin of a head: shaded triangles in a depth buffer, as pixels of a layer of its own; and what a canvas is drawn with.
const LIGHT = [-0.42, -0.5, -0.76];
const processor = {};
const SOFTWARE = /swiftshader|llvmpipe|softpipe|software|basic render/i;

/** What draws on a canvas. Where a program plays the graphics processor, Chromium's own software draws twice as fast. */
export function pen(canvas) {
  processor.played ??= played();
  return canvas.getContext('2d', { willReadFrequently: processor.played });
}

/** Whether a program plays the graphics processor. */
function played() {
  const gl = document.createElement('canvas').getContext('webgl2');
  const facts = gl?.getExtension('WEBGL_debug_renderer_info');
  const name = facts ? gl.getParameter(facts.UNMASKED_RENDERER_WEBGL) : '';
  gl?.getExtension('WEBGL_lose_context')?.loseContext();
  return SOFTWARE.test(name);
}

/** 256 colours from dark over middle to bright, each a function of c in 0 to 2. */
export function ramp([dark, middle, bright], of = word) {
  return Array.from({ length: 256 }, (_, i) => {
    const [a, b, share] = i < 128 ? [dark, middle, i / 128] : [middle, bright, (i - 128) / 127];
    return of(a.map((x, c) => x + (b[c] - x) * share));
  });
}

export class Skin {
  /** triangles: (F, 3) of a mesh; tones: dark, middle and bright skin; side: pixels of the square layer. */
  constructor(triangles, tones, side) {
    Object.assign(this, { triangles, side, tone: Int32Array.from(ramp(tones)), layer: document.createElement('canvas') });
    this.layer.width = this.layer.height = side;
    this.pen = pen(this.layer);
    this.image = this.pen.createImageData(side, side);
    this.pixels = new Int32Array(this.image.data.buffer);
    this.depth = new Float32Array(side * side).fill(Infinity);
    Object.assign(this, { left: side, right: 0, top: side, bottom: 0 }); // of what is drawn
  }

  /** Draws points x, y (P) in pixels of the layer, z (P) away, under `light` (P). */
  draw(px, py, z, light) {
    const { triangles, pixels, depth, side } = this;
    const [[left, right], [top, bottom]] = [px, py].map((places) => reach(places, side));
    // what was drawn before goes, too
    const [first, last, from, to] = [Math.min(left, this.left), Math.max(right, this.right), Math.min(top, this.top), Math.max(bottom, this.bottom)];
    for (let row = from * side; row < to * side; row += side) {
      pixels.fill(0, row + first, row + last);
      depth.fill(Infinity, row + first, row + last);
    }
    for (let f = 0; f < triangles.length; f += 3) fill(this, px, py, z, light, triangles[f], triangles[f + 1], triangles[f + 2]);
    Object.assign(this, { left, right, top, bottom });
    this.grow();
    this.pen.putImageData(this.image, 0, 0, first, from, last - first, to - from);
  }

  /** One more pixel around all that is covered, so that a smooth outline can cut the steps off. */
  grow() {
    const { pixels, depth, side, left, right, top, bottom } = this;
    const [from, to] = [left, right].map((x) => Math.min(side - 1, Math.max(1, x))); // the layer's edge has no neighbours
    for (let y = Math.max(1, top); y < Math.min(side - 1, bottom); y++) {
      for (let at = y * side + from; at < y * side + to; at++) {
        if (depth[at] !== Infinity) continue;
        if (depth[at - side] !== Infinity) pixels[at] = pixels[at - side];
        else if (depth[at + side] !== Infinity) pixels[at] = pixels[at + side];
        else if (depth[at - 1] !== Infinity) pixels[at] = pixels[at - 1];
        else if (depth[at + 1] !== Infinity) pixels[at] = pixels[at + 1];
      }
    }
  }
}

/** Rows or columns that places reach, with two more around them, from the first one to behind the last, within a layer. */
function reach(places, side) {
  let [low, high] = [side, 0];
  for (const place of places) {
    if (place < low) low = place;
    if (place > high) high = place;
  }
  return [Math.max(0, Math.floor(low) - 2), Math.min(side, Math.ceil(high) + 2)];
}

/** Shades a triangle where nothing is nearer. Numbers only: this is what a frame waits for. */
function fill(skin, px, py, z, light, a, b, c) {
  const { pixels, depth, side, tone } = skin;
  const area = (px[b] - px[a]) * (py[c] - py[a]) - (px[c] - px[a]) * (py[b] - py[a]);
  if (Math.abs(area) < 1e-6) return;
  // barycentric coordinates q of b and r of c grow by ub and uc with x, by vb and vc with y
  const ub = (py[c] - py[a]) / area;
  const uc = (py[a] - py[b]) / area;
  const vb = (px[a] - px[c]) / area;
  const vc = (px[b] - px[a]) / area;
  const zb = z[b] - z[a];
  const zc = z[c] - z[a];
  const lb = light[b] - light[a];
  const lc = light[c] - light[a];
  const dz = ub * zb + uc * zc;
  const dl = ub * lb + uc * lc;
  const left = Math.max(0, Math.floor(Math.min(px[a], px[b], px[c]) - 0.5));
  const right = Math.min(side - 1, Math.ceil(Math.max(px[a], px[b], px[c]) - 0.5));
  const top = Math.max(0, Math.floor(Math.min(py[a], py[b], py[c]) - 0.5));
  const bottom = Math.min(side - 1, Math.ceil(Math.max(py[a], py[b], py[c]) - 0.5));
  for (let y = top; y <= bottom; y++) {
    const dy = y + 0.5 - py[a];
    const q = vb * dy + ub * (0.5 - px[a]);
    const r = vc * dy + uc * (0.5 - px[a]);
    const from = entry(q, ub, entry(r, uc, entry(1 - q - r, -ub - uc, left)));
    const to = exit(q, ub, exit(r, uc, exit(1 - q - r, -ub - uc, right)));
    let far = z[a] + (q + ub * from) * zb + (r + uc * from) * zc;
    let l = light[a] + (q + ub * from) * lb + (r + uc * from) * lc;
    for (let x = from, at = y * side + from; x <= to; x++, at++, far += dz, l += dl) {
      if (far >= depth[at]) continue;
      depth[at] = far;
      pixels[at] = tone[l & 255];
    }
  }
}

/** First column from `left` on in which a line (value at 0, slope) that rises is not below 0. */
function entry(value, slope, left) {
  return slope > 0 ? Math.max(left, Math.ceil(-(value + 1e-4) / slope)) : left;
}

/** Last column up to `right` in which a line that falls is not below 0; one before all where a level line is. */
function exit(value, slope, right) {
  if (slope < 0) return Math.min(right, Math.floor(-(value + 1e-4) / slope));
  return slope === 0 && value < -1e-4 ? -1 : right;
}

/** A colour as one pixel of an image, opaque. */
function word([r, g, b]) {
  return (255 << 24) | (b << 16) | (g << 8) | r;
}

/** Brightness of every point, 0 to 255, from the mean of its triangles' directions. */
export function lit(xyz, triangles) {
  const normals = new Float32Array(xyz.length);
  for (let f = 0; f < triangles.length; f += 3) {
    const [i, j, k] = [3 * triangles[f], 3 * triangles[f + 1], 3 * triangles[f + 2]];
    const [ux, uy, uz] = [xyz[j] - xyz[i], xyz[j + 1] - xyz[i + 1], xyz[j + 2] - xyz[i + 2]];
    const [vx, vy, vz] = [xyz[k] - xyz[i], xyz[k + 1] - xyz[i + 1], xyz[k + 2] - xyz[i + 2]];
    const n = [uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx];
    for (const p of [i, j, k]) for (let c = 0; c < 3; c++) normals[p + c] += n[c];
  }
  const out = new Float32Array(xyz.length / 3);
  for (let p = 0; p < out.length; p++) {
    const [x, y, z] = normals.subarray(3 * p, 3 * p + 3);
    const length = Math.hypot(x, y, z) || 1;
    const facing = (x * LIGHT[0] + y * LIGHT[1] + z * LIGHT[2]) / length;
    const front = Math.max(0, -z / length);
    out[p] = Math.min(255, 26 + 128 * Math.max(0, facing) + 66 * front + 34 * Math.max(0, facing) ** 12);
  }
  return out;
}
