// The list of cards: newest first, bounded, and still while somebody reads it.

import { card, gap } from "./cards.js";

// More cards than anybody scrolls back; the gateway gives older ones by filter.
const MOST_CARDS = 200;
// A wire of 200 items a second is drawn ten times a second, not two hundred: 5 ms each, and a frame has 16.
const DRAW_MS = 100;
const QUIET_DRAW_MS = 40;
const QUIET_ITEMS = 3;
// Past the first card: whoever scrolled there reads, and the list must not move.
const READING_PIXELS = 120;

export class Feed {
  constructor(list, heldButton, context) {
    this._list = list;
    this._held = heldButton;
    this._context = context;
    this._waiting = [];
    this._missed = 0;
    this._items = new Map(); // uri -> item, for drawing anew in another language
    this._timer = null;
    this._drawn = 0; // items of the last drawing
    this._first = true;
    this.paused = false;
    this.onDrawn = () => {};
    this._held.addEventListener("click", () => this.showHeld());
    addEventListener("scroll", () => this._later(), { passive: true });
    this._list.addEventListener("focusout", () => this._later());
  }

  add(item) {
    this._push({ item });
  }

  addGap(notice) {
    this._push({ notice });
  }

  clear() {
    this._waiting = [];
    this._missed = 0;
    this._first = true;
    this._items.clear();
    this._list.replaceChildren();
    this._drawHeld();
  }

  pause(paused) {
    this.paused = paused;
    if (!paused) this._draw();
  }

  showHeld() {
    scrollTo({ top: 0 });
    if (this._list.contains(document.activeElement)) document.activeElement.blur();
    this._draw(true);
    this._list.querySelector(".headline")?.focus({ preventScroll: true });
  }

  // The language of the page has changed.
  redraw() {
    const items = [...this._items.values()];
    this._list.replaceChildren(...items.reverse().map((item) => card(item, this._context)));
    this._drawHeld();
  }

  get size() {
    return this._items.size;
  }

  _push(entry) {
    this._waiting.push(entry);
    if (this._waiting.length > MOST_CARDS) {
      this._waiting.shift();
      this._missed += 1;
    }
    this._later();
  }

  _later() {
    const wait = this._drawn > QUIET_ITEMS ? DRAW_MS : QUIET_DRAW_MS;
    this._timer ??= setTimeout(() => {
      this._timer = null;
      this._draw();
    }, wait);
  }

  get _reading() {
    return this.paused || scrollY > READING_PIXELS || this._list.contains(document.activeElement);
  }

  _draw(forced = false) {
    if (this._reading && !forced && this._items.size) {
      this._drawHeld();
      return;
    }
    const entries = this._waiting.splice(0);
    this._drawn = entries.length;
    this._missed = 0;
    const fragment = document.createDocumentFragment();
    for (const entry of entries) fragment.prepend(entry.item ? this._cardOf(entry.item) : gap(entry.notice, this._context.words));
    if (!this._first && entries.length <= QUIET_ITEMS) for (const made of fragment.children) made.classList.add("new");
    if (entries.length) this._first = false;
    this._list.prepend(fragment);
    while (this._list.children.length > MOST_CARDS) {
      this._items.delete(this._list.lastElementChild.dataset.uri);
      this._list.lastElementChild.remove();
    }
    this._drawHeld();
    if (entries.length) this.onDrawn(entries.length);
  }

  _cardOf(item) {
    if (this._items.has(item.uri)) {
      // a new version of an item takes the place of the old one
      this._list.querySelector(`[data-uri="${CSS.escape(item.uri)}"]`)?.remove();
      this._items.delete(item.uri);
    }
    this._items.set(item.uri, item);
    return card(item, this._context);
  }

  _drawHeld() {
    const waiting = this._waiting.filter((entry) => entry.item).length + this._missed;
    this._held.hidden = waiting === 0;
    this._held.textContent = waiting ? this._context.words.count("newItems", waiting) : "";
  }
}
