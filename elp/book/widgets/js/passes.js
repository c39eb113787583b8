// A portrait drawn frame by frame, pass over pass, as elp.render's warp, cutout, eyes and mouth do it: WebGL2.
import { cholesky, solved } from './matrices.js';
import { Moving, eased, lipGap, readPortrait } from './portrait.js';
import { EYE_SHADER, LOOK_SHADER, MEDIAN_SHADER, MOUTH_SHADER, QUAD_SHADER, WARP_SHADER, WAY_SHADER } from './shaders.js';

const RIM_POINTS = 80; // as many as the shaders hold
const OTHER_MODEL = 'This portrait is of another face model: make it anew with elp portrait PICTURE -o portrait.bin.';
const NO_DRAWING = 'This browser cannot draw portraits (WebGL2 with float pictures): the drawn face goes on listening.';

/** Draws one portrait on a canvas; `draw` is as `Face.draw`. */
export class Painted {
  /** buffer: a file of `elp portrait`. coefficients: of β. */
  constructor(canvas, buffer, coefficients) {
    this.file = readPortrait(buffer);
    if (this.file.arrays.deviation.length !== coefficients) throw new Error(OTHER_MODEL);
    this.moving = new Moving(this.file);
    const { facts } = this.file;
    this.size = facts.size;
    Object.assign(canvas, { width: this.size, height: this.size });
    const gl = canvas.getContext('webgl2', { antialias: false, alpha: false, depth: false });
    if (!gl?.getExtension('EXT_color_buffer_float')) throw new Error(NO_DRAWING);
    this.gl = gl;
    this.programs = {};
    for (const [name, [vertex, fragment]] of Object.entries({
      way: [WARP_SHADER, WAY_SHADER], median: [QUAD_SHADER, MEDIAN_SHADER], look: [QUAD_SHADER, LOOK_SHADER],
      eye: [QUAD_SHADER, EYE_SHADER], mouth: [QUAD_SHADER, MOUTH_SHADER],
    })) this.programs[name] = new Program(gl, vertex, fragment);
    const picture = (name) => texture(gl, this.file.shapes[name][1], this.file.shapes[name][0], this.file.arrays[name]);
    this.pictures = { person: picture('person'), back: picture('back'), inside: picture('inside') };
    for (const { side } of facts.eyes) Object.assign(this.pictures, { [`ball.${side}`]: picture(`ball.${side}`), [`lid.${side}`]: picture(`lid.${side}`) });
    this.ways = [0, 1].map(() => texture(gl, this.size, this.size, null));
    this.targets = this.ways.map((way) => target(gl, way));
    this.sheet = new Float32Array(12 * (this.moving.triangles.length / 3));
    this.order = Uint32Array.from({ length: this.moving.triangles.length / 3 }, (_, f) => f);
    this.corners = gl.createBuffer();
    this.quad = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, this.quad);
    gl.bufferData(gl.ARRAY_BUFFER, Float32Array.of(0, 0, 1, 0, 0, 1, 1, 1), gl.STATIC_DRAW);
  }

  /** One frame: β (D), lids closed by a share in [0, 1], p (6); both added to the portrait's own. */
  draw(beta, closed, pose) {
    const { moving: { full }, file: { facts } } = this;
    const shown = Float64Array.from(beta);
    for (const k of facts.lids) shown[k] += closed * (full[k] - shown[k]);
    this.paint(this.moving.vertices(shown, Float64Array.from(pose)));
  }

  paint({ moved, depth, skull, closure, gaze }) {
    const { gl, file: { facts } } = this;
    gl.disable(gl.BLEND);
    this.warp(moved, depth);
    this.pass('median', this.targets[1], { way: this.ways[0] }, {});
    this.pass('look', null, { way: this.ways[1], person: this.pictures.person, back: this.pictures.back }, { fine: facts.fine, pad: facts.pad });
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    facts.eyes.forEach((eye, k) => this.eye(eye, k, moved, closure[k], gaze));
    this.mouth(moved, skull);
  }

  /** Where each pixel comes from: triangles painted from far to near, those turned away first. */
  warp(moved, depth) {
    const { gl, sheet, corners, size, moving: { triangles }, file: { facts: { under } } } = this;
    const count = triangles.length / 3;
    const ranks = Float64Array.from({ length: count }, (_, f) => {
      const [a, b, c] = [triangles[3 * f], triangles[3 * f + 1], triangles[3 * f + 2]];
      const [x, y] = [moved[2 * a], moved[2 * a + 1]];
      const area = (moved[2 * b] - x) * (moved[2 * c + 1] - y) - (moved[2 * b + 1] - y) * (moved[2 * c] - x);
      return (area > 0 ? 1e6 : 0) - (depth[a] + depth[b] + depth[c]) / 3 - (f < under ? 2e6 : 0);
    });
    this.order.sort((f, g) => ranks[f] - ranks[g] || f - g);
    this.order.forEach((f, k) => this.corner(moved, f, 12 * k));
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.targets[0]);
    gl.viewport(0, 0, size, size);
    this.programs.way.use({}, { size });
    gl.bindBuffer(gl.ARRAY_BUFFER, corners);
    gl.bufferData(gl.ARRAY_BUFFER, sheet, gl.STREAM_DRAW);
    gl.enableVertexAttribArray(0);
    gl.enableVertexAttribArray(1);
    gl.vertexAttribPointer(0, 2, gl.FLOAT, false, 16, 0);
    gl.vertexAttribPointer(1, 2, gl.FLOAT, false, 16, 8);
    gl.drawArrays(gl.TRIANGLES, 0, 3 * count);
    gl.disableVertexAttribArray(1);
  }

  /** A triangle's corners and how far what they show lies from them, in source pixels, from `at` on in the sheet. */
  corner(moved, f, at) {
    const { sheet, moving: { triangles, rest }, file: { facts: { fine, steep } } } = this;
    const [a, b, c] = [2 * triangles[3 * f], 2 * triangles[3 * f + 1], 2 * triangles[3 * f + 2]];
    const [x, y] = [moved[a] / fine, moved[a + 1] / fine];
    const [ax, ay, bx, by] = [moved[b] / fine - x, moved[b + 1] / fine - y, moved[c] / fine - x, moved[c + 1] / fine - y];
    const [px, py, qx, qy] = [rest[b] - rest[a], rest[b + 1] - rest[a + 1], rest[c] - rest[a], rest[c + 1] - rest[a + 1]];
    const area = ax * by - ay * bx;
    const whole = Math.abs(area) < 1e-3 ? Infinity : area; // a collapsed triangle has one colour
    let [xx, xy, yx, yy] = [(by * px - ay * qx) / whole, (by * py - ay * qy) / whole, (ax * qx - bx * px) / whole, (ax * qy - bx * py) / whole];
    const most = Math.max(Math.abs(xx), Math.abs(xy), Math.abs(yx), Math.abs(yy)) / (steep * fine);
    if (most > 1) [xx, xy, yx, yy] = [xx / most, xy / most, yx / most, yy / most];
    const [middleX, middleY] = [(rest[a] + rest[b] + rest[c]) / 3, (rest[a + 1] + rest[b + 1] + rest[c + 1]) / 3];
    for (let k = 0, to = at; k < 3; k++, to += 4) {
      const [ux, uy] = k === 0 ? [0, 0] : k === 1 ? [ax, ay] : [bx, by];
      const [dx, dy] = [ux - (ax + bx) / 3, uy - (ay + by) / 3];
      sheet[to] = x + ux;
      sheet[to + 1] = y + uy;
      sheet[to + 2] = middleX + xx * dx + yx * dy - fine * (x + ux);
      sheet[to + 3] = middleY + xy * dx + yy * dy - fine * (y + uy);
    }
  }

  /** A program on the pixels of a box; the first row is the picture's upper one, on the canvas as well. */
  pass(name, where, pictures, numbers, [low, high] = [[0, 0], [this.size, this.size]]) {
    const { gl, size } = this;
    gl.bindFramebuffer(gl.FRAMEBUFFER, where);
    gl.viewport(0, 0, size, size);
    this.programs[name].use(pictures, { size, low, high, flip: where ? 0 : 1, ...numbers });
    gl.bindBuffer(gl.ARRAY_BUFFER, this.quad);
    gl.enableVertexAttribArray(0);
    gl.vertexAttribPointer(0, 2, gl.FLOAT, false, 0, 0);
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
  }

  eye({ side, corner, iris, lash, radius }, k, moved, closure, gaze) {
    const { moving: { upper, lower, rims, rest }, file: { facts: { fine } } } = this;
    const row = (rows, n) => rows.subarray(27 * k + 9 * n, 27 * k + 9 * n + 9);
    const at = (v, from = moved, scale = 1) => [from[2 * v] / scale, from[2 * v + 1] / scale];
    const [a, b] = [row(upper, 0)[0], row(upper, 0)[8]];
    const [now, own] = [moved, rest].map((from) => at(b, from).map((value, c) => value - at(a, from)[c]));
    const length = now[0] ** 2 + now[1] ** 2;
    const shown = [...rims.subarray(16 * k, 16 * k + 16)].map((v) => at(v, moved, fine));
    const box = around([...shown, ...[...row(upper, 1)].map((v) => at(v, moved, fine))], 4, 5, this.size);
    if (!box || length < 1) return;
    const turn = [(own[0] * now[0] + own[1] * now[1]) / length, (own[1] * now[0] - own[0] * now[1]) / length];
    const frame = new Frame(at(a, moved, fine), at(b, moved, fine), at(row(upper, 2)[4], moved, fine), at(row(lower, 2)[4], moved, fine));
    const lids = [0, 1, 2].flatMap((n) => [...row(upper, n)].map((v) => frame.of(at(v, moved, fine))).sort((p, q) => p[0] - q[0]));
    this.pass('eye', null, { ball: this.pictures[`ball.${side}`], lid: this.pictures[`lid.${side}`] }, {
      ...polygon(shown), fine, corner, iris, radius, gaze, turn, closure,
      lash: lash.map((value) => value / 255), start: at(a), home: at(a, rest), strength: eased((closure - 0.12) / 0.45),
      lids: lids.flat(), origin: frame.origin, across: frame.across, down: frame.down, width: frame.width,
    }, box);
  }

  mouth(moved, skull) {
    const { moving: { rim, lips, rest }, file: { facts: { fine, closed, teeth, mouth } } } = this;
    const gap = lipGap(moved);
    const change = eased(Math.abs(gap - mouth.gap) / 0.06);
    const at = (v) => [moved[2 * v] / fine, moved[2 * v + 1] / fine];
    const edge = [...rim].map(at);
    const box = change > 0 && around(edge, 2, 3, this.size);
    if (!box) return;
    const [right, left] = [at(78), at(308)];
    const wide = Math.max(Math.hypot(left[0] - right[0], left[1] - right[1]), 1e-6);
    const along = left.map((value, c) => (value - right[c]) / wide);
    const place = (v) => {
      const [dx, dy] = at(v).map((value, c) => (value - right[c]) / wide);
      return [dx * along[0] + dy * along[1], dy * along[0] - dx * along[1]];
    };
    const opened = eased((gap - 0.02) / 0.09);
    const shows = mouth.gap > closed;
    const colours = Object.fromEntries(['hollow', 'tongue', 'teeth'].map((name) => [name, mouth[name].map((value) => value / 255)]));
    this.pass('mouth', null, { inside: this.pictures.inside }, {
      ...polygon(edge), ...colours, change, right, along, wide, opened, tall: teeth, fine,
      invented: opened * (1 - eased((mouth.gap - closed) / 0.05)), own: Number(shows), corner: mouth.corner,
      lips: [...lips].flatMap(place), back: shows ? affine(skull, rim, rest) : Array(6).fill(0),
    }, box);
  }

  close() {
    this.gl.getExtension('WEBGL_lose_context')?.loseContext();
  }
}

