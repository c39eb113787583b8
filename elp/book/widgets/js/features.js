// What is painted on a head as smooth shapes: eyes, brows, lips, hair, shoulders. Points are pairs of pixels.
import { ramp } from './raster.js';

export function css([r, g, b]) {
  return `rgb(${r | 0} ${g | 0} ${b | 0})`;
}

/** Adds a smooth line through a row of points to the path. */
function along(c, points, first = 'lineTo') {
  c[first](...points[0]);
  for (let i = 1; i < points.length - 1; i++) {
    const [[x, y], [p, q]] = [points[i], points[i + 1]];
    const last = i === points.length - 2;
    c.quadraticCurveTo(x, y, last ? p : (x + p) / 2, last ? q : (y + q) / 2);
  }
}

/** Adds a shape between two rows of points that run the same way to the path. */
export function between(c, upper, lower) {
  along(c, upper, 'moveTo');
  along(c, [...lower].reverse());
  c.closePath();
}

/** Adds a smooth closed shape, which touches the middles of the lines between its points, to the path. */
export function round(c, points) {
  points.forEach(([x, y], i) => {
    const [p, q] = points[(i + 1) % points.length];
    if (i === 0) c.moveTo((x + p) / 2, (y + q) / 2);
    else c.quadraticCurveTo(x, y, (x + p) / 2, (y + q) / 2);
  });
  const [[x, y], [p, q]] = points;
  c.quadraticCurveTo(x, y, (x + p) / 2, (y + q) / 2);
  c.closePath();
}

/** The convex outline of points. */
export function hull(points) {
  const sorted = [...points].sort(([a, b], [p, q]) => a - p || b - q);
  const half = (side) => {
    const out = [];
    for (const [x, y] of side) {
      while (out.length > 1 && turns(out.at(-2), out.at(-1), x, y) <= 0) out.pop();
      out.push([x, y]);
    }
    return out.slice(0, -1);
  };
  return [...half(sorted), ...half(sorted.reverse())];
}

function turns([a, b], [p, q], x, y) {
  return (p - a) * (y - b) - (q - b) * (x - a);
}

/** A straight change of colour from one point to another. */
function gradient(c, [x, y], [p, q], colours) {
  const found = c.createLinearGradient(x, y, p, q);
  colours.forEach((colour, i) => found.addColorStop(i / (colours.length - 1), colour));
  return found;
}

/** Eyes, brows and lips of a head that looks so. */
export class Features {
  constructor(look) {
    Object.assign(this, { look, lip: ramp(look.lip, css), brow: ramp(look.brow, css) });
  }

  /** What lies behind the lids: a ball with its iris (`middle`, `radius`), in the shadow of the upper lid's margin. */
  eye(c, upper, lower, [x, y], radius) {
    const { look } = this;
    const disc = (share, dx, dy, colour) => {
      c.fillStyle = colour;
      c.beginPath();
      c.arc(x + dx * radius, y + dy * radius, share * radius, 0, 7);
      c.fill();
    };
    const iris = (bright) => css(look.iris.map((v) => Math.min(255, bright * v)));
    const white = gradient(c, [x, y - radius], [x, y + radius], ['rgb(196 190 184)', 'rgb(240 235 229)', 'rgb(228 220 214)']);
    Object.assign(c, { fillStyle: white, strokeStyle: white, lineWidth: 0.25 * radius });
    c.beginPath();
    between(c, upper, lower);
    c.fill();
    c.stroke(); // a little under the skin, so that no gap is left
    disc(1, 0, 0, iris(0.6));
    disc(0.87, 0, 0, gradient(c, [x, y - radius], [x, y + radius], [iris(0.75), iris(1.25), iris(1.75)]));
    disc(0.42, 0, 0, '#0d0a0a');
    disc(0.17, -0.3, -0.34, '#fcfcfc');
    this.line(c, upper, 0.62 * radius, 'rgb(30 18 14 / 0.28)');
  }

  /** The lashes along both lids. */
  lashes(c, upper, lower, radius) {
    const dark = this.look.brow[0].map((v) => v >> 1).join(' ');
    this.line(c, lower, 0.1 * radius, `rgb(${dark} / 0.35)`);
    this.line(c, upper, 0.22 * radius, `rgb(${dark} / 0.85)`);
  }

  line(c, row, width, colour) {
    c.beginPath();
    along(c, row, 'moveTo');
    Object.assign(c, { lineWidth: width, lineCap: 'round', strokeStyle: colour });
    c.stroke();
  }

  /** One brow, from its outer to its inner end; brightness of the skin at both. */
  eyebrow(c, upper, lower, [outer, inner]) {
    c.beginPath();
    between(c, upper, lower);
    c.fillStyle = c.strokeStyle = gradient(c, upper[0], upper.at(-1), [this.brow[outer & 255], this.brow[inner & 255]]);
    c.lineJoin = 'round';
    c.lineWidth = 0.3 * Math.hypot(upper[2][0] - lower[2][0], upper[2][1] - lower[2][1]);
    c.fill();
    c.stroke();
  }

  /** Rows of the lips from the upper one's outer edge to the lower one's, four each, and the light in their middles. */
  lips(c, rows, light) {
    const middle = rows.map((row) => row[row.length >> 1]);
    c.beginPath();
    between(c, rows[3], rows[4]);
    c.fillStyle = 'rgb(70 24 28)';
    c.fill();
    for (const from of [0, 4]) {
      const [outer, inner] = [rows[from], rows[from + 3]];
      c.beginPath();
      between(c, outer, inner);
      c.fillStyle = gradient(c, middle[from], middle[from + 3], light.slice(from, from + 4).map((l) => this.lip[l & 255]));
      c.fill();
    }
  }
}
