// Draws the charts of the account that is shown, and switches between accounts. Runs under a policy without eval.
"use strict";
(() => {
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

  // Each account carries its own charts, so that only those of the one that is shown are read
  const draw = (part, scripts) => {
    const waiting = [...part.querySelectorAll(".chart:not([data-state])")];
    if (!waiting.length) return;
    const charts = Object.assign({}, ...scripts.map((script) => JSON.parse(script.textContent)));
    const next = () => {
      const place = waiting.shift();
      if (!place) return;
      place.dataset.state = "drawing";
      const { [place.id]: spec } = charts;
      window.vegaEmbed(place, spec, options).then(
        () => { place.dataset.state = "drawn"; },
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
    const account = document.getElementById(chosen);
    if (account) draw(account, [...account.querySelectorAll("script.charts")]);
  };

  tellAge();
  const all = document.getElementById("all-accounts");
  if (all) draw(all, [...all.querySelectorAll("script.charts")]);
  if (!accounts.length) return;
  if (menu) {
    menu.closest(".switch").hidden = false;
    const linked = decodeURIComponent(location.hash.slice(1));
    if (accounts.some((account) => account.id === linked)) menu.value = linked;
    menu.addEventListener("change", () => show(menu.value));
    show(menu.value);
  } else {
    show(accounts[0].id);
  }
})();
