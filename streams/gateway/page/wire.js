// The live page: a stream of cards, filters that ask the gateway for another stream, counts of the last hour.

import { bars, remember, remembered } from "./dom.js";
import { Feed } from "./feed.js";
import { Choice, Lists, drawChosen } from "./filters.js";
import { PAGE_LANGUAGES, Words } from "./words.js";

const RECENT = 100;
const COUNTS_MS = 3000;
const AGAIN_MS = 4000;
const ANNOUNCE_MS = 15000;

const by = (id) => document.getElementById(id);

const context = {
  words: new Words(remembered("language", navigator.language.split("-")[0])),
  names: { topics: {}, regions: {}, countries: {}, slugs: {} },
  choice: new Choice(location.search),
  choose,
  clear,
  load,
};
const feed = new Feed(by("cards"), by("held"), context);
const lists = new Lists(document, context);
let stream = null;
let state = "connecting";
let news = 0;

function connect() {
  stream?.close();
  setState("connecting");
  feed.clear();
  drawEmpty();
  const opened = new EventSource(`stream?${context.choice.query({ form: "card", recent: RECENT })}`);
  stream = opened;
  opened.onopen = () => setState("live");
  opened.onmessage = (event) => feed.add(JSON.parse(event.data));
  opened.addEventListener("dropped", (event) => feed.addGap(JSON.parse(event.data)));
  opened.onerror = () => {
    setState("lost");
    // the browser comes back by itself with the last id, unless the gateway said no
    if (opened.readyState === EventSource.CLOSED) setTimeout(() => stream === opened && connect(), AGAIN_MS);
  };
}

function setState(now) {
  state = now;
  const shown = state === "live" && feed.paused ? "paused" : state;
  by("status").dataset.state = shown;
  by("status-text").textContent = context.words.say(shown);
}

function choose(axis, value) {
  if (axis === "confidence") context.choice.confidence = value;
  else context.choice.toggle(axis, value);
  changed();
}

function clear() {
  context.choice.clear();
  changed();
}

function changed() {
  const query = context.choice.query();
  history.replaceState(null, "", query ? `?${query}` : location.pathname);
  drawChoice();
  connect();
}

function drawChoice() {
  const { words, choice } = context;
  by("confidence").value = String(choice.confidence);
  by("confidence-text").textContent = words.percent(choice.confidence);
  lists.refresh();
  drawChosen(by("chosen"), context);
}

function drawEmpty() {
  by("empty").hidden = feed.size > 0;
  by("empty").textContent = context.words.say(context.choice.empty ? "waiting" : "nothing");
}

async function load(uri) {
  const answer = await fetch(`article?uri=${encodeURIComponent(uri)}`).catch(() => null);
  return answer?.ok ? answer.json() : null;
}

async function loadNames() {
  const answer = await fetch(`names?language=${context.words.language}`).catch(() => null);
  if (answer?.ok) Object.assign(context.names, await answer.json());
}

async function loadCounts() {
  if (document.hidden) return;
  const answer = await fetch("topics").catch(() => null);
  if (!answer?.ok) return;
  const counts = await answer.json();
  context.names.slugs = Object.fromEntries(counts.topics.map((topic) => [topic.code, topic.slug]));
  lists.update(counts);
  const { words } = context;
  by("figure-items").textContent = words.number(counts.items);
  // of the last whole minutes: the one that runs always looks like a fall
  by("figure-rate").textContent = words.number(Math.max(...counts.minutes.slice(-2)));
  by("figure-labelled").textContent = counts.items ? words.percent((100 * (counts.items - counts.abstained)) / counts.items) : "–";
  bars(by("pulse"), counts.minutes, 180, 28);
}

async function speak(language) {
  context.words = new Words(language);
  const { words } = context;
  document.documentElement.lang = words.language;
  document.documentElement.dir = words.direction;
  for (const node of document.querySelectorAll("[data-words]")) node.textContent = words.say(node.dataset.words);
  by("page-language").value = words.language;
  await loadNames();
  lists.redraw();
  feed.redraw();
  drawChoice();
  drawEmpty();
  drawPause();
  drawTheme();
  setState(state);
}

function drawPause() {
  by("pause").setAttribute("aria-pressed", String(feed.paused));
  by("pause-text").textContent = context.words.say(feed.paused ? "resume" : "pause");
}

function pause() {
  feed.pause(!feed.paused);
  drawPause();
  setState(state);
}

function drawTheme() {
  by("theme-text").textContent = context.words.say("theme", context.words.say(`theme.${remembered("theme", "auto")}`));
  by("theme").title = by("theme-text").textContent;
}

function nextTheme() {
  const themes = ["auto", "light", "dark"];
  const next = themes[(themes.indexOf(remembered("theme", "auto")) + 1) % themes.length];
  remember("theme", next);
  if (next === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  drawTheme();
}

// j and k go from headline to headline, only while one has the focus: letters must not act behind a person's back.
function onKey(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || !by("cards").contains(event.target)) return;
  const step = { j: 1, k: -1 }[event.key];
  if (!step) return;
  const headlines = [...by("cards").querySelectorAll(".headline")];
  const here = headlines.indexOf(event.target.closest(".card")?.querySelector(".headline"));
  headlines[here + step]?.focus();
  event.preventDefault();
}

function announce() {
  by("announcer").textContent = news ? context.words.count("newItems", news) : "";
  news = 0;
}

feed.onDrawn = (count) => {
  news += count;
  drawEmpty();
};
by("pause").addEventListener("click", pause);
by("theme").addEventListener("click", nextTheme);
by("page-language").addEventListener("change", (event) => {
  remember("language", event.target.value);
  speak(event.target.value);
});
by("confidence").addEventListener("input", (event) => {
  by("confidence-text").textContent = context.words.percent(Number(event.target.value));
});
by("confidence").addEventListener("change", (event) => choose("confidence", Number(event.target.value)));
by("open-filters").addEventListener("click", () => {
  const open = by("filters").classList.toggle("open");
  by("open-filters").setAttribute("aria-expanded", String(open));
});
addEventListener("keydown", onKey);
document.addEventListener("visibilitychange", loadCounts);
setInterval(loadCounts, COUNTS_MS);
setInterval(announce, ANNOUNCE_MS);

await speak(PAGE_LANGUAGES.includes(context.words.language) ? context.words.language : "en");
connect();
await loadCounts();
