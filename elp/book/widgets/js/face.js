// A head drawn from the face model's mesh: shaded triangles in a depth buffer, painted hair, neck and eyes. Only the
// mesh's own movement comes from the model; hair, colours and where the eyes look are drawing.
const EYE = 3; // what triangles are painted as from here on is not skin
const VIEW = 24; // cm that the canvas shows
const RAISED = 0.5; // cm by which the head sits above the middle
const DISTANCE = 48; // cm from the camera to the middle of the head: near enough to see perspective
const EYEBALL = 1.25; // cm
const LIGHT = [-0.42, -0.5, -0.76];

export const LOOKS = {
  speaker: { skin: [[112, 66, 44], [203, 141, 103], [236, 187, 150]], lip: [[96, 38, 34], [166, 84, 74], [205, 130, 116]], brow: [[52, 32, 22], [86, 56, 40], [112, 76, 56]], hair: '#2a1d18', glow: '#4a342b', iris: [78, 52, 32], shirt: '#8a5a3c', length: 1.03 },
  listener: { skin: [[132, 84, 66], [226, 173, 143], [250, 219, 196]], lip: [[112, 46, 48], [190, 96, 92], [226, 150, 142]], brow: [[96, 60, 40], [142, 96, 66], [176, 126, 92]], hair: '#5a3520', glow: '#8a5836', iris: [58, 96, 110], shirt: '#2f6d86', length: 1.17 },
};

/** 256 pixels from dark over middle to bright. */
function ramp([dark, middle, bright]) {
  return Int32Array.from({ length: 256 }, (_, i) => {
    const [a, b, share] = i < 128 ? [dark, middle, i / 128] : [middle, bright, (i - 128) / 127];
    return word(a.map((x, c) => x + (b[c] - x) * share));
  });
}

/** Turns (x, y, z) by a rotation vector; returns a function of one point. */
function rotation([x, y, z]) {
  const angle = Math.hypot(x, y, z) || 1e-9;
  const [a, b, c, s, d] = [x / angle, y / angle, z / angle, Math.sin(angle), Math.cos(angle)];
  return ([p, q, r]) => {
    const dot = (a * p + b * q + c * r) * (1 - d);
    return [p * d + (b * r - c * q) * s + a * dot, q * d + (c * p - a * r) * s + b * dot, r * d + (a * q - b * p) * s + c * dot];
  };
}

export class Face {
  /** mesh: arrays "mean", "basis", "rows", "triangles", "kinds", "blink" and lists oval, eyes; look: of LOOKS. */
  constructor(canvas, mesh, look, mean = mesh.mean) {
    Object.assign(this, { canvas, mesh, look, mean });
    this.context = canvas.getContext('2d');
    this.layer = document.createElement('canvas');
    const mouth = [70, 24, 28];
    this.tones = [look.skin, look.lip, look.brow, null, [mouth, mouth, mouth]].map((tone) => tone && ramp(tone));
    this.fine = 2; // pixels to one that is shown: scaling smooths the edges
    this.turn = [0, 0];
    this.gaze = [0, 0];
  }

  resize() {
    const size = Math.round(Math.max(160, Math.min(280 * this.fine, this.fine * this.canvas.clientWidth)));
    if (this.size === size) return;
    this.size = size;
    for (const canvas of [this.canvas, this.layer]) canvas.width = canvas.height = size;
    this.image = this.layer.getContext('2d').createImageData(size, size);
    this.pixels = new Int32Array(this.image.data.buffer);
    this.depth = new Float32Array(size * size);
  }

  /** Mesh points (P, 3) in cm of an expression β (D), lids closed by a share, turned by p. */
  points(beta, closed, turned) {
    const { mesh, mean } = this;
    const out = Float32Array.from(mean);
    mesh.rows.forEach((row, k) => {
      const lid = mesh.lids.indexOf(row);
      const weight = lid < 0 ? beta[row] : beta[row] + closed * (mesh.blink[lid] - beta[row]);
      const at = k * out.length;
      for (let i = 0; i < out.length; i++) out[i] += weight * mesh.basis[at + i];
    });
    for (let i = 0; i < out.length; i += 3) out.set(turned([out[i], out[i + 1], out[i + 2]]), i);
    return out;
  }

