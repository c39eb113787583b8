// The reader as the listener sees them: from a camera's stream to a speaker's β, pose and blink. Pictures are looked at
// by a worker (watcher.js), so that the page never waits for them, and forgotten. Where a browser can, the worker takes
// them from the camera itself, else the page hands them over.
import { drawn } from './pictures.js';

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
    Object.assign(this, { stream, say, missed: 0, looked: 0, busy: false, ended: false, spent: {} });
    this.become('looking');
    const readable = pictures(stream);
    if (!readable) {
      this.video.srcObject = stream;
      await this.video.play();
    }
    this.watch(turn, readable).catch(() => {
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

  async watch(turn, readable) {
    await this.eyes.ask({ begin: true, readable }, readable ? [readable] : []);
    while (this.turn === turn && !this.ended) {
      // while a calibration is computed pictures are not looked at
      const shown = readable || this.busy ? [] : await this.next();
      if (this.turn !== turn) shown[0]?.close?.();
      else if (readable || this.busy || shown[0]) await this.look(turn, ...shown);
    }
  }

  /** The video's next picture, to be given away, and when it was taken, in milliseconds since the epoch. */
  async next() {
    const { video } = this;
    const time = performance.timeOrigin + await presented(video);
    if (!video.videoWidth) return [];
    const size = { width: video.videoWidth, height: video.videoHeight };
    return [globalThis.VideoFrame ? new VideoFrame(video) : drawn(video, size), time];
  }

  async look(turn, picture, time) {
    const found = await this.eyes.ask({ picture, time }, picture ? [picture.data?.buffer ?? picture] : []);
    if (this.turn !== turn) return;
    const { beta, pose, blink, met, calibrated, busy, looked, spent, ended } = found;
    Object.assign(this, { busy, ended });
    if (!looked) return;
    const taken = found.time - performance.timeOrigin;
    this.spent = { ...spent, all: performance.now() - taken };
    this.looked++;
    this.missed = met ? 0 : this.missed + 1;
    this.past = [...this.past.slice(1 - KEPT), { beta, pose, blink: Number(blink), time: taken }];
    if (this.missed >= MISSED) this.become(calibrated ? 'lost' : 'looking');
    else if (met) this.become(calibrated ? 'watching' : 'calibrating');
  }
}

/** A stream of VideoFrames, or null where a browser gives pages none. */
function pictures(stream) {
  if (!globalThis.MediaStreamTrackProcessor) return null;
  return new MediaStreamTrackProcessor({ track: stream.getVideoTracks()[0], maxBufferSize: 1 }).readable;
}

/** When the video's next picture was taken, once it is there; or a little later where a browser does not tell. */
function presented(video) {
  return new Promise((resolve) => {
    const late = setTimeout(() => resolve(performance.now()), 250);
    video.requestVideoFrameCallback?.((now, { captureTime }) => {
      clearTimeout(late);
      resolve(captureTime ?? now);
    });
  });
}
