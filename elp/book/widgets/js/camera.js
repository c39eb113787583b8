// The reader as the listener sees them: from a camera's stream to a speaker's β, pose and blink. Pictures are looked at
// and forgotten.
import { createFit } from './fit.js';
import { unpack } from './layers.js';
import { createTracker } from './tracker.js';
import { unzipped } from './unzipped.js';

const MISSED = 13; // pictures without a face that are worth saying

/** A `Camera`, of what `elpTracker` brings: `files`, and the face model's `layout`. */
export async function createCamera({ files, layout }) {
  const { core, utils, script, binary, face, ...models } = await unzipped(files);
  const [tracker, model] = await Promise.all([createTracker({ models, wasm: { core, utils, script, binary } }), unpack(face, layout)]);
  return new Camera(tracker, model);
}

/** `seen` is the newest { beta, pose, blink }, as a model's speaker has them: of somebody who keeps still until the face
 *  is known, in the last pose while it is lost. `state` is 'closed', 'looking', 'calibrating', 'watching', 'lost',
 *  or 'failed' where numbers made no sense: it is closed then, and can be opened again. */
class Camera {
  constructor(tracker, model) {
    Object.assign(this, { tracker, model, video: document.createElement('video'), state: 'closed', say: () => {} });
    Object.assign(this.video, { muted: true, playsInline: true });
    this.still = { beta: new Float32Array(model.deviation.length), pose: new Float32Array(6), blink: 0 };
    this.seen = this.still;
  }

  /** Watches a stream until `close`; `say(state)` is called when the state changes. */
  async open(stream, say = () => {}) {
    this.close();
    const turn = this.turn = {};
    Object.assign(this, { stream, say, seen: this.still, missed: 0, spent: { track: 0, fit: 0 } });
    this.fit = createFit({ model: this.model });
    this.tracker.forget();
    this.become('looking');
    this.video.srcObject = stream;
    await this.video.play();
    this.watch(turn).catch(() => {
      if (this.turn !== turn) return;
      this.close('failed');
    });
  }

  /** Ends; the camera's light goes off. */
  close(state = 'closed') {
    this.stream?.getTracks().forEach((track) => {
      track.onended = null;
      track.stop();
    });
    Object.assign(this, { turn: null, stream: null, fit: null, seen: this.still });
    this.video.srcObject = null;
    this.become(state);
  }

  /** Share of the calibration's frames that are there. */
  get progress() {
    return this.fit?.progress ?? 0;
  }

  become(state) {
    if (state === this.state) return;
    this.state = state;
    this.say(state);
  }

  async watch(turn) {
    while (this.turn === turn) {
      const { busy } = this.fit;
      await (busy ? breath() : next(this.video));
      if (this.turn !== turn) return;
      if (busy) this.fit.push(null);
      else if (this.video.videoWidth) await this.look(turn);
    }
  }

  async look(turn) {
    const { videoWidth: width, videoHeight: height } = this.video;
    const begun = performance.now();
    const found = await this.tracker.track(this.video);
    if (this.turn !== turn) return;
    const tracked = performance.now();
    const { beta, pose, blink, calibrated } = this.fit.push(found?.points ?? null, width, height);
    this.spent = { track: tracked - begun, fit: performance.now() - tracked };
    this.missed = found ? 0 : this.missed + 1;
    this.seen = { beta, pose, blink: Number(blink) };
    if (this.missed >= MISSED) this.become(calibrated ? 'lost' : 'looking');
    else if (found) this.become(calibrated ? 'watching' : 'calibrating');
  }
}

/** Lets the page do what else waits. */
function breath() {
  return new Promise((resolve) => { setTimeout(resolve); });
}

/** The video's next picture, or a little later where a browser does not tell. */
function next(video) {
  return new Promise((resolve) => {
    const late = setTimeout(resolve, 250);
    video.requestVideoFrameCallback?.(() => {
      clearTimeout(late);
      resolve();
    });
  });
}
