// Whose face the listener has: the drawn one, a portrait that comes with the page, or one of the reader's own.
import { element } from './panels.js';
import { Painted } from './passes.js';

export class Wardrobe {
  /** drawn(canvas) makes the drawn face; portrait() fetches the page's own, null where there is none; coefficients: of β;
   *  wear(which, make) puts a face on, made by make(canvas); refuse(words) says why not. */
  constructor({ drawn, portrait, coefficients, wear, refuse }) {
    Object.assign(this, { drawn, portrait, coefficients, wear, refuse, worn: 'drawn' });
    this.row = element('label', 'elp-row elp-pick', { textContent: 'face' });
    this.list = element('select', 'elp-worn');
    const faces = [['drawn', 'drawn'], ...(portrait ? [['painted', 'a portrait']] : []), ['own', 'my own portrait (.bin)']];
    this.list.append(...faces.map(([value, textContent]) => element('option', '', { value, textContent })));
    this.file = element('input', 'elp-file', { type: 'file', accept: '.bin', hidden: true });
    this.list.addEventListener('change', () => (this.list.value === 'own' ? this.file.click() : this.choose(this.list.value)));
    this.file.addEventListener('cancel', () => { this.list.value = this.worn; });
    this.file.addEventListener('change', () => this.choose('own', this.file.files[0]));
    this.row.append(this.list, this.file);
  }

  /** What goes wrong is said, and the listener has its drawn face. */
  async choose(which, file) {
    try {
      const buffer = which === 'own' ? await file.arrayBuffer() : which === 'painted' ? await this.portrait() : null;
      this.put(which, (canvas) => (buffer ? this.painted(canvas, buffer) : this.drawn(canvas)));
    } catch (error) {
      this.put('drawn', this.drawn);
      this.refuse(error.message);
    }
    this.file.value = '';
  }

  put(which, make) {
    this.wear(which, make);
    this.worn = this.list.value = which;
  }

  painted(canvas, buffer) {
    canvas.addEventListener('webglcontextlost', () => this.put('drawn', this.drawn));
    return new Painted(canvas, buffer, this.coefficients);
  }
}
