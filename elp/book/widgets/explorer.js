// A listener's face and codes under two sliders. One ES module: anywidget runs it in JupyterLab, where each slider
// position is computed by the kernel, and elp.js in the static page, over the precomputed grid.
const HUES = [24, 0, 211, 140, 285];  // one per emotion's block of codewords; the second, neutral, is drawn grey

function bytes(text) {
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}

async function inflate(text) {
  const stream = new Blob([bytes(text)]).stream().pipeThrough(new DecompressionStream('deflate'));
  return new Response(stream).arrayBuffer();
}

// arrays follow each other in one buffer, 16-bit integers with a scale or bytes
function unpack(buffer, layout) {
  const out = {};
  let at = 0;
  for (const [name, type, count, scale] of layout) {
    const Kind = type === 'i2' ? Int16Array : Uint8Array;
    const raw = new Kind(buffer.slice(at, at + count * Kind.BYTES_PER_ELEMENT));
    out[name] = type === 'i2' ? Float32Array.from(raw, (x) => x * scale) : raw;
    at += count * Kind.BYTES_PER_ELEMENT;
  }
  return out;
}

function element(tag, style, properties = {}) {
  const node = document.createElement(tag);
  node.style.cssText = style;
  return Object.assign(node, properties);
}

function slider(labels, start, title, onInput) {
  const row = element('label', 'display:grid;grid-template-columns:6.5em 1fr 9em;gap:.6em;align-items:center;font-size:.92em');
  const input = element('input', 'width:100%;min-width:0', { type: 'range', min: 0, max: labels.length - 1, step: 1, value: start });
  const value = element('output', 'font-variant-numeric:tabular-nums');
  const say = () => { value.textContent = labels[input.value]; input.setAttribute('aria-valuetext', labels[input.value]); };
  input.addEventListener('input', () => { say(); onInput(Number(input.value)); });
  say();
  row.append(element('span', '', { textContent: title }), input, value);
  return { row, input };
}

// points of one frame: mean + components, turned by the rotation vector, seen from the front
function points(mesh, clip, t, P, K) {
  const out = new Float32Array(P * 3);
  for (let i = 0; i < P * 3; i++) {
    let x = mesh.mean[i];
    for (let k = 0; k < K; k++) x += clip.weights[t * K + k] * mesh.basis[k * P * 3 + i];
    out[i] = x;
  }
  const r = clip.pose.subarray(t * 6, t * 6 + 6);
  const angle = Math.hypot(r[0], r[1], r[2]) || 1e-9;
  const [a, b, c] = [r[0] / angle, r[1] / angle, r[2] / angle];
  const [s, d] = [Math.sin(angle), Math.cos(angle)];
  for (let i = 0; i < P * 3; i += 3) {
    const [x, y, z] = [out[i], out[i + 1], out[i + 2]];
    const dot = (a * x + b * y + c * z) * (1 - d);
    out[i] = x * d + (b * z - c * y) * s + a * dot + r[3];
    out[i + 1] = y * d + (c * x - a * z) * s + b * dot + r[4];
    out[i + 2] = z * d + (a * y - b * x) * s + c * dot;
  }
  return out;
}

function drawFace(canvas, mesh, xyz, skin) {
  const context = canvas.getContext('2d');
  const size = canvas.width;
  const scale = size / 21;
  context.clearRect(0, 0, size, size);
  const faces = [];
  for (let f = 0; f < mesh.triangles.length; f += 3) {
    const [i, j, k] = [mesh.triangles[f] * 3, mesh.triangles[f + 1] * 3, mesh.triangles[f + 2] * 3];
    const [ux, uy, uz] = [xyz[j] - xyz[i], xyz[j + 1] - xyz[i + 1], xyz[j + 2] - xyz[i + 2]];
    const [vx, vy, vz] = [xyz[k] - xyz[i], xyz[k + 1] - xyz[i + 1], xyz[k + 2] - xyz[i + 2]];
    const [nx, ny, nz] = [uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx];
    const light = Math.abs(nz * 0.82 + ny * 0.45 + nx * 0.2) / (Math.hypot(nx, ny, nz) || 1);
    faces.push([xyz[i + 2] + xyz[j + 2] + xyz[k + 2], i, j, k, light, f / 3]);
  }
  faces.sort((p, q) => q[0] - p[0]);
  context.lineJoin = 'round';
  for (const [, i, j, k, light, number] of faces) {
    const hole = number >= skin;  // what closes the eyes and the mouth
    const tone = hole ? 18 : 30 + 52 * light;
    context.fillStyle = context.strokeStyle = `hsl(${hole ? 215 : 205} ${hole ? 18 : 14}% ${tone}%)`;
    context.beginPath();
    for (const p of [i, j, k]) context.lineTo(size / 2 + xyz[p] * scale, size / 2 + xyz[p + 1] * scale);
    context.closePath();
    context.fill();
    context.stroke();
  }
}

