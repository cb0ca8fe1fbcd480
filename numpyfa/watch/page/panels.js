// What is beside the curves: the figures of now, and for each rule the inside of a layer.

import * as draw from "./draw.js";

/** An element with attributes and children. Text is text: nothing of a message becomes HTML. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

const fixed = (value, digits) => (value === null || value === undefined ? "–" : value < 1e5 ? value.toFixed(digits) : value.toExponential(2));
const short = (value) => (value === null ? "not finite" : plain(value).replaceAll("-", "−"));
const plain = (value) => (value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential(2) : String(value));

/** The table of now: a row a rule. */
export function figures(table, lanes) {
  const numbers = (kind) =>
    [...new Set(lanes.flatMap((lane) => Object.keys(lane.figures)))]
      .filter((name) => name.replace(/_\d+$/, "") === kind)
      .map((name) => Number(name.match(/\d+$/)[0]))
      .sort((a, b) => a - b);
  const columns = [
    ["learning rate", (lane) => String(lane.lr)],
    ["training loss", (lane) => fixed(lane.figures.loss, 4), "loss"],
    ["error on 500 test images, %", (lane) => fixed(lane.figures.error, 1), "error"],
    ...numbers("angle").map((n) => [`angle, layer ${n}`, (lane) => fixed(lane.figures[`angle_${n}`], 1), `angle_${n}`]),
    ...numbers("weight_angle").map((n) => [
      `W\u1d40 to its stand-in, layer ${n}`,
      (lane) => fixed(lane.figures[`weight_angle_${n}`], 1),
      `weight_angle_${n}`,
    ]),
  ];
  const shape = columns.map(([name]) => name).join() + lanes.map((lane) => lane.rule).join();
  if (table.dataset.shape !== shape) {
    table.dataset.shape = shape;
    const head = make("tr", {}, make("th", { scope: "col" }, "rule"), ...columns.map(([name]) => make("th", { scope: "col" }, name)));
    const rows = lanes.map((lane) => make("tr", {}, make("th", { scope: "row" }, lane.rule), ...columns.map(() => make("td"))));
    table.replaceChildren(table.caption ?? make("caption"), make("thead", {}, head), make("tbody", {}, ...rows));
  }
  lanes.forEach((lane, place) => {
    const cells = table.tBodies[0].rows[place].cells;
    columns.forEach(([, text, name], column) => {
      cells[column + 1].textContent = text(lane);
      if (name) {
        cells[column + 1].dataset.figure = name;
      }
    });
  });
}

/** The inside of a layer under one rule. It is made once, and `show` fills it. */
export class Lane {
  constructor(place, about, look) {
    this.look = look;
    this.names = {};
    const part = (name, tag = "div", attributes = {}) => (this[name] = make(tag, attributes));
    const code = about.code.lines ? [make("p", { class: "note" }, `The rule's own lines, ${about.code.file}`), make("pre", { tabindex: "0" }, about.code.lines)] : [];
    this.element = make(
      "article",
      { class: place ? "lane second" : "lane", "aria-label": `${about.rule}, rule ${place + 1}` },
      make("h3", {}, `${about.rule}, learning rate ${about.lr}`),
      make("p", { class: "equation" }, about.equation),
      ...about.words.map((words) => make("p", { class: "wrong-word" }, words)),
      part("standing", "h3"),
      part("matrixBox", "div", { class: "row matrices" }),
      part("matrixNote", "p", { class: "note" }),
      part("toldHead", "h3"),
      make("div", { class: "row" }, part("digitBox"), part("toldBox")),
      part("toldNote", "p", { class: "note" }),
      make("h3", {}, "Digits read wrongly"),
      part("wrong", "div", { class: "wrong" }),
      make("h3", {}, "Weights of the first layer, an image a unit"),
      part("firstBox", "div", { class: "row" }),
      part("firstNote", "p", { class: "note" }),
      part("stepHead", "h3"),
      part("stepWords", "div"),
      part("code"),
      part("stepBox", "div", { class: "numbers" }),
    );
    this.code.append(...code);
  }

