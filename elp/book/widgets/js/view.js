// A conversation: a speaker with sound, and a listener who runs in the page. One ES module by anywidget's
// conventions; in the static page elp.js hands it a model without a kernel.
import { Clock } from './clock.js';
import { Listener } from './engine.js';
import { Face, LOOKS, meshOf } from './face.js';
import { bytes, quickened, unpack } from './layers.js';
import { CodeMap, Curves, Triangle, element, mixture, slider } from './panels.js';
import { CSS } from './style.js';

const FPS = 25;
const REST = 100; // ms without a move after which a whole answer is worth its work
const LONGEST = 1000; // ms of moves after which one is asked for all the same
const PLOTS = 150; // ms between two drawings of curves and codes
const DEGREES = 180 / Math.PI;

/** Share of closed lids in each frame: up and down again within every run of blinks. */
function closing(shut) {
  const out = new Float32Array(shut.length);
  for (let start = 0; start < shut.length; start++) {
    let stop = start;
    while (shut[stop]) stop++;
    for (let t = start; t < stop; t++) out[t] = Math.min(t - start + 1, stop - t) / Math.floor((stop - start + 1) / 2);
    start = Math.max(start, stop - 1);
  }
  return out;
}

/** Sets a text that differs: even an equal one would have the page laid out anew. */
function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

class View {
  constructor(model, el) {
    this.model = model;
    this.root = element('div', 'elp-live');
    this.root.append(element('style', '', { textContent: CSS }));
    el.append(this.root);
    this.clock = new Clock();
    this.answers = null;
    this.waiting = false;
  }

  async open() {
    const { model } = this;
    const engine = model.get('engine');
    const weights = bytes(model.get('weights'));
    const clips = model.get('clips').map((clip) => ({ ...clip, data: bytes(clip.data), sound: bytes(clip.sound) }));
    const arrays = await unpack(weights, engine.layout);
    this.sizes = engine.sizes;
    this.listener = new Listener(quickened(arrays, engine.layout), engine.sizes);
    this.mesh = meshOf(arrays, engine.face);
    this.clips = await Promise.all(clips.map(async (clip) => ({ ...clip, ...(await unpack(clip.data, clip.layout)) })));
    this.layout();
    this.work(weights, engine, clips);
    this.useClip();
    for (const name of ['emotion', 'heads', 'temperature', 'seed', 'clip']) model.on(`change:${name}`, this.follow);
    this.clock.set({ playing: !matchMedia('(prefers-reduced-motion: reduce)').matches });
    this.send();
    this.tick();
  }

  follow = () => {
    const { model } = this;
    this.triangle.show(model.get('emotion'));
    this.heads.show(model.get('heads'));
    this.temperature?.show(model.get('temperature'));
    if (this.seed) this.seed.value = model.get('seed');
    if (this.pick) this.pick.value = model.get('clip');
    if (this.clip !== this.clips[model.get('clip')]) this.useClip();
    this.ask();
  };

  change(name, value) {
    this.model.set(name, value);
    this.model.save_changes();
    this.ask();
  }

