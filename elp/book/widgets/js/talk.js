// Talk to the listener: its reader's microphone, or a recorded voice, answered in the page. One ES module by anywidget's
// conventions; in the static page elp.js hands it a model without a kernel.
import { Ear } from './ear.js';
import { Listener } from './engine.js';
import { Face, LOOKS, meshOf } from './face.js';
import { cameraOf } from './kernel.js';
import { bytes, quickened, unpack } from './layers.js';
import { Tap, Trouble, microphone, webcam } from './microphone.js';
import { Curves, Triangle, element, mixture, slider } from './panels.js';
import { CSS } from './style.js';
import { Wardrobe } from './wardrobe.js';

const SHOWN = 250; // frames of the strip
const MIRRORED = 2; // pictures of the listener to one of the speaker
const WORDS = {
  ready: 'The listener is awake. Choose whom it shall hear.',
  opening: 'Waiting for the sound.',
  recording: 'It listens to a simulated speaker.',
  microphone: 'It listens to your microphone: say something, and pause.',
  waking: 'The eyes wake up: this takes some seconds.',
  looking: 'It listens, and looks for your face: come before the camera, well lit.',
  calibrating: 'It listens. Keep still for two seconds and look into the camera, so that it learns your face.',
  watching: 'It listens to your microphone and watches your face: say something, and pause.',
  failed: 'It could not learn your face: press Stop, sit in good light, and begin again. It goes on listening.',
  unseen: 'Your face is out of sight: it goes on listening.',
  silent: 'Nothing is heard: is the microphone muted?',
  hidden: 'It waits while this tab is in the background; microphone and camera are off.',
  over: 'The recording is over.',
  stopped: 'Stopped: microphone and camera are off.',
  lost: 'The microphone or the camera was taken away: plug it in, then press again.',
};
const PRIVATE = 'Nothing leaves this page: no sound, no picture and no number is sent, stored or recorded.';

class Talk {
  constructor(model, el) {
    this.model = model;
    this.root = element('div', 'elp-live elp-talking');
    this.root.append(element('style', '', { textContent: CSS }));
    el.append(this.root);
  }

  async open() {
    const { model } = this;
    const engine = model.get('engine');
    const ear = model.get('ear');
    const arrays = await unpack(bytes(model.get('weights')), engine.layout);
    this.hearing = quickened(await unpack(bytes(model.get('hearing')), ear.layout), ear.layout);
    this.listener = new Listener(quickened(arrays, engine.layout), engine.sizes);
    this.mesh = meshOf(arrays, engine.face);
    this.clips = await Promise.all(model.get('clips').map(async (clip) => ({ ...clip, sound: bytes(clip.sound), ...(await unpack(bytes(clip.data), clip.layout)) })));
    this.layout();
    this.empty();
    this.say('ready');
    document.addEventListener('visibilitychange', this.hide);
    for (const name of ['emotion', 'heads']) model.on(`change:${name}`, this.follow);
    this.tick();
  }