  /** A canvas by its name, made when it is first asked for. */
  canvas(name, box, words) {
    let found = this.names[name];
    if (!found) {
      const canvas = make("canvas", { role: "img" });
      const caption = make("figcaption");
      found = this.names[name] = { canvas, caption, figure: make("figure", {}, caption, canvas) };
      box.append(found.figure);
    }
    found.figure.hidden = false;
    found.caption.textContent = words;
    return found.canvas;
  }

  hide(name) {
    if (this.names[name]) {
      this.names[name].figure.hidden = true;
    }
  }

  show(lane, update) {
    this.showMatrices(lane, update);
    this.showTold(lane, update);
    this.showWrong(lane);
    const first = this.canvas("first", this.firstBox, "");
    draw.sheet(first, lane.first);
    first.setAttribute("aria-label", `weights of ${lane.first.shape[0]} units of layer 1 as images, ${within(lane.first)}`);
    this.firstNote.textContent = `${lane.first.shape[0]} of ${lane.first.units} units; ${within(lane.first)}`;
    this.showStep(lane, update.layer);
  }

  showMatrices({ matrices, figures }, { layer, measured }) {
    const { W, B, kind, note } = matrices;
    this.standing.textContent = `W\u1d40 of layer ${layer} and what the rule has beside it`;
    const W_canvas = this.canvas("W", this.matrixBox, `W\u1d40, ${size(W)}, ${within(W)}`);
    draw.matrix(W_canvas, W);
    W_canvas.setAttribute("aria-label", `W transposed of layer ${layer}, ${size(W)}, ${within(W)}`);
    const stands = kind === "in W^T's place";
    if (B) {
      const canvas = this.canvas("B", this.matrixBox, `${stands ? "what stands in W\u1d40's place" : kind}, ${size(B)}, ${within(B)}`);
      draw.matrix(canvas, B);
      canvas.setAttribute("aria-label", canvas.previousSibling.textContent);
    } else {
      this.hide("B");
    }
    const angle = figures[`weight_angle_${layer}`];
    const theirs = `Their angle at batch ${measured.toLocaleString("en")}: ${fixed(angle, 1)} degrees. `;
    const words = stands ? (angle === undefined ? "It is W\u1d40 itself: the angle is 0. " : theirs) : "";
    const cut = W.of[0] > W.shape[0] || W.of[1] > W.shape[1] ? ` Shown: the first ${W.shape[0]} x ${W.shape[1]}.` : "";
    this.matrixNote.textContent = words + note.replaceAll("W^T", "W\u1d40") + cut;
  }

  showTold({ told }, { layer, digit }) {
    this.toldHead.textContent = `What layer ${layer} is told about one digit`;
    draw.digit(this.canvasOfDigit(digit), digit.image);
    const bp = this.canvas("bp", this.toldBox, `backpropagation's delta, ${within(told.bp)}`);
    draw.matrix(bp, told.bp, 440, told.bp.shape[0] === 1 ? 22 : null);
    bp.setAttribute("aria-label", `backpropagation's delta of ${told.bp.of[1]} units, ${within(told.bp)}`);
    if (told.delta) {
      const mine = this.canvas("delta", this.toldBox, `the rule's delta, ${within(told.delta)}`);
      draw.matrix(mine, told.delta, 440, told.delta.shape[0] === 1 ? 22 : null);
      mine.setAttribute("aria-label", `the rule's delta, ${within(told.delta)}`);
    } else {
      this.hide("delta");
    }
    const angle = told.angles[layer];
    const read = told.answers.reduce((best, p, place, all) => (p > all[best] ? place : best), 0);
    const sure = told.answers[read];
    const at = told.delta ? (angle === undefined ? "The error itself, the same under every rule." : `Their angle for this digit: ${fixed(angle, 1)} degrees.`) : "The rule tells this layer nothing.";
    this.toldNote.textContent = `${at} The net reads ${digit.digits[read]}${sure === null ? "" : `, with ${(100 * sure).toFixed(0)} %`}.`;
  }

  canvasOfDigit(digit) {
    const canvas = this.canvas("digit", this.digitBox, `a ${digit.label}`);
    canvas.className = "digit";
    canvas.setAttribute("aria-label", `test digit ${digit.place}, a ${digit.label}`);
    return canvas;
  }

