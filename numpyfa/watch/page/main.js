// The page: it asks the engine for what its address says, and draws what comes back.

import * as address from "./address.js";
import { ServerConnection, WorkerConnection } from "./connection.js";
import { Curves, key } from "./curves.js";
import { takeColours } from "./draw.js";
import { Lane, figures, make } from "./panels.js";

const SPEAK = 10000; // milliseconds between two sentences to a screen reader while it plays
const UNSEEN = 1000; // between two drawings of what is below the window's edge, while it plays
const CALM = 500; // between two drawings, where less motion is asked for

const at = (id) => document.getElementById(id);
const form = at("settings");
const calm = matchMedia("(prefers-reduced-motion: reduce)");

/** What the page knows. Tests read it too. */
export const state = { about: null, update: null, curves: new Curves(), lanes: [], drawn: 0, look: {}, playing: false };

const Connection = document.documentElement.dataset.engine === "server" ? ServerConnection : WorkerConnection;
const connection = new Connection({ update: take, state: (words) => (at("state").textContent = words), lost: recover });

// -- Settings ---------------------------------------------------------------------------------------------------------

const touched = new Set(); // fields that were written into since the last start was sent

/** Start a run. What cannot be is told beside its field; from an address it is left out, and the rest is taken. `told`
 * are the words on what was left out before. */
async function start(settings, { drop = false, play = false, told = {} } = {}) {
  touched.clear();
  setPlaying(play);
  const answer = await connection.ask({ do: "start", settings, play });
  if (answer.kind === "started") {
    if (!drop) {
      tellProblems({});
    }
    begin(answer);
    return true;
  }
  if (answer.kind !== "refused") {
    return false;
  }
  const problems = { ...told, ...answer.problems };
  tellProblems(problems);
  if (drop) {
    const wrong = answer.names ?? [];
    const rest = Object.fromEntries(Object.entries(settings).filter(([name]) => !wrong.includes(name)));
    const less = Object.keys(rest).length < Object.keys(settings).length ? rest : {};
    return answer.status === 429 || !Object.keys(settings).length ? false : start(less, { drop, play, told: problems });
  }
  return false;
}

function setPlaying(value) {
  state.playing = value;
  at("play").textContent = value ? "Pause" : "Play";
}

/** A run has begun, or one that was there is shown again. */
function begin(about) {
  state.about = about;
  state.look = { layer: about.layer, digit: about.digit };
  state.update = null;
  fillForm(about);
  state.lanes = about.lanes.map((lane, place) => new Lane(place, lane, look));
  at("lanes").replaceChildren(...state.lanes.map((lane) => lane.element));
  at("layer").replaceChildren(...about.layers.map(({ number, words }) => make("option", { value: number }, `${number} (${words})`)));
  at("layer").value = about.layer;
  at("digit").value = about.digit;
  const numbers = about.layers.map(({ number }) => number);
  key(names(), { angle: numbers.slice(0, -1), weight_angle: numbers.slice(1) });
  address.write(about.settings, state.look);
}

function fillForm({ settings, choices }) {
  const options = (values) => values.map((value) => make("option", { value }, value || "none"));
  if (!form.rule.options.length) {
    form.rule.replaceChildren(...options(Object.keys(choices.rules)));
    form.second.replaceChildren(...options(["", ...Object.keys(choices.rules)]));
    form.activation.replaceChildren(...options(choices.activations));
  }
  for (const [name, value] of Object.entries(settings)) {
    const field = form.elements[name];
    if (field !== document.activeElement && !touched.has(name)) {
      field.value = value; // what is being written stays
    }
  }
  form.rule.title = choices.rules[settings.rule];
  form.second_lr.disabled = !settings.second;
}

