// What is steered and what is plotted: the emotion triangle, curves over time, the map of codes.
import { pen } from './raster.js';

export const HUES = [24, 220, 211]; // negative, neutral, positive, as in the book's plots; neutral is grey
const COLORS = ['#d5600a', '#8a8a8a', '#2f7fc1'];
const CORNERS = [[14, 94], [60, 14], [106, 94]]; // negative, neutral, positive
const SVG = 'http://www.w3.org/2000/svg';

export function element(tag, className = '', properties = {}) {
  return Object.assign(document.createElement(tag), { className, ...properties });
}

function drawn(tag, attributes, parent) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  parent?.append(node);
  return node;
}

/** "70 % positive, 30 % neutral". */
export function mixture(e, names) {
  const parts = names.map((name, n) => [Math.round(100 * e[n]), name]).filter(([share]) => share);
  parts.sort((a, b) => b[0] - a[0]);
  return parts.length === 1 ? parts[0][1] : parts.map(([share, name]) => `${share} % ${name}`).join(', ');
}

/** The point of a triangle nearest to (x, y), as shares of its corners. */
function shares(x, y) {
  const [[ax, ay], [bx, by], [cx, cy]] = CORNERS;
  const whole = (by - cy) * (ax - cx) + (cx - bx) * (ay - cy);
  const a = ((by - cy) * (x - cx) + (cx - bx) * (y - cy)) / whole;
  const b = ((cy - ay) * (x - cx) + (ax - cx) * (y - cy)) / whole;
  const e = [a, b, 1 - a - b].map((share) => Math.max(0, share));
  const total = e[0] + e[1] + e[2];
  return e.map((share) => share / total);
}

export class Triangle {
  constructor(names, onChange) {
    Object.assign(this, { names, onChange, e: [0, 0, 1] });
    this.node = drawn('svg', { viewBox: '0 0 120 118', class: 'elp-triangle' });
    const box = CORNERS.map((p) => p.join(',')).join(' ');
    drawn('polygon', { points: box, class: 'elp-triangle-area' }, this.node);
    const middle = [60, 67.3];
    CORNERS.forEach(([x, y], n) => {
      const id = `elp-glow-${n}-${Math.random().toString(36).slice(2)}`;
      const glow = drawn('radialGradient', { id, gradientUnits: 'userSpaceOnUse', cx: x, cy: y, r: 84 }, drawn('defs', {}, this.node));
      drawn('stop', { offset: 0, 'stop-color': COLORS[n], 'stop-opacity': 0.85 }, glow);
      drawn('stop', { offset: 1, 'stop-color': COLORS[n], 'stop-opacity': 0 }, glow);
      drawn('polygon', { points: box, fill: `url(#${id})` }, this.node);
      const [tx, ty, anchor] = [[2, 111, 'start'], [60, 8, 'middle'], [118, 111, 'end']][n];
      const label = drawn('text', { x: tx, y: ty, 'text-anchor': anchor, class: 'elp-triangle-label' }, this.node);
      label.textContent = names[n];
      label.addEventListener('click', () => this.move(names.map((_, k) => Number(k === n))));
    });
    drawn('circle', { cx: middle[0], cy: middle[1], r: 1, class: 'elp-triangle-middle' }, this.node);
    this.handle = drawn('circle', { r: 7, class: 'elp-triangle-handle', tabindex: 0, role: 'slider', 'aria-label': 'emotion: arrows left and right change negative and positive, up and down neutral', 'aria-valuemin': -100, 'aria-valuemax': 100 }, this.node);
    this.node.addEventListener('pointerdown', (event) => this.drag(event));
    this.handle.addEventListener('keydown', (event) => this.key(event));
    this.show(this.e);
  }

  drag(event) {
    if (event.target.classList.contains('elp-triangle-label')) return;
    event.preventDefault();
    this.handle.focus({ preventScroll: true });
    this.node.setPointerCapture(event.pointerId);
    const follow = ({ clientX, clientY }) => {
      const { x, y } = new DOMPoint(clientX, clientY).matrixTransform(this.node.getScreenCTM().inverse());
      this.move(shares(x, y));
    };
    const stop = () => {
      this.node.removeEventListener('pointermove', follow);
      this.node.removeEventListener('pointerup', stop);
      this.node.removeEventListener('pointercancel', stop);
    };
    this.node.addEventListener('pointermove', follow);
    this.node.addEventListener('pointerup', stop);
    this.node.addEventListener('pointercancel', stop);
    follow(event);
  }

  key(event) {
    const step = { ArrowLeft: [-4, 0], ArrowRight: [4, 0], ArrowUp: [0, -4], ArrowDown: [0, 4] }[event.key];
    const corner = { Home: [1, 0, 0], End: [0, 0, 1] }[event.key];
    if (!step && !corner) return;
    event.preventDefault();
    const [x, y] = this.place(this.e);
    this.move(corner ?? shares(x + step[0], y + step[1]));
  }

  move(e) {
    this.show(e);
    this.onChange(e);
  }

