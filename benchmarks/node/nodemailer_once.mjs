// Sends personalised mails with nodemailer's pooled transport: FOLDER MAILS PORT CONNECTIONS.
//
// FOLDER holds node_modules, MAILS is the JSON that benchmarks/peers.py writes. Prints
// {"sent", "seconds"}: from making the transport to the last reply. Each text is split at its
// merge fields once, as the quickest way that JavaScript has to fill them in.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const [folder, mails, port, connections] = process.argv.slice(2);
const require = createRequire(resolve(folder, "package.json"));
const nodemailer = require("nodemailer");
const { sender, variants, people } = JSON.parse(readFileSync(mails, "utf-8"));

const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;" };
const escape = (value) => value.replace(/[&<>"']/g, (found) => ESCAPES[found]);
const split = (text) => text.split(/\{\{([a-z_]+)\}\}/);
const fill = (pieces, value) => pieces.map((piece, at) => (at % 2 ? value(piece) : piece)).join("");

const segments = new Map(
  Object.entries(variants).map(([name, { subject, text, html }]) => [
    name,
    { subject, text: split(text), html: split(html) },
  ]),
);

function mail({ email, name, variant, values }) {
  const { subject, text, html } = segments.get(variant);
  return {
    from: sender,
    to: { name, address: email },
    subject,
    text: fill(text, (field) => values[field]),
    html: fill(html, (field) => escape(values[field])),
    headers: { "List-Unsubscribe": `<${values.unsubscribe_url}>` },
  };
}

const begin = process.hrtime.bigint();
const transport = nodemailer.createTransport({
  host: "127.0.0.1",
  port: Number(port),
  secure: false,
  ignoreTLS: true,
  pool: true,
  maxConnections: Number(connections),
  maxMessages: Infinity,
});
let next = 0;
async function work() {
  while (next < people.length) await transport.sendMail(mail(people[next++]));
}
// Two at a time for each connection, so that none has to wait for its next mail.
await Promise.all(Array.from({ length: 2 * Number(connections) }, work));
const seconds = Number(process.hrtime.bigint() - begin) / 1e9;
transport.close();
console.log(JSON.stringify({ sent: people.length, seconds }));
