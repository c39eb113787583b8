// Dots that are clips: choose how they are laid out and coloured, point at one and see its face move.
import { HOLE, bytes, element, patch, skin } from './shared.js';

const LEGEND = 12;  // colours that a list explains

function choice(title, names, changed) {
  const label = element('label', 'display:inline-flex;gap:.4rem;align-items:center', `${title} `);
  const select = element('select', 'font:inherit;min-height:2.2rem;max-width:14rem');
  select.append(...names.map((name) => new Option(name, name)));
  select.addEventListener('change', () => changed(select.value));
  label.append(select);
  return label;
}

async function inflated(text) {
  const stream = new Blob([bytes(text)]).stream().pipeThrough(new DecompressionStream('deflate'));
  return new Int8Array(await new Response(stream).arrayBuffer());
}

class Face {
  constructor(packed, canvas) {
    Object.assign(this, packed);
    this.canvas = canvas;
    this.points = bytes(packed.points, Int16Array);
    this.triangles = bytes(packed.triangles, Uint16Array);
    this.light = bytes(packed.light);
    this.xy = new Float32Array(2 * this.count);
  }

  draw(clip, time) {  // in kept frames
    const { components: K, count: P, frames: T, canvas } = this, clips = this.weights.length / (K * T);
    const at = Math.min(time, this.frames - 1), before = Math.floor(at), share = at - before;
    const after = Math.min(before + 1, this.frames - 1);
    const weight = (frame, k) => this.weights[(k * clips + clip) * T + frame];
    const mix = Array.from({ length: K }, (_, k) => (1 - share) * weight(before, k) + share * weight(after, k));
    const side = canvas.width, [still, moved] = this.steps.map((step) => (step * side) / 18.5);
    for (let p = 0; p < 2 * P; p++) {
      let sum = 0;
      for (let k = 0; k < K; k++) sum += mix[k] * this.points[(k + 1) * 2 * P + p];
      this.xy[p] = this.points[p] * still + sum * moved + side / 2;
    }
    const pen = canvas.getContext('2d');
    pen.clearRect(0, 0, side, side);
    for (let f = 0; f < this.light.length; f++) {
      const corners = [0, 1, 2].map((corner) => 2 * this.triangles[3 * f + corner]).map((q) => [this.xy[q], this.xy[q + 1]]);
      patch(pen, corners, this.light[f] ? skin(this.light[f] / 255) : HOLE);
    }
  }
}

function mark(pen, kind, x, y, r) {  // circle, cross, diamond, square: told apart without colour
  pen.beginPath();
  if (kind === 1) {
    pen.moveTo(x - r, y - r); pen.lineTo(x + r, y + r); pen.moveTo(x + r, y - r); pen.lineTo(x - r, y + r);
    pen.lineWidth = r * 0.7;
    pen.stroke();
    return;
  }
  if (kind === 2) { pen.moveTo(x, y - 1.2 * r); pen.lineTo(x + 1.2 * r, y); pen.lineTo(x, y + 1.2 * r); pen.lineTo(x - 1.2 * r, y); }
  else if (kind === 3) pen.rect(x - r, y - r, 2 * r, 2 * r);
  else pen.arc(x, y, r, 0, 2 * Math.PI);
  pen.fill();
}

