"use strict";
// All versions side by side, and the table of who gets what.

const BLOCKS = "h1,h2,h3,h4,h5,h6,p,li,td,th,caption";
const THUMB_SCALE = 0.4;

/** The words of each block of a mail that holds no other block. */
function leaves(page) {
  return [...page.querySelectorAll(BLOCKS)].filter((block) => !block.querySelector(BLOCKS));
}

/** Mark each block of a mail that the usual version has not. */
function markDifferences(page, usual) {
  for (const block of leaves(page)) {
    const words = oneLine(block.textContent);
    if (words && !usual.has(words)) {
      block.style.outline = "4px solid #d97706";
      block.style.outlineOffset = "2px";
    }
  }
}

const DIFFERENCE = {
  more: (words) => ["Also has: ", words],
  less: (words) => ["Does not have: ", words],
  other: (words) => ["Has its own form of: ", words],
  first: (words) => ["Moved up: ", words],
  actions: (words) => ["Actions: ", words],
};

/** Every version as a card with a live picture. `choose` is called with the agency to show. */
function drawVersions(page, choose, htmlOf) {
  const { versions, agencies, default: usual } = previewFacts;
  const names = Object.fromEntries(agencies.map((agency) => [agency.id, agency.name]));
  const usualVersion = versions.find((version) => version.agencies.includes(usual));
  const watcher = new IntersectionObserver((entries) => entries.forEach((entry) => {
    if (!entry.isIntersecting) return;
    watcher.unobserve(entry.target);
    drawThumb(entry.target, usualVersion, htmlOf);
  }), { root: document.getElementById("stage"), rootMargin: "400px" });
  const ordered = [usualVersion, ...versions.filter((version) => version !== usualVersion)];
  const cards = ordered.map((version) => {
    const isUsual = version === usualVersion;
    const thumb = el("div", { class: "thumb", "data-version": version.name, "aria-hidden": "true" });
    watcher.observe(thumb);
    const title = version.agencies.map((id) => names[id]).join(", ");
    const differences = version.differences.map(({ kind, words }) => {
      const [lead, rest] = DIFFERENCE[kind](words);
      return el("li", { class: kind }, el("b", {}, lead), rest);
    });
    return el("li", { class: isUsual ? "card usual" : "card" },
      el("h3", {}, el("button", { type: "button", class: "cover", onclick: () => choose(version.agencies[0]) }, title)),
      thumb,
      sizeGauge(version.size),
      isUsual ? el("p", { class: "quiet" }, "The default: others are compared with it.")
        : differences.length ? el("ul", { class: "differences" }, ...differences)
          : el("p", { class: "quiet" }, "Only the agency's name differs."));
  });
  page.replaceChildren(
    el("h2", {}, `${counted(versions.length, "version")} for ${agencies.length} agencies`),
    el("p", { class: "quiet" }, "What the default version has not is outlined. Choose a version to see it whole."),
    el("ul", { class: "cards" }, ...cards));
}

async function drawThumb(thumb, usualVersion, htmlOf) {
  const frame = await newFrame(thumb, "A version", { tabindex: "-1", scrolling: "no" });
  const view = { colours: "light", images: true };
  const [html, usualHtml] = await Promise.all([htmlOf(thumb.dataset.version), htmlOf(usualVersion.name)]);
  const page = seen(html, frame, view);
  if (thumb.dataset.version !== usualVersion.name) {
    const usual = seen(usualHtml, frame, view);
    markDifferences(page, new Set(leaves(usual).map((block) => oneLine(block.textContent))));
  }
  if (!frame.contentDocument) return;
  morph(frame.contentDocument.documentElement, page.documentElement, []);
  frame.style.transform = `scale(${THUMB_SCALE})`;
  thumb.dataset.ready = "yes";
}

const CELL = {
  whole: ["●", "gets it"],
  first: ["◆", "gets it among the first"],
  part: ["◐", "gets a part of it"],
  none: ["", "does not get it"],
};

/** Which article and which action reaches whom. */
function drawCoverage(page) {
  const { coverage, agencies } = previewFacts;
  const sectors = [];
  for (const agency of agencies) {
    if (sectors.at(-1)?.name === agency.sector) sectors.at(-1).number += 1;
    else sectors.push({ name: agency.sector, number: 1 });
  }
  const cell = (kind, at) => el("td", { class: `${kind}${starts.has(at) ? " start" : ""}` },
    el("span", { "aria-hidden": "true" }, CELL[kind][0]),
    el("span", { class: "unseen" }, CELL[kind][1]));
  const starts = new Set(agencies.flatMap((agency, at) => (at === 0 || agencies[at - 1].sector !== agency.sector ? [at] : [])));
  const row = ({ kind, title, cells }) => {
    const reached = cells.filter((each) => each !== "none").length;
    const all = reached === cells.length ? "all" : String(reached);
    return el("tr", { class: kind },
      el("th", { scope: "row" }, title), el("td", { class: "sum" }, all), ...cells.map(cell));
  };
  page.replaceChildren(
    el("h2", {}, "Who gets what"),
    el("p", { class: "quiet legend" }, ...Object.values(CELL).slice(0, 3).flatMap(([sign, words]) => [el("b", {}, sign), ` ${words}   `])),
    el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "The table of who gets what" },
      el("table", { class: "coverage" },
        el("caption", { class: "unseen" }, "Which article and action reaches which agency"),
        el("thead", {},
          el("tr", {}, el("td", {}), el("td", {}), ...sectors.map(({ name, number }) => el("th", { scope: "colgroup", colspan: number, class: "sector start" }, el("span", {}, name)))),
          el("tr", {}, el("th", { scope: "col", class: "head" }, "Article, and its actions"), el("th", { scope: "col", class: "sum" }, "Agencies"),
            ...agencies.map((agency, at) => el("th", { scope: "col", class: `agency${starts.has(at) ? " start" : ""}` }, el("span", {}, agency.name))))),
        el("tbody", {}, ...coverage.map(row)))));
}
