// The page: filters, order, and cases that are opened.
(() => {
  const one = (selector, within = document) => within.querySelector(selector);
  const make = (name, text, ...classes) => {
    const element = document.createElement(name);
    element.classList.add(...classes);
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const body = one("#cases tbody");
  const cases = [...body.rows].map((row, index) => ({
    row,
    index,
    id: one("th", row).textContent,
    text: `${row.textContent} ${row.dataset.more ?? ""}`.toLowerCase(),
    ...row.dataset,
  }));

  // Filters.
  const form = one("#filters");
  const choices = (fieldset, key, order) => {
    const counts = new Map(order.map((name) => [name, 0]));
    for (const entry of cases) counts.set(entry[key], (counts.get(entry[key]) ?? 0) + 1);
    const place = make("div", undefined, "choices");
    for (const [name, count] of counts) {
      if (!count) continue;
      const box = make("input");
      Object.assign(box, { type: "checkbox", value: name });
      const label = make("label");
      label.append(box, ` ${name === "none" ? "not measured" : name} (${number.count(count)})`);
      place.append(label);
    }
    fieldset.append(place);
    return () => [...place.querySelectorAll(":checked")].map((box) => box.value);
  };
  const outcomes = choices(one("#outcomes"), "outcome", ["failed", "broken", "inconclusive", "skipped", "passed", "ignored"]);
  const verdicts = choices(one("#verdicts"), "verdict", ["leak", "spike", "inconclusive", "stable", "none"]);
  const filter = () => {
    const words = one("#text").value.toLowerCase().split(/\s+/).filter(Boolean);
    const [outcome, verdict] = [outcomes(), verdicts()];
    const isIn = (chosen, value) => !chosen.length || chosen.includes(value);
    let shown = 0;
    for (const entry of cases) {
      const matches = isIn(outcome, entry.outcome) && isIn(verdict, entry.verdict) && words.every((word) => entry.text.includes(word));
      entry.row.hidden = !matches;
      if (entry.opened) entry.opened.hidden = !matches;
      shown += matches;
    }
    one("#shown").textContent = shown === cases.length
      ? `${number.count(shown)} case${shown === 1 ? "" : "s"}`
      : `${number.count(shown)} of ${number.count(cases.length)} cases`;
    one("#none").hidden = shown > 0;
  };
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));
  form.hidden = false;
  filter();

  // Order.
  const order = { key: "rank", sign: 1 };
  const byText = (a, b) => (a < b ? -1 : Number(a > b));
  const compare = (a, b) => {
    const { key, sign } = order;
    if (key === "id" || key === "verdict") return sign * byText(a[key], b[key]) || a.index - b.index;
    // Those that have no number come last in either order.
    const [x, y] = [a[key], b[key]];
    if (x === undefined || y === undefined) return Number(x === undefined) - Number(y === undefined) || a.index - b.index;
    return sign * (x - y) || a.index - b.index;
  };
  for (const head of document.querySelectorAll("th[data-key]")) {
    const { key } = head.dataset;
    const button = make("button", head.textContent);
    button.type = "button";
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const largestFirst = key === "slope" || key === "seconds";
      order.sign = order.key === key ? -order.sign : largestFirst ? -1 : 1;
      order.key = key;
      for (const other of document.querySelectorAll("th[aria-sort]")) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", order.sign > 0 ? "ascending" : "descending");
      const sorted = [...cases].sort(compare);
      body.append(...sorted.flatMap(({ row, opened }) => (opened ? [row, opened] : [row])));
      button.focus();
    });
  }

  // Cases that are opened.
  const part = (title, content, isWide) => {
    const section = make("div");
    if (isWide) section.classList.add("wide");
    section.append(make("h2", title), content);
    return section;
  };
  const rows = (title, pairs) => {
    if (!pairs.length) return [];
    const list = make("dl");
    for (const [name, value] of pairs) {
      // A row without a name goes on with the one above.
      if (name || !list.lastChild) list.append(make("dt", name || title), make("dd", value));
      else list.lastChild.textContent += `\n${value}`;
    }
    return [part(title, list)];
  };
  const command = (text) => {
    const line = make("div", undefined, "command");
    const copy = make("button", "Copy");
    const shown = make("pre", text);
    copy.type = "button";
    copy.addEventListener("click", async () => {
      getSelection().selectAllChildren(shown);
      try {
        await navigator.clipboard.writeText(text);
        copy.textContent = "Copied";
      } catch {
        copy.textContent = "Selected";
      }
    });
    line.append(shown, copy);
    return line;
  };
  const texts = (title, lines) => (lines.length ? [part(title, make("pre", lines.join("\n")), true)] : []);
  const open = (entry) => {
    const details = JSON.parse(one(`#details-${entry.case}`).textContent);
    const opened = one("#opened").content.cloneNode(true).firstElementChild;
    one("section", opened).setAttribute("aria-label", entry.id);
    one(".reason", opened).textContent = details.reason;
    entry.row.after(opened);
    entry.opened = opened;
    one(".explanation", opened).append(...rows("Why it grows", details.explanation));
    one(".parts", opened).append(
      ...rows("What was measured", details.facts),
      ...rows("Comparison", details.baseline),
      ...rows("Tries", details.attempts),
      ...rows("Environment", details.environment),
      ...rows("About the case", details.about),
      ...texts("Output", details.output?.trim() ? [details.output] : []),
      ...texts("What to do next", details.next),
      part("Measure it again", command(details.reproduce), true),
    );
    if (details.plots.metrics.length) plot(one(".plot", opened), details.plots, entry.id);
    else one(".plot", opened).append(make("p", details.no_plots ?? "Nothing was sampled, so there is nothing to draw.", "hint"));
  };
  const toggle = (entry, isOpen) => {
    const button = one("th button", entry.row);
    if (!button || isOpen === Boolean(entry.opened)) return;
    button.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) open(entry);
    else { entry.opened.remove(); entry.opened = undefined; }
  };
  const entryOf = new Map(cases.map((entry) => [entry.row, entry]));
  body.addEventListener("click", (event) => {
    const button = event.target.closest("tr.case th button");
    if (!button) return;
    const entry = entryOf.get(button.closest("tr"));
    toggle(entry, !entry.opened);
  });

  // `report.html#ID` opens a case.
  const openNamed = () => {
    let name;
    try { name = decodeURIComponent(location.hash.slice(1)); } catch { return; }
    const entry = cases.find(({ id }) => id === name);
    if (!entry) return;
    form.reset();
    toggle(entry, true);
    entry.row.scrollIntoView();
  };
  addEventListener("hashchange", openNamed);
  openNamed();
})();