  /** Asks for an answer to the present settings once they rest. Until it comes, the frames of the last one that are
   * shown are decoded anew: a whole answer for every step of a slider would take the processor from the picture.
   */
  ask() {
    this.draw({ speaker: false });
    const now = performance.now();
    this.moving ??= now;
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.send(), Math.max(0, Math.min(REST, this.moving + LONGEST - now)));
  }

  send() {
    if (this.waiting) return; // what is missed is asked for when the answer has come
    this.waiting = true;
    this.moving = undefined;
    this.worker.postMessage(this.settings());
  }

  settings() {
    const names = ['clip', 'emotion', 'heads', 'temperature', 'seed'];
    return Object.fromEntries(names.map((name) => [name, this.model.get(name)]));
  }

  work(weights, { layout, sizes }, clips) {
    const url = URL.createObjectURL(new Blob([WORKER], { type: 'text/javascript' }));
    this.worker = new Worker(url);
    URL.revokeObjectURL(url);
    const told = clips.map(({ data, layout: of, frames, widths }) => ({ data, layout: of, frames, widths }));
    this.worker.postMessage({ weights, layout, sizes, clips: told });
    this.worker.onmessage = ({ data }) => this.answered(data);
  }

  answered(answer) {
    this.waiting = false;
    const same = JSON.stringify(answer.settings) === JSON.stringify(this.settings());
    if (answer.settings.clip === this.model.get('clip')) {
      const first = !this.answer;
      this.answer = { ...answer, closed: closing(answer.shut), key: JSON.stringify(answer.settings) };
      if (first) this.plot();
      else this.plotting ||= setTimeout(() => this.plot(), PLOTS);
      if (same) this.draw({ speaker: false });
    }
    this.root.dataset.answered = Number(this.root.dataset.answered ?? 0) + 1;
    if (!same) this.ask();
  }

  useClip() {
    const clip = this.clips[this.model.get('clip')];
    this.clip = clip;
    this.answer = null;
    this.clock.length = clip.frames / FPS;
    this.clock.set({ at: 0 });
    this.speaker.mean = clip.mean;
    this.speakerClosed = closing(clip.shut);
    if (this.clock.sound) this.listen();
    this.time.max = clip.frames - 1;
  }

  async listen() {
    const { clip } = this;
    await this.clock.hear(clip.sound);
    if (clip === this.clip) this.clock.set({ sound: true });
  }

  layout() {
    const { root, mesh } = this;
    const stage = element('div', 'elp-stage');
    [this.speaker, this.face] = ['speaker', 'listener'].map((who) => {
      const figure = element('div', `elp-head elp-${who}`);
      const canvas = element('canvas');
      canvas.setAttribute('role', 'img');
      canvas.setAttribute('aria-label', who === 'speaker' ? 'the speaker\'s face, talking' : 'the listener\'s face, answering');
      figure.append(canvas, element('div', 'elp-who', { textContent: who }));
      stage.append(figure);
      const face = new Face(canvas, mesh, LOOKS[who]);
      this.turnable(face);
      return face;
    });
    root.append(stage, this.transport(), this.controls());
    if (this.model.get('panels') === 'all') {
      const seek = (share) => this.seek(Math.floor(share * this.clip.frames));
      [this.curves, this.map] = [new Curves(seek), new CodeMap(seek)];
      const plots = element('div', 'elp-plots');
      plots.append(this.curves.node, this.map.node);
      root.append(plots);
    }
    this.status = element('div', 'elp-listener-status', { textContent: 'The listener wakes up.' });
    this.status.setAttribute('role', 'status');
    root.append(this.status);
    this.resized = new ResizeObserver(([{ contentRect: { width } }]) => {
      if (width === this.width) return; // a text that takes a line more is no reason
      this.width = width;
      this.plot();
      this.draw();
    });
    this.resized.observe(root);
    this.seen = true;
    this.watched = new IntersectionObserver(([entry]) => { this.seen = entry.isIntersecting; });
    this.watched.observe(root);
  }

  /** Dragging turns a head; its eyes look at the pointer. */
  turnable(face) {
    const { canvas } = face;
    canvas.addEventListener('pointermove', (event) => {
      const { left, top, width } = canvas.getBoundingClientRect();
      face.gaze = [(event.clientX - left) / width - 0.5, (event.clientY - top) / width - 0.45].map((x) => Math.max(-0.28, Math.min(0.28, 0.7 * x)));
      if (event.buttons) face.turn = [Math.max(-0.3, Math.min(0.3, face.turn[0] - event.movementX / 120)), Math.max(-0.3, Math.min(0.3, face.turn[1] + event.movementY / 120))];
      this.draw();
    });
    canvas.addEventListener('pointerdown', (event) => canvas.setPointerCapture(event.pointerId));
    canvas.addEventListener('pointerleave', () => {
      face.gaze = [0, 0];
      this.draw();
    });
    canvas.addEventListener('dblclick', () => {
      face.turn = [0, 0];
      this.draw();
    });
  }

  transport() {
    const bar = element('div', 'elp-transport');
    this.play = element('button', '', { type: 'button' });
    this.play.addEventListener('click', () => this.clock.set({ playing: !this.clock.playing }));
    this.sound = element('button', 'elp-sound', { type: 'button' });
    this.sound.addEventListener('click', () => {
      if (this.clock.sound) this.clock.set({ sound: false });
      else this.listen().then(() => this.clock.set({ playing: true }));
    });
    this.time = element('input', 'elp-time', { type: 'range', min: 0, step: 1, value: 0 });
    this.time.setAttribute('aria-label', 'frame, 25 a second');
    this.time.addEventListener('input', () => this.seek(Number(this.time.value)));
    this.told = element('output', 'elp-told');
    bar.append(this.play, this.sound, this.time, this.told);
    return bar;
  }

  controls() {
    const { model, sizes } = this;
    const all = model.get('panels') === 'all';
    const panel = element('div', 'elp-controls');
    this.triangle = new Triangle(sizes.emotions, (e) => this.change('emotion', e.map((x) => Math.round(1000 * x) / 1000)));
    this.triangle.show(model.get('emotion'));
    const rows = element('div', 'elp-rows');
    this.mood = element('p', 'elp-mood');
    this.heads = slider('heads H', { min: 1, max: sizes.heads, step: 1, value: model.get('heads'), say: (h) => `${h} of ${sizes.heads}` }, (h) => this.change('heads', h));
    this.heads.input.classList.add('elp-heads');
    rows.append(this.mood, this.heads.row);
    if (all) {
      this.temperature = slider('temperature', { min: 0, max: 2, step: 0.1, value: model.get('temperature'), say: (x) => x.toFixed(1) }, (x) => this.change('temperature', x));
      rows.append(this.temperature.row);
    }
    const seed = element('div', 'elp-row elp-seed');
    const again = element('button', '', { type: 'button', textContent: 'draw anew' });
    this.seed = element('input', '', { type: 'number', min: 0, max: 2 ** 31, step: 1, value: model.get('seed') });
    this.seed.setAttribute('aria-label', 'seed');
    this.seed.addEventListener('change', () => this.change('seed', Math.max(0, Math.floor(Number(this.seed.value)))));
    again.addEventListener('click', () => {
      this.seed.value = Number(this.seed.value) + 1;
      this.change('seed', Number(this.seed.value));
    });
    seed.append(element('span', '', { textContent: 'seed' }), this.seed, again);
    rows.append(seed);
    if (this.clips.length > 1) {
      const row = element('label', 'elp-row elp-pick');
      const pick = this.pick = element('select');
      pick.append(...this.clips.map((clip, n) => element('option', '', { value: n, textContent: clip.name })));
      pick.value = model.get('clip');
      pick.addEventListener('change', () => {
        model.set('clip', Number(pick.value));
        model.save_changes();
        this.useClip();
        this.ask();
      });
      row.append(element('span', '', { textContent: 'speaker' }), pick);
      rows.append(row);
    }
    panel.append(this.triangle.node, rows);
    return panel;
  }

  seek(frame) {
    this.clock.set({ playing: false, at: (frame + 0.5) / FPS });
    this.draw();
  }

  frame() {
    return Math.min(this.clip.frames - 1, Math.floor(this.clock.now() * FPS));
  }

  /** The listener's β now: of the answer, or its codes decoded under the present emotion and heads. */
  expression(t) {
    const { answer, sizes: { beta: width }, listener: { w } } = this;
    if (answer.key === JSON.stringify(this.settings())) return answer.beta.subarray(t * width, (t + 1) * width);
    const said = this.listener.decode(answer.codes, t, this.model.get('emotion'), this.model.get('heads'));
    return said.map((x, d) => x * w['beta.std'][d] + w['beta.mean'][d]);
  }

  draw({ speaker = true } = {}) {
    const { clip, answer, sizes: { beta: width } } = this;
    const t = this.frame();
    if (speaker || t !== Number(this.root.dataset.frame)) this.speaker.draw(clip.beta.subarray(t * width, (t + 1) * width), this.speakerClosed[t], clip.pose.subarray(6 * t, 6 * t + 6));
    if (answer) this.face.draw(this.expression(t), answer.closed[t], answer.pose.subarray(6 * t, 6 * t + 6));
    else this.face.draw(this.listener.w['beta.mean'], 0, new Float32Array(6));
    this.speaker.canvas.parentElement.style.setProperty('--loud', this.clock.playing ? clip.loud[t].toFixed(2) : 0);
    for (const track of [this.curves, this.map]) track?.at((t + 0.5) / clip.frames);
    if (document.activeElement !== this.time || this.clock.playing) this.time.value = t;
    write(this.told, `${(t / FPS).toFixed(1)} s`);
    write(this.mood, mixture(this.model.get('emotion'), this.sizes.emotions));
    write(this.play, this.clock.playing ? 'Pause' : 'Play');
    write(this.sound, this.clock.sound ? 'Sound is on' : 'Hear the speaker');
    this.sound.setAttribute('aria-pressed', Boolean(this.clock.sound));
    Object.assign(this.root.dataset, { frame: t, drawn: Number(this.root.dataset.drawn ?? 0) + 1 });
  }

  plot() {
    clearTimeout(this.plotting);
    this.plotting = 0;
    const { answer, clip, sizes: { beta: width } } = this;
    if (!answer) return;
    const share = (name) => Float32Array.from({ length: clip.frames }, (_, t) => this.mesh.named[name].reduce((sum, [row, full]) => sum + answer.beta[t * width + row] / full / 2, 0));
    const turned = (axis) => Float32Array.from({ length: clip.frames }, (_, t) => answer.pose[6 * t + axis] * DEGREES);
    const [smile, frown, pitch, yaw] = [share('smile'), share('frown'), turned(0), turned(1)];
    this.curves?.draw([
      { values: smile, color: '#2f7fc1', low: -0.1, high: 1, row: 0 },
      { values: frown, color: '#d5600a', low: -0.1, high: 1, row: 0 },
      { values: pitch, color: '#0b9a70', low: -12, high: 12, row: 1 },
      { values: yaw, color: '#b9629d', low: -12, high: 12, row: 1 },
      { values: answer.closed, color: '#6a6fd6', low: 0, high: 1, row: 2, filled: true },
      { values: clip.loud, color: '#8a8a8a', low: 0, high: 1, row: 3, filled: true },
    ], ['β: smile (blue), frown (orange)', 'p: nod (green), turn (pink), ±12°', 'φ: blinks', 'the speaker\'s loudness']);
    const { heads: most, categories } = this.sizes;
    this.map?.draw(answer.codes, clip.frames, most, categories, answer.settings.emotion, answer.settings.heads);
    const mean = (x) => Math.max(0, Math.round((100 * x.reduce((a, b) => a + b, 0)) / x.length));
    const blinks = answer.shut.reduce((sum, s, t) => sum + (s && !answer.shut[t - 1]), 0);
    const moved = Math.max(...[pitch, yaw, turned(2)].map((x) => Math.max(...x) - Math.min(...x)));
    this.status.textContent = `The listener: smile ${mean(smile)} %, frown ${mean(frown)} %, blinks ${blinks}, head moves ${moved.toFixed(1)}°.`;
  }

  tick = () => {
    const t = this.frame();
    if (this.clock.playing && this.seen && String(t) !== this.root.dataset.frame) this.draw();
    else if (this.play.textContent !== (this.clock.playing ? 'Pause' : 'Play')) this.draw();
    this.next = requestAnimationFrame(this.tick);
  };

  close() {
    cancelAnimationFrame(this.next);
    clearTimeout(this.resting);
    clearTimeout(this.plotting);
    this.resized?.disconnect();
    this.watched?.disconnect();
    this.worker?.terminate();
    this.clock.close();
    for (const name of ['emotion', 'heads', 'temperature', 'seed', 'clip']) this.model.off(`change:${name}`, this.follow);
    this.root.remove();
  }
}

async function render({ model, el }) {
  const view = new View(model, el);
  await view.open();
  return () => view.close();
}

export default { render };
