"use strict";
// The page: what is chosen, what is shown, and news of the files.

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
const memory = new Map(); // what was loaded of this edition, by its path
let state = previewFacts.state ?? { serial: 0, edition: previewFacts.edition ?? 0, made: "", looked: 0, checking: false, links: {}, trouble: null };
let frame = null;
let turn = 0;
let shownAs = "";
let more = []; // subscribers of the agency that is shown
let problemAt = -1;

// What is loaded

/** Data of this edition: from the program where it runs, else from a script beside the page. */
function load(path, query = "") {
  const key = path + query;
  if (!memory.has(key)) {
    const loading = previewFacts.live
      ? fetch(`${path}.json${query}`).then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(answer.statusText))))
      : new Promise((resolve, reject) => {
        waiting.set(path, resolve);
        document.head.append(el("script", { src: `${path}.js`, onerror: reject }));
      });
    memory.set(key, loading);
    loading.catch(() => memory.delete(key));
  }
  return memory.get(key);
}

const waiting = new Map();
/** Called by the scripts of a preview's folder. */
function previewTake(path, data) { // eslint-disable-line no-unused-vars
  waiting.get(path)?.(data);
}

const agencyOf = (id) => previewFacts.agencies.find((agency) => agency.id === id);
const versionOf = (agency) => previewFacts.versions.find((version) => version.agencies.includes(agency));
const readers = () => [...previewFacts.readers, ...more];
const readerOf = (key) => readers().find((reader) => reader.key === key) ?? previewFacts.readers[0];

/** The values of the merge fields for whoever is chosen. */
function valuesFor(kind, agency = chosen.agency) {
  const names = agencyOf(agency);
  return { ...readerOf(chosen.reader)[kind], agency_name: kind === "html" ? names.html : names.name };
}

async function htmlOf(name) {
  const version = await load(`version/${name}`);
  return filled(version.html, valuesFor("html", versionOfName(name).agencies[0]), version.image);
}
const versionOfName = (name) => previewFacts.versions.find((version) => version.name === name);

// What is shown

/** Show what is chosen. Of several calls in a row the last one counts. */
async function show() {
  remember();
  drawChoices();
  for (const page of ["mail", "versions", "coverage"]) $(`page-${page}`).hidden = chosen.page !== page;
  if (!previewFacts.edition) return;
  const mine = ++turn;
  const version = versionOf(chosen.agency);
  drawMeasures(version);
  if (chosen.page === "versions") return drawVersions($("page-versions"), choose, htmlOf);
  if (chosen.page === "coverage") return drawCoverage($("page-coverage"));
  let mail;
  try {
    mail = await load(`version/${previewFacts.live ? chosen.agency : version.name}`);
    if (mine !== turn) return;
    drawInbox(mail);
    await (FRAMED.includes(chosen.show) ? showFrame(mail, mine) : showWords(mail, mine));
  } catch {
    if (mine === turn) say("This version cannot be loaded just now.");
  }
}

function drawInbox(mail) {
  const { issue } = previewFacts;
  const values = valuesFor("text");
  $("inbox").replaceChildren(
    el("span", { class: "from" }, issue.sender),
    el("strong", { class: "subject" }, filled(mail.subject, values, mail.image)),
    el("span", { class: "preheader" }, issue.preheader.replace(/\{\{(\w+)\}\}/g, (all, name) => values[name] ?? all)));
}

async function showFrame(mail, mine) {
  const html = chosen.show === "web"
    ? (await load(`web/${previewFacts.live ? chosen.agency : mail.name}`)).html
    : filled(mail.html, valuesFor("html"), mail.image);
  if (!frame) frame = newFrame($("device"), "The mail", { id: "mail" }).then(listenIn);
  const ready = await frame;
  if (mine !== turn) return;
  const paper = chosen.show === "paper";
  const view = { colours: paper ? "light" : chosen.colours, images: chosen.images, paper };
  $("words").hidden = true;
  $("device").hidden = false;
  layOut(ready, paper);
  const changed = put(ready, html, view);
  const as = JSON.stringify({ ...chosen, px: 0, width: 0 });
  if (as === shownAs && changed.length <= 12) glow(changed, 1600);
  shownAs = as;
  if (paper) ready.style.height = `${ready.contentDocument.documentElement.scrollHeight}px`;
  document.body.dataset.shown = mail.edition;
}

