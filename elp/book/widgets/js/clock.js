// When: the sound's time where there is sound, else the page's.

/** Time in seconds that runs while it plays, with the sound where there is one. */
export class Clock {
  constructor() {
    Object.assign(this, { playing: false, at: 0, length: 1, since: 0 });
  }

  now() {
    if (!this.playing) return this.at;
    return (this.at + this.ticks() - this.since) % this.length;
  }

  ticks() {
    return this.source ? this.audio.currentTime - (this.audio.outputLatency || 0) : performance.now() / 1000;
  }

  /** Stops or goes on, here or elsewhere, with or without sound. */
  set({ playing = this.playing, at = this.now(), sound = this.sound } = {}) {
    this.source?.stop();
    Object.assign(this, { source: null, sound, playing, at: ((at % this.length) + this.length) % this.length });
    if (playing && sound && this.buffer) {
      this.source = this.audio.createBufferSource();
      Object.assign(this.source, { buffer: this.buffer, loop: true, loopEnd: this.length });
      this.source.connect(this.audio.destination);
      this.source.start(0, this.at);
    }
    this.since = this.ticks();
  }

  async hear(data) {
    this.audio ??= new AudioContext();
    this.audio.resume().catch(() => {}); // closed first: nobody waits for its sound
    this.buffer = await this.audio.decodeAudioData(data.slice().buffer);
  }

  close() {
    this.set({ playing: false });
    this.audio?.close();
  }
}
