// The reader as the listener sees them: from a camera's stream to a speaker's β, pose and blink. Pictures are looked at
// by a worker (watcher.js), so that the page never waits for them, and forgotten.

const MISSED = 13; // pictures without a face that are worth saying
const KEPT = 12; // of what was seen last, half a second

/** A `Camera`, of what `elpTracker` brings: `files`, and the face model's `layout`. */
export async function createCamera({ files, layout }) {
  const eyes = new Eyes();
  try {
    return new Camera(eyes, await eyes.ask({ files, layout }));
  } catch (error) {
    eyes.end();
    throw error;
  }
}

/** A worker that answers one message after the other. */
class Eyes {
  constructor() {
    // a page opened from a disk may start no worker from a file, and a worker import nothing of the page's
    const url = URL.createObjectURL(new Blob([WATCHER], { type: 'text/javascript' }));
    this.worker = new Worker(url);
    URL.revokeObjectURL(url);
    this.turn = Promise.resolve();
  }

  ask(message, given = []) {
    const answered = this.turn.then(() => new Promise((resolve, reject) => {
      const refused = (why) => reject(new Error(why));
      this.worker.onmessage = ({ data }) => (data.wrong === undefined ? resolve(data.found) : refused(data.wrong));
      this.worker.onerror = () => refused('the browser refuses a worker');
      this.worker.postMessage(message, given);
    }));
    this.turn = answered.catch(() => {});
    return answered;
  }

  end() {
    this.worker.terminate();
  }
}

/** `seen` is the newest { beta, pose, blink, time }, as a model's speaker has them: of somebody who keeps still until
 *  the face is known, in the last pose while it is lost; `time` is the picture's, as performance.now() counts. `state`
 *  is 'closed', 'looking', 'calibrating', 'watching', 'lost', or 'failed' where numbers made no sense: it is closed
 *  then, and can be opened again. `spent` says, in milliseconds, how old the newest picture was when its numbers were
 *  there, `all`, and of it until it was sent, `bring`, and in the worker, `track` and `fit`; the rest is messages. */
class Camera {
  constructor(eyes, { width }) {
    Object.assign(this, { eyes, video: document.createElement('video'), state: 'closed', say: () => {} });
    Object.assign(this.video, { muted: true, playsInline: true });
    this.pen = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
    this.still = { beta: new Float32Array(width), pose: new Float32Array(6), blink: 0, time: 0 };
    this.past = [this.still];
  }

  get seen() {
    return this.past.at(-1);
  }

  /** Watches a stream until `close`; `say(state)` is called when the state changes. */
  async open(stream, say = () => {}) {
    this.close();
    const turn = this.turn = {};
    Object.assign(this, { stream, say, missed: 0, looked: 0, busy: false, spent: {} });
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
    Object.assign(this, { turn: null, stream: null, past: [this.still] });
    this.video.srcObject = null;
    this.become(state);
  }

  /** Closes, and cannot be opened again. */
  end() {
    this.close();
    this.eyes.end();
  }

  /** What was seen at a time, with the time of the newest picture that tells it: between two pictures β and pose go
   *  straight from one to the other, after the newest they stay. */
  at(time) {
    const later = this.past.findIndex((each) => each.time > time);
    if (later < 1) return later ? this.seen : this.past[0];
    const [one, other] = this.past.slice(later - 1, later + 1);
    const share = (time - one.time) / (other.time - one.time);
    const between = (values, others) => values.map((value, k) => value + share * (others[k] - value));
    return { beta: between(one.beta, other.beta), pose: between(one.pose, other.pose), blink: (share < 0.5 ? one : other).blink, time: other.time };
  }

  become(state) {
    if (state === this.state) return;
    this.state = state;
    this.say(state);
  }

  async watch(turn) {
    await this.eyes.ask({ begin: true });
    while (this.turn === turn) {
      // while a calibration is computed pictures are not looked at
      const time = this.busy ? null : await next(this.video);
      if (this.turn !== turn) return;
      const picture = !this.busy && this.video.videoWidth ? await this.picture() : null;
      if (this.busy || picture) await this.look(turn, picture, time);
    }
  }

  /** The video's picture, to be given away. */
  async picture() {
    return (await copied(this.video)) ?? this.drawn();
  }

  drawn() {
    const { video, pen } = this;
    const [width, height] = [video.videoWidth, video.videoHeight];
    if (pen.canvas.width !== width || pen.canvas.height !== height) Object.assign(pen.canvas, { width, height });
    pen.drawImage(video, 0, 0);
    return { data: pen.getImageData(0, 0, width, height).data, width, height };
  }

  async look(turn, picture, time) {
    const bring = performance.now() - time;
    const { beta, pose, blink, met, calibrated, busy, spent } = await this.eyes.ask({ picture }, picture ? [picture.data.buffer] : []);
    if (this.turn !== turn) return;
    this.busy = busy;
    if (!picture) return;
    this.spent = { ...spent, bring, all: performance.now() - time };
    this.looked++;
    this.missed = met ? 0 : this.missed + 1;
    this.past = [...this.past.slice(1 - KEPT), { beta, pose, blink: Number(blink), time }];
    if (this.missed >= MISSED) this.become(calibrated ? 'lost' : 'looking');
    else if (met) this.become(calibrated ? 'watching' : 'calibrating');
  }
}

/** A video's picture, or null where a browser cannot copy one. Chromium keeps hundreds of megabytes of pictures that a
 *  canvas drew. */
async function copied(video) {
  if (!globalThis.VideoFrame) return null;
  const frame = new VideoFrame(video);
  const { width, height } = frame.visibleRect;
  const asked = { format: 'RGBA' };
  try {
    if (frame.allocationSize(asked) !== 4 * width * height) return null; // an older browser knows no formats
    const data = new Uint8ClampedArray(4 * width * height);
    await frame.copyTo(data, asked);
    return { data, width, height };
  } catch {
    return null;
  } finally {
    frame.close();
  }
}

/** When the video's next picture was taken, once it is there; or a little later where a browser does not tell. */
function next(video) {
  return new Promise((resolve) => {
    const late = setTimeout(() => resolve(performance.now()), 250);
    video.requestVideoFrameCallback?.((now, { captureTime }) => {
      clearTimeout(late);
      resolve(captureTime ?? now);
    });
  });
}