function layOut(ready, paper) {
  const device = $("device");
  device.className = paper ? "device paper" : `device ${chosen.width} ${chosen.colours}`;
  const free = chosen.width === "free" && !paper;
  $("pixels").hidden = !free;
  $("px").value = chosen.px;
  $("px-shown").textContent = `${chosen.px} pixels`;
  device.style.width = paper ? "" : `${free ? chosen.px : WIDTHS[chosen.width]}px`;
  ready.style.height = "";
}

async function showWords(mail, mine) {
  const agency = previewFacts.live ? chosen.agency : mail.name;
  const words = {
    text: () => filled(mail.text, valuesFor("text"), mail.image),
    source: () => filled(mail.html, valuesFor("html"), mail.image),
    message: async () => (await load(`message/${agency}`, `?reader=${encodeURIComponent(chosen.reader)}`)).raw,
  };
  const text = await words[chosen.show]();
  if (mine !== turn) return;
  $("device").hidden = true;
  $("pixels").hidden = true;
  const box = $("words");
  box.hidden = false;
  box.className = chosen.show;
  box.setAttribute("aria-label", CHOICES.show.find(([key]) => key === chosen.show)[1]);
  if (box.textContent !== text) box.textContent = text;
  document.body.dataset.shown = mail.edition;
}

/** Keys work inside the mail too, and its links lead to a word of where they would lead. */
function listenIn(ready) {
  const page = ready.contentDocument;
  page.addEventListener("keydown", onKey);
  page.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]");
    if (!link) return;
    event.preventDefault();
    const href = link.getAttribute("href");
    if (href.startsWith("#")) page.getElementById(href.slice(1))?.scrollIntoView();
    else say("This link leads to ", el("a", { href, target: "_blank", rel: "noopener noreferrer" }, href));
  });
  return ready;
}

/** Show a finding where it is in the mail, in a version that has it. */
async function jump(finding) {
  if (finding.readers && !finding.readers.includes(chosen.agency)) chosen.agency = finding.readers[0];
  else if (finding.article && !versionOf(chosen.agency).articles.includes(finding.article)) {
    chosen.agency = previewFacts.versions.find((version) => version.articles.includes(finding.article))?.agencies[0] ?? chosen.agency;
  }
  chosen.page = "mail";
  if (chosen.show !== "web") chosen.show = "mail";
  await show();
  const ready = await frame;
  const place = finding.article ? found(ready.contentDocument, finding) : null;
  if (place) reveal(ready, place);
  else if (finding.article) say("This part is not in the mail that is shown.");
  else $("inbox").animate([{ outline: "3px solid #d97706" }, { outline: "3px solid transparent" }], 2000);
}

function say(...words) {
  $("word").replaceChildren(...words);
  clearTimeout(say.timer);
  say.timer = setTimeout(() => $("word").replaceChildren(), 12000);
}

// Choosing

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

// Sharing

function drawShare() {
  const { live, issue } = previewFacts;
  if (!issue) return $("take-list").replaceChildren(el("p", {}, "There is nothing to share yet."));
  const reader = `?reader=${encodeURIComponent(chosen.reader)}`;
  const version = versionOf(chosen.agency);
  const file = (ending, words) => el("a", {
    href: live ? `files/${chosen.agency}.${ending}${reader}` : `files/${issue.name}-${version.name}.${ending}`, download: true,
  }, words);
  $("take-list").replaceChildren(
    live ? el("button", { type: "button", onclick: askForTest }, "Send a test to myself …") : "",
    file("eml", "Download as mail (.eml)"), file("html", "Download as page (.html)"), file("txt", "Download as text (.txt)"),
    live && previewFacts.pdf ? file("pdf", "Download as PDF") : "",
    live ? el("button", { type: "button", onclick: makeFolder }, "Make a folder for a colleague") : "");
}

function askForTest() {
  $("take").open = false;
  $("test-agency").textContent = agencyOf(chosen.agency).name;
  $("test-answer").textContent = "";
  $("test-address").value ||= localStorage.getItem("newsletter-test-address") ?? "";
  $("test").showModal();
}

