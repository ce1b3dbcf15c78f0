// One item as a card, and what it shows when it is opened.

import { element, hue } from "./dom.js";

let serial = 0;

// `context`: { words, names, choose(axis, value), load(uri) }
export function card(item, context) {
  const { words } = context;
  const id = `item-${(serial += 1)}`;
  const details = element("div", { class: "details", id, hidden: true });
  const headline = element(
    "button",
    { type: "button", class: "headline", "aria-expanded": "false", "aria-controls": id },
    element("bdi", { lang: item.language, text: item.title }),
  );
  headline.addEventListener("click", () => toggle(headline, details, item, context));
  const date = new Date(item.at);
  const today = date.toDateString() === new Date().toDateString();
  const time = element("time", { datetime: date.toISOString(), title: words.full(date) }, element("span", { text: words.time(date) }));
  if (!today) time.prepend(element("span", { class: "day", text: words.day(date) }));
  const direction = directionOf(item.title);
  const main = item.topics?.[0];
  return element(
    "li",
    { class: `card ${item.status}`, "data-uri": item.uri, "--hue": main ? hue(main.slug) : null },
    element("div", { class: "side" }, time, element("span", { class: "tongue", title: words.languageName(item.language), text: item.language })),
    element(
      "article",
      {},
      element("h3", { dir: direction }, headline),
      item.snippet ? element("p", { class: "snippet", dir: direction, lang: item.language, text: item.snippet }) : null,
      element("div", { class: "labels" }, ...topicChips(item, context), ...countryChips(item, context), sourceOf(item)),
      details,
    ),
  );
}

function topicChips(item, { words, names, choose }) {
  if (!item.topics?.length) {
    const reason = item.reason ? words.say(`reason.${item.reason}`) : null;
    return [element("span", { class: "chip none" }, words.say("noTopic"), reason ? element("small", { text: reason }) : null)];
  }
  return item.topics.map((topic) => {
    const name = names.topics[topic.slug] ?? topic.name;
    const sure = topic.confidence ?? null;
    return element(
      "button",
      {
        type: "button",
        class: "chip topic",
        "--hue": hue(topic.slug),
        title: name,
        "--sure": sure === null ? "0%" : `${sure}%`,
        "aria-label": sure === null ? words.say("only", name) : words.say("filterBy", name, words.percent(sure)),
        click: () => choose("topic", topic.slug),
      },
      element("span", { text: shortName(topic.slug, name) }),
      sure === null ? null : element("small", { text: words.percent(sure) }),
    );
  });
}

// "economy, business and finance" is a heading, not a chip: its first part tells the topics apart in every language
// that the page speaks (", ", " and ", " ve ", and the Arabic letter that means "and").
export function shortName(slug, name) {
  return name.split(/[,،]| and | ve |\s(?=و\p{L})/u)[0] || slug;
}

function countryChips(item, { words, names, choose }) {
  return (item.countries ?? []).map((country) => {
    const name = names.countries[country.code] ?? country.name;
    const sure = country.confidence ?? null;
    return element(
      "button",
      {
        type: "button",
        class: "chip country",
        "aria-label": sure === null ? words.say("only", name) : words.say("filterBy", name, words.percent(sure)),
        click: () => choose("region", country.code),
      },
      element("span", { text: name }),
      sure === null ? null : element("small", { text: words.percent(sure) }),
    );
  });
}

function sourceOf(item) {
  return item.source ? element("span", { class: "source" }, element("bdi", { text: item.source })) : null;
}

async function toggle(headline, details, item, context) {
  const opening = details.hidden;
  headline.setAttribute("aria-expanded", String(opening));
  details.hidden = !opening;
  if (!opening || details.dataset.loaded) return;
  details.dataset.loaded = "true";
  const whole = await context.load(item.uri);
  details.replaceChildren(...(whole ? opened(whole, item, context) : [element("p", { class: "muted", text: context.words.say("gone") })]));
}

function opened(whole, item, context) {
  const { words } = context;
  const main = whole.bodies.filter((body) => body.role === "main");
  const text = (main.length ? main : whole.bodies).map((body) => plain(body)).join("\n");
  const direction = directionOf(text || item.title);
  const paragraphs = text.split(/\n+/).filter((line) => line.trim());
  return [
    element("div", { class: "text", lang: item.language, dir: direction }, ...paragraphs.map((line) => element("p", { text: line }))),
    element("h4", { text: words.say("why") }),
    ...whole.classification.axes.map((axis) => explained(axis, context)),
    element(
      "p",
      { class: "origin" },
      item.url ? element("a", { href: item.url, rel: "noopener noreferrer external", target: "_blank", text: words.say("original") }) : null,
      element("code", { text: whole.uri, dir: "ltr" }),
    ),
  ];
}

function explained(axis, { words, names }) {
  const table = axis.axis === "topic" ? topicNames(names) : names.countries;
  const title = words.say("axis", words.say(axis.axis), `${axis.model.name} ${axis.model.version}`, words.percent(axis.threshold * 100));
  // what rounds to nothing says nothing
  const scores = (axis.scores ?? []).filter((score) => score.score >= Math.min(axis.threshold, 0.01));
  const rows = scores.map((score) =>
    element(
      "li",
      { class: score.score >= axis.threshold ? "over" : "under", "--sure": `${Math.round(score.score * 100)}%`, "--hue": axis.axis === "topic" ? hue(names.slugs?.[score.code] ?? score.code) : null },
      element("span", { text: table[score.code] ?? score.code }),
      element("span", { class: "bar", "aria-hidden": "true" }),
      element("span", { class: "score", text: words.percent(score.score * 100) }),
    ),
  );
  const evidence = (axis.explanation ?? []).map((word) => element("bdi", { class: word.weight < 0 ? "against" : "for", text: word.word }));
  return element(
    "section",
    { class: `axis axis-${axis.axis}` },
    element("h5", { text: title }),
    rows.length ? element("ul", { class: "scores" }, ...rows) : null,
    axis.decision === "assigned" ? null : element("p", { class: "muted", text: [words.say(`decision.${axis.decision}`), axis.abstainReason ? words.say(`reason.${axis.abstainReason}`) : null].filter(Boolean).join(": ") }),
    evidence.length ? element("p", { class: "evidence" }, `${words.say("words")}: `, ...evidence) : null,
  );
}

function topicNames(names) {
  return Object.fromEntries(Object.entries(names.slugs ?? {}).map(([code, slug]) => [code, names.topics[slug]]));
}

const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: " " };

// Text of a body; no parser of the browser is let near it, which would make elements of what it reads.
function plain(body) {
  if (!/html/i.test(body.contentType ?? "")) return body.value;
  return body.value
    .replace(/<\/(?:p|div|li|h[1-6])>|<br\s*\/?>/gi, "\n")
    .replace(/<[^<>]{1,2000}>/g, " ")
    .replace(/&(?:(amp|lt|gt|quot|apos|nbsp)|#(\d{1,7}));/g, (_, name, code) => (name ? ENTITIES[name] : String.fromCodePoint(Math.min(Number(code), 0x10ffff))));
}

const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/;
const LETTER = /\p{L}/u;

// The direction of the first letter, as dir=auto takes it; set on the block, so that its lines begin at the right edge.
export function directionOf(text) {
  const first = text.match(LETTER)?.[0];
  return first && RIGHT_TO_LEFT.test(first) ? "rtl" : "ltr";
}

// A line that says that items are missing at this place.
export function gap(notice, words) {
  const text = notice.reason === "slow" ? words.say("dropped", words.number(notice.count)) : words.say("forgotten");
  return element("li", { class: "gap", text });
}
