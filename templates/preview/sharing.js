"use strict";
// Sharing what is shown: downloads, a test to oneself, a folder for a colleague.

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