/** Coordinates along an eye: 0 to 1 from its outer to its inner corner, and pixels down. */
class Frame {
  constructor(outer, inner, above, below) {
    const along = [inner[0] - outer[0], inner[1] - outer[1]];
    this.origin = outer;
    this.width = Math.max(Math.hypot(...along), 1e-3);
    this.across = along.map((value) => value / this.width);
    const [x, y] = [-this.across[1], this.across[0]];
    const side = x * (below[0] - above[0]) + y * (below[1] - above[1]) > 0 ? 1 : -1;
    this.down = [side * x, side * y];
  }

  of([x, y]) {
    const [dx, dy] = [x - this.origin[0], y - this.origin[1]];
    return [(dx * this.across[0] + dy * this.across[1]) / this.width, dx * this.down[0] + dy * this.down[1]];
  }
}

/** Pixels around points, as [low, high], or null where the picture has none of them. */
function around(points, before, after, size) {
  const low = [0, 1].map((c) => Math.max(0, Math.floor(Math.min(...points.map((p) => p[c])) - before)));
  const high = [0, 1].map((c) => Math.min(size, Math.ceil(Math.max(...points.map((p) => p[c])) + after)));
  return high[0] > low[0] && high[1] > low[1] ? [low, high] : null;
}

/** A closed polygon whose corners were cut twice, for the shaders. */
function polygon(points) {
  let row = points;
  for (let round = 0; round < 2; round++) {
    row = row.flatMap((p, i) => {
      const next = row[(i + 1) % row.length];
      return [0.75, 0.25].map((share) => p.map((value, c) => share * value + (1 - share) * next[c]));
    });
  }
  const held = Array(RIM_POINTS).fill([0, 0]).map((none, i) => row[i] ?? none);
  return { rim: held.flat(), points: row.length };
}

