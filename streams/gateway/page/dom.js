// Elements without markup in strings: what a publisher sends is text here, never HTML.

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") made.className = value;
    else if (name === "text") made.textContent = value;
    else if (name.startsWith("--")) made.style.setProperty(name, value);
    else if (typeof value === "function") made.addEventListener(name, value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

const SVG = "http://www.w3.org/2000/svg";

// Draws numbers as bars into an <svg>, the last one at its end; `top` is the number as high as the drawing.
export function bars(svg, numbers, width, height, top = Math.max(1, ...numbers)) {
  const step = width / Math.max(1, numbers.length);
  const path = numbers
    .map((number, index) => {
      const tall = number ? Math.max(1.5, (number / top) * height) : 0;
      return tall ? `M${(index * step).toFixed(2)} ${height}v${(-tall).toFixed(2)}h${(step * 0.72).toFixed(2)}v${tall.toFixed(2)}z` : "";
    })
    .join("");
  let shape = svg.querySelector("path");
  if (!shape) {
    shape = document.createElementNS(SVG, "path");
    svg.append(shape);
  }
  if (shape.getAttribute("d") !== path) shape.setAttribute("d", path);
}

export function chart(width, height) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  return svg;
}

const HUES = {
  arts: 320, crime: 15, disaster: 45, economy: 160, education: 275, environment: 140, health: 0,
  "human-interest": 65, labour: 85, lifestyle: 345, politics: 258, religion: 300, science: 215,
  society: 190, sport: 120, conflict: 28, weather: 238,
};

// A hue for a topic; a model with labels of its own gets hues from their names.
export function hue(slug) {
  if (slug in HUES) return HUES[slug];
  let sum = 0;
  for (const letter of slug) sum = (sum * 31 + letter.codePointAt(0)) % 360;
  return sum;
}

export function remembered(name, fallback) {
  try {
    return localStorage.getItem(`newswire.${name}`) ?? fallback;
  } catch {
    return fallback;
  }
}

export function remember(name, value) {
  try {
    localStorage.setItem(`newswire.${name}`, value);
  } catch {
    // a browser that forbids storage forgets the choice with the page
  }
}
