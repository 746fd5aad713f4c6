
"use strict";
// Shows the passes of one cell at a time: the one that the address names, or else the first that is
// violated, or else the clean pass. All of it is in the page already; this only hides and shows.
const cells = [...document.querySelectorAll(".cell")];
const links = [...document.querySelectorAll("td a")];

function show() {
  const named = document.getElementById(location.hash.slice(1));
  const violated = document.querySelector("td a.violated");
  const first = violated && document.getElementById(violated.hash.slice(1));
  const at = cells.includes(named) ? named : first || cells[0];
  cells.forEach((cell) => cell.classList.toggle("shown", cell === at));
  links.forEach((link) => {
    if (at && link.hash === "#" + at.id) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  });
  if (at && at === named) {
    at.querySelectorAll("details").forEach((pass, nth) => { if (nth === 0) pass.open = true; });
    at.focus({ preventScroll: true });
    at.scrollIntoView({ block: "start" });
  }
}

// The arrow keys go from cell to cell; Tab goes through them too, as it does without a script.
function step(event) {
  const turn = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  const field = turn && event.target.closest("td");
  if (!field) return;
  event.preventDefault();
  const rows = [...field.closest("tbody").rows];
  let row = rows.indexOf(field.parentNode) + turn[1];
  let column = field.cellIndex + turn[0];
  while (rows[row] && rows[row].cells[column]) {
    const link = rows[row].cells[column].querySelector("a");
    if (link) return link.focus();
    row += turn[1];
    column += turn[0];
  }
}

document.documentElement.classList.add("js");
document.addEventListener("keydown", step);
addEventListener("hashchange", show);
show();