  layout() {
    const { root, model, clips, listener: { sizes } } = this;
    const stage = element('div', 'elp-stage');
    [this.speaker, this.face] = ['speaker', 'listener'].map((who) => {
      const figure = element('div', `elp-head elp-${who}`);
      const canvas = element('canvas');
      canvas.setAttribute('role', 'img');
      canvas.setAttribute('aria-label', who === 'speaker' ? 'whoever speaks' : 'the listener\'s face, answering');
      const name = element('div', 'elp-who', { textContent: who });
      figure.append(canvas, name);
      stage.append(figure);
      return Object.assign(new Face(canvas, this.mesh, LOOKS[who]), { name });
    });
    const bar = element('div', 'elp-transport');
    const sources = [
      ...clips.map((clip) => ['recording', clip.name, () => this.start(clip)]),
      ['sound elp-microphone', 'Use my microphone', () => this.start(null)],
    ];
    sources.push(['camera', 'Use my microphone and camera', () => this.start(null, true)]);
    this.buttons = sources.map(([kind, textContent, pressed]) => {
      const button = element('button', `elp-${kind}`, { type: 'button', textContent });
      button.addEventListener('click', pressed);
      return button;
    });
    this.off = element('button', 'elp-stop', { type: 'button', textContent: 'Stop', disabled: true });
    this.off.addEventListener('click', () => this.stop('stopped'));
    bar.append(...this.buttons, this.off);
    this.status = element('div', 'elp-listener-status');
    this.status.setAttribute('role', 'status');
    this.counted = element('div', 'elp-counted');
    this.strip = new Curves(() => {});
    this.strip.canvas.setAttribute('aria-label', 'the last ten seconds: the speaker\'s voice, pauses and low pitch; the listener\'s head, smile and blinks');
    const panel = element('div', 'elp-controls');
    this.triangle = new Triangle(sizes.emotions, (e) => this.change('emotion', e.map((x) => Math.round(1000 * x) / 1000)));
    const rows = element('div', 'elp-rows');
    this.mood = element('p', 'elp-mood');
    this.heads = slider('heads H', { min: 1, max: sizes.heads, step: 1, value: model.get('heads'), say: (h) => `${h} of ${sizes.heads}` }, (h) => this.change('heads', h));
    this.heads.input.classList.add('elp-heads');
    rows.append(this.mood, this.heads.row, element('p', 'elp-private', { textContent: PRIVATE }));
    this.wardrobe = new Wardrobe({
      drawn: (canvas) => new Face(canvas, this.mesh, LOOKS.listener),
      portrait: model.get('portrait'),
      coefficients: sizes.beta,
      wear: (...worn) => this.wear(...worn),
      refuse: (words) => this.say(this.refused = words),
    });
    rows.append(this.wardrobe.row);
    panel.append(this.triangle.node, rows);
    const plots = element('div', 'elp-plots');
    plots.append(this.strip.node);
    root.append(stage, bar, this.status, panel, plots, this.counted);
    this.follow();
  }

  /** The listener gets another face, made by `make` on a fresh canvas. */
  wear(which, make) {
    const canvas = this.face.canvas.cloneNode(); // a canvas draws in one way only
    const face = Object.assign(make(canvas), { canvas, name: this.face.name });
    this.face.canvas.replaceWith(canvas);
    this.face = face;
    face.name.textContent = which === 'drawn' ? 'listener' : 'listener, synthetic';
    this.root.dataset.face = which;
    this.dirty = true;
    if (which !== 'drawn' && this.state === this.refused) this.say(this.tap ? this.hears() : 'ready');
  }

  follow = () => {
    const { model } = this;
    this.triangle.show(model.get('emotion'));
    this.heads.show(model.get('heads'));
    this.mood.textContent = mixture(model.get('emotion'), this.listener.sizes.emotions);
    if (this.ear) Object.assign(this.ear.conversation, { emotion: model.get('emotion'), heads: model.get('heads') });
  };

  change(name, value) {
    this.model.set(name, value);
    this.model.save_changes();
    this.follow();
  }

  say(state) {
    this.state = state;
    this.status.textContent = WORDS[state] ?? state;
    Object.assign(this.root.dataset, { state: state in WORDS ? state : 'trouble' });
  }

  /** A face at rest and an empty strip. */
  empty() {
    const still = new Float32Array(6);
    const mean = this.listener.w['beta.mean'];
    this.past = Array.from({ length: SHOWN }, () => ({ voice: 0, pitch: 0, smile: 0, closed: 0, began: {} }));
    this.delays = []; // ms, of the last frames' sound
    this.ages = []; // and of the pictures that they knew
    this.newest = { beta: mean, closed: 0, pose: still };
    this.seen = { beta: mean.map(() => 0), pose: still, blink: 0 };
    this.dirty = true;
  }

