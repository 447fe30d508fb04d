// The page's side of a fan-out's matrix: a cell for each request and host, of which only those in sight are drawn.
// What is known of the cells lies in two arrays, row by row; deltas and snapshots bring them up to date.

const ROW = 24; // pixels, as in the style sheet
const NARROWEST = 76;
const WIDEST = 168;
const AROUND = 3; // rows and columns drawn around those in sight
const STATES = ["waiting", "running", "ok", "failed", "unknown", "not run"];
const SIGNS = ["", "…", "", "failed", "unknown", "not run"];
const EMPTY = 255;
const HOVER = 120; // milliseconds until a cell under the pointer is asked for

const make = (tag, name, text, attributes = {}) => {
  const node = document.createElement(tag);
  if (name) node.className = name;
  if (text !== undefined) node.textContent = text;
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
};

const styleOf = (state) => `paglets-${STATES[state].replace(" ", "-")}`;

const bytesOf = (view) => view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);

function duration(seconds) {
  if (!(seconds >= 0)) return "";
  for (const [factor, unit] of [[1, "s"], [1e-3, "ms"], [1e-6, "us"]]) {
    if (seconds >= factor) return `${Number((seconds / factor).toPrecision(3))} ${unit}`;
  }
  return seconds === 0 ? "0 s" : `${Number((seconds * 1e9).toPrecision(3))} ns`;
}

class Grid {
  constructor(model, el) {
    this.model = model;
    this.view = `${Date.now()}-${Math.random()}`;
    this.drawn = new Map();
    this.focused = null;
    this.pinned = null;
    this.frame = 0;
    this.build(el);
    this.listen();
    this.layOut();
    this.take();
    this.tell();
  }

  // ---- what is there

  build(el) {
    el.classList.add("paglets-matrix");
    const top = make("div", "paglets-matrix-top");
    this.title = make("span", "paglets-matrix-title");
    this.legend = make("div", "paglets-matrix-legend", undefined, { role: "group", "aria-label": "Cells by state; a press goes to the next one" });
    this.note = make("span", "paglets-matrix-note", "", { role: "status" });
    top.append(this.title, this.legend, this.note);
    this.port = make("div", "paglets-matrix-port", undefined, { tabindex: "0", role: "grid", "aria-label": "Cells by request and host; Enter shows a reply or an error" });
    this.header = make("div", "paglets-matrix-header", undefined, { role: "row" });
    this.body = make("div", "paglets-matrix-body", undefined, { role: "rowgroup" });
    this.port.append(this.header, this.body);
    this.details = make("section", "paglets-matrix-details", undefined, { "aria-label": "The cell" });
    this.where = make("span", "paglets-matrix-where");
    this.text = make("pre", "", "");
    this.details.append(this.where, this.text);
    el.replaceChildren(top, this.port, this.details);
    this.chips = STATES.map((_state, number) => {
      const chip = make("button", `paglets-chip ${styleOf(number)}`, "", { type: "button" });
      chip.addEventListener("click", () => this.goToNext(number));
      return chip;
    });
    this.legend.append(...this.chips);
  }

  listen() {
    const { model } = this;
    this.events = {
      "change:plan": () => this.layOut(),
      "change:snapshot": () => this.take(),
      "change:head": () => this.tell(),
      "msg:custom": (message, buffers) => this.receive(message, buffers),
    };
    for (const [name, react] of Object.entries(this.events)) model.on(name, react);
    this.port.addEventListener("scroll", () => this.draw());
    this.port.addEventListener("keydown", (event) => this.onKey(event));
    this.port.addEventListener("pointerover", (event) => this.onPointer(event));
    this.port.addEventListener("pointerleave", () => clearTimeout(this.hovering));
    this.body.addEventListener("click", (event) => {
      const place = this.placeOf(event.target);
      if (place !== null) this.focus(place, true);
    });
    this.resizing = new ResizeObserver(() => this.draw());
    this.resizing.observe(this.port);
  }

  close() {
    for (const [name, react] of Object.entries(this.events)) this.model.off(name, react);
    this.resizing.disconnect();
    clearTimeout(this.hovering);
    cancelAnimationFrame(this.frame);
  }

  // ---- what the kernel says

