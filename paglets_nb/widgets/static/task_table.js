// The table of tasks: rows come as changes, one element per task, and only what changed is touched.

const COLUMNS = [
  ["label", "task"], ["host", "host"], ["state", "state"], ["progress", "progress"],
  ["note", "note"], ["seconds", "seconds"], ["cancel", ""],
];

function made(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

class Row {
  constructor(key, press, clock) {
    this.clock = clock;
    this.element = made("tr");
    this.cells = {};
    for (const [name] of COLUMNS) {
      this.cells[name] = made("td", `of-${name}`);
      this.element.append(this.cells[name]);
    }
    this.stateText = made("span");
    const dot = made("span", "dot");
    dot.setAttribute("aria-hidden", "true");
    this.cells.state.append(dot, this.stateText);
    this.fill = made("div", "fill");
    this.track = made("div", "track");
    this.track.setAttribute("role", "progressbar");
    this.track.setAttribute("aria-valuemin", "0");
    this.track.setAttribute("aria-valuemax", "100");
    this.track.append(this.fill);
    this.percent = made("span", "percent");
    this.bar = made("div", "bar");
    this.bar.append(this.track, this.percent);
    this.cells.progress.append(this.bar);
    this.button = made("button");
    this.button.type = "button";
    this.button.addEventListener("click", () => press(key));
    this.cells.cancel.append(this.button);
  }

  update(row) {
    this.row = row;
    this.element.dataset.state = row.state;
    for (const name of ["label", "host"]) setText(this.cells[name], row[name]);
    const note = row.words || row.note;
    setText(this.cells.note, note);
    this.cells.note.title = note;
    this.cells.label.title = row.label;
    setText(this.stateText, row.state.toLowerCase().replaceAll("_", " "));
    this.bar.style.visibility = row.progress < 0 ? "hidden" : "visible";
    const percent = Math.round(Math.max(row.progress, 0) * 100);
    this.fill.style.width = `${percent}%`;
    this.track.setAttribute("aria-valuenow", String(percent));
    this.track.setAttribute("aria-label", `progress of ${row.label}`);
    setText(this.percent, `${percent}%`);
    this.button.hidden = !row.cancel;
    setText(this.button, row.cancel);
    this.button.setAttribute("aria-label", `${row.cancel} ${row.label}`);
    this.tick();
  }

  tick() {
    const { started, seconds } = this.row;
    if (started > 0) setText(this.cells.seconds, Math.max(0, Date.now() / 1000 - this.clock.ahead - started).toFixed(0));
    else setText(this.cells.seconds, seconds >= 0 ? seconds.toFixed(1) : "");
  }
}

function render({ model, el }) {
  const root = made("section", "paglets-tasks");
  root.setAttribute("aria-label", model.get("title"));
  const head = made("div", "paglets-tasks-head", "tasks");
  const scroll = made("div", "paglets-tasks-scroll");
  const table = made("table");
  const columns = made("colgroup");
  const header = made("tr");
  for (const [name, title] of COLUMNS) {
    columns.append(made("col", `of-${name}`));
    const cell = made("th", `of-${name}`, title);
    cell.scope = "col";
    if (!title) cell.setAttribute("aria-label", "cancel");
    header.append(cell);
  }
  const thead = made("thead");
  const body = made("tbody");
  thead.append(header);
  table.append(columns, thead, body);
  const foot = made("div", "nothing", "no tasks");
  scroll.append(table);
  root.append(head, scroll, foot);
  el.append(root);

  const rows = new Map();
  const clock = { ahead: 0 };  // seconds by which the page's clock is ahead of the kernel's
  const press = (key) => model.send({ kind: "cancel", key });

  function reorder(order) {
    const wanted = new Set(order);
    for (const [key, row] of rows) {
      if (!wanted.has(key)) {
        row.element.remove();
        rows.delete(key);
      }
    }
    let place = body.firstElementChild;
    for (const key of order) {
      const element = rows.get(key)?.element;
      if (!element) continue;
      if (element === place) place = place.nextElementSibling;
      else if (!element.contains(document.activeElement)) body.insertBefore(element, place);
    }
  }

  function take(message) {
    if (message.kind !== "rows") return;
    clock.ahead = Date.now() / 1000 - message.now;
    for (const [key, value] of Object.entries(message.rows)) {
      if (!rows.has(key)) {
        rows.set(key, new Row(key, press, clock));
        body.append(rows.get(key).element);
      }
      rows.get(key).update(value);
    }
    if (message.order) reorder(message.order);
    setText(head, `${message.running} of ${message.total} tasks running`);
    table.hidden = message.total === 0;
    foot.hidden = message.total > 0 && message.more <= 0;
    setText(foot, message.total === 0 ? "no tasks" : `and ${message.more} more`);
  }

  // Up and down, Home and End go from button to button.
  function onKey(event) {
    const buttons = [...body.querySelectorAll("button:not([hidden])")];
    const here = buttons.indexOf(document.activeElement);
    const there = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (here < 0 || there === undefined || !buttons[there]) return;
    buttons[there].focus();
    event.preventDefault();
    event.stopPropagation();
  }

  const ticking = setInterval(() => { for (const row of rows.values()) if (row.row.started > 0) row.tick(); }, 1000);
  body.addEventListener("keydown", onKey);
  model.on("msg:custom", take);
  model.send({ kind: "ready" });
  return () => {
    clearInterval(ticking);
    model.off("msg:custom", take);
  };
}

export default { render };
