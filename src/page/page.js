// Links the figures and tables of a page: everything of class "cell" with the same data-n is one cell, everything of class
// "search" one search. What is pinned, sorted, filtered, stepped to and chosen stands in the fragment of the address.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const make = (name, attributes = {}, ...children) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  };
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  // --- cells -----------------------------------------------------------------------------------------------------
  const sizes = data.axes.map(axis => axis.texts.length);
  const strides = sizes.map((_, i) => sizes.slice(i + 1).reduce((product, size) => product * size, 1));
  const indexOf = (n, axis) => Math.floor(n / strides[axis]) % sizes[axis];
  const textOf = (n, axis) => data.axes[axis].texts[indexOf(n, axis)];
  const list = data.cells.map(values => {
    const cell = Object.fromEntries(data.fields.map((field, i) => [field, values[i]]));
    cell.code = data.codes[cell.code];
    return cell;
  });
  const cells = new Map(list.map(cell => [cell.cell, cell]));
  const nameOf = n => data.axes.map((axis, i) => `${axis.name}=${textOf(n, i)}`).join(" ");
  const number = (value, decimals) =>
    value === null || value === undefined ? "–" : value.toFixed(decimals).replace(/^-(?=[0.]*$)/, "");
  const timed = data.cost === "seconds";
  const columns = data.axes.map((axis, i) =>
    ({name: axis.name, text: cell => textOf(cell.cell, i), number: axis.values.every(value => typeof value === "number")})).concat([
    {name: "score", text: cell => cell.failure ? "failed" : number(cell.score, data.decimals), number: true},
    {name: "SD", text: cell => number(cell.score_sd, data.decimals), number: true},
    {name: "seeds", text: cell => String(cell.seeds), number: true},
    {name: "epochs", text: cell => String(cell.epochs), number: true},
    {name: timed ? "seconds" : "cost", text: cell => number(cell.cost, timed ? 2 : 0), number: true},
    {name: "key", text: cell => cell.key.slice(0, 12)},
    {name: "code", text: cell => cell.code.slice(0, 8)},
  ]);

  // --- marks -----------------------------------------------------------------------------------------------------
  // A row of the table comes and goes, so it is looked up; all other marks stay. Figures of very many cells have paths
  // that these share: subpath i is the i-th number of data-n, each the difference from the one before.
  const rows = new Map();
  const marks = {cell: new Map(), search: new Map()};
  for (const kind of ["cell", "search"])
    for (const element of all(`.${kind}[data-n]`)) {
      if (element.closest("#table")) continue;
      const n = Number(element.dataset.n);
      if (!marks[kind].has(n)) marks[kind].set(n, []);
      marks[kind].get(n).push(element);
    }
  const dense = new Map();
  for (const path of all("path.many")) {
    const svg = path.closest("svg");
    if (!dense.has(svg)) dense.set(svg, {paths: [], spots: null});
    dense.get(svg).paths.push({path, parts: path.getAttribute("d").slice(1).split("M")});
  }
  const spotsOf = svg => {
    const figure = dense.get(svg);
    if (figure.spots) return figure.spots;
    figure.spots = new Map();
    for (const {path, parts} of figure.paths) {
      const height = Number(path.getAttribute("stroke-width"));
      let n = 0;
      path.dataset.n.split(" ").forEach((step, i) => {
        const [x, y, width] = parts[i].split(/[ h]/).map(Number);
        n += Number(step);
        figure.spots.set(n, {n, x: x + width / 2, y, width, height, path, d: "M" + parts[i]});
      });
    }
    return figure.spots;
  };
  const ahead = [...dense.keys()]; // read while nobody waits, so that the first pointing does not
  const readAhead = () => { if (ahead.length) { spotsOf(ahead.pop()); requestIdleCallback(readAhead); } };
  requestIdleCallback(readAhead);
  const overlays = new Map();
  const markSpots = (n, name, on) => {
    for (const svg of dense.keys()) {
      const spot = spotsOf(svg).get(n), words = `${name} ${n}`;
      if (!overlays.has(svg)) overlays.set(svg, new Map());
      const drawn = overlays.get(svg);
      if (on && spot && !drawn.has(words)) {
        const mark = document.createElementNS("http://www.w3.org/2000/svg", "path");
        for (const attribute of ["stroke-width", "stroke-linecap"])
          if (spot.path.hasAttribute(attribute)) mark.setAttribute(attribute, spot.path.getAttribute(attribute));
        mark.setAttribute("class", `spot ${name}`);
        mark.setAttribute("d", spot.d);
        spot.path.parentNode.append(mark);
        drawn.set(words, mark);
      } else if (!on && drawn.has(words)) {
        drawn.get(words).remove();
        drawn.delete(words);
      }
    }
  };
  const mark = (kind, n, name, on) => {
    (marks[kind].get(n) || []).forEach(e => e.classList.toggle(name, on));
    if (kind !== "cell") return;
    if (rows.has(n)) rows.get(n).classList.toggle(name, on);
    markSpots(n, name, on);
  };
  // The cell below the pointer in a figure of very many.
  const spotAt = event => {
    const svg = event.target.closest && event.target.closest("svg");
    if (!svg || !dense.has(svg)) return null;
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    let found = null, least = 100;
    for (const spot of spotsOf(svg).values()) {
      const dx = Math.abs(spot.x - at.x), dy = Math.abs(spot.y - at.y);
      const distance = !spot.width ? dx * dx + dy * dy : dx <= spot.width / 2 && dy <= spot.height / 2 ? 0 : 100;
      if (distance < least) [found, least] = [spot.n, distance];
    }
    return found;
  };

  // --- state ---------------------------------------------------------------------------------------------------
  const state = {pins: [], sort: "", filter: "", steps: Object.create(null), views: Object.create(null), seeds: false, still: false};
  let shown = null, shownSearch = null;

  const write = () => {
    const words = new URLSearchParams();
    if (state.pins.length) words.set("pin", state.pins.join(" "));
    if (state.sort) words.set("sort", state.sort);
    if (state.filter) words.set("filter", state.filter);
    for (const [search, step] of Object.entries(state.steps)) words.set("step." + search, step);
    for (const [figure, view] of Object.entries(state.views)) words.set("view." + figure, view);
    if (state.seeds) words.set("seeds", "1");
    if (state.still) words.set("still", "1");
    const text = words.toString();
    history.replaceState(null, "", text ? "#" + text : location.pathname + location.search);
  };

  // --- the cell that is shown, and those that are pinned ---------------------------------------------------------
  const panel = make("aside", {id: "shown", "aria-live": "polite", "aria-label": "The cell that is pointed at"});
  document.body.append(panel);
  const cost = value => timed ? number(value, 2) + " s" : value === null ? "–" : value.toLocaleString("en");
  const facts = [
    ["cell", cell => nameOf(cell.cell)],
    ["score", cell => cell.failure ? "failed: " + cell.failure : number(cell.score, data.decimals)],
    ["SD", cell => number(cell.score_sd, data.decimals)],
    ["seeds", cell => cell.seeds],
    ["epochs", cell => cell.epochs],
    ["cost", cell => cost(cell.cost)],
    ["key", cell => cell.key.slice(0, 12)],
    ["code", cell => cell.code.slice(0, 8)],
  ];

  const draw = () => {
    const list = state.pins.concat(shown === null || state.pins.includes(shown) ? [] : [shown]).map(n => cells.get(n));
    const search = data.searches[shownSearch];
    panel.replaceChildren();
    if (search) panel.append(make("p", {}, `Search ${search.name}: ${search.visits.length} visits.`));
    if (!list.length) {
      if (!search)
        panel.append(make("p", {}, "Point at a cell, or move to one with Tab and the arrow keys. Enter or a click pins it; two pins are compared."));
      return;
    }
    const head = make("tr", {}, make("td"), ...facts.map(([name]) => make("th", {scope: "col"}, name)));
    const lines = list.map(cell => make("tr", {},
      make("th", {scope: "row"}, state.pins.includes(cell.cell) ? "pinned" : ""),
      ...facts.map(([, show]) => make("td", {}, String(show(cell))))));
    panel.append(make("div", {class: "scroll", tabindex: "0", role: "region", "aria-label": "Cells side by side"}, make("table", {}, make("thead", {}, head), make("tbody", {}, ...lines))));
    if (state.pins.length === 2) panel.append(make("p", {id: "compared"}, compare(...state.pins.map(n => cells.get(n)))));
  };

  // The difference of two means, beside its standard error (B. L. Welch, 1938).
  const compare = (a, b) => {
    if (a.score === null || b.score === null) return "Without two scores there is no difference.";
    const difference = a.score - b.score, ratio = a.cost && b.cost ? a.cost / b.cost : null;
    let text = `First less second: ${number(difference, data.decimals).replace("-", "−")}`;
    if (a.score_sd !== null && b.score_sd !== null) {
      const error = Math.sqrt(a.score_sd ** 2 / a.seeds + b.score_sd ** 2 / b.seeds);
      text += `, standard error ${error.toFixed(data.decimals)}`;
      text += Math.abs(difference) > 2 * error ? ": more than two standard errors." : ": within two standard errors, so perhaps chance.";
    } else text += "; with one seed nothing is known of the noise.";
    return ratio === null ? text : `${text} The first costs ${ratio.toPrecision(3)} times the second.`;
  };

  const show = n => {
    if (n === shown) return;
    if (shown !== null) mark("cell", shown, "on", false);
    shown = n !== null && cells.has(n) ? n : null;
    if (shown !== null) mark("cell", shown, "on", true);
    draw();
  };
  const buttons = all("span.cell");
  buttons.forEach(name => { name.tabIndex = 0; name.setAttribute("role", "button"); });
  const setPins = pins => {
    state.pins.forEach(n => mark("cell", n, "pinned", false));
    state.pins = pins.filter(n => cells.has(n)).slice(-2);
    state.pins.forEach(n => mark("cell", n, "pinned", true));
    buttons.forEach(name => name.setAttribute("aria-pressed", state.pins.includes(Number(name.dataset.n))));
    draw();
  };
  const pin = n => {
    setPins(state.pins.includes(n) ? state.pins.filter(other => other !== n) : [...state.pins, n]);
    write();
  };
  const showSearch = n => {
    if (n === shownSearch) return;
    if (shownSearch !== null) mark("search", shownSearch, "on", false);
    shownSearch = n;
    if (n !== null) mark("search", n, "on", true);
    draw();
  };

  const numberOf = (target, kind) => {
    const element = target.closest && target.closest(`.${kind}[data-n]`);
    return element ? Number(element.dataset.n) : null;
  };
  const cellOf = event => {
    const n = numberOf(event.target, "cell");
    return n === null ? spotAt(event) : n;
  };
  const point = event => {
    show(cellOf(event));
    showSearch(numberOf(event.target, "search"));
  };
  document.addEventListener("mouseover", point);
  document.addEventListener("mousemove", point);
  document.addEventListener("focusin", event => {
    const n = numberOf(event.target, "cell");
    if (n !== null) show(n);
  });
  document.addEventListener("click", event => {
    const n = cellOf(event);
    if (n !== null) pin(n);
  });

  // --- the keyboard ------------------------------------------------------------------------------------------------
  // Each figure and the rows of the table are one stop of Tab; within them the arrow keys move: on a map along its axes,
  // elsewhere from cell to cell, or from search to search, in the order of the figure.
  const first = (span => span ? numberOf(span, "cell") : list[0].cell)(document.querySelector(".answer .cell"));
  const move = (n, axis, by) => {
    const index = indexOf(n, axis) + by;
    return index >= 0 && index < sizes[axis] ? n + by * strides[axis] : n;
  };
  const arrows = {ArrowLeft: ["columns", -1], ArrowRight: ["columns", 1], ArrowUp: ["rows", -1], ArrowDown: ["rows", 1]};
  const orders = new WeakMap();
  const orderOf = (svg, kind) => {
    if (!orders.has(svg))
      orders.set(svg, dense.has(svg) && kind === "cell" ? [...spotsOf(svg).keys()]
        : [...new Set(all(`.${kind}[data-n]`, svg).map(e => Number(e.dataset.n)))]);
    return orders.get(svg);
  };
  const next = (svg, kind, current, by) => {
    const order = orderOf(svg, kind), at = order.indexOf(current);
    return order[at < 0 ? (by > 0 ? 0 : order.length - 1) : Math.min(Math.max(at + by, 0), order.length - 1)];
  };
  for (const svg of all("figure:not([aria-hidden]) svg")) {
    const isMap = svg.querySelector(".heat, .tiles"), kind = isMap || dense.has(svg) || svg.querySelector(".cell") ? "cell" : "search";
    if (kind === "search" && !svg.querySelector(".search")) continue;
    svg.setAttribute("tabindex", "0");
    svg.setAttribute("role", "application");
    svg.setAttribute("aria-describedby", "shown");
    if (kind === "cell") svg.addEventListener("focus", () => shown === null && show(isMap ? first : next(svg, kind, first, 0)));
    svg.addEventListener("keydown", event => {
      if (!(event.key in arrows)) return;
      const [axis, by] = arrows[event.key];
      event.preventDefault();
      if (kind === "search") showSearch(next(svg, kind, shownSearch, by));
      else if (isMap) {
        const moved = move(shown === null ? first : shown, data.map[axis], by);
        if (cells.has(moved)) show(moved);
      } else show(next(svg, kind, shown, by));
    });
  }
  document.addEventListener("keydown", event => {
    if (event.target.closest("input, button, select, summary, a")) return;
    if (event.key === "Escape") { setPins([]); show(null); write(); }
    if (event.key !== "Enter" && event.key !== " ") return;
    const n = event.target.localName === "svg" ? shown : numberOf(event.target, "cell");
    if (n !== null) { event.preventDefault(); pin(n); }
  });

  // --- the table: sorted and filtered; what is more than so many rows is shown on demand ---------------------------
  const STEP = list.length > 1000 ? 250 : list.length;
  const body = make("tbody"), heads = columns.map(column => make("th", {scope: "col", class: column.number ? "number" : ""}));
  const region = document.getElementById("table").parentElement;
  region.replaceChildren(make("table", {id: "table", class: "sheet"}, make("thead", {}, make("tr", {}, ...heads)), body));
  const more = make("button", {type: "button", class: "more"});
  region.after(more);
  const value = text => text === "–" || text === "failed" ? null : text !== "" && !Number.isNaN(Number(text)) ? Number(text) : text;
  let order = list, room = STEP;
  const stop = row => {
    all("tr[tabindex]", body).forEach(r => r.removeAttribute("tabindex"));
    if (row) row.setAttribute("tabindex", "0");
  };
  const rowOf = cell => {
    const row = make("tr", {class: "cell", "data-n": cell.cell}, ...columns.map(column =>
      make("td", column.number ? {} : {class: "text"}, column.name === "key" || column.name === "code" ? make("code", {}, column.text(cell)) : column.text(cell))));
    row.classList.toggle("pinned", state.pins.includes(cell.cell));
    rows.set(cell.cell, row);
    return row;
  };
  const fill = () => {
    rows.clear();
    body.replaceChildren(...order.slice(0, room).map(rowOf));
    more.hidden = room >= order.length;
    more.textContent = `${room} of ${order.length} rows are shown: show ${Math.min(STEP, order.length - room)} more`;
    stop(body.rows[0]);
  };
  more.addEventListener("click", () => { room += STEP; fill(); });
  body.addEventListener("keydown", event => {
    const by = {ArrowDown: 1, ArrowUp: -1}[event.key], row = event.target.closest("tr");
    if (!by) return;
    event.preventDefault();
    const other = by > 0 ? row.nextElementSibling : row.previousElementSibling;
    if (other) { stop(other); other.focus(); }
  });

  // Words: NAME=VALUE, NAME<VALUE, NAME>VALUE of a column, or a text that a row has. All must hold.
  const example = list.map(cell => textOf(cell.cell, 0)).find(text => !/\s/.test(text));
  const hint = `A column with =, <, >, <= or >=${example ? `, such as ${columns[0].name}=${example}` : ""}; or any text of a row.`;
  const input = make("input", {id: "filter", type: "search", "aria-describedby": "filter-hint", autocomplete: "off"});
  const counted = make("span", {role: "status"});
  region.before(make("div", {class: "filter"}, make("label", {for: "filter"}, "Filter the cells"), input,
    make("p", {id: "filter-hint", class: "note"}, hint), counted));
  const holds = (cell, word) => {
    const parts = /^(.+?)(<=|>=|=|<|>)(.*)$/.exec(word), column = parts && columns.find(c => c.name === parts[1]);
    if (!column) return columns.some(c => c.text(cell).includes(word));
    const left = value(column.text(cell)), right = parts[3] !== "" && !Number.isNaN(Number(parts[3])) ? Number(parts[3]) : parts[3];
    if (left === null) return false;
    return {"=": left === right, "<": left < right, ">": left > right, "<=": left <= right, ">=": left >= right}[parts[2]];
  };
  const arrange = () => {
    const words = state.filter.split(/\s+/).filter(Boolean), down = state.sort.startsWith("-");
    const column = columns.find(c => c.name === (down ? state.sort.slice(1) : state.sort));
    heads.forEach((head, i) => columns[i] === column ? head.setAttribute("aria-sort", down ? "descending" : "ascending") : head.removeAttribute("aria-sort"));
    order = words.length ? list.filter(cell => words.every(word => holds(cell, word))) : list;
    if (column) {
      const keyed = order.map(cell => [value(column.text(cell)), cell]);
      keyed.sort(([a], [b]) => {
        if (a === null || b === null) return (a === null) - (b === null);
        const ascending = typeof a === typeof b ? (a > b) - (a < b) : typeof a === "number" ? -1 : 1;
        return down ? -ascending : ascending;
      });
      order = keyed.map(([, cell]) => cell);
    }
    counted.textContent = `${order.length} of ${list.length} cells`;
    room = STEP;
    fill();
  };
  heads.forEach((head, i) => {
    const button = make("button", {type: "button"}, columns[i].name);
    head.append(button);
    button.addEventListener("click", () => {
      const name = columns[i].name;
      state.sort = state.sort === name ? "-" + name : state.sort === "-" + name ? "" : name;
      arrange();
      write();
    });
  });
  input.addEventListener("input", () => { state.filter = input.value; arrange(); write(); });

  // --- paths, step by step --------------------------------------------------------------------------------------
  const sliders = data.searches.map((search, i) => {
    const figure = document.getElementById("path-" + i), count = search.visits.length;
    if (!figure || !count) return null;
    const steps = all(".step", figure);
    const trails = all("path.many, .trail path", figure).map(path => [path, path.getAttribute("d").split(/(?=[ML])/)]);
    const range = make("input", {type: "range", min: 1, max: count, value: count, "aria-label": "Visits of " + search.name});
    const output = make("output");
    figure.querySelector(".view").after(make("div", {class: "steps"}, range, output));
    const go = step => {
      range.value = step;
      step = Number(range.value);
      const visit = search.visits[step - 1];
      steps.forEach(e => e.classList.toggle("later", Number(e.dataset.n) > step));
      trails.forEach(([path, parts]) => path.setAttribute("d", parts.slice(0, step).join("")));
      output.textContent = `${step} of ${count}`;
      range.setAttribute("aria-valuetext", `visit ${step} of ${count}: ${nameOf(visit[0])}, ${number(visit[2], data.decimals)}`);
      if (step < count) state.steps[search.name] = step;
      else delete state.steps[search.name];
      return visit[0];
    };
    range.addEventListener("input", () => { show(go(range.value)); write(); });
    return go;
  });

  // --- figures that can be looked at in two ways ------------------------------------------------------------------
  const choosers = all("figure").filter(figure => figure.querySelector(".view[data-view]")).map(figure => {
    const views = all(".view", figure), chosen = views[0].dataset.view;
    const radios = views.map(view => make("input", {type: "radio", name: figure.id, value: view.dataset.view}));
    const group = make("div", {class: "choices", role: "radiogroup", "aria-labelledby": figure.id + "-name"},
      ...views.map((view, i) => make("label", {}, radios[i], " " + view.dataset.name)));
    figure.querySelector("h3").after(group);
    const choose = word => {
      const known = views.some(view => view.dataset.view === word) ? word : chosen;
      views.forEach((view, i) => {
        view.classList.toggle("other", view.dataset.view !== known);
        radios[i].checked = view.dataset.view === known;
      });
      if (known === chosen) delete state.views[figure.id];
      else state.views[figure.id] = known;
    };
    group.addEventListener("change", event => { choose(event.target.value); write(); });
    return words => choose(words.get("view." + figure.id));
  });

  // --- single seeds, where there are several --------------------------------------------------------------------
  const seeds = make("input", {type: "checkbox"});
  const showSeeds = on => {
    state.seeds = seeds.checked = on;
    document.documentElement.classList.toggle("seeds", on);
  };
  seeds.addEventListener("change", () => { showSeeds(seeds.checked); write(); });
  if (document.querySelector(".seed"))
    document.querySelector("header").append(make("p", {class: "choices"}, make("label", {}, seeds, " single seeds, in the figures along an axis and by epochs")));

  // --- a page that is watched: it loads itself again while it is looked at and nobody uses it --------------------
  const still = make("input", {type: "checkbox"});
  const seconds = Number(document.body.dataset.reload);
  if (seconds) {
    let used = 0;
    for (const kind of ["pointermove", "pointerdown", "keydown", "input", "wheel"])
      addEventListener(kind, () => { used = Date.now(); }, {passive: true});
    setInterval(() => {
      if (!still.checked && !document.hidden && Date.now() - used > 1000 * seconds) location.reload();
    }, 1000 * seconds);
    still.addEventListener("change", () => { state.still = still.checked; write(); });
    document.querySelector("header").append(make("p", {class: "choices still"}, make("label", {}, still, " hold still: results are coming, and the page shows them by itself")));
  }

  // --- the fragment -----------------------------------------------------------------------------------------------
  const read = () => {
    const words = new URLSearchParams(location.hash.slice(1));
    state.sort = words.get("sort") || "";
    state.filter = words.get("filter") || "";
    input.value = state.filter;
    showSeeds(words.get("seeds") === "1");
    state.still = still.checked = words.get("still") === "1";
    data.searches.forEach((search, i) => sliders[i] && sliders[i](words.get("step." + search.name) || search.visits.length));
    choosers.forEach(choose => choose(words));
    setPins((words.get("pin") || "").split(" ").filter(Boolean).map(Number));
    arrange();
  };
  addEventListener("hashchange", read);
  read();
})();
