// What is chosen, what can be chosen, and the address of the page that says so.

import { shortName } from "./cards.js";
import { bars, chart, element, hue } from "./dom.js";

const AXES = ["topic", "region", "language"];
const CHART = { width: 60, height: 14 };

export class Choice {
  constructor(search) {
    const given = new URLSearchParams(search);
    for (const axis of AXES) this[axis] = new Set(given.getAll(axis).flatMap((value) => value.split(",")).filter(Boolean));
    const least = Number(given.get("min_confidence"));
    this.confidence = Number.isFinite(least) ? Math.min(95, Math.max(0, least)) : 0;
  }

  toggle(axis, value) {
    if (!this[axis].delete(value)) this[axis].add(value);
  }

  clear() {
    for (const axis of AXES) this[axis].clear();
    this.confidence = 0;
  }

  get empty() {
    return AXES.every((axis) => this[axis].size === 0) && this.confidence === 0;
  }

  query(more = {}) {
    const query = new URLSearchParams(more);
    for (const axis of AXES) if (this[axis].size) query.set(axis, [...this[axis]].join(","));
    if (this.confidence) query.set("min_confidence", String(this.confidence));
    return query.toString().replaceAll("%2C", ",");
  }
}

// The lists at the side. `context`: { words, names, choice, choose(axis, value) }
export class Lists {
  constructor(root, context) {
    this._context = context;
    this._topics = root.querySelector("#topics");
    this._regions = root.querySelector("#regions");
    this._languages = root.querySelector("#languages");
    this._more = root.querySelector("#more-regions");
    this._rows = new Map();
    this._all = false;
    this._counts = null;
    this._more.addEventListener("click", () => {
      this._all = !this._all;
      this.refresh();
    });
  }

  // Names have changed: everything is drawn anew.
  redraw() {
    this._rows.clear();
    for (const list of [this._topics, this._regions, this._languages]) list.replaceChildren();
    this.refresh();
  }

  // The choice has changed.
  refresh() {
    if (this._counts) this.update(this._counts);
  }

  update(counts) {
    this._counts = counts;
    const { names, words, choice } = this._context;
    // three minutes a bar: sixty bars in sixty pixels are a smear; one scale for all, so that they can be compared
    const charts = counts.topics.map((topic) => grouped(topic.minutes, 3));
    const top = Math.max(2, ...charts.flat());
    counts.topics.forEach((topic, index) => {
      const row = this._row(this._topics, "topic", topic, names.topics[topic.slug]);
      bars(row.querySelector("svg"), charts[index], CHART.width, CHART.height, top);
    });
    const most = Math.max(1, ...counts.regions.map((region) => region.items));
    for (const region of counts.regions) {
      const row = this._row(this._regions, "region", region, names.regions[region.slug]);
      row.style.setProperty("--share", `${(100 * region.items) / most}%`);
      row.parentElement.hidden = !this._all && region.items === 0 && !choice.region.has(region.slug);
    }
    this._sort(this._regions, counts.regions);
    this._more.setAttribute("aria-expanded", String(this._all));
    this._more.textContent = words.say(this._all ? "fewRegions" : "allRegions");
    const tags = new Set([...Object.keys(counts.languages), ...choice.language]);
    for (const tag of tags) this._row(this._languages, "language", { slug: tag, items: counts.languages[tag] ?? 0 }, words.languageName(tag));
  }

  _row(list, axis, label, name) {
    const { words, choice } = this._context;
    const key = `${axis}:${label.slug}`;
    let row = this._rows.get(key);
    if (!row) {
      row = element(
        "button",
        { type: "button", class: "choice", "data-axis": axis, "data-value": label.slug, "--hue": axis === "topic" ? hue(label.slug) : null, click: () => this._context.choose(axis, label.slug) },
        element("span", { class: "name", title: name, text: shortName(label.slug, name ?? "") }),
        axis === "topic" ? chart(CHART.width, CHART.height) : null,
        axis === "region" ? element("span", { class: "share", "aria-hidden": "true" }) : null,
        element("span", { class: "number" }),
      );
      this._rows.set(key, row);
      list.append(element("li", {}, row));
    }
    row.setAttribute("aria-pressed", String(choice[axis].has(label.slug)));
    row.classList.toggle("silent", label.items === 0);
    row.querySelector(".number").textContent = words.number(label.items);
    return row;
  }

  _sort(list, labels) {
    const wanted = [...labels].sort((a, b) => b.items - a.items).map((label) => this._rows.get(`region:${label.slug}`).parentElement);
    // a list that jumps under the pointer or the keyboard cannot be used
    if (list.matches(":hover, :focus-within")) return;
    if (wanted.some((row, index) => list.children[index] !== row)) list.append(...wanted);
  }
}

export function grouped(numbers, size) {
  const sums = [];
  for (let start = 0; start < numbers.length; start += size) {
    sums.push(numbers.slice(start, start + size).reduce((sum, number) => sum + number, 0));
  }
  return sums;
}

// The line above the items that says what is chosen; each filter can be taken away.
export function drawChosen(root, { words, names, choice, choose, clear }) {
  root.hidden = choice.empty;
  if (choice.empty) {
    root.replaceChildren();
    return;
  }
  const name = {
    topic: (slug) => names.topics[slug] ?? slug,
    region: (value) => names.regions[value] ?? names.countries[value] ?? value,
    language: (tag) => words.languageName(tag),
  };
  const chips = AXES.flatMap((axis) =>
    [...choice[axis]].map((value) => chosenChip(name[axis](value), words, axis === "topic" ? hue(value) : null, () => choose(axis, value))),
  );
  if (choice.confidence) chips.push(chosenChip(words.say("from", words.percent(choice.confidence)), words, null, () => choose("confidence", 0)));
  chips.push(element("button", { type: "button", class: "clear", text: words.say("clear"), click: clear }));
  root.replaceChildren(...chips);
}

function chosenChip(name, words, shade, remove) {
  return element(
    "button",
    { type: "button", class: `chip chosen-chip${shade === null ? "" : " topic"}`, "--hue": shade, "aria-label": words.say("remove", name), click: remove },
    element("span", { text: name }),
    element("span", { class: "cross", "aria-hidden": "true", text: "×" }),
  );
}
