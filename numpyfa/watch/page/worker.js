// The engine in this browser: Python and NumPy by Pyodide, numpyfa from its wheel, and the same messages as a server's.
// What is loaded from where is in site.json.

const inbox = [];
let wake = () => {};
onmessage = ({ data }) => {
  inbox.push(data);
  wake();
};

const tell = (words) => postMessage({ state: words });

async function boot() {
  const site = await (await fetch("site.json")).json();
  tell("Loading Python ...");
  const base = new URL(site.pyodide, location.href).href;
  const { loadPyodide } = await import(`${base}pyodide.mjs`);
  const pyodide = await loadPyodide({ indexURL: base });
  tell("Loading NumPy ...");
  await pyodide.loadPackage(site.packages);
  tell("Loading numpyfa and its digits ...");
  const wheel = await fetch(site.wheel);
  pyodide.unpackArchive(await wheel.arrayBuffer(), "wheel");
  const engine = pyodide.pyimport(site.engine).Engine();
  tell("");
  return engine;
}

/** Let messages in. A timer would wait 4 milliseconds each time; a channel does not. */
const channel = new MessageChannel();
const breathe = () => new Promise((resolve) => {
  channel.port1.onmessage = resolve;
  channel.port2.postMessage(0);
});

async function work(engine) {
  for (;;) {
    while (inbox.length) {
      const { number, message } = inbox.shift();
      postMessage({ number, answer: engine.hear(message) });
    }
    const update = engine.advance();
    if (update) {
      postMessage({ update });
    }
    await (engine.playing ? breathe() : inbox.length ? null : new Promise((resolve) => (wake = resolve)));
  }
}

boot().then(work).catch((error) => tell(`The engine in this browser stopped: ${error.message ?? error}. It needs the network when the page opens, for Python and NumPy.`));
