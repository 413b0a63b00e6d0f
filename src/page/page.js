// Links the figures and tables of a page: everything of class "cell" with the same data-n is one cell, everything of class
// "search" one search. What is pinned, sorted, filtered and stepped to stands in the fragment of the address.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const cells = new Map(data.cells.map(cell => [cell.cell, cell]));
  const make = (name, attributes = {}, ...children) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  };
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const marks = {cell: new Map(), search: new Map()};
  for (const kind of ["cell", "search"])
    for (const element of all(`.${kind}[data-n]`)) {
      const n = Number(element.dataset.n);
      if (!marks[kind].has(n)) marks[kind].set(n, []);
      marks[kind].get(n).push(element);
    }
  const mark = (kind, n, name, on) => (marks[kind].get(n) || []).forEach(e => e.classList.toggle(name, on));

  // --- state ---------------------------------------------------------------------------------------------------
  const state = {pins: [], sort: "", filter: "", steps: Object.create(null), seeds: false, still: false};
  let shown = null, shownSearch = null;

  const write = () => {
    const words = new URLSearchParams();
    if (state.pins.length) words.set("pin", state.pins.join(" "));
    if (state.sort) words.set("sort", state.sort);
    if (state.filter) words.set("filter", state.filter);
    for (const [search, step] of Object.entries(state.steps)) words.set("step." + search, step);
    if (state.seeds) words.set("seeds", "1");
    if (state.still) words.set("still", "1");
    const text = words.toString();
    history.replaceState(null, "", text ? "#" + text : location.pathname + location.search);
  };

  // --- the cell that is shown, and those that are pinned ---------------------------------------------------------
  const panel = make("aside", {id: "shown", "aria-live": "polite", "aria-label": "The cell that is pointed at"});
  document.body.append(panel);
  const number = (value, decimals) => value === null || value === undefined ? "–" : value.toFixed(decimals);
  const cost = value => data.cost === "seconds" ? number(value, 2) + " s" : value === null ? "–" : value.toLocaleString("en");
  const columns = [
    ["cell", cell => cell.name],
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
    panel.replaceChildren();
    if (!list.length) {
      panel.append(make("p", {}, "Point at a cell, or move to one with Tab and the arrow keys. Enter or a click pins it; two pins are compared."));
      return;
    }
    const head = make("tr", {}, make("td"), ...columns.map(([name]) => make("th", {scope: "col"}, name)));
    const rows = list.map(cell => make("tr", {},
      make("th", {scope: "row"}, state.pins.includes(cell.cell) ? "pinned" : ""),
      ...columns.map(([, show]) => make("td", {}, String(show(cell))))));
    panel.append(make("div", {class: "scroll", tabindex: "0", role: "region", "aria-label": "Cells side by side"}, make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows))));
    if (state.pins.length === 2) panel.append(make("p", {id: "compared"}, compare(...state.pins.map(n => cells.get(n)))));
  };

  // The difference of two means, beside its standard error (B. L. Welch, 1938).
  const compare = (a, b) => {
    if (a.score === null || b.score === null) return "Without two scores there is no difference.";
    const difference = a.score - b.score, ratio = a.cost && b.cost ? a.cost / b.cost : null;
    let text = `First less second: ${difference.toFixed(data.decimals).replace("-", "−")}`;
    if (a.score_sd !== null && b.score_sd !== null) {
      const error = Math.sqrt(a.score_sd ** 2 / a.seeds + b.score_sd ** 2 / b.seeds);
      text += `, standard error ${error.toFixed(data.decimals)}`;
      text += Math.abs(difference) > 2 * error ? ": more than two of it." : ": within two of it, so perhaps chance.";
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
    if (shownSearch !== null) mark("search", shownSearch, "on", false);
    shownSearch = n;
    if (n !== null) mark("search", n, "on", true);
  };

  const numberOf = (target, kind) => {
    const element = target.closest && target.closest(`.${kind}[data-n]`);
    return element ? Number(element.dataset.n) : null;
  };
  document.addEventListener("mouseover", event => {
    show(numberOf(event.target, "cell"));
    showSearch(numberOf(event.target, "search"));
  });
  document.addEventListener("focusin", event => {
    const n = numberOf(event.target, "cell");
    if (n !== null) show(n);
  });
  document.addEventListener("click", event => {
    const n = numberOf(event.target, "cell");
    if (n !== null) pin(n);
  });

  // --- the keyboard ------------------------------------------------------------------------------------------------
  // The map and the rows of the table are each one stop of Tab; within them the arrow keys move from cell to cell.
  const move = (n, axis, by) => {
    const size = data.axes.map(a => a.values.length);
    let stride = 1;
    for (let i = size.length - 1; i > axis; i--) stride *= size[i];
    const index = Math.floor(n / stride) % size[axis];
    return index + by >= 0 && index + by < size[axis] ? n + by * stride : n;
  };
  const map = document.querySelector("#space svg");
  if (map) {
    const [rows, columns] = map.parentElement.dataset.axes.split(" ").map(Number);
    map.setAttribute("tabindex", "0");
    map.setAttribute("role", "application");
    map.setAttribute("aria-describedby", "shown");
    const first = numberOf(document.querySelector(".answer .cell"), "cell");
    const arrows = {ArrowLeft: [columns, -1], ArrowRight: [columns, 1], ArrowUp: [rows, -1], ArrowDown: [rows, 1]};
    map.addEventListener("focus", () => shown === null && show(first));
    map.addEventListener("keydown", event => {
      if (!(event.key in arrows)) return;
      event.preventDefault();
      const next = move(shown === null ? first : shown, ...arrows[event.key]);
      if (cells.has(next)) show(next);
    });
  }
  const table = document.getElementById("table"), body = table.tBodies[0];
  const rowsOf = () => [...body.rows].filter(row => !row.hidden);
  const stop = row => {
    all("tr[tabindex]", body).forEach(r => r.removeAttribute("tabindex"));
    if (row) row.setAttribute("tabindex", "0");
  };
  body.addEventListener("keydown", event => {
    const by = {ArrowDown: 1, ArrowUp: -1}[event.key];
    if (!by) return;
    event.preventDefault();
    const rows = rowsOf(), next = rows[rows.indexOf(event.target.closest("tr")) + by];
    if (next) { stop(next); next.focus(); }
  });
  document.addEventListener("keydown", event => {
    if (event.target.closest("input, button")) return;
    if (event.key === "Escape") { setPins([]); show(null); write(); }
    if (event.key !== "Enter" && event.key !== " ") return;
    const n = event.target === map ? shown : numberOf(event.target, "cell");
    if (n !== null) { event.preventDefault(); pin(n); }
  });

  // --- the table: sorted and filtered ---------------------------------------------------------------------------
  const heads = [...table.tHead.rows[0].cells], names = heads.map(head => head.textContent);
  const value = (row, column) => {
    const text = row.cells[column].textContent, real = Number(text);
    return text === "–" || text === "failed" ? null : text !== "" && !Number.isNaN(real) ? real : text;
  };
  const sort = () => {
    const down = state.sort.startsWith("-"), column = names.indexOf(down ? state.sort.slice(1) : state.sort);
    heads.forEach((head, i) => i === column ? head.setAttribute("aria-sort", down ? "descending" : "ascending") : head.removeAttribute("aria-sort"));
    const rows = [...body.rows].sort((a, b) => Number(a.dataset.n) - Number(b.dataset.n));
    if (column >= 0) {
      const keyed = rows.map(row => [value(row, column), row]);
      keyed.sort(([a], [b]) => {
        if (a === null || b === null) return (a === null) - (b === null);
        const order = typeof a === typeof b ? (a > b) - (a < b) : typeof a === "number" ? -1 : 1;
        return down ? -order : order;
      });
      body.append(...keyed.map(([, row]) => row));
    } else body.append(...rows);
  };
  heads.forEach((head, i) => {
    const button = make("button", {type: "button"}, names[i]);
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      state.sort = state.sort === names[i] ? "-" + names[i] : state.sort === "-" + names[i] ? "" : names[i];
      sort();
      write();
    });
  });

  // Words: NAME=VALUE, NAME<VALUE, NAME>VALUE of a column, or a text that a row has. All must hold.
  const input = make("input", {id: "filter", type: "search", "aria-describedby": "filter-hint", autocomplete: "off"});
  const example = [...body.rows].map(row => `${names[0]}=${row.cells[0].textContent}`).find(word => !/\s/.test(word));
  const hint = `A column with =, <, >, <= or >=${example ? ", such as " + example : ""}; or any text of a row.`;
  const counted = make("span", {role: "status"});
  table.parentElement.before(make("div", {class: "filter"}, make("label", {for: "filter"}, "Filter the cells"), input,
    make("p", {id: "filter-hint", class: "note"}, hint), counted));
  const holds = (row, word) => {
    const parts = /^(.+?)(<=|>=|=|<|>)(.*)$/.exec(word), column = parts ? names.indexOf(parts[1]) : -1;
    if (column < 0) return [...row.cells].some(cell => cell.textContent.includes(word));
    const left = value(row, column), right = parts[3] !== "" && !Number.isNaN(Number(parts[3])) ? Number(parts[3]) : parts[3];
    if (left === null) return false;
    return {"=": left === right, "<": left < right, ">": left > right, "<=": left <= right, ">=": left >= right}[parts[2]];
  };
  const filter = () => {
    const words = state.filter.split(/\s+/).filter(Boolean);
    let count = 0;
    for (const row of body.rows) {
      row.hidden = !words.every(word => holds(row, word));
      count += !row.hidden;
    }
    counted.textContent = `${count} of ${body.rows.length} cells`;
    stop(rowsOf()[0]);
  };
  input.addEventListener("input", () => { state.filter = input.value; filter(); write(); });

  // --- paths, step by step --------------------------------------------------------------------------------------
  const sliders = data.searches.map((search, i) => {
    const figure = document.getElementById("path-" + i), count = search.visits.length;
    if (!figure || !count) return null;
    const steps = all(".step", figure);
    const range = make("input", {type: "range", min: 1, max: count, value: count, "aria-label": "Visits of " + search.name});
    const output = make("output");
    figure.querySelector("svg").after(make("div", {class: "steps"}, range, output));
    const go = step => {
      range.value = step;
      step = Number(range.value);
      const visit = search.visits[step - 1], cell = cells.get(visit[0]);
      steps.forEach(e => e.classList.toggle("later", Number(e.dataset.n) > step));
      output.textContent = `${step} of ${count}`;
      range.setAttribute("aria-valuetext", `visit ${step} of ${count}: ${cell ? cell.name : ""}, ${number(visit[2], data.decimals)}`);
      if (step < count) state.steps[search.name] = step;
      else delete state.steps[search.name];
      return visit[0];
    };
    range.addEventListener("input", () => { show(go(range.value)); write(); });
    return go;
  });

  // --- single seeds, where there are several --------------------------------------------------------------------
  const seeds = make("input", {type: "checkbox"});
  const showSeeds = on => {
    state.seeds = seeds.checked = on;
    document.documentElement.classList.toggle("seeds", on);
  };
  seeds.addEventListener("change", () => { showSeeds(seeds.checked); write(); });
  if (document.querySelector(".seed"))
    document.querySelector("header").append(make("p", {class: "choices"}, make("label", {}, seeds, " single seeds in the figures along an axis")));

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
    setPins((words.get("pin") || "").split(" ").filter(Boolean).map(Number));
    sort();
    filter();
  };
  addEventListener("hashchange", read);
  read();
})();