/** A word beside each field that cannot be, and those that belong to no field above. */
function tellProblems(problems) {
  const others = [];
  for (const label of form.querySelectorAll("label")) {
    const field = label.querySelector("input, select");
    label.querySelector(".wrong-word")?.remove();
    field.removeAttribute("aria-invalid");
    field.removeAttribute("aria-describedby");
  }
  for (const [name, words] of Object.entries(problems)) {
    const field = Object.hasOwn(state.about?.settings ?? {}, name) || form.elements.namedItem(name) ? form.elements.namedItem(name) : null;
    if (field?.closest?.("label")) {
      const id = `wrong-${name}`;
      field.closest("label").append(make("span", { class: "wrong-word", id }, words));
      field.setAttribute("aria-invalid", "true");
      field.setAttribute("aria-describedby", id);
    } else {
      others.push(name ? `${name}: ${words}` : words);
    }
  }
  const count = Object.keys(problems).length - others.length;
  at("words").textContent = [...others, ...(count ? ["A setting cannot be as it was written; see the word beside it."] : [])].join("\n");
}

let changes = 0;
let started = Promise.resolve();

form.addEventListener("input", ({ target }) => touched.add(target.name));
form.addEventListener("change", () => {
  const settings = Object.fromEntries(new FormData(form));
  if (!settings.second) {
    delete settings.second_lr;
  }
  const mine = ++changes; // one start after the other; of those that wait, the newest alone
  started = started.then(() => mine === changes && guarded(() => start(settings, { play: state.playing })));
});
form.addEventListener("submit", (event) => event.preventDefault());

// -- Buttons ----------------------------------------------------------------------------------------------------------

async function tell(message) {
  if (["play", "pause", "one", "rewind"].includes(message.do)) {
    setPlaying(message.do === "play");
  }
  await started; // a setting that has just been changed comes first
  const answer = await connection.ask(message);
  if (answer.run) {
    state.about.run = answer.run;
  }
  if (answer.kind === "refused") {
    at("words").textContent = Object.values(answer.problems).join("\n");
    if (message.do === "play") {
      setPlaying(false);
    }
  }
  return answer.kind !== "refused";
}

/** What fails because nobody answers is said, not thrown. */
async function guarded(action) {
  try {
    return await action();
  } catch {
    at("state").textContent = "The server does not answer. Is numpyfa watch still running?";
    return false;
  }
}

at("play").addEventListener("click", () => guarded(() => tell({ do: state.playing ? "pause" : "play" })));
at("one").addEventListener("click", () => guarded(() => tell({ do: "one" })));
at("rewind").addEventListener("click", () => {
  at("words").textContent = "";
  guarded(() => tell({ do: "rewind" }));
});
at("layer").addEventListener("change", () => look({ layer: Number(at("layer").value) }));
at("digit").addEventListener("change", () => look({ digit: /^\d{1,9}$/.test(at("digit").value.trim()) ? Number(at("digit").value) : at("digit").value }));
at("next-digit").addEventListener("click", () => look({ digit: (state.look.digit + 1) % state.about.test }));

async function look(change) {
  at("words").textContent = "";
  if (await guarded(() => tell({ do: "look", ...change }))) {
    Object.assign(state.look, change);
    at("digit").value = state.look.digit;
    address.write(state.about.settings, state.look);
  }
}

// -- Updates ----------------------------------------------------------------------------------------------------------

/** An update waits for the next frame. The engine makes no other before this one is drawn. One of an earlier run is
 * left. */
function take(update) {
  if (update.run < state.about.run) {
    rest(0);
    return;
  }
  if (state.waiting?.run === update.run) {
    update.curve = joined(state.waiting.curve, update.curve);
  }
  state.waiting = update;
  if (!state.frame) {
    state.frame = requestAnimationFrame(show);
  }
}

/** The rows of two updates, where the first was not drawn. */
function joined(first, second) {
  const rows = [...first.rows.slice(0, Math.max(0, second.from - first.from)), ...second.rows];
  return second.from <= first.from ? second : { ...second, from: first.from, rows };
}

function show() {
  const update = state.waiting;
  if (update.run > state.about.run) { // it came before the answer that tells of its run
    state.frame = requestAnimationFrame(show);
    return;
  }
  state.waiting = state.frame = null;
  if (update.run < state.about.run) {
    rest(0);
    return;
  }
  const began = performance.now();
  try {
    const longer = state.curves.take(update.curve);
    state.update = update;
    setPlaying(update.playing);
    if (update.lanes.length === state.lanes.length) {
      paint(update, longer);
    }
    state.drawn += 1;
  } finally {
    state.took = performance.now() - began;
    requestAnimationFrame(() => rest(performance.now() - began));
  }
}