async function post(path, body = {}) {
  const answer = await fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  const data = await answer.json();
  if (!answer.ok) throw new Error(data.findings?.length ? "There are errors in the issue. Mend them first: they are listed under Problems." : data.error ?? data.detail);
  return data;
}

async function sendTest(event) {
  event.preventDefault();
  const address = $("test-address").value;
  localStorage.setItem("newsletter-test-address", address);
  $("test-answer").textContent = "Sending …";
  $("test-answer").textContent = await post("test", { address, agency: chosen.agency }).then(({ said }) => said, (error) => error.message);
}

async function makeFolder() {
  $("take").open = false;
  say("Making the folder …");
  try {
    const { link, folder } = await post("folder");
    const copied = await navigator.clipboard?.writeText(link).then(() => true, () => false);
    say(copied ? "The link is copied: " : "The folder is ready: ", el("code", {}, folder), ". Hand the whole folder on; index.html in it opens in any browser.");
  } catch (error) {
    say(error.message);
  }
}

// News

function drawStatus(words, kind) {
  $("status").textContent = words;
  $("status").className = kind;
}

function drawState() {
  if (!previewFacts.live) drawStatus("A copy to look at", "quiet");
  else if (state.trouble) drawStatus("Waiting for mended files", "bad");
  else drawStatus(state.made ? `Up to date, ${state.made}` : "Reading the files …", "fine");
  document.body.classList.toggle("stale", Boolean(state.trouble));
  drawTrouble(state);
  drawProblems(state, jump, () => post("links").catch(() => null));
}

async function hear(news) {
  const before = state;
  state = news;
  if (news.edition && news.edition !== before.edition) {
    memory.clear();
    if (previewFacts.edition) await (chosen.page === "mail" ? show() : null);
  }
  if (news.edition && (news.edition !== previewFacts.edition || news.looked !== previewFacts.state?.looked)) {
    const facts = await fetch("facts.json").then((answer) => answer.json()).catch(() => null);
    if (facts && state.serial === news.serial) await take(facts);
  }
  drawState();
}

async function take(facts) {
  const isFirst = !previewFacts.edition;
  const isOther = facts.edition !== previewFacts.edition;
  previewFacts = facts;
  drawNames();
  drawLists();
  if (isFirst || (isOther && chosen.page !== "mail")) await show();
  else {
    drawChoices();
    drawMeasures(versionOf(chosen.agency));
  }
}

function listen() {
  const source = new EventSource("events");
  source.onmessage = (event) => hear(JSON.parse(event.data));
  source.onerror = () => drawStatus("The program has ended. Start it again: newsletter preview", "bad");
}

function drawNames() {
  const { issue } = previewFacts;
  if (!issue) return;
  $("title").textContent = `${issue.title}, issue ${issue.number}`;
  document.title = `${issue.title}, issue ${issue.number}: preview`;
}

function begin() {
  recall();
  $("agency").onchange = (event) => choose(event.target.value);
  $("reader").onchange = (event) => choose(chosen.agency, { reader: event.target.value });
  $("images").onchange = (event) => choose(chosen.agency, { images: event.target.checked, page: "mail" });
  $("px").oninput = (event) => choose(chosen.agency, { px: Number(event.target.value) });
  $("blocks").hidden = !previewFacts.live;
  $("help-button").onclick = () => $("help").showModal();
  $("test-form").onsubmit = sendTest;
  $("test-close").onclick = () => $("test").close();
  $("keys-on").checked = localStorage.getItem("newsletter-keys") !== "off";
  $("keys-on").onchange = (event) => localStorage.setItem("newsletter-keys", event.target.checked ? "on" : "off");
  $("keys").replaceChildren(...KEYS.flatMap(([key, words]) => [el("dt", {}, el("kbd", {}, key)), el("dd", {}, words)]));
  for (const button of document.querySelectorAll(".pages button")) button.onclick = () => choose(chosen.agency, { page: button.dataset.page });
  document.addEventListener("keydown", onKey);
  document.addEventListener("click", (event) => {
    if (!$("take").contains(event.target)) $("take").open = false;
  });
  drawNames();
  drawLists();
  drawState();
  show();
  loadMore();
  if (previewFacts.live) listen();
}

begin();
