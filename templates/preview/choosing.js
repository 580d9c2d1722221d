"use strict";
// What is chosen: by lists and buttons, by keys, and by the address, which remembers it.

const $ = (id) => document.getElementById(id);

const CHOICES = {
  show: [["mail", "Mail", "m"], ["text", "Plain text", "t"], ["source", "HTML", "h"],
    ["message", "Message", "e"], ["web", "Web page", "w"], ["paper", "Printed", "o"]],
  width: [["phone", "Phone", "1"], ["desktop", "Desktop", "2"], ["free", "Free", "3"]],
  colours: [["light", "Light", "l"], ["dark", "Dark", "d"], ["forced", "Forced", "i"]],
};
const WIDTHS = { phone: 375, desktop: 800 };
const FRAMED = ["mail", "web", "paper"];

const chosen = { page: "mail", agency: "", reader: "usual", show: "mail", width: "desktop", px: 600, colours: "light", images: true };

function drawChoices() {
  for (const [name, choices] of Object.entries(CHOICES)) {
    const box = $(name);
    if (box.children.length === 1) {
      box.append(...choices.map(([value, words, key]) => el("label", {},
        el("input", { type: "radio", name, value, onchange: () => choose(chosen.agency, { [name]: value, page: "mail" }) }),
        el("span", {}, words, " ", el("kbd", {}, key)))));
    }
    box.querySelector(`[value=${chosen[name]}]`).checked = true;
    box.disabled = chosen.page !== "mail" || (name !== "show" && !(FRAMED.includes(chosen.show)))
      || (name === "width" || name === "colours" ? chosen.show === "paper" : false);
  }
  $("images").checked = chosen.images;
  document.body.dataset.page = chosen.page;
  for (const button of document.querySelectorAll(".pages button")) {
    button.setAttribute("aria-pressed", button.dataset.page === chosen.page);
  }
  $("agency").value = chosen.agency;
  $("reader").value = chosen.reader;
  drawShare();
}

function choose(agency, changes = { page: "mail" }) {
  const elsewhere = agency !== chosen.agency;
  Object.assign(chosen, { agency }, changes);
  if (elsewhere) loadMore();
  return show();
}

function remember() {
  const words = new URLSearchParams(Object.entries(chosen).map(([key, value]) => [key, String(value)]));
  history.replaceState(null, "", `#${words}`);
}

function recall() {
  const words = new URLSearchParams(location.hash.slice(1));
  for (const [name, choices] of Object.entries(CHOICES)) {
    if (choices.some(([value]) => value === words.get(name))) chosen[name] = words.get(name);
  }
  if (["mail", "versions", "coverage"].includes(words.get("page"))) chosen.page = words.get("page");
  chosen.agency = words.get("agency") ?? "";
  chosen.reader = words.get("reader") ?? "usual";
  chosen.images = words.get("images") !== "false";
  const px = Number(words.get("px"));
  if (px >= 280 && px <= 1200) chosen.px = px;
}

/** Fill the lists of agencies and readers; keep what is chosen where it is still there. */
function drawLists() {
  const { agencies = [], versions = [], default: usual } = previewFacts;
  if (!agencies.some((agency) => agency.id === chosen.agency)) chosen.agency = usual ?? "";
  const sectors = [...new Set(agencies.map((agency) => agency.sector))];
  $("agency").replaceChildren(...sectors.map((sector) => el("optgroup", { label: sector },
    ...agencies.filter((agency) => agency.sector === sector).map((agency) => el("option", { value: agency.id }, agency.name)))));
  $("agency").title = `${agencies.length} agencies, ${versions.length} versions`;
  if (!previewFacts.readers) return;
  const option = (reader) => el("option", { value: reader.key }, reader.label);
  $("reader").replaceChildren(
    el("optgroup", { label: "Made-up readers" }, ...previewFacts.readers.map(option)),
    more.length ? el("optgroup", { label: "Subscribers there" }, ...more.map(option)) : "");
  if (!readers().some((reader) => reader.key === chosen.reader)) chosen.reader = "usual";
}

async function loadMore() {
  if (!previewFacts.live || !chosen.agency) return;
  const agency = chosen.agency;
  const found = await fetch(`readers.json?agency=${encodeURIComponent(agency)}`).then((answer) => answer.json()).catch(() => ({ readers: [] }));
  if (agency !== chosen.agency) return;
  more = found.readers ?? [];
  const before = chosen.reader;
  drawLists();
  $("agency").value = chosen.agency;
  $("reader").value = chosen.reader;
  if (before !== chosen.reader) show();
}

function step(list, value, by) {
  const at = list.indexOf(value);
  return list[(at + by + list.length) % list.length];
}
const nextAgency = (by) => choose(step(previewFacts.agencies.map((agency) => agency.id), chosen.agency, by));
const nextReader = (by) => choose(chosen.agency, { reader: step(readers().map((reader) => reader.key), chosen.reader, by) });

function nextProblem(by) {
  const { findings } = previewFacts;
  if (!findings.length) return say("There are no problems.");
  problemAt = (problemAt + by + findings.length) % findings.length;
  const finding = grouped(findings).flatMap((group) => group.findings)[problemAt] ?? findings[problemAt];
  say(`${finding.file}, line ${finding.line}: found ${finding.found}`);
  return jump(finding);
}

// Keys

const KEYS = [
  ...Object.entries(CHOICES).flatMap(([name, choices]) => choices.filter(([value]) => value !== "mail").map(([value, words, key]) =>
    [key, words, () => choose(chosen.agency, { [name]: value, page: "mail" })])),
  ["m", "The mail", () => choose(chosen.agency, { show: "mail", page: "mail" })],
  ["v", "All versions", () => choose(chosen.agency, { page: "versions" })],
  ["c", "Who gets what", () => choose(chosen.agency, { page: "coverage" })],
  ["a", "Next agency", () => nextAgency(1)],
  ["A", "Agency before", () => nextAgency(-1)],
  ["r", "Next reader", () => nextReader(1)],
  ["R", "Reader before", () => nextReader(-1)],
  ["p", "Pictures on or off", () => choose(chosen.agency, { images: !chosen.images, page: "mail" })],
  ["n", "Next problem", () => nextProblem(1)],
  ["N", "Problem before", () => nextProblem(-1)],
  ["?", "This list", () => $("help").showModal()],
];

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || !$("keys-on").checked) return;
  if (document.querySelector("dialog[open]") || event.target.matches?.("input:not([type=radio], [type=checkbox]), select, textarea")) return;
  const key = KEYS.find(([sign]) => sign === event.key);
  if (!key || !previewFacts.edition) return;
  event.preventDefault();
  key[2]();
}