/** Half of the time is left to the browser's other work, and to the training on the same machine. */
function rest(took) {
  const drawn = () => connection.ask({ do: "drawn" });
  const again = () => setTimeout(() => drawn().catch(() => {}), 1000); // should the first be lost
  setTimeout(() => drawn().catch(again), calm.matches ? CALM : took);
}

function names() {
  const rules = state.about.lanes.map((lane) => lane.rule);
  return rules.map((rule, place) => (rules[0] === rules[1] ? `${rule} (${place + 1})` : rule));
}

function paint(update, longer = true) {
  const { batch, epoch, playing, speed, measured, words } = update;
  at("where").textContent =
    `batch ${batch.toLocaleString("en")}, epoch ${epoch.toFixed(2)}` + (speed ? `, ${speed.toFixed(0)} batches a second` : "");
  if (words.length) {
    at("words").textContent = words.join("\n");
  }
  if (longer) {
    state.curves.draw(names());
  }
  at("figures").caption.textContent = `At batch ${measured.toLocaleString("en")}: angles in degrees, to backpropagation's delta and to W\u1d40`;
  figures(at("figures"), update.lanes);
  const unseen = at("lanes").getBoundingClientRect().top > innerHeight;
  if (!playing || !unseen || performance.now() - (state.shown ?? 0) > UNSEEN) {
    state.shown = performance.now();
    update.lanes.forEach((lane, place) => state.lanes[place].show(lane, update));
  }
  const now = performance.now();
  if (!playing || now - (state.spoke ?? 0) > SPEAK) {
    state.spoke = now;
    const errors = update.lanes.map((lane, place) => `${names()[place]}: test error ${lane.figures.error.toFixed(1)} percent`);
    at("spoken").textContent = `${playing ? "Playing" : "Stopped"} at batch ${batch}. ${errors.join(", ")}.`;
  }
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  takeColours();
  if (state.update) {
    paint(state.update);
  }
});

// -- From the beginning -----------------------------------------------------------------------------------------------

/** The server knows nothing of this page: it was started again, or forgot it. */
async function recover() {
  try {
    const shown = state.about ? { settings: state.about.settings, look: state.look } : address.read(location.search);
    const answer = await connection.ask({ do: "again" });
    if (answer.kind !== "started") {
      const known = state.about !== null;
      if (!(await start(shown.settings, { drop: true }))) {
        setTimeout(recover, 3000);
        return;
      }
      await lookAt(shown.look);
      if (known) {
        at("words").textContent = "The server was started again, and so was this run.";
      }
    } else if (answer.run !== state.about?.run) {
      begin(answer);
    }
    connection.listen();
  } catch {
    setTimeout(recover, 1000);
  }
}

async function open() {
  takeColours();
  const { settings, look: wanted } = address.read(location.search);
  const before = connection.kept ? await connection.ask({ do: "again" }) : {};
  const same = before.kind === "started" && Object.entries(settings).every(([name, value]) => before.settings[name] === value);
  if (same) {
    begin(before);
  } else if (!(await start(settings, { drop: true }))) {
    return;
  }
  await lookAt(wanted);
  connection.listen();
}

/** Look at what an address names, or what was looked at before. */
async function lookAt(wanted) {
  for (const [name, value] of Object.entries(wanted)) {
    if (value !== state.look[name]) {
      const words = at("words").textContent;
      if (await tell({ do: "look", [name]: value })) {
        state.look[name] = value;
        at(name).value = value;
        at("words").textContent = words;
      } else if (words) {
        at("words").textContent += `\n${words}`;
      }
    }
  }
  address.write(state.about.settings, state.look);
}

guarded(open).then((opened) => {
  if (opened === false) {
    setTimeout(recover, 1000);
  }
});
addEventListener("pageshow", (event) => event.persisted && location.reload());
