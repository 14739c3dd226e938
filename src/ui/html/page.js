
"use strict";
// Sorts and filters the rows of what failed. The page can be read without it.
(function () {
  const table = document.getElementById("rows");
  if (!table) return;
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const heads = Array.from(table.tHead.rows[0].cells);
  const filter = document.getElementById("filter");
  const code = document.getElementById("code");
  const shown = document.getElementById("shown");
  const words = rows.map(row => row.textContent.toLowerCase());
  const order = new Intl.Collator("en", { numeric: true });

  function value(row, column, isNumber) {
    const cell = row.cells[column];
    const text = cell.dataset.value || cell.textContent;
    if (!isNumber) return text;
    const number = parseFloat(text);
    return Number.isNaN(number) ? -1 : number;
  }

  function sort(head, column) {
    const down = head.getAttribute("aria-sort") === "ascending";
    const isNumber = head.dataset.sort === "number";
    const keyed = rows.map((row, place) => ({ row, place, key: value(row, column, isNumber) }));
    keyed.sort((a, b) => {
      const by = isNumber ? a.key - b.key : order.compare(a.key, b.key);
      return (down ? -by : by) || a.place - b.place;
    });
    heads.forEach(other => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    body.append(...keyed.map(one => one.row));
  }

  function choose() {
    const text = filter.value.trim().toLowerCase();
    let count = 0;
    rows.forEach((row, place) => {
      const fits = words[place].includes(text) && (!code.value || row.cells[1].textContent === code.value);
      row.hidden = !fits;
      if (fits) count += 1;
    });
    shown.textContent = count.toLocaleString("en") + " of " + rows.length.toLocaleString("en") + " rows";
  }

  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    button.addEventListener("click", () => sort(head, column));
    head.replaceChildren(button);
  });
  const tools = document.getElementById("tools");
  tools.addEventListener("submit", event => event.preventDefault());
  filter.addEventListener("input", choose);
  code.addEventListener("change", choose);
  tools.hidden = false;
  choose();
})();
