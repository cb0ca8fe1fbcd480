// How messages get to the engine and updates come back: from the server, or from a worker in this browser.
// Both have `ask(message)`, a promise of the answer, and call `update(message)` and `state(words)`.

/** The engine in a server: messages by POST, updates as server-sent events. */
export class ServerConnection {
  constructor({ update, state, lost }) {
    Object.assign(this, { update, state, lost });
    [this.page, this.kept] = name();
    this.source = null;
    this.last = Promise.resolve();
  }

  /** One after the other, as a worker takes them: two requests at once may arrive in either order. */
  ask(message) {
    const answer = this.last.then(() => this.post(message));
    this.last = answer.catch(() => {});
    return answer;
  }

  async post(message) {
    const answer = await fetch(`message?page=${this.page}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(message),
    });
    const found = await answer.json();
    found.status = answer.status;
    return found;
  }

  /** Updates from now on. `lost` is called when the server does not know this page any more. */
  listen() {
    this.source?.close();
    const source = (this.source = new EventSource(`events?page=${this.page}`));
    source.onopen = () => {
      this.state("");
      this.ask({ do: "again" }).catch(() => {});
    };
    source.onmessage = (event) => this.update(JSON.parse(event.data));
    source.addEventListener("elsewhere", () => {
      source.close();
      this.state("This run is shown in another tab. Reload to have one here.");
    });
    source.onerror = () => {
      this.state("The server does not answer. Is numpyfa watch still running? Trying again.");
      if (source.readyState === EventSource.CLOSED) {
        setTimeout(() => this.lost(), 1000);
      }
    };
  }
}

/** The engine in a worker of this browser, by Pyodide. */
export class WorkerConnection {
  constructor({ update, state }) {
    this.waiting = new Map();
    this.asked = 0;
    this.worker = new Worker("worker.js", { type: "module" });
    this.worker.onmessage = ({ data }) => {
      if (data.state !== undefined) {
        state(data.state);
      } else if (data.update !== undefined) {
        update(JSON.parse(data.update));
      } else {
        this.waiting.get(data.number)?.(JSON.parse(data.answer));
        this.waiting.delete(data.number);
      }
    };
    this.worker.onerror = (event) => state(`The engine in this browser stopped: ${event.message}`);
  }

  ask(message) {
    const number = ++this.asked;
    this.worker.postMessage({ number, message: JSON.stringify(message) });
    return new Promise((resolve) => this.waiting.set(number, resolve));
  }

  listen() {
    this.ask({ do: "again" });
  }
}

/** [this page's own name, whether it had it before]. A reload keeps it, and so its run; a tab that was duplicated takes
 * a new one. */
function name() {
  const reloaded = performance.getEntriesByType("navigation")[0]?.type === "reload";
  const before = reloaded ? sessionStorage.getItem("page") : null;
  if (before) {
    return [before, true];
  }
  const found = Array.from(crypto.getRandomValues(new Uint8Array(12)), (n) => (n % 36).toString(36)).join("");
  sessionStorage.setItem("page", found);
  return [found, false];
}
