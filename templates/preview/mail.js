"use strict";
// Showing a mail in a frame: filled in for a reader, seen in a certain way, changed in place.
// Whatever is done to it for a view is done to the copy in the frame, never to the mail itself.

/** An element with properties and children; a string becomes text. */
function el(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** A text that was cut at its merge fields, with their values. Pictures lie in `images/`. */
function filled(cut, values, image) {
  let text = cut.literals[0];
  cut.fields.forEach((name, at) => {
    const value = name.startsWith(image) ? `images/${name.slice(image.length)}` : values[name];
    text += (value ?? "") + cut.literals[at + 1];
  });
  return text;
}

/** A new frame in `parent`, once a mail can be put into it. Nothing in it can run or leave it. */
function newFrame(parent, title, properties = {}) {
  const frame = el("iframe", { title, sandbox: "allow-same-origin", ...properties });
  const ready = new Promise((resolve) => frame.addEventListener("load", resolve, { once: true }));
  if (previewFacts.live) frame.src = "frame";
  else frame.srcdoc = "<!DOCTYPE html><html><head><title>The mail</title></head><body></body></html>";
  parent.append(frame);
  return ready.then(() => frame);
}

/** The mail's HTML as a document of the frame, as it is seen in a certain way. */
function seen(html, frame, view) {
  const parser = new frame.contentWindow.DOMParser();
  const made = parser.parseFromString(html, "text/html");
  const scheme = view.colours === "dark" ? "dark" : "light";
  const dark = scheme === "dark" ? "(min-width: 0)" : "(max-width: 0)";
  for (const style of made.querySelectorAll("style")) {
    let css = style.textContent
      .replace(/\(prefers-color-scheme:\s*dark\)/g, dark)
      .replace(/color-scheme:\s*light dark/g, `color-scheme: ${scheme}`);
    if (view.paper) css = css.replace(/@media only screen\b/g, "@media (max-width: 0)").replace(/@media print\b/g, "@media all");
    style.textContent = css;
  }
  for (const meta of made.querySelectorAll('meta[name$="color-scheme"], meta[name="supported-color-schemes"]')) {
    meta.setAttribute("content", scheme);
  }
  if (view.colours === "forced") {
    // As programs do that turn light into dark by themselves: tones change, hues and pictures stay.
    made.documentElement.style.cssText = "background: #fff; filter: invert(0.92) hue-rotate(180deg)";
    for (const image of made.images) image.style.filter = "invert(1) hue-rotate(180deg)";
  }
  if (!view.images) {
    for (const image of made.images) image.setAttribute("src", "data:,");
  }
  return made;
}

/** Make `old` like `fresh` with as few changes as will do; what was put in is added to `changed`. */
function morph(old, fresh, changed) {
  if (old.isEqualNode(fresh)) return;
  if (old.nodeType !== Node.ELEMENT_NODE || old.nodeName !== fresh.nodeName) {
    old.replaceWith(fresh);
    changed.push(fresh);
    return;
  }
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  const [before, after] = [[...old.childNodes], [...fresh.childNodes]];
  let same = 0;
  while (before.length && after.length && before[0].isEqualNode(after[0])) {
    before.shift();
    after.shift();
    same += 1;
  }
  while (before.length && after.length && before.at(-1).isEqualNode(after.at(-1))) {
    before.pop();
    after.pop();
  }
  if (before.length === after.length) {
    before.forEach((node, at) => morph(node, after[at], changed));
    return;
  }
  before.forEach((node) => node.remove());
  const next = old.childNodes[same] ?? null;
  after.forEach((node) => old.insertBefore(node, next));
  changed.push(...after);
}

/** Show HTML in a frame, in the place of what is there; scrolling stays. Returns what changed. */
function put(frame, html, view) {
  const shown = frame.contentDocument;
  const changed = [];
  morph(shown.documentElement, seen(html, frame, view).documentElement, changed);
  return changed.map((node) => (node.nodeType === Node.ELEMENT_NODE ? node : node.parentElement))
    .filter((node) => node && shown.body.contains(node) && node !== shown.body);
}

const oneLine = (text) => text.replace(/\s+/g, " ").trim();

/** Where an anchor of a finding is in a mail: the element, or null. */
function found(page, anchor) {
  const title = anchor.article ? page.getElementById(anchor.article) : page.body;
  if (!title) return null;
  const titles = previewFacts.articles.map((article) => page.getElementById(article.id));
  const follows = (one, other) => one.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING;
  const ends = titles.filter((other) => other && other !== title && follows(title, other));
  const end = ends.reduce((first, other) => (first && follows(first, other) ? first : other), null);
  const inside = (node) => title === page.body || title.contains(node)
    || (follows(title, node) && (!end || follows(node, end)));
  if (anchor.url) {
    const links = [...page.links].filter((link) => link.getAttribute("href") === anchor.url);
    const link = links.find(inside) ?? links[0];
    if (link) return link;
  }
  if (anchor.words) {
    const wanted = oneLine(anchor.words);
    const blocks = [...page.querySelectorAll("h1,h2,h3,h4,h5,h6,p,li,td,th,caption,div")]
      .filter((block) => oneLine(block.textContent).includes(wanted));
    const narrow = (some) => some.find((block) => !some.some((other) => other !== block && block.contains(other)));
    const block = narrow(blocks.filter(inside)) ?? narrow(blocks);
    if (block) return block;
  }
  return title === page.body ? null : title;
}

/** Bring an element of a frame into sight, and let it stand out for a moment. */
function reveal(frame, element) {
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  element.scrollIntoView({ block: "center", behavior: calm ? "auto" : "smooth" });
  glow([element], 2600);
}

/** Let elements stand out for some milliseconds; their own styles stay as they are. */
function glow(elements, milliseconds) {
  for (const element of elements) {
    element.animate(
      [0, 0.7, 1].map((offset) => ({
        offset,
        outline: offset === 1 ? "3px solid transparent" : "3px solid #d97706",
        outlineOffset: "4px",
      })),
      { duration: milliseconds },
    );
  }
}
