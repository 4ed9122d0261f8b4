// What the page shows, held against the events and the traces of the same run. See `run` beside this file.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gunzipSync } from "node:zlib";

const [modules, work] = process.argv.slice(2);
const require = createRequire(join(modules, "package.json"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const vectors = JSON.parse(readFileSync(new URL("numbers.json", import.meta.url), "utf8"));
const events = readFileSync(join(work, "events.jsonl"), "utf8").trimEnd().split("\n").map((line) => JSON.parse(line));
const cases = events.filter((event) => event.type === "case");
const started = events.find((event) => event.type === "run-started");

// A page in a fresh browser. Whatever it says, asks for or throws is a failure.
const inBrowser = async (options, act) => {
  const profile = mkdtempSync(join(tmpdir(), "memcase-browser-"));
  const complaints = [];
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: "/usr/bin/chromium",
    headless: true,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync"],
    ...options,
  });
  const url = pathToFileURL(join(work, "page.html")).href;
  try {
    const page = await context.newPage();
    context.on("request", (request) => {
      const asked = request.url();
      if (asked.split("#")[0] !== url && !asked.startsWith("data:")) complaints.push(`asks for ${asked}`);
    });
    page.on("console", (message) => complaints.push(`console: ${message.text()}`));
    page.on("pageerror", (error) => complaints.push(`throws: ${error.message}`));
    page.on("dialog", (dialog) => { complaints.push(`dialog: ${dialog.message()}`); return dialog.dismiss(); });
    await page.goto(url);
    await act(page, url);
    assert.deepEqual(complaints, []);
  } finally {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  }
};
const row = (page, id) => page.locator("tr.case").filter({ has: page.locator("th", { hasText: new RegExp(`^${id}$`) }) });
const settled = (page) => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
const open = async (page, id) => {
  const button = row(page, id).locator("th button");
  if (await button.getAttribute("aria-expanded") === "false") await button.click();
  await settled(page);
  return page.locator(`tr.opened section[aria-label="${id}"]`);
};

// A number in words is the one of the data, to the digits that are shown.
const SIZES = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };
const assertShows = (text, unit, value, what) => {
  const digits = text.replaceAll(",", "");
  const size = SIZES[unit] ?? 1;
  const last = 10 ** -(digits.split(".")[1]?.length ?? 0) / 2;
  assert.ok(Math.abs(Number(digits) - value / size) <= last * 1.000001, `${what}: ${text} ${unit} is not ${value}`);
};
const assertSlope = (text, slope, what) => {
  const [, estimate, unit] = text.match(/([+-]?[\d.,]+) (\w+)\/(?:iter|s|line)/) ?? [];
  assert.ok(estimate, `${what}: no slope in "${text}"`);
  assertShows(estimate, unit, slope.estimate, what);
  const [, low, high] = text.match(/95% CI ([-\d.,]+) to ([-\d.,]+)\)/) ?? [];
  if (slope.low === null || slope.high === null) return assert.ok(text.includes("interval unknown"), text);
  assertShows(low, unit, slope.low, what);
  assertShows(high, unit, slope.high, what);
};

