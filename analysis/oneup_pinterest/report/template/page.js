// Draws the charts of the account that is shown, and switches between accounts. Runs under a policy without eval.
"use strict";
(() => {
  document.getElementById("no-script").remove();
  const accounts = [...document.querySelectorAll(".account")];
  const menu = document.getElementById("account");
  const tip = document.createElement("div");
  tip.id = "tip";
  tip.hidden = true;
  document.body.append(tip);

  // Vega's own tooltip needs a style element, which the policy forbids
  const showTip = (handler, event, item, value) => {
    tip.hidden = value === null || value === undefined || value === "";
    if (tip.hidden) return;
    tip.textContent = Object.entries(value).map(([name, text]) => `${name}: ${text}`).join("\n");
    const right = Math.min(event.clientX + 14, document.documentElement.clientWidth - tip.offsetWidth - 8);
    tip.style.left = `${Math.max(8, right)}px`;
    tip.style.top = `${Math.max(8, event.clientY - tip.offsetHeight - 12)}px`;
  };

  const options = {
    actions: false, // no link to the editor
    ast: true, // expressions are interpreted: the policy has no eval
    defaultStyle: false, // no style element
    renderer: "svg", // prints well, and takes the page's colours
    tooltip: showTip,
  };

  // A page may be read long after it was written: show its age at the time of reading
  const tellAge = () => {
    const note = document.getElementById("stale");
    if (!note) return;
    const hours = (Date.now() - Date.parse(note.dataset.synced)) / 3600e3;
    if (!(hours >= 0)) return;
    note.hidden = hours <= Number(note.dataset.hours);
    const whole = Math.round(hours);
    const age = document.getElementById("age");
    const words = whole < 1 ? "less than an hour" : whole === 1 ? "1 hour" : whole < 48 ? `${whole} hours` : `${Math.floor(hours / 24)} days`;
    if (age) age.textContent = `${words} ago`;
    const yesterday = new Date(Date.now() - 864e5).toISOString().slice(0, 10);
    const word = document.getElementById("yesterday");
    if (word) word.textContent = note.dataset.yesterday === yesterday ? "yesterday, " : "";
  };

  // Each account carries its own charts, so that only those of a question that was opened are read
  const draw = (part) => {
    const waiting = [...part.querySelectorAll(".chart:not([data-state])")];
    if (!waiting.length) return;
    const charts = JSON.parse(part.closest("article, #all-accounts").querySelector("script.charts").textContent);
    const next = () => {
      const place = waiting.shift();
      if (!place) return;
      place.dataset.state = "drawing";
      const { [place.id]: spec } = charts;
      window.vegaEmbed(place, spec, options).then(
        () => {
          place.dataset.state = "drawn";
          // Vega calls groups of marks symbols; without a name they only confuse screen readers
          for (const group of place.querySelectorAll("[role=graphics-symbol]:not([aria-label])")) group.removeAttribute("role");
        },
        () => {
          place.dataset.state = "failed";
          place.textContent = "This chart could not be drawn; its numbers are in the table.";
        },
      ).finally(() => setTimeout(next)); // one at a time: the page stays quick to scroll
    };
    for (const place of waiting) place.dataset.state = "waiting";
    next();
  };

  const show = (chosen) => {
    for (const account of accounts) account.hidden = account.id !== chosen;
  };

  // Cells as a person reads them, and as a spreadsheet should: numbers plain, formulas as text
  const textOf = (cell) => cell.textContent.trim();
  const valueOf = (cell, kind) => {
    const text = textOf(cell);
    if (kind === "number") return text === "–" ? NaN : Number(text.replace(/[,%+]/g, "").replace("−", "-"));
    return kind === "date" ? Date.parse(`${text} UTC`) : text.toLocaleLowerCase();
  };
  const csvCell = (cell, kind) => {
    const link = cell.querySelector("a");
    let text = link ? link.href : textOf(cell);
    if (kind === "number") text = text === "–" ? "" : text.replaceAll(",", "").replace("−", "-");
    else if (/^[=+\-@\t\r]/.test(text)) text = `'${text}`;
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };

  const sortBy = (table, column, header) => {
    const descending = header.getAttribute("aria-sort") !== "descending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", descending ? "descending" : "ascending");
    const isMissing = (value) => value === "" || value === "–" || Number.isNaN(value);
    const rows = [...table.tBodies[0].rows].map((row) => [valueOf(row.cells[column], header.dataset.kind), row]);
    rows.sort(([one], [two]) => {
      if (isMissing(one) || isMissing(two)) return isMissing(one) - isMissing(two);
      const order = typeof one === "string" ? one.localeCompare(two) : one - two;
      return descending ? -order : order;
    });
    table.tBodies[0].append(...rows.map(([, row]) => row));
  };

  const save = (table) => {
    const headers = [...table.tHead.rows[0].cells];
    const kinds = headers.map((header) => header.dataset.kind);
    const lines = [
      headers.map((header) => csvCell(header, "text")),
      ...[...table.tBodies[0].rows].filter((row) => !row.hidden).map((row) => [...row.cells].map((cell, place) => csvCell(cell, kinds[place]))),
    ];
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([`\ufeff${lines.map((line) => line.join(",")).join("\r\n")}\r\n`], { type: "text/csv" }));
    link.download = `${table.dataset.name.replace(/[^\p{L}\p{N}]+/gu, "_").replace(/^_|_$/g, "").slice(0, 60)}.csv`;
    link.click();
    URL.revokeObjectURL(link.href);
  };

  const equip = (table) => {
    table.dataset.name = textOf(table.caption);
    [...table.tHead.rows[0].cells].forEach((header, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...header.childNodes);
      button.addEventListener("click", () => sortBy(table, column, header));
      header.append(button);
    });
    const button = document.createElement("button");
    button.type = "button";
    button.className = "csv";
    button.textContent = "Save as CSV";
    button.addEventListener("click", () => save(table));
    table.caption.append(button);
  };

  tellAge();
  for (const table of document.querySelectorAll("table")) equip(table);
  for (const question of document.querySelectorAll("details.question")) {
    question.addEventListener("toggle", () => { if (question.open) draw(question); });
  }
  const filter = document.getElementById("filter");
  if (filter) {
    filter.closest(".filter").hidden = false;
    const rows = [...document.querySelectorAll("#accounts tbody tr")];
    filter.addEventListener("input", () => {
      const part = filter.value.trim().toLocaleLowerCase();
      for (const row of rows) row.hidden = !textOf(row.cells[0]).toLocaleLowerCase().includes(part);
      const left = rows.filter((row) => !row.hidden).length;
      document.getElementById("found").textContent = part ? `${left} of ${rows.length}` : "";
    });
  }
  if (!accounts.length) return;
  if (menu) {
    menu.closest(".switch").hidden = false;
    const linked = decodeURIComponent(location.hash.slice(1));
    const account = accounts.find(({ id }) => linked === id || linked.startsWith(`${id}-`));
    if (account) menu.value = account.id;
    menu.addEventListener("change", () => show(menu.value));
    show(menu.value);
    if (account && linked !== account.id) document.getElementById(linked)?.scrollIntoView();
  }
})();
