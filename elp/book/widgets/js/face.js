// A head drawn from the face model's mesh: shaded skin, and smooth shapes on it for eyes, brows, lips and hair. Only the
// mesh's own movement comes from the model; hair, colours and where the eyes look are drawing.
import { between, css, Features, hull, round } from './features.js';
import { lit, pen, Skin } from './raster.js';

const SKIN = 400; // pixels of a side of the shaded layer, at most: its edges are cut smoothly, it may be coarse
const FINEST = 900; // pixels of a side of what is shown
const ASIDE = 0.3; // sine of a head's turn from which the nose may hide an eye
const VIEW = 24; // cm that the canvas shows
const RAISED = 0.5; // cm by which the head sits above the middle
const DISTANCE = 48; // cm from the camera to the middle of the head: near enough to see perspective
const EYEBALL = 1.25; // cm
const IRIS = 0.64; // cm

export const LOOKS = {
  speaker: { skin: [[112, 66, 44], [203, 141, 103], [236, 187, 150]], lip: [[96, 38, 34], [166, 84, 74], [205, 130, 116]], brow: [[52, 32, 22], [86, 56, 40], [112, 76, 56]], hair: '#2a1d18', glow: '#4a342b', iris: [78, 52, 32], shirt: '#8a5a3c', length: 1.03 },
  listener: { skin: [[132, 84, 66], [226, 173, 143], [250, 219, 196]], lip: [[112, 46, 48], [190, 96, 92], [226, 150, 142]], brow: [[96, 60, 40], [142, 96, 66], [176, 126, 92]], hair: '#5a3520', glow: '#8a5836', iris: [58, 96, 110], shirt: '#2f6d86', length: 1.17 },
};

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
  /** mesh: arrays "mean", "basis", "rows", "triangles" and lists oval, eyes, lips, brows, nose; look: of LOOKS. */
  constructor(canvas, mesh, look, mean = mesh.mean) {
    Object.assign(this, { canvas, mesh, look, mean, context: pen(canvas), turn: [0, 0], gaze: [0, 0] });
    this.features = new Features(look);
  }

  resize() {
    const sharp = Math.min(window.devicePixelRatio || 1, 2);
    const size = Math.round(Math.max(160, Math.min(FINEST, sharp * this.canvas.clientWidth)));
    if (this.size === size) return;
    this.size = this.canvas.width = this.canvas.height = size;
    this.skin = new Skin(this.mesh.triangles, this.look.skin, Math.min(SKIN, size));
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
    const count = xyz.length / 3;
    const [px, py, pz] = [0, 1, 2].map(() => new Float32Array(count));
    const places = [];
    const share = this.skin.side / this.size;
    for (let i = 0; i < count; i++) {
      places.push(at(xyz.subarray(3 * i, 3 * i + 3)));
      [px[i], py[i], pz[i]] = [share * places[i][0], share * places[i][1], xyz[3 * i + 2]];
    }
    const light = lit(xyz, this.mesh.triangles);
    this.skin.draw(px, py, pz, light);
    this.behind(turned, at, scale);
    this.face(places, light, turned, at, scale);
    this.hair(turned, at, scale);
  }

  /** The eyes, the skin around them, and what is painted on it. */
  face(places, light, turned, at, scale) {
    const { context: c, mesh, features } = this;
    const row = (points) => points.map((p) => places[p]);
    const [eyes, radius] = [mesh.eyes.map((lids) => lids.map(row)), IRIS * scale];
    mesh.eyes.forEach(([upper], k) => features.eye(c, ...eyes[k], this.iris(upper, turned, at), radius));
    this.cover(hull(places), eyes);
    for (const lids of eyes) features.lashes(c, ...lids, radius);
    for (const [upper, lower] of mesh.brows) features.eyebrow(c, row(upper), row(lower), [light[upper[0]], light[upper.at(-1)]]);
    features.lips(c, mesh.lips.map(row), mesh.lips.map((points) => light[points[points.length >> 1]]));
    if (Math.abs(turned([0, 0, 1])[0] - turned([0, 0, 0])[0]) > ASIDE) this.cover(hull(row(mesh.nose)));
  }

  /** Skin within an outline, but for the openings between rows of points. */
  cover(outline, openings = []) {
    const { context: c, size, skin } = this;
    c.save();
    c.beginPath();
    round(c, outline);
    for (const [upper, lower] of openings) between(c, upper, lower);
    c.clip('evenodd'); // no pattern: each would keep a copy of the layer until garbage is collected
    c.drawImage(skin.layer, 0, 0, size, size);
    c.restore();
  }

  /** Where the middle of an iris is seen: on the front of a ball behind the lids, which looks where the gaze goes, however
   *  the head turns. */
  iris(lid, turned, at) {
    const { mean, gaze } = this;
    const [outer, inner] = [lid[0], lid.at(-1)];
    const middle = [0, 1, 2].map((i) => (mean[3 * outer + i] + mean[3 * inner + i]) / 2);
    const ball = turned([middle[0], middle[1], middle[2] + 0.75]);
    return at([ball[0] + EYEBALL * gaze[0], ball[1] + EYEBALL * gaze[1] - 0.05, ball[2] - EYEBALL]);
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
    c.beginPath();
    round(c, outline);
    c.fill();
    const [sway] = turned([0, 6, 4]);
    const middle = size / 2 + 0.35 * sway * scale;
    const [shoulder, neck] = [15.6 * scale, 11.2 * scale];
    const [left, right] = [at(turned([-4.4, 4.2, 4])), at(turned([4.4, 4.2, 4]))];
    const skin = c.createLinearGradient(0, left[1], 0, shoulder + 2 * scale);
    skin.addColorStop(0, css(look.skin[0]));
    skin.addColorStop(0.4, css(look.skin[0].map((x, i) => (x + look.skin[1][i]) / 2))); // the chin's shadow
    skin.addColorStop(1, css(look.skin[1]));
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
    c.beginPath();
    round(c, this.ring(turned, at, () => [0.995, 0]));
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
    c.beginPath();
    round(c, [...outer, ...line.reverse()]);
    c.fill();
  }
}

/** What `Face` draws, from a model's arrays and the facts of elp.book.widgets.face. */
export function meshOf(w, face) {
  const whole = (name) => Uint16Array.from(w[`face.${name}`]);
  return { ...face, mean: w['face.mean'], basis: w['face.basis'], triangles: whole('triangles'), rows: [...whole('rows')] };
}