  /** Hears a recording, or (null) the microphone; sees through the camera if it is `watched`. */
  async start(clip, watched = false) {
    this.stop('opening');
    const mine = this.turn = {}; // whatever else is pressed meanwhile makes another
    this.off.disabled = false;
    this.empty();
    try {
      // before anything is waited for: browsers let sound begin with a press only
      const tap = this.tap = new Tap((block) => this.heard(block), () => this.stop('over'));
      const stream = clip ? null : await microphone();
      if (this.turn !== mine) {
        stream?.getTracks().forEach((track) => track.stop());
        return;
      }
      this.stream = stream;
      stream?.getTracks().forEach((track) => { track.onended = () => this.stop('lost'); });
      this.clip = clip;
      this.speaker.mean = clip ? clip.mean : this.mesh.mean;
      this.shown = null;
      this.speaker.name.textContent = clip ? clip.name : 'you';
      this.ear = this.begun();
      await tap.open({ stream, recording: clip?.sound });
      if (this.turn === mine) this.say(watched ? 'waking' : clip ? 'recording' : 'microphone');
      if (watched) await this.watch(mine);
    } catch (error) {
      if (this.turn !== mine) return;
      this.stop(error instanceof Trouble ? error.message : `The sound could not be opened: ${error.message}.`);
    }
  }

  /** Opens the reader's camera. */
  async watch(mine) {
    const stream = await webcam();
    const stop = () => stream.getTracks().forEach((track) => track.stop());
    if (this.turn !== mine) return stop();
    this.eyes ??= this.model.get('eyes')?.() ?? cameraOf(this.model); // of the page, or of a notebook's kernel
    let eyes;
    try {
      eyes = await this.eyes;
    } catch (error) {
      this.eyes = null;
      stop();
      throw error instanceof Trouble ? error : new Trouble(`The networks that find faces did not come (${error.message}): press again.`);
    }
    if (this.turn !== mine) return stop();
    stream.getTracks().forEach((track) => { track.onended = () => this.stop('lost'); });
    this.camera = eyes;
    await this.camera.open(stream, () => { if (!document.hidden) this.say(this.hears()); });
  }

  /** What it does while somebody is heard. */
  hears() {
    const { camera, clip } = this;
    if (camera) return camera.state === 'lost' ? 'unseen' : camera.state;
    return clip ? 'recording' : 'microphone';
  }

  begun() {
    const { model, listener, hearing, mesh, tap } = this;
    const settings = { emotion: model.get('emotion'), heads: model.get('heads'), temperature: 1, seed: model.get('seed') };
    const seen = (frame, ago) => this.watched(frame, ago);
    return new Ear({ listener, hearing, sizes: model.get('ear').sizes, named: mesh.named, settings, seen, now: () => tap.now });
  }

  /** What is seen of the speaker: of a recording its motion, else what the camera shows, else somebody who keeps still. */
  watched(frame, ago) {
    const { clip, camera } = this;
    if (camera) this.seen = camera.at(performance.now() - 1000 * ago);
    if (!clip) return this.seen;
    const t = Math.min(frame, clip.frames - 1);
    const width = clip.beta.length / clip.frames;
    this.seen = { beta: clip.beta.subarray(t * width, (t + 1) * width), pose: clip.pose.subarray(6 * t, 6 * t + 6), blink: clip.shut[t] };
    return this.seen;
  }

  /** A block of sound came: answer the frames that it completes. */
  heard(block) {
    const frames = this.ear.push(block);
    if (!frames.length) return;
    this.past = [...this.past.slice(frames.length), ...frames];
    this.newest = frames.at(-1);
    this.dirty = true;
    this.root.dataset.frames = this.ear.frame;
    if (this.clip) return;
    if (this.ear.silent !== (this.state === 'silent')) this.say(this.ear.silent ? 'silent' : this.hears());
  }

  stop(state) {
    this.turn = null;
    this.stream?.getTracks().forEach((track) => {
      track.onended = null;
      track.stop();
    });
    const { camera } = this;
    if (camera) camera.say = () => {};
    this.camera = null;
    camera?.close();
    this.tap?.close();
    Object.assign(this, { stream: null, tap: null, ear: null, clip: null });
    this.off.disabled = true;
    this.say(state);
  }

  /** In the background nothing is heard. */
  hide = () => {
    if (!this.tap || this.state === 'opening') return;
    for (const { stream } of [this, this.camera ?? {}]) {
      stream?.getTracks().forEach((track) => { track.enabled = !document.hidden; });
    }
    this.tap.pause(document.hidden);
    this.say(document.hidden ? 'hidden' : this.hears());
  };