  layOut() {
    const plan = this.model.get("plan");
    this.plan = plan.number ?? 0;
    this.rows = plan.rows ?? [];
    this.columns = plan.columns ?? [];
    const size = this.rows.length * this.columns.length;
    this.states = new Uint8Array(size).fill(EMPTY);
    this.times = new Float32Array(size).fill(-1);
    this.count = 0;
    this.longest = 0;
    this.focused = null;
    this.pinned = null;
    for (const node of this.drawn.values()) node.remove();
    this.drawn.clear();
    const widest = this.rows.slice(0, 500).reduce((width, label) => Math.max(width, label.length), 4);
    this.label = Math.min(320, widest * 8.5 + 24);
    this.port.style.setProperty("--label", `${this.label}px`);
    const head = this.columns.reduce((width, label) => Math.max(width, label.length), 0);
    this.column = Math.max(NARROWEST, Math.min(WIDEST, Math.ceil(head * 9.2 + 18)));
    this.port.style.setProperty("--column", `${this.column}px`);
    this.port.setAttribute("aria-rowcount", String(this.rows.length + 1));
    this.port.setAttribute("aria-colcount", String(this.columns.length + 1));
    const width = `${this.label + this.columns.length * this.column}px`;
    this.body.style.width = this.header.style.width = width;
    this.body.style.height = `${this.rows.length * ROW}px`;
    this.heads = null;
    this.where.textContent = "Point at a cell, or press Enter on it, to see what it says.";
    this.text.textContent = "";
    this.draw();
  }

  take() {
    const snapshot = this.model.get("snapshot");
    if (!snapshot.states || snapshot.plan !== this.plan || snapshot.count < this.count) return;
    const states = new Uint8Array(bytesOf(snapshot.states));
    if (states.length !== this.states.length) return;
    this.states = states;
    this.times = new Float32Array(bytesOf(snapshot.times));
    this.count = snapshot.count;
    this.longest = this.times.reduce((most, time) => Math.max(most, time), 0);
    this.draw();
  }

  receive(message, buffers) {
    if (message.kind === "delta" && message.plan === this.plan && message.count > this.count) {
      const [places, states, times] = buffers.map(bytesOf);
      const at = new Uint32Array(places);
      const state = new Uint8Array(states);
      const time = new Float32Array(times);
      at.forEach((place, index) => {
        this.states[place] = state[index];
        this.times[place] = time[index];
        if (time[index] > this.longest) this.longest = time[index];
      });
      if (message.count === this.count + 1) this.count = message.count; // else the next snapshot counts
      this.draw();
      if (this.pinned !== null && at.includes(this.pinned)) this.ask(this.pinned, true);
    }
    if (message.kind === "details" && message.view === this.view) {
      if (message.pinned ? message.place === this.pinned : this.pinned === null && message.place === this.pointed) {
        this.where.textContent = message.where;
        this.text.textContent = message.text;
      }
    }
  }

  tell() {
    const head = this.model.get("head");
    this.title.textContent = head.title ?? "";
    (head.counts ?? []).forEach(([state, count], number) => {
      this.chips[number].textContent = `${count.toLocaleString("en")} ${state}`;
      this.chips[number].hidden = count === 0;
    });
    this.note.textContent = [head.took, head.note].filter(Boolean).join(", ");
  }

  // ---- drawing