// A trace as it was recorded: for each metric the reading at each place.
const traceOf = (report, name) => {
  const path = join(work, report.folder, name);
  const bytes = readFileSync(path);
  const lines = (name.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString().trimEnd().split("\n").map((line) => JSON.parse(line));
  const series = {};
  for (const { i, ...values } of lines.filter((line) => "i" in line)) {
    for (const [metric, value] of Object.entries(values)) (series[metric] ??= new Map()).set(i, value);
  }
  return { driver: lines[0].trace.driver ?? "step", series };
};
const tracesOf = (report) => {
  const traces = report.traces.map((name) => traceOf(report, name));
  if (traces[0]?.driver !== "ramp") return traces;
  // A ramp is drawn as one line of the last readings.
  const all = {};
  for (const { series } of traces) {
    for (const [metric, values] of Object.entries(series)) (all[metric] ??= []).push([...values].at(-1));
  }
  return [{ series: Object.fromEntries(Object.entries(all).map(([metric, pairs]) => [metric, { pairs }])) }];
};
const has = (values, at, value) =>
  values.pairs ? values.pairs.some(([place, reading]) => place === at && reading === value) : values.get(at) === value;
const readings = (values) => (values.pairs ? values.pairs.map(([, value]) => value) : [...values.values()]);
const numbers = ([first, unit, steps]) => {
  const list = Array.isArray(steps) ? steps : Array(steps).fill(1);
  return list.reduce((all, step) => [...all, all.at(-1) + unit * step], [first]);
};

const checks = {
  "every row shows the outcome, the verdict and the time of its event": (page) => inEvery(page, async (report) => {
    const cells = await row(page, report.id).locator("td").allTextContents();
    assert.equal(cells[0], report.flaky ? "passed (flaky)" : report.outcome);
    assert.equal(cells[1], report.limit ? "over limit" : report.verdict ?? "not measured");
    const [, seconds] = cells[4].match(/^([\d.]+) s$/) ?? [];
    if (seconds) assertShows(seconds, "", report.seconds, report.id);
    if (report.verdict === "leak" && !report.limit) assertSlope(cells[2], report.slope, report.id);
  }),

  "what is ignored has a row with its reason": async (page) => {
    for (const [id, reason] of Object.entries(started.ignored)) {
      assert.equal(await row(page, id).locator(".figures").textContent(), reason);
    }
    assert.equal(await page.locator("tr.case").count(), cases.length + Object.keys(started.ignored).length);
  },

  "an opened case tells the numbers of its event": (page) => inEvery(page, async (report) => {
    const section = await open(page, report.id);
    assert.equal(await section.locator(".reason").textContent(), report.reason);
    const names = await section.locator("dt").allTextContents();
    const values = await section.locator("dd").allTextContents();
    const fact = (name) => values[names.indexOf(name)];
    if (report.slope) assertSlope(fact("slope"), report.slope, report.id);
    if (report.spikes) {
      const [, above, unit, base, baseUnit] = fact("spikes").match(/^([\d.]+) (\w+) above a base of ([\d.]+) (\w+)/);
      assertShows(above, unit, report.spikes.above_base, report.id);
      assertShows(base, baseUnit, report.spikes.base, report.id);
    }
    if (report.verdict) {
      assert.ok(fact("horizon").includes(`in ${report.processes} process`), fact("horizon"));
      assert.ok(fact("horizon").startsWith(report.axis === "seconds" ? "" : report.iterations.toLocaleString("en")), fact("horizon"));
    }
    if (report.output) assert.ok((await section.textContent()).includes(report.output.trim()));
    if (report.baseline) assert.ok((await section.locator("h2").allTextContents()).includes("Comparison"));
    assert.ok((await section.textContent()).includes(`--exact ${report.id}`));
  }),

  "every reading that is drawn was measured, and the highest and the lowest are among them": (page) => inEvery(page, async (report) => {
    const details = JSON.parse(await page.locator(`#details-${await row(page, report.id).getAttribute("data-case")}`).textContent());
    const traces = tracesOf(report);
    assert.equal(details.plots.lines.length, traces.length, report.id);
    for (const { name, series } of details.plots.metrics) {
      series.forEach((drawn, index) => {
        const measured = traces[index].series[name];
        assert.equal(Boolean(drawn), Boolean(measured), `${report.id} ${name}`);
        if (!drawn) return;
        const [at, values] = [numbers(drawn.at), numbers(drawn.values)];
        at.forEach((place, k) => assert.ok(has(measured, place, values[k]), `${report.id} ${name}: ${values[k]} at ${place}`));
        const all = readings(measured);
        assert.equal(drawn.readings, all.length);
        assert.equal(Math.max(...values), Math.max(...all));
        assert.equal(Math.min(...values), Math.min(...all));
      });
    }
    const told = new Set(details.plots.metrics.map((metric) => metric.name));
    for (const { series } of traces) for (const name of Object.keys(series)) assert.ok(told.has(name), name);
  }),

  "the values under the cursor are those of the traces, in every metric": (page) => inEvery(page, async (report) => {
    const section = await open(page, report.id);
    const traces = tracesOf(report);
    const field = section.locator(".field");
    if (!traces.length) return assert.equal(await field.count(), 0);
    const metrics = await section.locator("select option").allTextContents();
    for (const label of metrics) {
      await section.locator("select").selectOption({ label });
      await field.focus();
      for (const key of ["Home", "ArrowRight", "PageUp", "PageUp", "ArrowLeft", "End"]) {
        await page.keyboard.press(key);
        await settled(page);
        const readouts = await section.locator(".value").evaluateAll((all) => all.map((value) => [value.textContent, value.dataset.at, value.dataset.value]));
        readouts.forEach(([text, at, value], index) => {
          const measured = traces[index].series[label.split(":")[0]];
          if (!measured) return assert.equal(text, "no readings");
          assert.ok(has(measured, Number(at), Number(value)), `${report.id} ${label}: ${value} at ${at}`);
          const [, shown, unit] = text.match(/^([\d.,]+)(?: (B|[KMGT]iB)\b)?/);
          assertShows(shown, unit, Number(value), `${report.id} ${label}`);
          if (unit && unit !== "B") assert.ok(text.includes(`(${Number(value).toLocaleString("en")} B)`), text);
          if (report.axis === "iterations") assert.ok(text.endsWith(` at iteration ${Number(at).toLocaleString("en")}`), text);
        });
      }
    }
  }),

  "numbers are worded as in Rust": async (page) => {
    const words = await page.evaluate(({ bytes, counts, milliseconds }) => [
      bytes.map(([value]) => number.bytes(value)),
      counts.map(([value]) => number.count(value)),
      milliseconds.map(([value]) => number.duration(value)),
    ], vectors);
    const expected = [vectors.bytes, vectors.counts, vectors.milliseconds].map((list) => list.map(([, text]) => text));
    assert.deepEqual(words, expected);
  },

  "the keyboard alone filters, sorts, opens, zooms and switches a process off": async (page) => {
    await page.reload();
    const press = async (...keys) => { for (const key of keys) await page.keyboard.press(key); await settled(page); };
    // Goes on with Tab until the element that has the focus is the wanted one.
    const tabTo = async (selector, key = "Tab") => {
      for (let k = 0; k < 200; k++) {
        await page.keyboard.press(key);
        if (await page.evaluate((wanted) => document.activeElement.matches(wanted), selector)) return;
      }
      assert.fail(`Tab never gets to ${selector}`);
    };
    const ids = () => page.locator("tr.case:visible th").allTextContents();
    await tabTo("#text");
    await page.keyboard.type("KEPT slow");
    await settled(page);
    assert.deepEqual(await ids(), ["kept/leak"]);
    assert.ok((await page.locator("#shown").textContent()).startsWith("1 of "));
    await press("Control+a", "Delete");
    await tabTo("#outcomes input[value=broken]");
    await press("Space");
    assert.deepEqual(await ids(), cases.filter((report) => report.outcome === "broken").map(({ id }) => id));
    await press("Space");
    await tabTo("#verdicts input[value=spike]");
    await press("Space");
    assert.deepEqual(await ids(), cases.filter((report) => report.verdict === "spike").map(({ id }) => id));
    await tabTo("button[type=reset]");
    await press("Enter");
    assert.equal((await ids()).length, await page.locator("tr.case").count());
    await tabTo("th[data-key=id] button");
    await press("Enter");
    assert.deepEqual(await ids(), [...(await ids())].sort());
    await press("Enter");
    assert.deepEqual(await ids(), [...(await ids())].sort().reverse());
    assert.equal(await page.locator("th[data-key=id]").getAttribute("aria-sort"), "descending");
    await tabTo("th[data-key=seconds] button");
    await press("Enter");
    const seconds = await page.locator("tr.case").evaluateAll((rows) => rows.map((r) => r.dataset.seconds).filter(Boolean).map(Number));
    assert.deepEqual(seconds, [...seconds].sort((a, b) => b - a));
    await tabTo("th[data-key=id] button", "Shift+Tab");
    await press("Enter");
    await tabTo("tr.case th button");
    for (let k = 0; !(await page.evaluate(() => document.activeElement.textContent === "kept/leak")); k++) {
      assert.ok(k < 20, "Tab never gets to the case");
      await tabTo("tr.case th button");
    }
    await press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-expanded")), "true");
    await tabTo(".field");
    const field = page.locator(".field");
    const attribute = (name) => field.getAttribute(name);
    const [view, now] = [await attribute("data-view"), await attribute("aria-valuenow")];
    await press("ArrowLeft");
    assert.notEqual(await attribute("aria-valuenow"), now);
    assert.match(await attribute("aria-valuetext"), /^process 1 [\d.]+ MiB at iteration [\d,]+; process 2/);
    await press("+", "+");
    const [from, to] = (await attribute("data-view")).split(" ").map(Number);
    const [first, last] = view.split(" ").map(Number);
    assert.ok(Math.abs((to - from) * 4 - (last - first)) <= 4, `${from} to ${to}`);
    await press("Shift+ArrowLeft");
    assert.notEqual(await attribute("data-view"), `${from} ${to}`);
    await press("0");
    assert.equal(await attribute("data-view"), view);
    const lines = () => page.locator(".reading").count();
    const before = await lines();
    await tabTo(".values input");
    await press("Space");
    assert.equal(await lines(), before - 1);
    assert.ok((await attribute("aria-valuetext")).startsWith("process 2"));
    await tabTo("select", "Shift+Tab");
    const heights = await field.locator("text").allTextContents();
    await press("ArrowDown");
    assert.notDeepEqual(await field.locator("text").allTextContents(), heights);
  },

  "a drag zooms into what was chosen, and a double click shows the whole run": async (page) => {
    const section = await open(page, "kept/spike");
    const field = section.locator(".field");
    await field.scrollIntoViewIfNeeded();
    const box = await field.boundingBox();
    const whole = await field.getAttribute("data-view");
    await page.mouse.move(box.x + box.width * 0.4, box.y + 50);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.6, box.y + 60, { steps: 4 });
    await page.mouse.up();
    await settled(page);
    const [from, to] = (await field.getAttribute("data-view")).split(" ").map(Number);
    assert.ok(from > 0 && to < Number(whole.split(" ")[1]) && to > from, `${from} to ${to}`);
    await field.dblclick();
    await settled(page);
    assert.equal(await field.getAttribute("data-view"), whole);
  },

  "a case is opened by its name in the address": async (page, url) => {
    await page.goto(`${url}#${encodeURIComponent("kept/ramp")}`);
    await page.reload();
    assert.equal(await page.locator("tr.opened section").getAttribute("aria-label"), "kept/ramp");
  },

  "nothing is wrong for who does not see it": async (page) => assertAccessible(page),
};
const inEvery = async (page, act) => { for (const report of cases) await act(report, page); };

