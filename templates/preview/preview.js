"use strict";
// The page: what is loaded, what is shown, and news of the files.

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
function previewTake(path, data) {
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
