// Compiles MJML with npm's mjml, and inlines CSS with juice, in one process that stays.
//
// Called with the folder that holds node_modules. Reads one JSON object a line, answers each
// with one: {"seconds", "errors", "bytes"}, or {"failure"} with what went wrong.
//
//   {"documents": ["<mjml>…"]}                     compile each
//   {"documents": ["<mjml>…"], "css": "p { … }"}   compile each, and inline the CSS into it

import { createRequire } from "node:module";
import { resolve } from "node:path";
import { createInterface } from "node:readline";

const require = createRequire(resolve(process.argv[2], "package.json"));
const mjmlModule = require("mjml");
const mjml2html = mjmlModule.default ?? mjmlModule;
const juice = require("juice");

const OPTIONS = { validationLevel: "soft", fonts: {} };

async function compile({ documents, css }) {
  const results = [];
  const begin = process.hrtime.bigint();
  for (const document of documents) {
    const { html, errors } = await mjml2html(document, { ...OPTIONS });
    results.push({ html: css === undefined ? html : juice.inlineContent(html, css), errors });
  }
  const seconds = Number(process.hrtime.bigint() - begin) / 1e9;
  return {
    seconds,
    errors: results.flatMap(({ errors }) => errors.map((error) => error.formattedMessage)),
    bytes: results.reduce((sum, { html }) => sum + Buffer.byteLength(html), 0),
  };
}

for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    answer = await compile(JSON.parse(line));
  } catch (error) {
    answer = { failure: String(error) };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
}
