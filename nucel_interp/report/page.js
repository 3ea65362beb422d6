for (const table of document.querySelectorAll("table.sort")) {
  const heads = table.tHead.rows[0].cells;
  for (let i = 0; i < heads.length; i++) heads[i].addEventListener("click", () => {
    const up = heads[i].dataset.up !== "1";
    heads[i].dataset.up = up ? "1" : "0";
    const key = row => {  // a missing number sorts last, up and down
      const cell = row.cells[i], v = parseFloat(cell.dataset.v);
      return cell.dataset.v === undefined ? cell.textContent : (isNaN(v) ? (up ? Infinity : -Infinity) : v);
    };
    const rows = [...table.tBodies[0].rows].sort((a, b) => {
      const x = key(a), y = key(b);
      return (x < y ? -1 : x > y ? 1 : 0) * (up ? 1 : -1);
    });
    table.tBodies[0].append(...rows);
  });
}