  place(e) {
    return [0, 1].map((axis) => CORNERS.reduce((sum, corner, n) => sum + e[n] * corner[axis], 0));
  }

  show(e) {
    this.e = e;
    const [x, y] = this.place(e);
    this.handle.setAttribute('cx', x);
    this.handle.setAttribute('cy', y);
    this.handle.setAttribute('aria-valuenow', Math.round(100 * (e[2] - e[0])));
    this.handle.setAttribute('aria-valuetext', mixture(e, this.names));
  }
}

/** A labelled range with its value beside it. */
export function slider(title, { min, max, step, value, say = String }, onChange) {
  const row = element('label', 'elp-row');
  const input = element('input', '', { type: 'range', min, max, step });
  const output = element('output');
  const show = (x) => {
    input.value = x;
    output.textContent = say(x);
    input.setAttribute('aria-valuetext', say(x));
  };
  input.addEventListener('input', () => {
    show(Number(input.value));
    onChange(Number(input.value));
  });
  row.append(element('span', '', { textContent: title }), input, output);
  show(value);
  return { row, input, show };
}

/** A canvas over time, clicked to go there. */
class Track {
  constructor(className, label, onSeek) {
    this.node = element('div', `elp-track ${className}`);
    this.canvas = element('canvas');
    this.canvas.setAttribute('role', 'img');
    this.canvas.setAttribute('aria-label', label);
    this.cursor = element('div', 'elp-cursor');
    this.node.append(this.canvas, this.cursor);
    this.node.addEventListener('pointerdown', ({ clientX }) => {
      const { left, width } = this.node.getBoundingClientRect();
      onSeek((clientX - left) / width);
    });
  }

  at(share) {
    this.cursor.style.left = `${100 * share}%`;
  }
}

export class Curves extends Track {
  constructor(onSeek) {
    super('elp-curves', 'curves over time: smile and frown, the head\'s pitch and yaw, blinks, and the speaker\'s loudness', onSeek);
  }

  /** lines: [{ name, values, color, low, high, row }], of rows 0 ... rows - 1. */
  draw(lines, rows) {
    const ratio = Math.min(2, devicePixelRatio || 1);
    const [width, height] = [this.node.clientWidth * ratio, this.node.clientHeight * ratio];
    if (!width) return;
    Object.assign(this.canvas, { width, height });
    const context = pen(this.canvas);
    const ink = getComputedStyle(this.node).color;
    const part = height / rows.length;
    context.font = `${11 * ratio}px system-ui, sans-serif`;
    rows.forEach((name, n) => {
      context.globalAlpha = 0.25;
      context.fillStyle = ink;
      context.fillRect(0, Math.round((n + 1) * part) - 1, width, 1);
      context.globalAlpha = 0.8;
      context.fillText(name, 4 * ratio, n * part + 13 * ratio);
    });
    context.globalAlpha = 1;
    context.lineWidth = 1.6 * ratio;
    context.lineJoin = 'round';
    for (const { values, color, low, high, row, filled } of lines) {
      const y = (value) => (row + 0.92 - 0.74 * Math.min(1, Math.max(0, (value - low) / (high - low)))) * part;
      context.strokeStyle = context.fillStyle = color;
      context.beginPath();
      values.forEach((value, t) => context.lineTo(((t + 0.5) / values.length) * width, y(value)));
      if (filled) {
        context.lineTo(width, y(low));
        context.lineTo(0, y(low));
        context.globalAlpha = 0.45;
        context.fill();
        context.globalAlpha = 1;
      } else {
        context.stroke();
      }
    }
  }
}

export class CodeMap extends Track {
  constructor(onSeek) {
    super('elp-codes', 'codes: one row per head, one column per frame; the hue is the emotion\'s block, the brightness the category', onSeek);
  }

  /** codes (T, H) from 0; blocks mixed by e; heads that are not read are pale. */
  draw(codes, frames, most, categories, e, heads) {
    Object.assign(this.canvas, { width: frames, height: most });
    const context = pen(this.canvas);
    const image = context.createImageData(frames, most);
    const blocks = HUES.map((hue, n) => (light) => rgb(hue, n === 1 ? 0 : 0.72, light));
    const colors = Array.from({ length: categories }, (_, v) => {
      const all = blocks.map((block) => block(0.2 + (0.66 * v) / (categories - 1)));
      return [0, 1, 2].map((c) => all.reduce((sum, color, n) => sum + e[n] * color[c], 0));
    });
    for (let t = 0; t < frames; t++) {
      for (let h = 0; h < most; h++) {
        const at = 4 * (h * frames + t);
        image.data.set(colors[codes[t * most + h]], at);
        image.data[at + 3] = h < heads ? 255 : 40;
      }
    }
    context.putImageData(image, 0, 0);
  }
}

function rgb(hue, saturation, light) {
  const part = (n) => {
    const k = (n + hue / 30) % 12;
    return 255 * (light - saturation * Math.min(light, 1 - light) * Math.max(-1, Math.min(k - 3, 9 - k, 1)));
  };
  return [part(0), part(8), part(4)];
}
