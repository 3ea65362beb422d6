// Everything here adds to a page that can be read without it: sorting, filtering, copying, saving,
// letters in the interactive figure, and all that is folded opened for print.
const byId = id => document.getElementById(id);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const make = (tag, text, parent) => {
  const made = document.createElement(tag);
  made.textContent = text;
  if (tag === "button") made.type = "button";
  parent.append(made);
  return made;
};

// tables: a row, or a body that keeps a row and what it opens together
const units = table => table.tBodies.length > 1 ? [...table.tBodies] : [...table.tBodies[0].rows];
const firstRow = unit => unit.rows ? unit.rows[0] : unit;
for (const table of all("table.cards")) {
  const titles = [...table.tHead.rows[0].cells].map(cell => cell.innerText.replace(/\s+/g, " ").trim());
  for (const unit of units(table)) [...firstRow(unit).cells].forEach((cell, i) => { cell.dataset.label ??= titles[i]; });
}
for (const table of all("table.sort")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, i) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach(other => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const key = unit => {  // a missing number sorts last, up and down
        const cell = firstRow(unit).cells[i], v = parseFloat(cell.dataset.v);
        return cell.dataset.v === undefined ? cell.textContent : (isNaN(v) ? (up ? Infinity : -Infinity) : v);
      };
      const sorted = units(table).sort((a, b) => {
        const x = key(a), y = key(b);
        return (x < y ? -1 : x > y ? 1 : 0) * (up ? 1 : -1);
      });
      sorted[0]?.parentNode.append(...sorted);
    });
  });
}
for (const field of all("input[data-filter]")) field.addEventListener("input", () => {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean), rows = units(byId(field.dataset.filter));
  for (const unit of rows) {
    const text = firstRow(unit).textContent.toLowerCase();
    unit.hidden = !words.every(word => text.includes(word));
  }
  const shown = rows.filter(unit => !unit.hidden).length;
  for (const told of all(`[data-count="${field.dataset.filter}"]`))
    told.textContent = words.length ? `${shown} of ${rows.length}` : "";
});
for (const button of all("button[data-open]")) button.addEventListener("click", () => {
  const folded = all("tr.more details", byId(button.dataset.open)), open = folded.some(one => !one.open);
  folded.forEach(one => { one.open = open; });
  button.textContent = open ? "close all" : "open all";
});

// copy and save
for (const tools of all(".tools[hidden]")) tools.hidden = false;
const told = (button, word) => {
  const before = button.textContent;
  button.textContent = word;
  setTimeout(() => { button.textContent = before; }, 1200);
};
const copied = async (button, text) => {
  try {
    await navigator.clipboard.writeText(text);
  } catch {  // a file opened from a disk may not write to the clipboard in that way
    const field = make("textarea", "", document.body);
    field.value = text;
    field.select();
    document.execCommand("copy");
    field.remove();
    button.focus();
  }
  told(button, "copied");
};
const saved = (name, text, type) => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], {type}));
  link.download = name.replace(/[^\w.-]+/g, "_");
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
};
for (const button of all("button[data-copy]"))
  button.addEventListener("click", () => copied(button, byId(button.dataset.copy).textContent));
for (const button of all("button[data-save]"))
  button.addEventListener("click", () => saved(button.dataset.name, byId(button.dataset.save).textContent, "text/plain"));
for (const figure of all(".drawn")) {
  const svg = figure.querySelector("svg.figure, svg.logo"), button = make("button", "SVG", figure);
  button.title = `save ${figure.dataset.name}.svg`;
  button.addEventListener("click", () => saved(`${figure.dataset.name}.svg`, svgText(svg), "image/svg+xml"));
}
function svgText(svg) {
  const copy = svg.cloneNode(true), [, , width, height] = svg.getAttribute("viewBox").split(/\s+/);
  if (!copy.hasAttribute("width")) {
    copy.setAttribute("width", width);
    copy.setAttribute("height", height);
  }
  copy.removeAttribute("style");
  const shapes = new Set(all("use", copy).map(use => use.getAttribute("href")).filter(name => name?.startsWith("#base-")));
  for (const name of shapes) {  // letters that the page holds once
    const defs = document.createElementNS("http://www.w3.org/2000/svg", "defs");
    defs.append(byId(name.slice(1)).cloneNode(true));
    copy.prepend(defs);
  }
  return `<?xml version="1.0" encoding="utf-8"?>\n${new XMLSerializer().serializeToString(copy)}\n`;
}

// the interactive figure: its list, where it stands, and letters where there is room for them
const MOST_LETTERS = 60;
for (const list of all("select[data-shows]")) {
  const graph = byId(list.dataset.shows), meta = graph.layout?.meta;
  const place = document.querySelector(`[data-place-of="${list.dataset.shows}"]`);
  const tell = () => {
    const view = meta?.views?.[list.selectedIndex], range = graph.layout.xaxis.range;
    if (!view) return;
    const ends = [view.first, view.first + view.step * (view.letters.length - 1)].sort((a, b) => a - b);
    const from = Math.max(Math.ceil(Math.min(...range)), ends[0]), to = Math.min(Math.floor(Math.max(...range)), ends[1]);
    place.textContent = from > to ? "" : view.name ? `${view.name}:${from}-${to}` : `bases ${from} to ${to}`;
    const x = [], text = [];
    for (let at = from; to - from < MOST_LETTERS && at <= to; at++) {
      x.push(at);
      text.push(view.letters[(at - view.first) * view.step]);
    }
    const colour = text.map(base => meta.colours[base] ?? "#8a8f98");
    Plotly.restyle(graph, {x: [x], y: [x.map(() => 0)], text: [text], "textfont.color": [colour]}, [meta.letters]);
  };
  list.addEventListener("change", async () => {
    await Plotly.update(graph, ...JSON.parse(list.selectedOptions[0].dataset.change));
    tell();
  });
  if (meta?.views) {
    graph.on("plotly_relayout", tell);
    const button = make("button", "copy coordinates", place.parentNode);
    button.addEventListener("click", () => copied(button, place.textContent));
    tell();
  }
}

// print: open what is folded, and fold it again
let opened = [];
addEventListener("beforeprint", () => {
  opened = all("details:not([open])");
  opened.forEach(one => { one.open = true; });
});
addEventListener("afterprint", () => opened.forEach(one => { one.open = false; }));
