// The four charts, by uPlot. A rule has a colour, a layer has a dash, so that neither is told by colour alone.

/* global uPlot */

const KINDS = ["error", "loss", "angle", "weight_angle"];
const DASHES = [[], [9, 4], [2, 3], [10, 3, 2, 3], [5, 5], [14, 4], [1, 5]];
const WORDS = { error: "test error", loss: "training loss", angle: "angle to backpropagation", weight_angle: "angle of W^T" };

export class Curves {
  constructor() {
    this.columns = [];
    this.rows = [];
    this.charts = {};
    const redraw = () => this.make();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
    addEventListener("resize", () => this.fit());
  }

  /** What an update says of the curve: rows from some place on; from 0 they replace all. What does not follow on what
   * is here is left: the engine is asked for all of it. Whether anything is new. */
  take({ from, columns, rows }) {
    if (from > this.rows.length) {
      return false;
    }
    this.rows.length = from;
    this.rows.push(...rows);
    if (columns.join() !== this.columns.join()) {
      this.columns = columns;
      this.series = Object.fromEntries(KINDS.map((kind) => [kind, this.seriesOf(kind)]));
      this.make();
    }
    return rows.length > 0;
  }

  /** [{column, lane, layer}] of the curves in a chart: those that have any number. */
  seriesOf(kind) {
    return this.columns.flatMap((name, column) => {
      const [, lane, layer] = name.match(new RegExp(`^(\\d)\\.${kind}(?:_(\\d+))?$`)) ?? [];
      return lane === undefined ? [] : [{ column, lane: Number(lane), layer: layer ? Number(layer) : 0 }];
    });
  }

  present(kind) {
    return this.series[kind].filter(({ column }) => this.rows.some((row) => row[column] !== null));
  }

  make() {
    const style = getComputedStyle(document.documentElement);
    const [ink, line, ...colours] = ["--ink", "--line", "--first", "--second"].map((name) => style.getPropertyValue(name).trim());
    for (const kind of KINDS) {
      const box = document.getElementById(`chart-${kind}`);
      this.charts[kind]?.destroy();
      delete this.charts[kind];
      const shown = this.present(kind);
      box.textContent = shown.length ? "" : "Nothing of this rule stands in W^T's place.";
      if (!shown.length) {
        continue;
      }
      const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } };
      const degrees = kind.endsWith("angle");
      this.charts[kind] = new uPlot(
        {
          width: box.clientWidth || 300,
          height: box.clientHeight || 220,
          scales: { x: { time: false }, y: { range: (_, low, high) => range(degrees, low, high) } },
          cursor: { points: { show: false } },
          axes: [{ ...axis }, { ...axis, size: 46, values: (_, ticks) => ticks.map(short) }],
          series: [
            {},
            ...shown.map(({ lane, layer }) => ({
              stroke: colours[lane],
              width: 2,
              dash: DASHES[layer ? (layer - 1) % DASHES.length : lane ? 1 : 0],
              points: { show: (chart) => chart.data[0].length < 2 },
            })),
          ],
        },
        this.data(kind),
        box,
      );
      box.dataset.series = shown.length;
    }
  }

  data(kind) {
    const columns = [0, ...this.present(kind).map(({ column }) => column)];
    return columns.map((column) => this.rows.map((row) => row[column]));
  }

  draw(names) {
    for (const kind of KINDS) {
      if (this.present(kind).length !== (this.charts[kind]?.series.length ?? 1) - 1) {
        this.make();
      }
    }
    const last = this.rows[this.rows.length - 1];
    for (const [kind, chart] of Object.entries(this.charts)) {
      chart.setData(this.data(kind));
      const words = this.present(kind).map(
        ({ lane, layer, column }) => `${names[lane]}${layer ? ` layer ${layer}` : ""} ${last[column]?.toFixed(2) ?? "none"}`,
      );
      document.getElementById(`chart-${kind}`).setAttribute("aria-label", `${WORDS[kind]} up to batch ${last[0]}; now ${words.join(", ")}`);
    }
  }

  fit() {
    for (const [kind, chart] of Object.entries(this.charts)) {
      const box = document.getElementById(`chart-${kind}`);
      chart.setSize({ width: box.clientWidth, height: box.clientHeight });
    }
  }
}

/** A number of an axis: a large one in powers of ten, to fit. */
function short(value) {
  return Math.abs(value) >= 1e4 ? value.toExponential(1) : String(value);
}

/** 0 to 90 degrees always, more where it is needed; errors and losses from 0. */
function range(degrees, low, high) {
  return degrees ? [Math.min(0, low ?? 0), Math.max(95, high ?? 95)] : [0, (high ?? 1) * 1.05 || 1];
}

/** The keys: colours are rules, everywhere; dashes are the second rule in the charts of error and loss, and layers in
 * those of angles. */
export function key(names, layers) {
  const sample = (attributes) => {
    const span = document.createElement("span");
    span.innerHTML = '<svg viewBox="0 0 40 10" aria-hidden="true"><line x1="0" x2="40" y1="5" y2="5" stroke-width="3"/></svg>';
    for (const [name, value] of Object.entries(attributes)) {
      span.querySelector("line").setAttribute(name, value);
    }
    return span;
  };
  const line = (words, stroke, dash) => {
    const span = sample({ stroke, "stroke-dasharray": dash.join(" ") });
    span.append(words);
    return span;
  };
  const colour = (lane) => (lane ? "var(--second)" : "var(--first)");
  for (const kind of KINDS) {
    const angles = kind.endsWith("angle");
    document.getElementById(`key-${kind}`).replaceChildren(
      ...names.map((name, lane) => line(name, colour(lane), angles ? [] : DASHES[lane])),
      ...(angles ? layers[kind].map((layer) => line(`layer ${layer}`, "currentColor", DASHES[(layer - 1) % DASHES.length])) : []),
    );
  }
}