  /** Draws one frame: β (D), lids closed by a share in [0, 1], p (6). */
  draw(beta, closed, pose) {
    this.resize();
    const head = rotation(pose);
    const view = rotation([this.turn[1], this.turn[0], 0]);
    const turned = (p) => {
      const [x, y, z] = head(p);
      return view([x + pose[3], y + pose[4], z]);
    };
    const xyz = this.points(beta, closed, turned);
    const scale = this.size / VIEW;
    const at = ([x, y, z]) => {
      const near = (scale * DISTANCE) / (DISTANCE + z);
      return [this.size / 2 + x * near, this.size / 2 + y * near - RAISED * scale];
    };
    this.behind(turned, at, scale);
    this.shade(xyz, this.eyes(turned, at, scale), scale);
    this.context.drawImage(this.layer, 0, 0);
    this.hair(turned, at, scale);
  }

  /** Shoulders, neck and the back of the hair. */
  behind(turned, at, scale) {
    const { context: c, size, look } = this;
    c.clearRect(0, 0, size, size);
    c.save();
    c.beginPath();
    c.rect(0, 0, size, size);
    c.clip();
    const outline = this.ring(turned, at, (f) => [1.17 + 0.1 * f, 3.5]);
    c.fillStyle = look.hair;
    this.closed(outline);
    c.fill();
    const [sway] = turned([0, 6, 4]);
    const middle = size / 2 + 0.35 * sway * scale;
    const [shoulder, neck] = [15.6 * scale, 11.2 * scale];
    const [left, right] = [at(turned([-4.4, 4.2, 4])), at(turned([4.4, 4.2, 4]))];
    const skin = c.createLinearGradient(0, left[1], 0, shoulder + 2 * scale);
    skin.addColorStop(0, css(look.skin[0]));
    skin.addColorStop(0.75, css(look.skin[1]));
    c.fillStyle = skin;
    c.beginPath();
    c.moveTo(...left);
    c.quadraticCurveTo(middle - 3.4 * scale, neck + 4 * scale, middle - 5.4 * scale, shoulder + 5 * scale);
    c.lineTo(middle + 5.4 * scale, shoulder + 5 * scale);
    c.quadraticCurveTo(middle + 3.4 * scale, neck + 4 * scale, ...right);
    c.closePath();
    c.fill();
    const cloth = c.createLinearGradient(0, shoulder, size, size);
    cloth.addColorStop(0, look.shirt);
    cloth.addColorStop(1, '#1d2a33');
    c.fillStyle = cloth;
    c.beginPath();
    c.moveTo(-1, size + 1);
    c.bezierCurveTo(0.6 * scale, shoulder + 4.2 * scale, middle - 8.5 * scale, shoulder + 4.6 * scale, middle - 4.6 * scale, shoulder + 2.6 * scale);
    c.quadraticCurveTo(middle, shoulder + 6.6 * scale, middle + 4.6 * scale, shoulder + 2.6 * scale);
    c.bezierCurveTo(middle + 8.5 * scale, shoulder + 4.6 * scale, size - 0.6 * scale, shoulder + 4.2 * scale, size + 1, size + 1);
    c.closePath();
    c.fill();
    // the skin below the mesh's edge, so that it is not seen as steps
    c.fillStyle = css(look.skin[1].map((x, i) => (x + look.skin[0][i]) / 2));
    this.closed(this.ring(turned, at, () => [0.995, 0]));
    c.fill();
    c.restore();
  }

  /** The outline of the face, each point moved outwards by a factor and back by cm; f is 1 at the top, -1 at the chin. */
  ring(turned, at, out) {
    const { mean, mesh: { oval } } = this;
    return oval.map((p) => {
      const [x, y, z] = mean.subarray(3 * p, 3 * p + 3);
      const [factor, back] = out(-y / 8);
      const below = y > 2 ? this.look.length / 1.17 : 1;
      return at(turned([x * factor * below, y * factor * below, z + back]));
    });
  }

