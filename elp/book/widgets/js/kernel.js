// What follows a face, from the kernel of a notebook: asked for when the camera is.
import { bytes } from './layers.js';
import { Trouble } from './microphone.js';

const PATIENCE = 60_000; // ms until a kernel counts as gone

/** A `Camera` of camera.js. Throws Trouble where the kernel lacks what it takes. */
export async function cameraOf(model) {
  const { content: { eyes, missing }, buffers } = await answer(model);
  if (missing) throw new Trouble(`Without a camera: ${missing}.`);
  const files = Object.fromEntries(eyes.names.map((name, k) => [name, bytes(buffers[k])]));
  const source = URL.createObjectURL(new Blob([eyes.module], { type: 'text/javascript' }));
  const { createCamera } = await import(source);
  URL.revokeObjectURL(source);
  return createCamera({ files, layout: eyes.layout });
}

function answer(model) {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => heard(null), PATIENCE);
    const heard = (content, buffers) => {
      clearTimeout(late);
      model.off('msg:custom', heard);
      if (content) resolve({ content, buffers });
      else reject(new Trouble('The kernel does not answer: restart it, run this cell again, and press again.'));
    };
    model.on('msg:custom', heard);
    model.send('eyes');
  });
}
