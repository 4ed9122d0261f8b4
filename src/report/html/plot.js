// The plot of a case: SVG that is drawn anew whenever what is shown changes.
const plot = (() => {
  const space = document.createRange().createContextualFragment("<svg></svg>").firstChild.namespaceURI;
  const COLOURS = 8;
  const MARGIN = { left: 76, right: 14, top: 10, bottom: 26 };
  let plots = 0;

  const svg = (name, attributes, parent) => {
    const element = document.createElementNS(space, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    parent?.append(element);
    return element;
  };
  const html = (name, attributes, ...children) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  };

  // First number, unit, and the differences of what follows: see thinned.rs.
  const numbers = ([first, unit, steps]) => {
    const all = [first];
    const count = Array.isArray(steps) ? steps.length : steps;
    for (let index = 0; index < count; index++) {
      all.push(all[index] + unit * (Array.isArray(steps) ? steps[index] : 1));
    }
    return all;
  };
  const decoded = (series) =>
    series && { readings: series.readings, at: numbers(series.at), values: numbers(series.values) };

  // Index of the first place that is not before `at`.
  const firstFrom = (places, at) => {
    let low = 0, high = places.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (places[middle] < at) low = middle + 1; else high = middle;
    }
    return low;
  };
  const nearest = (places, at) => {
    const next = firstFrom(places, at);
    if (next === 0) return 0;
    if (next === places.length) return next - 1;
    return at - places[next - 1] <= places[next] - at ? next - 1 : next;
  };

  const nice = (least) => {
    const power = 10 ** Math.floor(Math.log10(least));
    return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least * 0.999999);
  };
  const ticksBetween = (low, high, step) => {
    const ticks = [];
    for (let tick = Math.ceil(low / step); tick * step <= high; tick++) ticks.push(tick * step);
    return ticks;
  };
  const digitsFor = (step) => Math.max(0, -Math.floor(Math.log10(step) + 1e-9));

  // Heights with their words. Where whole units would all read alike, they count from the lowest.
  const heights = (low, high, unit, most) => {
    const [size, name] = unit === "bytes" ? number.scaleOf(high) : [1, ""];
    const behind = name && ` ${name}`;
    const least = (high - low) / most;
    const step = nice(unit === "count" || size === 1 ? Math.max(least / size, 1) : least / size);
    if (step >= 0.01) {
      const words = (tick) => {
        const [whole, part] = (tick / size).toFixed(digitsFor(step)).split(".");
        return number.count(whole) + (part ? `.${part}` : "") + behind;
      };
      return { ticks: ticksBetween(low, high, step * size).map((tick) => [tick, words(tick)]) };
    }
    const [small, smaller] = number.scaleOf(least);
    const apart = nice(Math.max(least / small, 1)) * small;
    const base = Math.max(0, Math.ceil(low));
    const ticks = ticksBetween(0, high - base, apart);
    return { base, ticks: ticks.map((tick) => [base + tick, `+${number.count(tick / small)} ${smaller}`]) };
  };
  const places = (low, high, axis, most) => {
    const unit = axis === "seconds" ? 1000 : 1;
    const least = (high - low) / most / unit;
    const step = nice(axis === "seconds" ? least : Math.max(least, 1));
    const digits = digitsFor(step);
    const words = (tick) => (digits ? (tick / unit).toFixed(digits) : number.count(Math.round(tick / unit)));
    return ticksBetween(low, high, step * unit).map((tick) => [tick, words(tick)]);
  };

  return (host, data, title) => {
    const id = `plot-${plots++}`;
    const metrics = data.metrics.map((metric) => ({ ...metric, series: metric.series.map(decoded) }));
    const shown = data.lines.map(() => true);
    let metric = metrics[0];
    let whole, view, cursor, chosen, fromZero = false, frame;

    const select = html("select", {}, ...metrics.map((m, index) =>
      html("option", { value: index }, m.words === m.name ? m.name : `${m.name}: ${m.words}`)));
    const button = (label, words, act) => {
      const element = html("button", { type: "button", "aria-label": words, title: words }, label);
      element.addEventListener("click", act);
      return element;
    };
    const zero = html("input", { type: "checkbox" });
    const tools = html("div", { class: "tools" },
      html("label", {}, "Metric", select),
      html("span", { class: "zoom", role: "group", "aria-label": "Part that is shown" },
        button("+", "zoom in", () => zoom(0.5)), button("−", "zoom out", () => zoom(2)),
        button("◂", "earlier", () => pan(-0.25)), button("▸", "later", () => pan(0.25)),
        button("whole", "whole run", () => show(...whole))),
      html("label", {}, zero, "from zero"));
    const field = html("div", { class: "field", tabindex: "0", role: "slider", "aria-describedby": `${id}-hint`,
      "aria-label": `Place on the curves of ${title}` });
    const drawing = svg("svg", { "aria-hidden": "true", focusable: "false" }, field);
    const list = html("ul", { class: "values", "aria-label": "Processes" });
    const readouts = data.lines.map((line, index) => {
      const box = html("input", { type: "checkbox" });
      box.checked = true;
      box.addEventListener("change", () => { shown[index] = box.checked; draw(); });
      const key = html("span", { class: `key line${index % COLOURS}` });
      const value = html("span", { class: "value" });
      list.append(html("li", {}, html("label", {}, box, " ", key, " ", line), value));
      return value;
    });
    const legend = html("p", { class: "hint" });
    const hint = html("p", { class: "hint", id: `${id}-hint` },
      "Drag to zoom. With the keyboard: arrows move the cursor, + and − zoom, Shift and arrows move what is shown, 0 shows the whole run.");
    host.append(tools, field, list, legend, hint);

    const setMetric = (index) => {
      metric = metrics[index];
      const ends = metric.series.filter(Boolean).flatMap(({ at }) => [at[0], at[at.length - 1]]);
      const before = whole;
      whole = [Math.min(...ends), Math.max(...ends)];
      if (whole[0] === whole[1]) whole = [Math.max(0, whole[0] - 1), whole[1] + 1];
      const fits = before && view[0] >= whole[0] && view[1] <= whole[1] && view[1] - view[0] < before[1] - before[0];
      if (!fits) view = [...whole];
      cursor = Math.min(Math.max(cursor ?? whole[1], whole[0]), whole[1]);
    };
    const visible = () => metric.series.map((series, index) => (shown[index] ? series : null));
    const show = (from, to) => {
      const least = Math.min(whole[1] - whole[0], data.axis === "seconds" ? 100 : 4);
      const width = Math.min(Math.max(to - from, least), whole[1] - whole[0]);
      const start = Math.min(Math.max((from + to - width) / 2, whole[0]), whole[1] - width);
      view = [start, start + width];
      draw();
    };
    const zoom = (factor) => {
      const inside = cursor >= view[0] && cursor <= view[1];
      const about = inside ? cursor : (view[0] + view[1]) / 2;
      show(about - (about - view[0]) * factor, about + (view[1] - about) * factor);
    };
    const pan = (share) => {
      const width = view[1] - view[0];
      const start = Math.min(Math.max(view[0] + share * width, whole[0]), whole[1] - width);
      show(start, start + width);
    };
    const moveTo = (at) => {
      cursor = Math.min(Math.max(at, whole[0]), whole[1]);
      const width = view[1] - view[0];
      if (cursor < view[0]) view = [cursor, cursor + width];
      if (cursor > view[1]) view = [cursor - width, cursor];
      draw();
    };
    // The places of the readings of all lines that are shown.
    const stops = () => [...new Set(visible().filter(Boolean).flatMap(({ at }) => at))].sort((a, b) => a - b);
    const step = (by) => {
      const all = stops();
      if (!all.length) return;
      const index = by > 0 ? firstFrom(all, cursor + 1e-9) + by - 1 : firstFrom(all, cursor) + by;
      moveTo(all[Math.min(Math.max(index, 0), all.length - 1)]);
    };

    const range = () => {
      let low = Infinity, high = -Infinity;
      for (const series of visible()) {
        if (!series) continue;
        const from = Math.max(0, firstFrom(series.at, view[0]) - 1);
        const to = Math.min(series.at.length, firstFrom(series.at, view[1] + 1e-9) + 1);
        for (let index = from; index < to; index++) {
          low = Math.min(low, series.values[index]);
          high = Math.max(high, series.values[index]);
        }
      }
      if (low > high) return [0, 1];
      // What the tolerance allows shall not look like a ramp.
      const least = Math.max(metric.tolerance * (view[1] - view[0]), metric.unit === "bytes" ? 64 : 2);
      if (high - low < least) high = low + least;
      const air = (high - low) * 0.06;
      return [fromZero ? 0 : Math.max(0, low - air), high + air];
    };

    const draw = () => { frame ??= requestAnimationFrame(() => { frame = undefined; redraw(); }); };
    const redraw = () => {
      const width = field.clientWidth || 600, height = drawing.clientHeight || 288;
      drawing.setAttribute("viewBox", `0 0 ${width} ${height}`);
      drawing.replaceChildren();
      const inner = { width: width - MARGIN.left - MARGIN.right, height: height - MARGIN.top - MARGIN.bottom };
      const [low, high] = range();
      const x = (at) => ((at - view[0]) / (view[1] - view[0])) * inner.width;
      const y = (value) => inner.height - ((value - low) / (high - low)) * inner.height;
      const ground = svg("g", { transform: `translate(${MARGIN.left} ${MARGIN.top})` }, drawing);
      const { ticks, base } = heights(low, high, metric.unit, Math.max(2, Math.floor(inner.height / 50)));
      for (const [value, words] of ticks) {
        svg("line", { class: "grid", x1: 0, x2: inner.width, y1: y(value), y2: y(value) }, ground);
        svg("text", { x: -8, y: y(value) + 4, "text-anchor": "end" }, ground).textContent = words;
      }
      for (const [at, words] of places(...view, data.axis, Math.max(2, Math.floor(inner.width / 90)))) {
        svg("line", { class: "grid", x1: x(at), x2: x(at), y1: 0, y2: inner.height }, ground);
        const anchor = x(at) > inner.width - 24 ? "end" : "middle";
        const right = anchor === "end" ? inner.width + MARGIN.right - 4 : x(at);
        svg("text", { x: right, y: inner.height + 18, "text-anchor": anchor }, ground).textContent = words;
      }
      svg("text", { x: -MARGIN.left + 6, y: inner.height + 18 }, ground).textContent = data.axis;
      const inside = svg("svg", { width: inner.width, height: inner.height, overflow: "hidden" }, ground);
      drawUnjudged(inside, x, inner);
      for (const { at } of data.marks) {
        svg("line", { class: "mark", x1: x(at), x2: x(at), y1: 0, y2: inner.height }, inside);
      }
      visible().forEach((series, index) => series && drawLine(inside, series, index, x, y));
      drawFit(inside, x, y);
      if (chosen) {
        const [from, to] = [...chosen].sort((a, b) => a - b).map(x);
        svg("rect", { class: "chosen", x: from, width: to - from, y: 0, height: inner.height }, inside);
      }
      svg("line", { class: "cursor", x1: x(cursor), x2: x(cursor), y1: 0, y2: inner.height }, inside);
      readOut(inside, x, y);
      svg("path", { class: "frame", d: `M0 0V${inner.height}H${inner.width}`, fill: "none" }, ground);
      legend.textContent = legendWords(base);
    };
    const drawLine = (inside, series, index, x, y) => {
      const from = Math.max(0, firstFrom(series.at, view[0]) - 1);
      const to = Math.min(series.at.length, firstFrom(series.at, view[1] + 1e-9) + 1);
      let path = "";
      for (let k = from; k < to; k++) path += `${path ? " " : "M"}${x(series.at[k]).toFixed(1)} ${y(series.values[k]).toFixed(1)}`;
      svg("path", { class: `reading line${index % COLOURS}`, d: path }, inside);
      if (to - from > 48) return;
      for (let k = from; k < to; k++) {
        svg("circle", { class: `point line${index % COLOURS}`, cx: x(series.at[k]), cy: y(series.values[k]), r: 2.5 }, inside);
      }
    };
    const drawUnjudged = (inside, x, inner) => {
      if (!metric.fit) return;
      const width = Math.max(0, x(metric.fit.from) - x(0));
      svg("rect", { class: "warm", x: x(0), width, y: 0, height: inner.height }, inside);
    };
    // The slope that was judged, about the middle of its part of the curve, with its interval.
    const drawFit = (inside, x, y) => {
      if (!metric.fit) return;
      const { from, to, level, slopes } = metric.fit;
      const middle = (from + to) / 2;
      const at = (place, slope) => `${x(place).toFixed(1)} ${y(level + slope * (place - middle)).toFixed(1)}`;
      const [estimate, least, most] = slopes;
      svg("path", { class: "interval", d: `M${at(from, least)}L${at(to, least)}L${at(to, most)}L${at(from, most)}Z` }, inside);
      svg("path", { class: "fit", d: `M${at(from, estimate)}L${at(to, estimate)}` }, inside);
    };
    const legendWords = (base) => {
      const words = [];
      if (base !== undefined) words.push(`The scale counts from ${number.count(base)} B.`);
      if (metric.fit) {
        words.push(`Dashed: the slope of the processes together, ${metric.fit.words}.`);
        if (metric.fit.from > 0) words.push(`Grey: before ${number.place(metric.fit.from, data.axis)}, not judged.`);
      }
      if (data.marks.length) words.push(`Dotted: ${data.marks.map((mark) => mark.words).join("; ")}.`);
      const most = metric.series.filter(Boolean).reduce((a, b) => (b.readings - b.at.length > a.readings - a.at.length ? b : a));
      if (most.readings > most.at.length) {
        words.push(`Of ${number.count(most.readings)} readings ${number.count(most.at.length)} are drawn: the lowest and the highest of each stretch.`);
      }
      return words.join(" ");
    };
    const readOut = (inside, x, y) => {
      const told = [];
      metric.series.forEach((series, index) => {
        const readout = readouts[index];
        if (!series) { readout.textContent = "no readings"; return; }
        const k = nearest(series.at, cursor);
        const [at, value] = [series.at[k], series.values[k]];
        const words = number.reading(value, metric.unit);
        const exact = `${number.count(value)} B`;
        const both = metric.unit === "bytes" && value >= 1024 ? `${words} (${exact})` : words;
        readout.textContent = `${both} at ${number.place(at, data.axis)}`;
        Object.assign(readout.dataset, { at, value });
        if (!shown[index]) return;
        told.push(`${data.lines[index]} ${words} at ${number.place(at, data.axis)}`);
        svg("circle", { class: `dot line${index % COLOURS}`, cx: x(at), cy: y(value), r: 4 }, inside);
      });
      field.setAttribute("aria-valuemin", Math.floor(whole[0]));
      field.setAttribute("aria-valuemax", Math.ceil(whole[1]));
      field.setAttribute("aria-valuenow", Math.round(cursor));
      field.setAttribute("aria-valuetext", told.join("; ") || "no process is shown");
      field.dataset.view = view.map(Math.round).join(" ");
    };

    const atPointer = (event) => {
      const box = field.getBoundingClientRect();
      const share = (event.clientX - box.left - MARGIN.left) / (box.width - MARGIN.left - MARGIN.right);
      return view[0] + Math.min(Math.max(share, 0), 1) * (view[1] - view[0]);
    };
    field.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      field.setPointerCapture(event.pointerId);
      chosen = [atPointer(event), atPointer(event)];
    });
    field.addEventListener("pointermove", (event) => {
      cursor = atPointer(event);
      if (chosen) chosen[1] = cursor;
      draw();
    });
    field.addEventListener("pointerup", () => {
      const [from, to] = [...(chosen ?? [0, 0])].sort((a, b) => a - b);
      chosen = undefined;
      if (to - from > (view[1] - view[0]) / 50) show(from, to); else draw();
    });
    field.addEventListener("pointercancel", () => { chosen = undefined; draw(); });
    field.addEventListener("dblclick", () => show(...whole));
    field.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      const acts = {
        ArrowLeft: () => (event.shiftKey ? pan(-0.25) : step(-1)),
        ArrowRight: () => (event.shiftKey ? pan(0.25) : step(1)),
        ArrowDown: () => step(-1),
        ArrowUp: () => step(1),
        PageDown: () => step(-10),
        PageUp: () => step(10),
        Home: () => moveTo(view[0]),
        End: () => moveTo(view[1]),
        "+": () => zoom(0.5),
        "=": () => zoom(0.5),
        "-": () => zoom(2),
        0: () => show(...whole),
        Escape: () => show(...whole),
      };
      if (!acts[event.key]) return;
      event.preventDefault();
      acts[event.key]();
    });
    select.addEventListener("change", () => { setMetric(Number(select.value)); draw(); });
    zero.addEventListener("change", () => { fromZero = zero.checked; draw(); });
    setMetric(0);
    new ResizeObserver(draw).observe(field);
    redraw();
  };
})();