  closed(points) {
    const { context: c } = this;
    c.beginPath();
    points.forEach(([x, y], i) => {
      const [p, q] = points[(i + 1) % points.length];
      if (i === 0) c.moveTo((x + p) / 2, (y + q) / 2);
      else c.quadraticCurveTo(x, y, (x + p) / 2, (y + q) / 2);
    });
    const [[x, y], [p, q]] = points;
    c.quadraticCurveTo(x, y, (x + p) / 2, (y + q) / 2);
    c.closePath();
  }

  /** The hair over the forehead. */
  hair(turned, at, scale) {
    const { context: c, mean, mesh: { oval }, look } = this;
    const upper = [...oval.slice(27), ...oval.slice(0, 10)]; // from the subject's right temple to the left one
    const point = (p, factor, down, back) => {
      const [x, y, z] = mean.subarray(3 * p, 3 * p + 3);
      return at(turned([x * factor, y * factor + down, z + back]));
    };
    const sides = upper.map((_, i) => (2 * i) / (upper.length - 1) - 1); // -1 at one temple, 1 at the other
    const outer = upper.map((p, i) => point(p, 1.19, -0.4 - 1.1 * (1 - sides[i] ** 2), 2.2));
    const line = upper.map((p, i) => {
      const side = sides[i];
      return point(p, 0.99, 0.7 * Math.max(0, 1 - Math.abs(side + 0.3) ** 1.5), 0.1);
    });
    const [, top] = at(turned([0, -10.5, 2]));
    const shine = c.createLinearGradient(0, top, 0, top + 8 * scale);
    shine.addColorStop(0, look.glow);
    shine.addColorStop(0.8, look.hair);
    c.fillStyle = shine;
    this.closed([...outer, ...line.reverse()]);
    c.fill();
  }

  /** Where each iris is: its middle in pixels, its radius, how closed the light falls on it. */
  eyes(turned, at, scale) {
    const { mean, mesh, gaze } = this;
    return mesh.eyes.map(([outer, inner]) => {
      const middle = [0, 1, 2].map((i) => (mean[3 * outer + i] + mean[3 * inner + i]) / 2);
      // behind the lids sits a ball; what is on its front looks where the gaze goes, however the head turns
      const ball = turned([middle[0], middle[1], middle[2] + 0.75]);
      const [x, y] = at([ball[0] + EYEBALL * gaze[0], ball[1] + EYEBALL * gaze[1] - 0.05, ball[2] - EYEBALL]);
      return { x, y, radius: 0.64 * scale };
    });
  }

  shade(xyz, eyes, scale) {
    const { mesh, size, depth, pixels } = this;
    const count = xyz.length / 3;
    const [px, py] = [new Float32Array(count), new Float32Array(count)];
    for (let i = 0; i < count; i++) {
      const near = (scale * DISTANCE) / (DISTANCE + xyz[3 * i + 2]);
      px[i] = size / 2 + xyz[3 * i] * near;
      py[i] = size / 2 + xyz[3 * i + 1] * near - RAISED * scale;
    }
    const light = lit(xyz, mesh);
    pixels.fill(0);
    depth.fill(Infinity);
    const { triangles, kinds } = mesh;
    for (let f = 0; f < kinds.length; f++) {
      const a = triangles[3 * f];
      const b = triangles[3 * f + 1];
      const c = triangles[3 * f + 2];
      fill(this, kinds[f], px, py, xyz, light, a, b, c, eyes);
    }
    this.layer.getContext('2d').putImageData(this.image, 0, 0);
  }

  /** Colour of a pixel between the lids. */
  iris(x, y, eyes) {
    const eye = Math.abs(x - eyes[0].x) < Math.abs(x - eyes[1].x) ? eyes[0] : eyes[1];
    const dx = (x - eye.x) / eye.radius;
    const dy = (y - eye.y) / eye.radius;
    const far = Math.hypot(dx, dy);
    if ((dx + 0.3) ** 2 + (dy + 0.32) ** 2 < 0.05) return -197380; // nearly white
    const pupil = smooth(far, 0.44, 0.34);
    const iris = smooth(far, 1.04, 0.94);
    const shade = (far > 0.8 ? 0.75 : 1) * (0.95 + 0.35 * dy);
    const shadow = 0.8 + 0.17 * Math.min(1, Math.max(0, dy + 0.9));
    const channel = (c, bright) => {
      const white = bright * shadow;
      return (white + iris * (Math.min(255, this.look.iris[c] * shade * 1.3) - white)) * (1 - 0.9 * pupil);
    };
    return (255 << 24) | (channel(2, 230) << 16) | (channel(1, 235) << 8) | channel(0, 240);
  }
}

