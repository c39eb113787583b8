// Sound into the page, from a microphone or a recording: blocks of samples with the time at which they end.

// runs in the audio thread; a page on a disk may load it from a data: address only
const TAP = `registerProcessor('elp-tap', class extends AudioWorkletProcessor {
  constructor() { super(); this.held = new Float32Array(512); this.count = 0; }
  process([channels]) {
    const length = channels.length ? channels[0].length : 0;
    for (let i = 0; i < length; i++) {
      let sum = 0;
      for (const channel of channels) sum += channel[i];
      this.held[this.count++] = sum / channels.length;
      if (this.count < this.held.length) continue;
      this.port.postMessage({ samples: this.held, end: currentTime + (i + 1) / sampleRate });
      this.held = new Float32Array(512);
      this.count = 0;
    }
    return true;
  }
});`;

// the listener shall hear the voice as it is
const PLAIN = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };

const REFUSED = {
  NotAllowedError: (what) => `The ${what} was refused: allow it in the browser's address bar, then press again.`,
  NotFoundError: (what) => `No ${what} was found: plug one in, then press again.`,
  NotReadableError: (what) => `The ${what} is in use elsewhere: close the other program, then press again.`,
};

/** Something that a reader can mend, said in one sentence. */
export class Trouble extends Error {}

/** A microphone's or a camera's stream; throws Trouble where there is none. */
export async function opened(constraints, what) {
  if (!navigator.mediaDevices) throw new Trouble(`This page gets no ${what} here: open it by https, from this machine or from a file.`);
  try {
    return await navigator.mediaDevices.getUserMedia(constraints);
  } catch (error) {
    throw new Trouble(REFUSED[error.name]?.(what) ?? `The ${what} could not be opened: ${error.message}.`);
  }
}

export function microphone() {
  return opened({ audio: PLAIN }, 'microphone');
}

export function webcam() {
  return opened({ video: { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 }, facingMode: 'user' } }, 'camera');
}

/** Hands on the sound of a stream or of an encoded recording. */
export class Tap {
  /** onBlock({ samples, end, rate }); onEnd() when a recording is over. */
  constructor(onBlock, onEnd) {
    Object.assign(this, { onBlock, onEnd, context: new AudioContext({ latencyHint: 'interactive' }) });
  }

  async open({ stream, recording }) {
    const { context } = this;
    const rate = context.sampleRate;
    await context.audioWorklet.addModule(`data:text/javascript,${encodeURIComponent(TAP)}`);
    this.node = new AudioWorkletNode(context, 'elp-tap', { numberOfOutputs: 0 });
    this.node.port.onmessage = ({ data }) => this.onBlock({ ...data, rate });
    if (stream) this.source = context.createMediaStreamSource(stream);
    else {
      this.source = context.createBufferSource();
      this.source.buffer = await context.decodeAudioData(recording.slice().buffer);
      this.source.connect(context.destination);
      this.source.onended = this.onEnd;
      this.source.start();
    }
    this.source.connect(this.node);
    await context.resume();
  }

  get now() {
    return this.context.currentTime;
  }

  /** Holds the sound, or lets it go on. */
  async pause(so) {
    try {
      await (so ? this.context.suspend() : this.context.resume());
    } catch (error) {
      if (!this.closed) throw error; // closed before it could go on: nothing is left to do
    }
  }

  close() {
    this.closed = true;
    if (this.source) this.source.onended = null;
    if (this.node) this.node.port.onmessage = null;
    if (this.context.state !== 'closed') this.context.close();
  }
}