async function render({ model, el }) {
  const { layouts, labels, face: packed } = model.get('state');
  const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
  const places = Object.fromEntries(Object.entries(layouts).map(([title, text]) => [title, bytes(text)]));
  const colorings = Object.fromEntries(Object.entries(labels).map(([title, of]) => [title, { ...of, of: bytes(of.of) }]));
  const titles = Object.keys(places), kinds = Object.keys(colorings);
  let layout = titles[0], coloring = kinds[0], chosen = 0, began = performance.now(), shown = Float32Array.from(places[layout]);

  const bar = element('div', 'display:flex;flex-wrap:wrap;gap:.5rem 1.2rem;margin-bottom:.4rem');
  const legend = element('div', 'display:flex;flex-wrap:wrap;gap:.1rem .9rem;font-size:.9em;min-height:1.6em');
  const row = element('div', 'display:flex;flex-wrap:wrap;gap:1rem;align-items:flex-start');
  const dots = element('canvas', 'flex:3 1 300px;min-width:0;max-width:460px;aspect-ratio:1;touch-action:pan-y;cursor:crosshair');
  dots.tabIndex = 0;
  dots.setAttribute('role', 'application');
  dots.setAttribute('aria-label', 'Map of clips: arrow keys go to the next clip in that direction');
  const side = element('div', 'flex:1 1 180px;max-width:220px');
  const canvas = element('canvas', 'width:100%;aspect-ratio:1');
  canvas.width = canvas.height = 400;
  canvas.setAttribute('role', 'img');
  const says = element('p', 'margin:.3rem 0;font-size:.9em;min-height:3em');
  says.setAttribute('aria-live', 'polite');
  side.append(canvas, says);
  row.append(dots, side);
  bar.append(
    choice('Layout', titles, (value) => { layout = value; settle(); }),
    choice('Colour', kinds, (value) => { coloring = value; tell(); paint(); }),
  );
  el.append(bar, row, legend);
  const face = new Face(packed, canvas);
  face.weights = await inflated(packed.weights);

  const placed = () => places[layout].length / 2;  // a layout may show the first clips only
  const place = (n, size) => [12 + (shown[2 * n] / 255) * (size - 24), 12 + (shown[2 * n + 1] / 255) * (size - 24)];

  function paint() {
    const ratio = devicePixelRatio || 1, size = dots.clientWidth || 360;
    dots.width = dots.height = Math.round(size * ratio);
    const pen = dots.getContext('2d'), { of, colors } = colorings[coloring];
    pen.scale(ratio, ratio);
    pen.globalAlpha = 0.85;
    for (let n = 0; n < placed(); n++) {
      pen.fillStyle = pen.strokeStyle = colors[of[n]];
      mark(pen, of[n] % 4, ...place(n, size), placed() > 400 ? 2.2 : 3.2);
    }
    pen.globalAlpha = 1;
    pen.strokeStyle = getComputedStyle(el).color;
    pen.lineWidth = 2;
    pen.beginPath();
    pen.arc(...place(chosen, size), 8, 0, 2 * Math.PI);
    pen.stroke();
  }

  function tell() {
    const { names, colors } = colorings[coloring];
    const many = names.length > LEGEND ? [element('span', '', `${names.length} in ${new Set(colors).size} colours: point at a clip to read which`)] : null;
    legend.replaceChildren(...many ?? names.map((name, n) => {
      const item = element('span');
      item.append(element('span', `color:${colors[n]}`, ['●', '✕', '◆', '■'][n % 4]), ` ${name}`);
      return item;
    }));
    says.textContent = `Clip ${chosen + 1} of ${placed()}: ${kinds.map((kind) => `${kind} ${colorings[kind].names[colorings[kind].of[chosen]]}`).join(', ')}.`;
    canvas.setAttribute('aria-label', `The face decoded for clip ${chosen + 1}`);
  }

  function choose(n) {
    if (n === chosen) return;
    chosen = n;
    began = performance.now();
    tell();
    paint();
    face.draw(chosen, 0);
  }

  function settle() {  // dots walk to their new places
    const from = Float32Array.from(shown), to = places[layout], start = performance.now();
    if (chosen >= placed()) choose(0);
    else tell();
    const step = (now) => {
      const share = calm ? 1 : Math.min((now - start) / 700, 1), eased = share * share * (3 - 2 * share);
      shown = from.map((x, k) => (k < to.length ? x + eased * (to[k] - x) : x));
      paint();
      if (share < 1) requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  function nearest(x, y, allowed = () => true) {
    let [best, least] = [chosen, Infinity];
    for (let n = 0; n < placed(); n++) {
      const [a, b] = place(n, dots.clientWidth), away = (a - x) ** 2 + (b - y) ** 2;
      if (away < least && allowed(n, a - x, b - y)) [best, least] = [n, away];
    }
    return best;
  }

  const point = (event) => choose(nearest(event.offsetX, event.offsetY));
  dots.addEventListener('pointermove', point);
  dots.addEventListener('pointerdown', point);
  dots.addEventListener('keydown', (event) => {
    const [dx, dy] = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] || [0, 0];
    if (!dx && !dy) return;
    event.preventDefault();
    event.stopPropagation();
    const [x, y] = place(chosen, dots.clientWidth);
    choose(nearest(x, y, (n, a, b) => n !== chosen && dx * a + dy * b > Math.abs(dx * b + dy * a)));
  });

  let alive = true;
  function play(now) {
    if (!alive) return;
    if (canvas.isConnected && !calm) face.draw(chosen, (((now - began) / 1000) * (25 / packed.every)) % (packed.frames - 1));
    requestAnimationFrame(play);
  }
  tell();
  face.draw(chosen, 0);
  requestAnimationFrame(play);
  const watch = new ResizeObserver(paint);
  watch.observe(dots);
  const theme = new MutationObserver(paint);
  theme.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
  return () => { alive = false; watch.disconnect(); theme.disconnect(); };
}

export default { render };
