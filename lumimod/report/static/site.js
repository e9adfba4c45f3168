// The site of a season: table, pictures that are enlarged, charts that say which fill a point is.
// Plain script without modules, so that pages open from disk as well.
"use strict";

(function table() {
  const season = document.getElementById("season");
  if (!season) return;
  const body = season.tBodies[0];
  const rows = Array.from(body.rows);
  const search = document.getElementById("search");
  const choices = ["state", "ended"].map((name) => document.getElementById(name));
  const count = document.getElementById("count");
  const heads = Array.from(season.tHead.rows[0].cells);

  function value(row, column) {
    const cell = row.cells[column];
    const number = cell.dataset.v;
    if (number !== undefined) return Number(number);
    const text = cell.textContent.trim();
    return text === "" || text === "–" ? null : text;
  }

  function sort(column, direction) {
    const keyed = rows.map((row) => [value(row, column), row]);
    keyed.sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null); // unknown ones are last
      if (typeof a === typeof b) return direction * (a < b ? -1 : a > b ? 1 : 0);
      return typeof a === "number" ? -1 : 1;
    });
    body.append(...keyed.map(([, row]) => row));
    heads.forEach((head, n) => {
      if (n === column) head.setAttribute("aria-sort", direction > 0 ? "ascending" : "descending");
      else head.removeAttribute("aria-sort");
    });
  }

  heads.forEach((head, column) => {
    const button = head.querySelector("button");
    if (!button) return;
    button.addEventListener("click", () => {
      const first = column === 0 ? -1 : 1;
      const now = head.getAttribute("aria-sort");
      const flipped = now === "ascending" ? -1 : 1;
      sort(column, now ? flipped : first);
    });
  });

  function matches(row, text) {
    if (text === "") return true;
    const range = text.match(/^(\d+)\s*-\s*(\d+)$/);
    const fill = row.dataset.fill;
    if (range) return Number(fill) >= Number(range[1]) && Number(fill) <= Number(range[2]);
    if (/^\d+$/.test(text)) return fill.includes(text);
    const words = (row.textContent + " " + (row.dataset.notes || "")).toLowerCase();
    return text.split(/\s+/).every((word) => words.includes(word));
  }

  function filter() {
    const text = search.value.trim().toLowerCase();
    let n = 0;
    for (const row of rows) {
      const shown =
        matches(row, text) && choices.every((one) => !one.value || row.dataset[one.id] === one.value);
      row.hidden = !shown;
      n += shown;
    }
    count.textContent = n === rows.length ? `${n} fills` : `${n} of ${rows.length} fills`;
  }

  search.addEventListener("input", filter);
  choices.forEach((one) => one.addEventListener("change", filter));
  search.form.addEventListener("submit", (event) => {
    event.preventDefault();
    const shown = rows.filter((row) => !row.hidden);
    const exact = shown.find((row) => row.dataset.fill === search.value.trim());
    const one = exact || (shown.length === 1 ? shown[0] : null);
    const link = one && one.querySelector("th a");
    if (link) location.href = link.href;
  });
  filter(); // a browser may keep what was typed before
})();

(function viewer() {
  const dialog = document.querySelector(".viewer");
  const links = Array.from(document.querySelectorAll("a.zoom")).filter((a) => a.querySelector("img"));
  // The first picture of a page stands again among its family: it is shown once.
  const all = links.filter((a, n) => links.findIndex((b) => b.href === a.href) === n);
  if (!all.length || !dialog.showModal) return;
  const image = dialog.querySelector(".viewer-picture");
  const words = dialog.querySelector(".viewer-words");
  const file = dialog.querySelector(".viewer-file");
  let here = 0;
  let opener = null;

  function show(n) {
    here = (n + all.length) % all.length;
    image.src = all[here].href;
    image.alt = all[here].dataset.words;
    words.textContent = `${here + 1} of ${all.length}. ${all[here].dataset.words}`;
    file.href = all[here].href;
  }

  links.forEach((link) =>
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
      event.preventDefault();
      opener = link;
      show(all.findIndex((one) => one.href === link.href));
      dialog.showModal();
    })
  );
  const act = { previous: () => show(here - 1), next: () => show(here + 1), close: () => dialog.close() };
  dialog.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) act[button.dataset.do]();
    else if (event.target === image) show(here + 1);
  });
  dialog.addEventListener("keydown", (event) => {
    const key = { ArrowLeft: "previous", ArrowRight: "next" }[event.key];
    if (!key) return;
    event.preventDefault();
    act[key]();
  });
  let touch = null;
  dialog.addEventListener("touchstart", (event) => { touch = event.changedTouches[0].clientX; }, { passive: true });
  dialog.addEventListener("touchend", (event) => {
    const moved = event.changedTouches[0].clientX - touch;
    if (Math.abs(moved) > 60) act[moved > 0 ? "previous" : "next"]();
  });
  dialog.addEventListener("close", () => { if (opener) opener.focus(); });
})();

(function charts() {
  const shared = document.getElementById("points");
  if (!shared) return;
  const fills = JSON.parse(shared.textContent);

  document.querySelectorAll(".chart").forEach((chart) => {
    const svg = chart.querySelector("svg");
    const circle = svg.querySelector(".here");
    const tip = chart.querySelector(".tip");
    const points = JSON.parse(chart.querySelector(".points").textContent);
    const names = points.names || fills.names;
    const numbers = points.names ? null : fills.fills;
    let here = null;

    function show(n, series) {
      const at = points.series[series].y[n];
      if (at === null) return;
      here = n;
      circle.setAttribute("cx", points.x[n]);
      circle.setAttribute("cy", at);
      const values = points.series
        .filter((one) => one.y[n] !== null)
        .map((one) => `${one.label} ${one.value[n]}${points.unit ? " " + points.unit : ""}`);
      tip.textContent = `${names[n]}: ${values.join(", ")}`;
    }

    function nearest(event) {
      const box = svg.getBoundingClientRect();
      const x = ((event.clientX - box.left) / box.width) * 640;
      const y = ((event.clientY - box.top) / box.height) * 250;
      let best = null;
      points.series.forEach((one, series) =>
        one.y.forEach((at, n) => {
          if (at === null) return;
          const far = (points.x[n] - x) ** 2 + 0.25 * (at - y) ** 2;
          if (best === null || far < best.far) best = { far, n, series };
        })
      );
      return best;
    }

    function open() {
      if (numbers && here !== null) location.href = `fill_${numbers[here]}.html`;
    }

    function known(n) {
      return points.series.findIndex((one) => one.y[n] !== null);
    }

    svg.addEventListener("pointermove", (event) => {
      const best = nearest(event);
      if (best) show(best.n, best.series);
    });
    svg.addEventListener("click", (event) => {
      const best = nearest(event);
      if (best) show(best.n, best.series);
      if (event.pointerType !== "touch") open();
    });
    svg.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (event.key === "Enter") open();
      if (!step) return;
      event.preventDefault();
      let n = here === null ? (step > 0 ? 0 : names.length - 1) : here + step;
      while (n >= 0 && n < names.length && known(n) < 0) n += step;
      if (n >= 0 && n < names.length) show(n, known(n));
    });
  });
})();