  showWrong({ wrong }) {
    const shape = wrong.map(({ place, read }) => `${place}:${read}`).join();
    if (this.wrong.dataset.shape === shape) {
      return;
    }
    this.wrong.dataset.shape = shape;
    const figures = wrong.map(({ place, label, read, image }) => {
      const canvas = make("canvas", { class: "digit", role: "img", "aria-label": `a ${label}` });
      draw.digit(canvas, image);
      const button = make("button", { type: "button", "aria-label": `look at test digit ${place}: a ${label}, read as ${read}` }, canvas);
      button.addEventListener("click", () => this.look({ digit: place }));
      return make("figure", {}, button, make("figcaption", {}, `${label} as ${read}`));
    });
    this.wrong.replaceChildren(...(figures.length ? figures : ["None of those tested."]));
  }

  showStep({ step }, layer) {
    this.stepHead.textContent = `The step of layer ${layer} on batch ${step.batch}, the next one`;
    this.code.hidden = step.last; // no rule has a say there
    const lines = step.equations;
    if (this.stepWords.dataset.lines !== lines.join()) {
      this.stepWords.dataset.lines = lines.join();
      this.stepWords.replaceChildren(...lines.map((line) => make("p", { class: "equation" }, line)));
    }
    const [from, to] = step.inputs;
    const at = (place) => (place.length ? `, at place ${place.join(", ")}` : "");
    const where = at(step.place);
    const units = `units 1-${step.units}${where}`;
    const examples = `${step.h.length} examples (rows), `;
    const after = `units 1-${step.units}${at(step.place_of_h)}`;
    const weights = `inputs ${from + 1}-${to} (rows), units 1-${step.units}`;
    // [name, words, numbers, what the rows and the columns are, and the number of the first of each]
    const tables = [
      ["x", `${examples}inputs ${from + 1}-${to} of ${step.shapes.x[1]}${where}`, step.x, ["example", 1], ["input", from + 1]],
      ["W", weights, step.W, ["input", from + 1], ["unit", 1]],
      ["z", examples + units, step.z, ["example", 1], ["unit", 1]],
      ["h", examples + after, step.h, ["example", 1], ["unit", 1]],
      ["e", step.e ? examples + after : "the rule gives delta without one, or nothing", step.e, ["example", 1], ["unit", 1]],
      ["delta", step.delta ? examples + units : "the rule tells this layer nothing", step.delta, ["example", 1], ["unit", 1]],
      ["dW", step.dW ? weights : "nothing is learnt here", step.dW, ["input", from + 1], ["unit", 1]],
    ];
    const shape = tables.map(([name, words, rows]) => `${name} ${words} ${rows?.length} ${rows?.[0].length}`).join();
    if (this.stepBox.dataset.shape !== shape) {
      this.stepBox.dataset.shape = shape;
      this.stepBox.replaceChildren(
        ...tables.map(([name, words, rows, [row, firstRow], [column, firstColumn]]) =>
          make(
            "table",
            { "data-name": name },
            make("caption", {}, make("b", {}, name), ` ${words}`),
            ...(rows ? [make("tr", {}, make("td"), ...rows[0].map((_, n) => make("th", { scope: "col" }, `${column} ${firstColumn + n}`)))] : []),
            ...(rows ?? []).map((cells, n) => make("tr", {}, make("th", { scope: "row" }, `${row} ${firstRow + n}`), ...cells.map(() => make("td", { class: "number" })))),
          ),
        ),
      );
    }
    tables.forEach(([, , rows], place) => {
      const cells = this.stepBox.children[place].querySelectorAll("td.number");
      const values = (rows ?? []).flat();
      const most = Math.max(...values.map((value) => Math.abs(value ?? 0)));
      values.forEach((value, n) => {
        cells[n].textContent = short(value);
        cells[n].style.background = draw.background(value, most);
      });
    });
  }
}

function size({ of }) {
  return of.join(" x ");
}

function within({ scale }) {
  const most = Number(scale.toPrecision(2));
  return `from −${most} to ${most}`;
}

