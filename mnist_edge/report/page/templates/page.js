"use strict";
// Buttons that copy.
for (const block of document.querySelectorAll("pre[data-copy]")) {
  const button = document.createElement("button");
  const title = block.getAttribute("aria-label");
  button.type = "button";
  button.textContent = "Copy";
  button.setAttribute("aria-label", `Copy: ${title}`);
  button.addEventListener("click", async () => {
    const text = block.textContent;
    let done = true;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const range = document.createRange();
      range.selectNodeContents(block);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      done = document.execCommand("copy");
    }
    button.textContent = done ? "Copied" : "Selected";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  block.before(button);
}

// A matrix tells of the cell that is pointed at or focused; arrows move from cell to cell.
function tell(box, cell) {
  box.replaceChildren();
  const line = document.createElement("p");
  line.textContent = cell.dataset.says;
  box.append(line);
  const found = (cell.dataset.images || "").split(" ").filter(Boolean);
  const list = document.createElement("ul");
  list.className = "thumbnails";
  for (const index of found) {
    const there = document.querySelector(`img[data-index="${index}"]`);
    const item = document.createElement("li");
    if (there) {
      item.append(there.cloneNode());
    }
    const number = document.createElement("small");
    number.textContent = `image ${index}`;
    item.append(number);
    list.append(item);
  }
  if (found.length) {
    box.append(list);
  }
}

for (const table of document.querySelectorAll("table[data-matrix]")) {
  const box = table.closest("details").querySelector(".told");
  const rows = [...table.tBodies[0].rows].map((row) => [...row.querySelectorAll("td[title]")]);
  let current = rows[0][0];
  table.setAttribute("role", "grid");
  box.hidden = false;
  box.textContent = "Point at a cell, or move to it with the arrow keys, to see its images.";
  rows.forEach((row, down) => row.forEach((cell, across) => {
    cell.dataset.says = cell.title;
    cell.removeAttribute("title");
    cell.setAttribute("role", "gridcell");
    cell.tabIndex = -1;
    cell.addEventListener("pointerenter", () => tell(box, cell));
    cell.addEventListener("click", () => cell.focus());
    cell.addEventListener("focus", () => {
      current.tabIndex = -1;
      current = cell;
      cell.tabIndex = 0;
      tell(box, cell);
    });
    cell.addEventListener("keydown", (event) => {
      const step = { ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1] };
      const [lower, further] = step[event.key] || [0, 0];
      const next = event.key === "Home" ? row[0] : event.key === "End" ? row.at(-1)
        : rows[down + lower]?.[across + further];
      if (next && next !== cell) {
        event.preventDefault();
        next.focus();
      }
    });
  }));
  current.tabIndex = 0;
}

// The contents show which section is being read.
const links = new Map([...document.querySelectorAll("nav a")].map((a) => [a.hash.slice(1), a]));
const watcher = new IntersectionObserver((entries) => {
  for (const entry of entries.filter((each) => each.isIntersecting)) {
    for (const [key, link] of links) {
      if (key === entry.target.id) {
        link.setAttribute("aria-current", "true");
      } else {
        link.removeAttribute("aria-current");
      }
    }
  }
}, { rootMargin: "-10% 0px -80% 0px" });
for (const key of links.keys()) {
  watcher.observe(document.getElementById(key));
}

// On paper everything is open, and afterwards what was closed is closed again.
const opened = new Set();
addEventListener("beforeprint", () => {
  for (const each of document.querySelectorAll("details:not([open])")) {
    each.open = true;
    opened.add(each);
  }
});
addEventListener("afterprint", () => {
  for (const each of opened) {
    each.open = false;
  }
  opened.clear();
});