/** The affine map, least squares, of points (n, 2) to where vertices are at rest: three pairs. */
function affine(from, rim, rest) {
  const [square, rights] = [new Float64Array(9), [new Float64Array(3), new Float64Array(3)]];
  rim.forEach((v, i) => {
    const row = [from[2 * i], from[2 * i + 1], 1];
    for (let p = 0; p < 3; p++) {
      for (let q = 0; q < 3; q++) square[3 * p + q] += row[p] * row[q];
      rights.forEach((right, c) => { right[p] += row[p] * rest[2 * v + c]; });
    }
  });
  const [x, y] = rights.map((right) => solved(cholesky(square, 3), right));
  return [0, 1, 2].flatMap((p) => [x[p], y[p]]);
}

class Program {
  constructor(gl, vertex, fragment) {
    this.gl = gl;
    this.program = gl.createProgram();
    [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]].forEach(([kind, source]) => {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader));
      gl.attachShader(this.program, shader);
    });
    gl.linkProgram(this.program);
    this.places = {};
    for (let k = 0; k < gl.getProgramParameter(this.program, gl.ACTIVE_UNIFORMS); k++) {
      const { name, type } = gl.getActiveUniform(this.program, k);
      this.places[name.replace('[0]', '')] = [gl.getUniformLocation(this.program, name), type];
    }
  }

  /** Pictures and numbers by the names of its uniforms; those that it has no use for are left out. */
  use(pictures, numbers) {
    const { gl, places } = this;
    gl.useProgram(this.program);
    Object.entries(pictures).forEach(([name, picture], unit) => {
      gl.activeTexture(gl.TEXTURE0 + unit);
      gl.bindTexture(gl.TEXTURE_2D, picture);
      gl.uniform1i(places[name][0], unit);
    });
    for (const [name, value] of Object.entries(numbers)) {
      if (!places[name]) continue;
      const [place, type] = places[name];
      if (type === gl.INT) gl.uniform1i(place, value);
      else if (type === gl.FLOAT) gl.uniform1f(place, value);
      else gl[type === gl.FLOAT_VEC2 ? 'uniform2fv' : 'uniform3fv'](place, value);
    }
  }
}

/** Of bytes, sampled between its pixels, or (null) of two floats a pixel to draw on. */
function texture(gl, width, height, data) {
  const made = gl.createTexture();
  gl.bindTexture(gl.TEXTURE_2D, made);
  gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
  if (data) gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, width, height, 0, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(data.buffer));
  else gl.texImage2D(gl.TEXTURE_2D, 0, gl.RG32F, width, height, 0, gl.RG, gl.FLOAT, null);
  const filter = data ? gl.LINEAR : gl.NEAREST;
  for (const name of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, name, filter);
  for (const name of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, name, gl.CLAMP_TO_EDGE);
  return made;
}

function target(gl, picture) {
  const made = gl.createFramebuffer();
  gl.bindFramebuffer(gl.FRAMEBUFFER, made);
  gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, picture, 0);
  return made;
}
