"use strict";
// What stands beside the mail: how large and how readable it is, and what is wrong or doubtful.

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
const counted = (number, word) => `${number.toLocaleString("en-GB")} ${word}${number === 1 ? "" : "s"}`;
const kilobytes = (bytes) => `${Math.round(bytes / 1000)} KB`;

/** A link that opens a file at a line in the editor, or the words alone where nothing can. */
function placeLink(file, line) {
  const words = `${file.split("/").pop()}, line ${line}`;
  const editor = previewFacts.live && previewFacts.editor;
  if (!editor) return el("span", { class: "place", title: file }, words);
  const path = file.startsWith("/") ? file : `${previewFacts.root}/${file}`;
  const href = editor
    .replaceAll("{path}", path.split("/").map(encodeURIComponent).join("/"))
    .replaceAll("{line}", line);
  return el("a", { class: "place", href, title: `Open ${file} in your editor` }, words);
}

/** How large a version is beside what mail programs take. */
function sizeGauge(bytes) {
  const { warn, stop } = previewFacts.limits;
  const level = bytes >= stop ? "over" : bytes >= warn ? "near" : "fine";
  const word = { over: "too large", near: "nearly too large", fine: "fine" }[level];
  const bar = el("span", { class: "gauge", "aria-hidden": "true" }, el("span", { class: level }));
  bar.firstChild.style.width = `${Math.min(100, (bytes / stop) * 100)}%`;
  return el("p", { class: "size" }, bar, `${kilobytes(bytes)} of at most ${kilobytes(stop)}: ${word}`);
}

/** The measures of the version that is shown. */
function drawMeasures(version) {
  const box = document.getElementById("measures");
  if (!version) return box.replaceChildren();
  const { minutes, words, age } = version.reading;
  const facts = [
    `${counted(minutes, "minute")} to read`,
    `${words.toLocaleString("en-GB")} words`,
    ...(age ? [`easy from about age ${age}`] : []),
  ];
  box.replaceChildren(
    el("h2", {}, "This version"),
    sizeGauge(version.size),
    el("p", { class: "quiet" }, facts.join(" · ")),
  );
}

/** One finding or hint; a click on its words shows where it is in the mail. */
function findingItem(finding, jump) {
  const severity = finding.severity ?? "hint";
  const word = { error: "Error", warning: "Doubtful", hint: "Hint" }[severity];
  const more = [
    finding.expected && `Expected ${finding.expected.replace(/\.$/, "")}.`,
    finding.mend,
  ].filter(Boolean).join(" ");
  const button = el("button", { type: "button", class: "jump", onclick: () => jump(finding) },
    el("span", { class: `mark ${severity}` }, word), " ", capital(finding.found));
  return el("li", { class: severity, "data-rule": finding.rule },
    button,
    more ? el("p", {}, more) : null,
    el("p", {}, placeLink(finding.file, finding.line)));
}

/** Findings by article, in the order of the issue; what is about all of it comes first. */
function grouped(findings) {
  const groups = [{ id: "", title: "The whole issue" }, ...previewFacts.articles];
  return groups
    .map((group) => ({ ...group, findings: findings.filter((each) => each.article === group.id) }))
    .filter((group) => group.findings.length);
}

function groupList(groups, jump) {
  return groups.map((group) => el("section", { class: "group" },
    el("h3", {}, group.title),
    el("ul", {}, ...group.findings.map((finding) => findingItem(finding, jump)))));
}

/** All findings and hints. `jump` is called with the one that was chosen. */
function drawProblems(state, jump, lookAgain) {
  const box = document.getElementById("problems");
  const open = box.querySelector("details")?.open;
  const { findings = [], hints = [] } = previewFacts;
  const errors = findings.filter((finding) => finding.severity === "error").length;
  const words = [
    errors && counted(errors, "error"),
    findings.length - errors && `${findings.length - errors} doubtful`,
  ].filter(Boolean).join(", ") || "none";
  const doubtful = findings.some((finding) => /link/.test(finding.rule) && finding.url);
  box.replaceChildren(
    el("h2", {}, "Problems ", el("span", { class: "count", id: "count" }, state.checking ? "being looked for …" : words)),
    linkLine(state),
    findings.length || state.checking || state.links.all || state.trouble || !previewFacts.edition ? "" : el("p", { class: "good" }, "Nothing is wrong. Good work."),
    ...groupList(grouped(findings), jump),
    doubtful && previewFacts.live ? el("p", {}, el("button", { type: "button", onclick: lookAgain }, "Look at doubtful links again")) : "",
    hints.length ? el("details", { class: "hints", open: open || false },
      el("summary", {}, `${counted(hints.length, "hint")} about the writing`),
      ...groupList(grouped(hints), jump)) : "",
  );
}

/** How far looking at links is, in the preview that lives. */
function linkLine(state) {
  const { done, all, unlooked } = state.links;
  if (all) {
    return el("p", { class: "quiet links" },
      el("label", {}, `Looking at links: ${done} of ${all} `, el("progress", { max: all, value: done })));
  }
  return unlooked ? el("p", { class: "quiet links" }, `Where links lead was not looked at: ${unlooked}.`) : "";
}

/** Why the newest files are not shown, on top of everything. */
function drawTrouble(state) {
  const box = document.getElementById("trouble");
  box.hidden = !state.trouble;
  if (!state.trouble) return box.replaceChildren();
  const { findings, message } = state.trouble;
  const lead = state.made
    ? `The files cannot be read as they are, so you see the mail as it was at ${state.made}.`
    : "The files cannot be read as they are, so there is nothing to see yet.";
  box.replaceChildren(
    el("h2", {}, lead),
    message ? el("p", { class: "message" }, message) : "",
    el("ul", {}, ...findings.map((finding) => el("li", {},
      placeLink(finding.file, finding.line), ": ",
      `found ${finding.found}${finding.expected ? `; expected ${finding.expected}` : ""}. ${finding.mend}`))),
  );
}
