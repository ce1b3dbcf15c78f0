// Loaded before the page is drawn: a page that is dark by choice must not flash white.
"use strict";
(() => {
  try {
    const chosen = localStorage.getItem("newswire.theme");
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  } catch {
    // a browser that forbids storage gets the theme of the system
  }
})();