  draw() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.drawNow());
  }

  inSight() {
    const { port } = this;
    const top = Math.max(0, Math.floor(port.scrollTop / ROW) - AROUND);
    const left = Math.max(0, Math.floor(port.scrollLeft / this.column) - AROUND);
    const rows = Math.ceil(port.clientHeight / ROW) + 2 * AROUND;
    const columns = Math.ceil(Math.max(0, port.clientWidth - this.label) / this.column) + 2 * AROUND;
    return [top, Math.min(this.rows.length, top + rows), left, Math.min(this.columns.length, left + columns)];
  }

  drawNow() {
    const { port } = this;
    const scrollbar = this.label + this.columns.length * this.column > port.clientWidth ? 16 : 0;
    const height = `${Math.min(12.5 * ROW, (this.rows.length + 1) * ROW) + 3 + scrollbar}px`;
    if (port.style.height !== height) port.style.height = height;
    const [top, bottom, left, right] = this.inSight();
    const heads = `${left}-${right}`;
    if (heads !== this.heads) {
      this.heads = heads;
      const cells = [make("span", "paglets-matrix-corner", "", { role: "columnheader" })];
      for (let column = left; column < right; column++) {
        const cell = make("span", "paglets-matrix-head", this.columns[column], { role: "columnheader", title: this.columns[column] });
        cell.style.left = `${this.label + column * this.column}px`;
        cells.push(cell);
      }
      this.header.replaceChildren(...cells);
    }
    const wanted = new Set();
    for (let row = top; row < bottom; row++) {
      wanted.add(row);
      let node = this.drawn.get(row);
      if (!node) {
        node = make("div", "paglets-matrix-row", undefined, { role: "row", "aria-rowindex": String(row + 2) });
        node.style.top = `${row * ROW}px`;
        node.append(make("span", "paglets-matrix-label", this.rows[row], { role: "rowheader", title: this.rows[row] }));
        node.cells = new Map();
        this.drawn.set(row, node);
        this.body.append(node);
      }
      this.drawRow(node, row, left, right);
    }
    for (const [row, node] of this.drawn) {
      if (wanted.has(row)) continue;
      node.remove();
      this.drawn.delete(row);
    }
  }

  drawRow(node, row, left, right) {
    for (let column = left; column < right; column++) {
      const place = row * this.columns.length + column;
      if (this.states[place] === EMPTY) continue;
      let cell = node.cells.get(column);
      if (!cell) {
        cell = make("span", "", "", { role: "gridcell", "aria-colindex": String(column + 2), id: `cell-${this.view}-${place}` });
        cell.style.left = `${this.label + column * this.column}px`;
        cell.dataset.place = place;
        node.cells.set(column, cell);
        node.append(cell);
      }
      this.drawCell(cell, row, column, place);
    }
    for (const [column, cell] of node.cells) {
      if (column >= left && column < right) continue;
      cell.remove();
      node.cells.delete(column);
    }
  }

  drawCell(cell, row, column, place) {
    const state = this.states[place];
    const time = duration(this.times[place]);
    const share = this.longest > 0 && state === 2 ? Math.max(0, this.times[place] / this.longest) : 0;
    const key = `${state} ${time} ${share.toFixed(2)} ${this.focused === place} ${this.pinned === place}`;
    if (cell.key === key) return;
    cell.key = key;
    cell.className = `paglets-cell ${styleOf(state)}`;
    cell.classList.toggle("paglets-focused", this.focused === place);
    cell.classList.toggle("paglets-pinned", this.pinned === place);
    cell.textContent = state === 2 ? time : SIGNS[state];
    cell.style.setProperty("--share", `${(share * 100).toFixed(0)}%`);
    cell.setAttribute("aria-label", [this.rows[row], this.columns[column], STATES[state], time].filter(Boolean).join(", "));
    cell.setAttribute("aria-selected", String(this.pinned === place));
  }

  // ---- where the user looks

  placeOf(node) {
    const cell = node.closest?.(".paglets-cell");
    return cell ? Number(cell.dataset.place) : null;
  }

  ask(place, pinned) {
    this.model.send({ kind: "details", view: this.view, plan: this.plan, place, pinned });
  }

  onPointer(event) {
    clearTimeout(this.hovering);
    const place = this.placeOf(event.target);
    if (place === null || this.pinned !== null) return;
    this.pointed = place;
    this.where.textContent = event.target.getAttribute("aria-label"); // until the kernel says more
    this.text.textContent = "";
    this.hovering = setTimeout(() => this.ask(place, false), HOVER);
  }

  focus(place, pin) {
    this.focused = place;
    if (pin) this.pinned = this.pinned === place ? null : place;
    else if (this.pinned !== null) this.pinned = place;
    this.pointed = place;
    this.port.setAttribute("aria-activedescendant", `cell-${this.view}-${place}`);
    const row = Math.floor(place / this.columns.length);
    const column = place % this.columns.length;
    const { port } = this;
    const height = port.clientHeight - this.header.offsetHeight;
    const width = port.clientWidth - this.label;
    if (row * ROW < port.scrollTop) port.scrollTop = row * ROW;
    else if ((row + 1) * ROW > port.scrollTop + height) port.scrollTop = (row + 1) * ROW - height;
    if (column * this.column < port.scrollLeft) port.scrollLeft = column * this.column;
    else if ((column + 1) * this.column > port.scrollLeft + width) port.scrollLeft = (column + 1) * this.column - width;
    this.where.textContent = [this.rows[row], this.columns[column], STATES[this.states[place]], duration(this.times[place])].filter(Boolean).join(", ");
    this.text.textContent = "";
    this.ask(place, this.pinned !== null);
    this.draw();
  }

  goToNext(state) {
    const from = this.focused ?? -1;
    let place = this.states.indexOf(state, from + 1);
    if (place < 0) place = this.states.indexOf(state);
    if (place < 0) return;
    this.focus(place, this.pinned !== place);
    this.port.focus({ preventScroll: true });
  }

  onKey(event) {
    const across = this.columns.length;
    const size = this.states.length;
    if (!size) return;
    const at = this.focused ?? 0;
    const page = across * Math.max(1, Math.floor(this.port.clientHeight / ROW) - 2);
    const moves = { ArrowDown: across, ArrowUp: -across, ArrowRight: 1, ArrowLeft: -1, PageDown: page, PageUp: -page };
    if (event.key in moves) {
      let place = this.focused === null ? at : at + moves[event.key];
      const step = Math.sign(moves[event.key]);
      if (Math.abs(moves[event.key]) === page) place = Math.max(at % across, Math.min(size - across + (at % across), place));
      while (place >= 0 && place < size && this.states[place] === EMPTY) place += step;
      if (place >= 0 && place < size) this.focus(place, false);
    } else if (event.key === "Home" || event.key === "End") {
      this.focus(event.key === "Home" ? 0 : size - 1, false);
    } else if (event.key === "Enter" || event.key === " ") this.focus(at, true);
    else if (event.key === "Escape" && this.pinned !== null) {
      this.pinned = null;
      this.draw();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

function render({ model, el }) {
  const grid = new Grid(model, el);
  return () => grid.close();
}

export default { render };
