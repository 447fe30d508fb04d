// The page's side of a DrainView: a list of which only the rows in sight are drawn.
// Rows are known by their place; those that are not here are asked for by the page.

const ROW = 24; // pixels, as in the style sheet
const AROUND = 8; // rows drawn above and below those in sight
const PAGE = 50; // rows asked for at once
const KEPT = 4000; // rows kept in the page
const NARROW = 18; // characters of a column whose width is fixed
const SLOW = 1500; // milliseconds after which an answer is late

const make = (tag, name, text, attributes = {}) => {
  const node = document.createElement(tag);
  if (name) node.className = name;
  if (text !== undefined) node.textContent = text;
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
};

async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = make("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

class List {
  constructor(model, el) {
    this.model = model;
    this.view = `${Date.now()}-${Math.random()}`;
    this.rows = new Map();
    this.drawn = new Map();
    this.asked = new Map();
    this.generation = -1;
    this.first = 0;
    this.following = true;
    this.selected = null;
    this.top = 0;
    this.columns = "";
    this.frame = 0;
    this.build(el);
    this.listen();
    this.update();
    this.take();
  }

  // ---- what is there

  build(el) {
    el.classList.add("paglets-drain");
    this.title = make("span", "paglets-drain-title");
    this.status = make("span", "paglets-drain-status", "", { role: "status" });
    this.filter = make("input", "paglets-drain-filter", undefined, { type: "search", placeholder: "Filter", "aria-label": "Show events with this text" });
    this.jump = make("input", "paglets-drain-jump", undefined, { type: "number", min: "0", placeholder: "Cursor", "aria-label": "Go to the event with this cursor, by Enter" });
    this.pause = make("button", "paglets-drain-pause", "Pause", { type: "button" });
    this.follow = make("button", "paglets-drain-follow", "Follow", { type: "button", title: "Stay at the end (End)" });
    const tools = make("div", "paglets-drain-tools", undefined, { role: "toolbar", "aria-label": "Events" });
    tools.append(this.filter, this.jump, this.follow, this.pause);
    const top = make("div", "paglets-drain-top");
    top.append(this.title, tools);
    this.port = make("div", "paglets-drain-port", undefined, { tabindex: "0", role: "grid", "aria-label": "Events; Enter shows one, C copies it" });
    this.header = make("div", "paglets-drain-header", undefined, { role: "row" });
    this.body = make("div", "paglets-drain-body", undefined, { role: "rowgroup" });
    this.port.append(this.header, this.body);
    this.details = make("section", "paglets-drain-details", undefined, { "aria-label": "The event" });
    this.text = make("pre", "", "", { tabindex: "0" });
    this.copied = make("button", "", "Copy", { type: "button" });
    this.closing = make("button", "", "Close", { type: "button" });
    const buttons = make("div", "paglets-drain-buttons");
    buttons.append(this.copied, this.closing);
    this.details.append(buttons, this.text);
    this.details.hidden = true;
    el.replaceChildren(top, this.port, this.details, this.status);
  }

  listen() {
    const { model } = this;
    this.onHead = () => this.update();
    this.onTail = () => this.take();
    this.onMessage = (message) => this.receive(message);
    model.on("change:head", this.onHead);
    model.on("change:tail", this.onTail);
    model.on("msg:custom", this.onMessage);
    this.port.addEventListener("scroll", () => this.onScroll());
    this.port.addEventListener("keydown", (event) => this.onKey(event));
    this.body.addEventListener("click", (event) => this.onClick(event, false));
    this.body.addEventListener("dblclick", (event) => this.onClick(event, true));
    this.follow.addEventListener("click", () => (this.following ? this.setFollowing(false) : this.toEnd()));
    this.pause.addEventListener("click", () => this.ask({ kind: this.reading ? "pause" : "resume" }));
    this.copied.addEventListener("click", () => copyText(this.text.textContent));
    this.closing.addEventListener("click", () => this.hideDetails());
    this.details.addEventListener("keydown", (event) => event.key === "Escape" && this.hideDetails());
    let typing = 0;
    this.filter.addEventListener("input", () => {
      clearTimeout(typing);
      typing = setTimeout(() => this.ask({ kind: "filter", value: this.filter.value }), 200);
    });
    this.filter.addEventListener("keydown", (event) => event.key === "Escape" && this.filter.value && this.clearFilter(event));
    this.jump.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || this.jump.value === "") return;
      this.ask({ kind: "jump", value: Math.trunc(Number(this.jump.value)) });
    });
    this.resizing = new ResizeObserver(() => this.draw());
    this.resizing.observe(this.port);
    this.waiting = setInterval(() => this.lookForLate(), SLOW);
  }

  close() {
    this.model.off("change:head", this.onHead);
    this.model.off("change:tail", this.onTail);
    this.model.off("msg:custom", this.onMessage);
    this.resizing.disconnect();
    clearInterval(this.waiting);
    cancelAnimationFrame(this.frame);
  }

  // ---- what the kernel says

  update() {
    const head = this.model.get("head");
    const anew = head.generation !== this.generation;
    if (anew) {
      this.generation = head.generation;
      this.rows.clear();
      this.asked.clear();
      for (const node of this.drawn.values()) node.remove();
      this.drawn.clear();
      this.select(null);
      this.first = head.first;
    }
    const gone = head.gone ? 1 : 0;
    const shift = head.first - this.first - (gone - (this.head?.gone ? 1 : 0));
    this.head = head;
    this.first = head.first;
    this.gone = gone;
    this.reading = head.state === "reading" || head.state === "lost";
    this.title.textContent = head.title;
    this.say();
    this.pause.textContent = this.reading ? "Pause" : "Resume";
    this.pause.title = this.reading ? "Read no further events" : "Read on";
    this.showColumns(head.columns);
    const count = head.end - head.first + gone;
    this.port.setAttribute("aria-rowcount", String(count + 1));
    this.body.style.height = `${count * ROW}px`;
    if (this.following) this.port.scrollTop = this.port.scrollHeight;
    else if (anew) this.port.scrollTop = 0;
    else if (shift) this.port.scrollTop -= shift * ROW; // older rows went: what is in sight stays there
    this.top = this.port.scrollTop;
    this.setFollowing(this.following);
    this.draw();
  }

  showColumns(columns) {
    const key = JSON.stringify(columns);
    if (key === this.columns) return;
    this.columns = key;
    this.numeric = columns.map((column) => column.numeric);
    const wide = columns.some((column) => column.width > NARROW);
    const widths = columns.map((column, index) => {
      if (column.width > NARROW) return `minmax(${NARROW}ch, ${column.width}fr)`;
      return wide || index < columns.length - 1 ? `${column.width + 3}ch` : `minmax(${column.width + 3}ch, 1fr)`;
    });
    const least = columns.reduce((sum, column) => sum + Math.min(column.width + 3, NARROW), 12);
    this.port.style.setProperty("--columns", ["12ch", ...widths].join(" "));
    this.port.style.setProperty("--least", `${least}ch`);
    const cells = [{ name: "cursor", numeric: true }, ...columns].map((column) => {
      const cell = make("span", column.numeric ? "paglets-number" : "", column.name, { role: "columnheader" });
      cell.title = column.name;
      return cell;
    });
    this.header.replaceChildren(...cells);
  }

  take() {
    const tail = this.model.get("tail");
    if (tail.generation !== this.generation) return;
    this.keep(tail.start, tail.rows);
    this.draw();
  }

  receive(message) {
    if (message.kind === "rows" && message.generation === this.generation) {
      this.asked.delete(message.asked);
      this.keep(message.start, message.rows);
      this.draw();
    }
    if (message.view !== this.view) return;
    if (message.kind === "details") this.showDetails(message.text);
    if (message.kind === "copy") copyText(message.text).then(() => this.say("copied"));
    if (message.kind === "jump") this.goTo(message.place, message.cursor);
  }

  keep(start, rows) {
    rows.forEach((row, index) => {
      this.rows.delete(start + index);
      this.rows.set(start + index, row); // the newest are last, the first ones go
    });
    for (const place of this.rows.keys()) {
      if (this.rows.size <= KEPT) break;
      this.rows.delete(place);
    }
  }

  ask(message) {
    this.model.send({ view: this.view, ...message });
  }

  lookForLate() {
    const late = [...this.asked.values()].some((at) => performance.now() - at > SLOW);
    if (late !== this.late) {
      this.late = late;
      this.say();
    }
  }

  say(more = "") {
    const late = this.late ? "the kernel is busy: rows that are not here come once the cell has ended" : "";
    const count = this.head.end - this.head.first;
    const found = this.head.filter ? `${count.toLocaleString("en")} row${count === 1 ? "" : "s"} with "${this.head.filter}"` : "";
    this.status.textContent = [this.head.status, found, late, more].filter(Boolean).join("; ");
  }

  // ---- drawing

  draw() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.drawNow());
  }

  drawNow() {
    const count = this.head.end - this.head.first + this.gone;
    const from = Math.max(0, Math.floor(this.port.scrollTop / ROW) - AROUND);
    const to = Math.min(count, from + Math.ceil(this.port.clientHeight / ROW) + 2 * AROUND);
    const missing = new Set();
    const wanted = new Set();
    for (let index = from; index < to; index++) {
      const place = index < this.gone ? "gone" : this.first + index - this.gone;
      wanted.add(place);
      this.drawRow(place, index);
      if (place !== "gone" && !this.rows.has(place)) missing.add(Math.floor(place / PAGE) * PAGE);
    }
    for (const [place, node] of this.drawn) {
      if (wanted.has(place)) continue;
      node.remove();
      this.drawn.delete(place);
    }
    for (const start of missing) {
      if (this.asked.has(start) && performance.now() - this.asked.get(start) < 60000) continue;
      this.asked.set(start, performance.now());
      this.ask({ kind: "rows", generation: this.generation, start, count: PAGE });
    }
  }

  drawRow(place, index) {
    let node = this.drawn.get(place);
    if (!node) {
      node = make("div", "paglets-drain-row", undefined, { role: "row", id: `row-${this.view}-${place}` });
      this.drawn.set(place, node);
      this.body.append(node);
    }
    node.style.top = `${index * ROW}px`;
    node.setAttribute("aria-rowindex", String(index + 2));
    node.dataset.place = place;
    node.classList.toggle("paglets-selected", place === this.selected);
    node.setAttribute("aria-selected", String(place === this.selected));
    const row = place === "gone" ? { gap: this.head.gone } : this.rows.get(place);
    if (node.row === row && row && !row.gap) return;
    node.row = row;
    node.classList.toggle("paglets-gap", Boolean(row?.gap));
    if (!row) node.replaceChildren(make("span", "paglets-absent", "…", { role: "gridcell" }));
    else if (row.gap) node.replaceChildren(make("span", "", row.gap, { role: "gridcell" }));
    else node.replaceChildren(...[row.cursor, ...row.cells].map((text, column) => {
      const name = column === 0 || this.numeric[column - 1] ? "paglets-number" : "";
      return make("span", name, text, { role: "gridcell" });
    }));
  }

  // ---- where the user looks

  onScroll() {
    const port = this.port;
    const atEnd = port.scrollTop + port.clientHeight >= port.scrollHeight - ROW / 2;
    const moved = port.scrollTop - this.top; // 0 where the list itself has changed
    if (moved > 0 && atEnd) this.setFollowing(true);
    else if (moved < -1 && !atEnd) this.setFollowing(false);
    this.top = port.scrollTop;
    this.draw();
  }

  setFollowing(following) {
    this.following = following;
    this.follow.setAttribute("aria-pressed", String(following));
  }

  toEnd() {
    this.setFollowing(true);
    this.port.scrollTop = this.port.scrollHeight;
    this.draw();
  }

  get indexOfSelected() {
    if (this.selected === null) return -1;
    return this.selected === "gone" ? 0 : this.selected - this.first + this.gone;
  }

  select(place) {
    this.selected = place;
    if (place === null) this.port.removeAttribute("aria-activedescendant");
    else this.port.setAttribute("aria-activedescendant", `row-${this.view}-${place}`);
  }

  selectIndex(index, middle = false) {
    const count = this.head.end - this.head.first + this.gone;
    if (!count) return;
    const chosen = Math.max(0, Math.min(count - 1, index));
    this.select(chosen < this.gone ? "gone" : this.first + chosen - this.gone);
    const port = this.port;
    const height = port.clientHeight - this.header.offsetHeight;
    const above = chosen * ROW;
    if (middle) port.scrollTop = above - height / 2;
    else if (above < port.scrollTop) port.scrollTop = above;
    else if (above + ROW > port.scrollTop + height) port.scrollTop = above + ROW - height;
    this.setFollowing(chosen === count - 1 && !middle);
    this.top = port.scrollTop;
    if (!this.details.hidden) this.askDetails();
    this.draw();
  }

  goTo(place, cursor) {
    if (place === null) {
      this.toEnd();
      this.say(`there is no event ${cursor} yet`);
      return;
    }
    this.selectIndex(place - this.first + this.gone, true);
    this.port.focus({ preventScroll: true });
  }

  onKey(event) {
    const page = Math.max(1, Math.floor((this.port.clientHeight - this.header.offsetHeight) / ROW) - 1);
    const top = Math.floor(this.port.scrollTop / ROW);
    const at = this.selected === null ? top : this.indexOfSelected;
    const count = this.head.end - this.head.first + this.gone;
    const moves = { ArrowDown: this.selected === null ? top : at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: count - 1 };
    if (event.key in moves && !event.altKey && !event.metaKey) {
      this.selectIndex(moves[event.key]);
      if (event.key === "End") this.toEnd();
    } else if (event.key === "Enter" && this.selected !== null) this.details.hidden ? this.askDetails() : this.hideDetails();
    else if (event.key === "Escape" && !this.details.hidden) this.hideDetails();
    else if (event.key.toLowerCase() === "c" && this.selected !== null && String(getSelection()) === "") this.copySelected();
    else if (event.key === "/") this.filter.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  onClick(event, open) {
    const row = event.target.closest(".paglets-drain-row");
    if (!row) return;
    this.select(row.dataset.place === "gone" ? "gone" : Number(row.dataset.place));
    if (open || !this.details.hidden) this.askDetails();
    this.draw();
  }

  // ---- one event

  askDetails() {
    if (this.selected === "gone") this.showDetails(this.head.gone);
    else this.ask({ kind: "details", value: this.selected });
  }

  copySelected() {
    if (this.selected === "gone") copyText(this.head.gone);
    else this.ask({ kind: "copy", value: this.selected });
  }

  showDetails(text) {
    this.text.textContent = text;
    this.details.hidden = false;
  }

  hideDetails() {
    this.details.hidden = true;
    this.port.focus({ preventScroll: true });
  }

  clearFilter(event) {
    this.filter.value = "";
    this.ask({ kind: "filter", value: "" });
    event.stopPropagation();
  }
}

function render({ model, el }) {
  const list = new List(model, el);
  return () => list.close();
}

export default { render };