/** Shades a triangle where nothing is nearer. Numbers only: this is what a frame waits for. */
function fill(face, kind, px, py, xyz, light, a, b, c, eyes) {
  const { pixels, depth, size } = face;
  const tone = face.tones[kind];
  const area = (px[b] - px[a]) * (py[c] - py[a]) - (px[c] - px[a]) * (py[b] - py[a]);
  if (Math.abs(area) < 1e-6) return;
  // barycentric coordinates q of b and r of c grow by ub and uc with x, by vb and vc with y
  const ub = (py[c] - py[a]) / area;
  const uc = (py[a] - py[b]) / area;
  const vb = (px[a] - px[c]) / area;
  const vc = (px[b] - px[a]) / area;
  const za = xyz[3 * a + 2];
  const zb = xyz[3 * b + 2] - za;
  const zc = xyz[3 * c + 2] - za;
  const lb = light[b] - light[a];
  const lc = light[c] - light[a];
  const dz = ub * zb + uc * zc;
  const dl = ub * lb + uc * lc;
  const left = Math.max(0, Math.floor(Math.min(px[a], px[b], px[c]) - 0.5));
  const right = Math.min(size - 1, Math.ceil(Math.max(px[a], px[b], px[c]) - 0.5));
  const top = Math.max(0, Math.floor(Math.min(py[a], py[b], py[c]) - 0.5));
  const bottom = Math.min(size - 1, Math.ceil(Math.max(py[a], py[b], py[c]) - 0.5));
  for (let y = top; y <= bottom; y++) {
    const dy = y + 0.5 - py[a];
    const q = vb * dy + ub * (0.5 - px[a]);
    const r = vc * dy + uc * (0.5 - px[a]);
    const from = entry(q, ub, entry(r, uc, entry(1 - q - r, -ub - uc, left)));
    const to = exit(q, ub, exit(r, uc, exit(1 - q - r, -ub - uc, right)));
    let z = za + (q + ub * from) * zb + (r + uc * from) * zc;
    let l = light[a] + (q + ub * from) * lb + (r + uc * from) * lc;
    for (let x = from, at = y * size + from; x <= to; x++, at++, z += dz, l += dl) {
      if (z >= depth[at]) continue;
      depth[at] = z;
      pixels[at] = tone ? tone[l & 255] : face.iris(x, y, eyes);
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

/** 0 at `none`, 1 at `whole`, a smooth step between. */
function smooth(x, none, whole) {
  const share = Math.max(0, Math.min(1, (x - none) / (whole - none)));
  return share * share * (3 - 2 * share);
}

/** A colour as one pixel of an image, opaque. */
function word([r, g, b]) {
  return (255 << 24) | (b << 16) | (g << 8) | r;
}

function css([r, g, b]) {
  return `rgb(${r | 0} ${g | 0} ${b | 0})`;
}

/** Brightness of every point, 0 to 255, from the mean of its triangles' directions. */
function lit(xyz, { triangles, kinds }) {
  const normals = new Float32Array(xyz.length);
  for (let f = 0; f < kinds.length; f++) {
    if (kinds[f] >= EYE) continue;
    const [i, j, k] = [3 * triangles[3 * f], 3 * triangles[3 * f + 1], 3 * triangles[3 * f + 2]];
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
    const fill = Math.max(0, -z / length);
    out[p] = Math.min(255, 26 + 128 * Math.max(0, facing) + 66 * fill + 34 * Math.max(0, facing) ** 12);
  }
  return out;
}

/** What `Face` draws, from a model's arrays and the facts of elp.book.widgets.face. */
export function meshOf(w, face) {
  const whole = (name) => Uint16Array.from(w[`face.${name}`]);
  return { ...face, mean: w['face.mean'], basis: w['face.basis'], triangles: whole('triangles'), kinds: whole('kinds'), rows: [...whole('rows')] };
}
