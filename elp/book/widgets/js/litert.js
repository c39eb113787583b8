// LiteRT in the page, from bytes: nothing is fetched, so that it runs in a page opened from a disk as well.

const runtime = {};

/** Gives `open(model bytes)`, which gives a network { run(Float32Array), close() }; `run` resolves to the outputs.
 *  `core`, `utils`: the modules of @litertjs/core and @litertjs/wasm-utils; `script`, `binary`: what the first one loads. */
export function litert({ core, utils, script, binary }) {
  runtime.open ??= load(core, utils, script, binary);
  return runtime.open;
}

async function load(core, utils, script, binary) {
  const source = new TextDecoder().decode(core).replace('"@litertjs/wasm-utils"', JSON.stringify(address(utils)));
  const { loadLiteRt, loadAndCompile, Tensor } = await import(address(source));
  globalThis.Module = { wasmBinary: binary }; // what its loader would fetch
  await loadLiteRt(`${address(script)}#.js`); // it asks for a name that ends like this
  return async (bytes) => new Network(await loadAndCompile(bytes, { accelerator: 'wasm' }), Tensor);
}

function address(bytes) {
  return URL.createObjectURL(new Blob([bytes], { type: 'text/javascript' }));
}

class Network {
  constructor(model, Tensor) {
    Object.assign(this, { model, Tensor });
    [this.entry] = model.getInputDetails();
    this.exits = model.getOutputDetails().map(({ name }) => name);
  }

  async run(values) {
    const picture = new this.Tensor(values, Array.from(this.entry.shape));
    const found = await this.model.run([picture]);
    picture.delete();
    const out = [];
    for (const tensor of found) {
      out.push(Float32Array.from(await tensor.data()));
      tensor.delete();
    }
    return out;
  }

  close() {
    this.model.delete();
  }
}