  tick = () => {
    if (this.dirty) this.draw();
    this.next = requestAnimationFrame(this.tick);
  };

  draw() {
    this.dirty = false;
    const { newest, seen, tap } = this;
    this.face.draw(newest.beta, newest.closed, newest.pose);
    this.root.dataset.drawn = Number(this.root.dataset.drawn ?? 0) + 1;
    const turn = !tap || !this.shown || this.root.dataset.drawn % MIRRORED === 0;
    if (turn && seen !== this.shown) {
      this.speaker.draw(seen.beta, seen.blink, seen.pose);
      this.shown = seen;
    }
    this.speaker.canvas.parentElement.style.setProperty('--loud', tap ? (newest.voice ?? 0).toFixed(2) : 0);
    if (tap && newest.end) this.delays = [...this.delays.slice(-49), 1000 * (tap.now - newest.end)];
    if (this.camera?.state === 'watching') this.ages = [...this.ages.slice(-49), performance.now() - seen.time];
    if (this.root.dataset.drawn % 4 === 1) this.plot();
  }

  plot() {
    const { past, ear } = this;
    const line = (of) => Float32Array.from(past, of);
    this.strip.draw([
      { values: line((f) => f.voice), color: '#8a8a8a', low: 0, high: 1, row: 0, filled: true },
      { values: line((f) => Number(f.began.pauses ?? 0)), color: '#d5600a', low: 0, high: 1, row: 0 },
      { values: line((f) => Number(f.began.cues ?? 0)), color: '#2f7fc1', low: 0, high: 1, row: 0 },
      { values: line((f) => f.pitch), color: '#0b9a70', low: -12, high: 12, row: 1 },
      { values: line((f) => Number(f.began.nods ?? 0)), color: '#8a8a8a', low: 0, high: 1, row: 1 },
      { values: line((f) => f.smile), color: '#2f7fc1', low: -0.1, high: 1, row: 2 },
      { values: line((f) => Number(f.began.smiles ?? 0)), color: '#8a8a8a', low: 0, high: 1, row: 2 },
      { values: line((f) => f.closed), color: '#6a6fd6', low: 0, high: 1, row: 3, filled: true },
    ], ['the speaker\'s voice, pauses (orange), low pitch (blue)', 'head, ±12°, and nods (grey)', 'smile, and its beginnings (grey)', 'blinks']);
    if (!ear) return;
    const [delay, age] = [this.delays, this.ages].map((ms) => [...ms].sort((a, b) => a - b)[ms.length >> 1] ?? 0);
    const { pauses, cues, nods, blinks, smiles } = ear.moments.counts;
    const sight = age ? `, ${age.toFixed(0)} ms after the newest picture of you` : '';
    const skipped = ear.leftOut ? ` ${ear.leftOut} frames left out: this machine is too slow.` : '';
    this.counted.textContent = `Speaker: pauses ${pauses}, low pitches ${cues}. Listener: nods ${nods}, blinks ${blinks}, smiles ${smiles}. ${ear.spent.toFixed(0)} ms of work a frame, shown ${delay.toFixed(0)} ms after its sound${sight}.${skipped}`;
    Object.assign(this.root.dataset, { spent: ear.spent.toFixed(1), delay: delay.toFixed(0), age: age.toFixed(0) });
    if (this.camera) Object.assign(this.root.dataset, { looked: this.camera.looked, look: JSON.stringify(this.camera.spent) });
  }

  close() {
    this.stop('stopped');
    cancelAnimationFrame(this.next);
    document.removeEventListener('visibilitychange', this.hide);
    for (const name of ['emotion', 'heads']) this.model.off(`change:${name}`, this.follow);
    this.eyes?.then((camera) => camera.end(), () => {});
    this.root.remove();
  }
}

async function render({ model, el }) {
  const talk = new Talk(model, el);
  await talk.open();
  return () => talk.close();
}

export default { render };
