// A speaker on the left, one method's answer on the right: choose the method, and read its numbers below.
import { HOLE, bytes, element, patch, skin } from './shared.js';

const TURN = 60, ROOM = 22; // cm: distance of the camera, and what it shows there

/** Turns points (P, 3) by a rotation vector and moves them, in place. */
function move(at, [x, y, z, ...shift]) {
  const angle = Math.hypot(x, y, z) || 1e-9, [a, b, c] = [x / angle, y / angle, z / angle];
  const s = Math.sin(angle), d = Math.cos(angle);
  for (let i = 0; i < at.length; i += 3) {
    const [p, q, r] = [at[i], at[i + 1], at[i + 2]], dot = (a * p + b * q + c * r) * (1 - d);
    at[i] = p * d + (b * r - c * q) * s + a * dot + shift[0];
    at[i + 1] = q * d + (c * p - a * r) * s + b * dot + shift[1];
    at[i + 2] = r * d + (a * q - b * p) * s + c * dot + shift[2];
  }
}

class Heads {
  constructor(packed, frames) {
    Object.assign(this, packed, { frames, points: bytes(packed.points, Int16Array), triangles: bytes(packed.triangles, Uint16Array) });
    Object.assign(this, { weights: bytes(packed.weights, Int8Array), lids: bytes(packed.lids), pose: bytes(packed.pose, Int16Array) });
    this.at = new Float32Array(3 * this.count);
    this.axes = this.steps.length - 2; // without mean and lids
  }

  shape(who, frame) {
    const { at, axes, points, steps, pose, step } = this, row = who * this.frames + frame, width = at.length;
    const mix = [1, this.lids[row], ...this.weights.subarray(row * axes, (row + 1) * axes)].map((x, k) => x * steps[k]);
    at.fill(0);
    mix.forEach((weight, k) => {
      for (let i = 0, from = k * width; i < width; i++) at[i] += weight * points[from + i];
    });
    move(at, Array.from(pose.subarray(6 * row, 6 * row + 6), (x, k) => x * step * (k < 3 ? 1 : 10)));
  }

  draw(canvas, who, frame) {
    this.shape(who, frame);
    const { at, triangles, lamp } = this, pen = canvas.getContext('2d'), side = canvas.width;
    pen.clearRect(0, 0, side, side);
    const xy = (p) => {
      const near = ((TURN / ROOM) * side) / (TURN + at[3 * p + 2]);
      return [at[3 * p] * near + side / 2, at[3 * p + 1] * near + side / 2];
    };
    const depth = (f) => at[3 * triangles[3 * f] + 2] + at[3 * triangles[3 * f + 1] + 2] + at[3 * triangles[3 * f + 2] + 2];
    const order = Array.from({ length: triangles.length / 3 }, (_, f) => [depth(f), f]).sort((m, n) => n[0] - m[0]);
    for (const [, f] of order) {
      const corners = [0, 1, 2].map((k) => triangles[3 * f + k]);
      const [u, v] = [1, 2].map((k) => [0, 1, 2].map((axis) => at[3 * corners[k] + axis] - at[3 * corners[0] + axis]));
      const normal = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
      const light = Math.max(0, normal.reduce((sum, n, k) => sum + n * lamp[k], 0) / (Math.hypot(...normal) || 1));
      patch(pen, corners.map(xy), f < this.skin ? skin(light) : HOLE);
    }
  }
}

function table(rows) {
  const made = element('table', 'font-size:.9em;width:auto');
  const line = (cells, tag) => {
    const row = element('tr');
    row.append(...cells.map((text, k) => element(text ? (k ? tag : 'th') : 'td', 'text-align:left;padding:.15rem .8rem .15rem 0', text)));
    return row;
  };
  made.append(line(['', 'this method', 'people'], 'th'), ...rows.map((cells) => line(cells, 'td')));
  return made;
}

function render({ model, el }) {
  const { names, numbers, frames, fps, sound, face } = model.get('state');
  const heads = new Heads(face, frames), voice = new Audio(sound);
  let chosen = names.indexOf('listener'), playing = !matchMedia('(prefers-reduced-motion: reduce)').matches;
  let alive = true, drawn = -1, began = performance.now(), at = 0; // seconds

  const choices = element('div', 'display:flex;flex-wrap:wrap;gap:.2rem 1rem;margin-bottom:.5rem');
  choices.setAttribute('role', 'radiogroup');
  choices.setAttribute('aria-label', 'Method');
  const group = `methods-${Math.random().toString(36).slice(2)}`;
  names.forEach((name, k) => {
    const label = element('label', 'display:inline-flex;gap:.35rem;align-items:center;min-height:2rem');
    const radio = element('input');
    Object.assign(radio, { type: 'radio', name: group, checked: k === chosen });
    radio.addEventListener('change', () => { chosen = k; tell(); show(); });
    label.append(radio, name);
    choices.append(label);
  });

  const pair = element('div', 'display:flex;gap:1rem;max-width:34rem');
  const [left, right] = ['The speaker', ''].map((title) => {
    const side = element('div', 'flex:1 1 0;min-width:0;text-align:center');
    const canvas = element('canvas', 'width:100%;aspect-ratio:1');
    canvas.width = canvas.height = 440;
    canvas.setAttribute('role', 'img');
    canvas.setAttribute('aria-label', title);
    const name = element('div', 'font-size:.9em', title);
    side.append(canvas, name);
    pair.append(side);
    return { canvas, name };
  });
  const bar = element('div', 'display:flex;flex-wrap:wrap;gap:1rem;align-items:center;margin:.4rem 0');
  const button = element('button', 'font:inherit;min-height:2.2rem;min-width:5rem');
  button.type = 'button';
  const heard = element('input');
  heard.type = 'checkbox';
  const label = element('label', 'display:inline-flex;gap:.35rem;align-items:center', '');
  label.append(heard, 'with the speaker’s voice');
  bar.append(button, label);
  const says = element('div', 'overflow-x:auto');
  says.setAttribute('aria-live', 'polite');
  says.setAttribute('role', 'group');
  says.setAttribute('aria-label', 'Numbers of the method');
  says.tabIndex = 0; // it scrolls on a phone, and keys must reach it
  el.append(choices, pair, bar, says);

  function now() {
    if (!playing) return at;
    if (heard.checked && !voice.paused) return voice.currentTime;
    return (at + (performance.now() - began) / 1000) % (frames / fps);
  }

  function turn(on) {
    at = now();
    [playing, began] = [on, performance.now()];
    button.textContent = on ? 'Pause' : 'Play';
    if (on && heard.checked) {
      voice.currentTime = at;
      voice.play().catch(() => { heard.checked = false; });
    } else voice.pause();
  }

  function tell() {
    right.name.textContent = names[chosen];
    right.canvas.setAttribute('aria-label', `The answer of: ${names[chosen]}`);
    says.replaceChildren(table(numbers[names[chosen]]));
  }

  function show() {
    const frame = drawn = Math.min(Math.floor(now() * fps), frames - 1);
    heads.draw(left.canvas, 0, frame);
    heads.draw(right.canvas, chosen + 1, frame);
  }

  function play() {
    if (!alive) return;
    if (playing && el.isConnected && Math.floor(now() * fps) !== drawn) show();
    requestAnimationFrame(play);
  }

  button.addEventListener('click', () => turn(!playing));
  heard.addEventListener('change', () => turn(playing || heard.checked));
  voice.loop = true;
  tell();
  turn(playing);
  show();
  requestAnimationFrame(play);
  return () => { alive = false; voice.pause(); };
}

export default { render };
