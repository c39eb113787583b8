// Draws what `elp.book.figures` and `elp.book.widgets` put into a static page; plotly.js (vendor/) is fetched on pages with a plot only.
(() => {
  const base = new URL('../vendor/', document.currentScript.src);

  function plots() {
    const all = [...document.querySelectorAll('.elp-plot')].filter((div) => div.querySelector('script[type="application/json"]'));
    if (!all.length) return;
    const script = document.createElement('script');
    script.src = new URL('plotly.min.js', base);
    script.onload = () => all.forEach((div) => {
      const spec = JSON.parse(div.querySelector('script').textContent);
      div.replaceChildren();
      Plotly.newPlot(div, spec);
    });
    document.head.append(script);
  }

  async function widgets() {
    for (const div of document.querySelectorAll('.elp-widget')) {
      const source = new Blob([JSON.parse(div.querySelector('.elp-module').textContent)], { type: 'text/javascript' });
      const state = JSON.parse(div.querySelector('.elp-state').textContent);
      const url = URL.createObjectURL(source);
      const { default: widget } = await import(url);
      div.replaceChildren();
      // the part of anywidget's model that a page without a kernel can keep
      const model = {
        get: (key) => state[key],
        set: (key, value) => { state[key] = value; },
        save_changes() {}, on() {}, off() {},
      };
      widget.render({ model, el: div });
    }
  }

  function calm() {  // who asked the system for less motion starts the videos
    if (!matchMedia('(prefers-reduced-motion: reduce)').matches) return;
    document.querySelectorAll('.elp-figure video').forEach((video) => { video.autoplay = false; video.pause(); });
  }

  function reachable() {  // what scrolls sideways is reached by keys, too
    document.querySelectorAll('.bd-article pre, .bd-article div.math, .elp-figure').forEach((box) => {
      if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
    });
  }

  function sources() {  // a listing's name leads to the whole file
    document.querySelectorAll('.elp-where code[data-elp]').forEach((code) => {
      const [module, name] = code.dataset.elp.split(':');
      const link = document.createElement('a');
      link.href = new URL(`../_modules/${module.replaceAll('.', '/')}.html#${name}`, base);
      link.className = 'reference internal';
      link.title = 'the whole file';
      code.replaceWith(link);
      link.append(code);
    });
  }

  document.addEventListener('DOMContentLoaded', () => { calm(); sources(); plots(); widgets(); reachable(); });
})();