function drawCodes(canvas, clip, T, H, V) {
  canvas.width = T;
  canvas.height = H;
  const context = canvas.getContext('2d');
  const image = context.createImageData(T, H);
  for (let t = 0; t < T; t++) {
    for (let h = 0; h < H; h++) {
      const code = clip.codes[t * H + h];  // 0: this head says nothing
      const at = (h * T + t) * 4;
      if (!code) continue;
      const block = Math.floor((code - 1) / V);
      const [r, g, b] = rgb(HUES[block % HUES.length], block === 1 ? 0 : 0.75, 0.22 + (0.62 * ((code - 1) % V)) / V);
      image.data.set([r, g, b, 255], at);
    }
  }
  context.putImageData(image, 0, 0);
}

function rgb(hue, saturation, light) {
  const f = (n) => {
    const k = (n + hue / 30) % 12;
    return 255 * (light - saturation * Math.min(light, 1 - light) * Math.max(-1, Math.min(k - 3, 9 - k, 1)));
  };
  return [f(0), f(8), f(4)];
}

async function render({ model, el }) {
  const shape = model.get('shape');
  const { T, H, V, P, K, fps, skin, axes, mesh_layout, clip_layout, start } = shape;
  const live = Boolean(model.get('live'));
  const mesh = unpack(await inflate(model.get('mesh')), mesh_layout);
  mesh.triangles = Uint16Array.from(mesh.triangles);
  const position = [...start];
  const cache = new Map();
  let clip = null;
  let frame = 0;
  let playing = !matchMedia('(prefers-reduced-motion: reduce)').matches;

  el.classList.add('elp-listener');
  const root = element('div', 'display:grid;gap:.5em;max-width:660px;color:inherit');
  const views = element('div', 'display:flex;flex-wrap:wrap;gap:1em;align-items:flex-start');
  const face = element('canvas', 'width:300px;max-width:100%;aspect-ratio:1', { width: 600, height: 600 });
  face.setAttribute('role', 'img');
  face.setAttribute('aria-label', 'the listener\'s face, moving');
  const right = element('div', 'flex:1 1 260px;min-width:240px');
  const frameBox = element('div', 'position:relative;height:250px');
  const codes = element('canvas', 'width:100%;height:100%;image-rendering:pixelated;background:rgba(128,128,128,.15)');
  codes.setAttribute('role', 'img');
  codes.setAttribute('aria-label', 'codes: one row per head, one column per frame');
  const cursor = element('div', 'position:absolute;top:0;bottom:0;width:2px;background:currentColor');
  frameBox.append(codes, cursor);
  right.append(frameBox, element('div', 'font-size:.85em;opacity:.85', { textContent: shape.legend }));
  views.append(face, right);
  const status = element('div', 'font-size:.92em;min-height:1.4em;font-variant-numeric:tabular-nums', { className: 'elp-listener-status' });
  status.setAttribute('role', 'status');

  const bar = element('div', 'display:flex;gap:.6em;align-items:center');
  const button = element('button', 'min-width:5em;padding:.25em .6em;font:inherit;cursor:pointer', { type: 'button' });
  const time = element('input', 'flex:1;min-width:0', { type: 'range', min: 0, max: T - 1, step: 1, value: 0 });
  time.setAttribute('aria-label', 'frame');
  const press = () => { button.textContent = playing ? 'Pause' : 'Play'; };
  button.addEventListener('click', () => { playing = !playing; press(); });
  time.addEventListener('input', () => { playing = false; press(); frame = Number(time.value); draw(); });
  press();
  bar.append(button, time);
  const sliders = axes.map((axis, n) => slider(axis.labels, start[n], axis.title, (value) => { position[n] = value; choose(); }));
  sliders.forEach(({ input }, n) => input.classList.add(`elp-slider-${n}`));
  root.append(...sliders.map(({ row }) => row), views, bar, status);
  el.append(root);

  async function use(variant) {
    clip = unpack(await inflate(variant.data), clip_layout);
    status.textContent = variant.says;
    drawCodes(codes, clip, T, H, V);
    draw();
  }

  async function choose() {
    const key = position.join(',');
    if (live) {
      model.set('position', [...position]);
      model.save_changes();
    } else {
      if (!cache.has(key)) cache.set(key, model.get('grid')[key]);
      await use(cache.get(key));
    }
  }

  function draw() {
    if (!clip) return;
    drawFace(face, mesh, points(mesh, clip, frame, P, K), skin);
    cursor.style.left = `${(100 * (frame + 0.5)) / T}%`;
    time.value = frame;
  }

  if (live) model.on('change:shown', () => use(model.get('shown')));
  await use(live ? model.get('shown') : model.get('grid')[position.join(',')]);
  let last = 0;
  let stopped = false;
  const tick = (now) => {
    if (stopped) return;
    if (playing && clip && now - last > 1000 / fps - 4 && face.offsetParent) {
      last = now;
      frame = (frame + 1) % T;
      draw();
    }
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
  return () => { stopped = true; };
}

export default { render };