const openAll = async (page) => { for (const { id } of cases) await open(page, id); };
const assertAccessible = async (page) => {
  for (const isOpen of [false, true]) {
    if (isOpen) await openAll(page);
    await page.evaluate(axe);
    const { violations, passes } = await page.evaluate(() => axe.run());
    assert.ok(passes.length > 10);
    assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((node) => node.html).slice(0, 3).join("\n")}`), []);
  }
};

assert.ok(existsSync(join(work, "page.html")));
for (const outcome of ["passed", "failed", "inconclusive", "broken"]) {
  assert.ok(cases.some((report) => report.outcome === outcome), `no case is ${outcome}`);
}
for (const [name, check] of Object.entries(checks)) {
  await inBrowser({ viewport: { width: 1280, height: 900 } }, check);
  console.log(`ok      ${name}`);
}
await inBrowser({ viewport: { width: 1280, height: 900 }, colorScheme: "dark" }, assertAccessible);
console.log("ok      nor in the dark");
await inBrowser({ viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true }, async (page) => {
  await openAll(page);
  const [width, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.equal(screen, 360);
  assert.ok(width <= 360, `the page is ${width} wide`);
  await assertAccessible(page);
});
console.log("ok      a phone shows all of it without scrolling sideways");
await inBrowser({ javaScriptEnabled: false }, async (page) => {
  assert.equal(await page.locator("tr.case").count(), cases.length + Object.keys(started.ignored).length);
  assert.ok((await page.locator("noscript").textContent()).includes("JavaScript"));
});
console.log("ok      without a program the table is there");
