// Checks the links of one page with npm's linkinator, once.
//
// Called with the folder that holds node_modules, the page's URL, and perhaps two limits: how
// many requests may be under way in all, and to one host. linkinator's own `concurrency` does
// not hold requests back: its HEAD requests go beyond it. So limits are set in undici, through
// which they all go. Prints one JSON object: {"seconds", "good"}, the time of the check without
// loading linkinator, and the good links.

import { createRequire } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, page, inAll, aHost] = process.argv.slice(2);
const require = createRequire(resolve(folder, "package.json"));
const { Agent, setGlobalDispatcher } = require("undici");
const entry = resolve(folder, "node_modules/linkinator/build/src/index.js");
const { LinkChecker } = await import(pathToFileURL(entry));

// An interceptor that lets so many requests through at a time, first come, first served.
function atMost(inAll, aHost) {
  const waiting = [];
  const underWay = new Map();
  let all = 0;
  const next = () => {
    if (all >= inAll) return;
    const at = waiting.findIndex(({ origin }) => (underWay.get(origin) ?? 0) < aHost);
    if (at < 0) return;
    const [{ origin, send }] = waiting.splice(at, 1);
    all += 1;
    underWay.set(origin, (underWay.get(origin) ?? 0) + 1);
    send();
  };
  return (dispatch) => (options, handler) => {
    const origin = String(options.origin);
    const counted = new Proxy(handler, {
      get(target, name) {
        const value = target[name];
        if (typeof value !== "function") return value;
        return (...values) => {
          if (name === "onResponseEnd" || name === "onResponseError") {
            all -= 1;
            underWay.set(origin, underWay.get(origin) - 1);
            next();
          }
          return value.apply(target, values);
        };
      },
    });
    waiting.push({ origin, send: () => dispatch(options, counted) });
    next();
    return true;
  };
}

if (inAll) {
  setGlobalDispatcher(new Agent().compose(atMost(Number(inAll), Number(aHost))));
}

const begin = process.hrtime.bigint();
const { links } = await new LinkChecker().check({ path: page });
const seconds = Number(process.hrtime.bigint() - begin) / 1e9;
const good = links.filter(({ url, status }) => url !== page && status === 200).length;
process.stdout.write(JSON.stringify({ seconds, good }) + "\n");
process.exit(0);
