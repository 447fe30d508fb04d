// The hosts of a mesh: a row for each, its paglets below it, and buttons.

const COLUMNS = ["Host", "State", "PID", "Paglets", "CPU", "Memory", "Msg/s", "Restarts", ""];
const FIGURES = ["pid", "paglets", "cpu", "memory", "rate", "restarts"];
const ACTIONS = [
  ["interrupt", "Interrupt", "Interrupt the code that its kernel executes"],
  ["restart", "Restart", "End it and start it again; durable paglets come back"],
  ["remove", "Remove", "Move its paglets to the other hosts, then end it"],
];

function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function button(className, label, onClick) {
  const made = make("button", className, label);
  made.type = "button";
  made.addEventListener("click", onClick);
  return made;
}

class Row {
  constructor(panel, name) {
    this.panel = panel;
    this.name = name;
    this.up = false;
    this.line = make("tr", "pgp-host");
    this.arrow = make("span", "pgp-arrow", "\u203a");
    this.arrow.setAttribute("aria-hidden", "true");
    this.toggle = button("pgp-name", undefined, () => panel.toggle(name));
    this.toggle.append(this.arrow, make("span", "", name));
    this.toggle.setAttribute("aria-label", `Paglets of ${name}`);
    const head = make("th");
    head.scope = "row";
    head.append(this.toggle);
    this.dot = make("span", "pgp-dot");
    this.state = make("span", "pgp-state");
    this.note = make("div", "pgp-note");
    const state = make("td");
    state.append(this.dot, this.state, this.note);
    this.figures = Object.fromEntries(FIGURES.map((key) => [key, make("td", `pgp-number pgp-${key}`)]));
    this.actions = make("td", "pgp-actions");
    this.buttons = ACTIONS.map(([action, label, title]) => {
      const made = button("pgp-action", label, () => (action === "remove" ? this.confirm(action) : panel.ask(action, name)));
      made.title = title;
      made.setAttribute("aria-label", `${label} ${name}`);
      return made;
    });
    this.actions.append(...this.buttons);
    this.line.append(head, state, ...Object.values(this.figures), this.actions);
    [this.asks, this.asked] = this.wide("pgp-asks");
    [this.below, this.place] = this.wide("pgp-below");
    this.parts = [this.line, this.asks, this.below];
  }

  // A row of one cell below the host's own, hidden at first.
  wide(className) {
    const line = make("tr", className);
    const cell = make("td");
    cell.colSpan = COLUMNS.length;
    line.append(cell);
    line.hidden = true;
    return [line, cell];
  }

  update(row) {
    this.row = row;
    const asked = this.panel.pending.get(this.name);
    const working = Boolean(row.doing || asked);
    this.line.dataset.tone = working ? "busy" : row.tone;
    say(this.state, row.doing || asked || row.state);
    say(this.note, working ? "" : row.note);
    for (const [key, cell] of Object.entries(this.figures)) say(cell, String(row[key]));
    this.figures.cpu.style.setProperty("--pgp-load", `${Math.round(100 * row.load)}%`);
    this.figures.memory.title = row.memory_hint;
    this.line.setAttribute("aria-busy", String(working));
    const usable = this.panel.model.get("running") && !working;
    this.buttons.forEach((made, index) => this.enable(made, usable && (row.up || index > 0)));
    if (this.question && this.asksFor === "remove") say(this.question, this.removal());
    if (working) this.cancel();
  }

  // A disabled button would lose the focus, and with it the place of whoever works by keyboard.
  enable(made, usable) {
    made.setAttribute("aria-disabled", String(!usable));
  }

  removal() {
    const count = this.row.count;
    const what = count ? `${count} paglet${count === 1 ? "" : "s"} will be moved away first.` : "It has no paglets.";
    return `Remove ${this.name}? ${what}`;
  }

  button(action) {
    return this.buttons[ACTIONS.findIndex(([is]) => is === action)];
  }

  // Ask before something is done that cannot be undone.
  confirm(action, text = this.removal()) {
    const asked = this.button(action);
    if (asked.getAttribute("aria-disabled") === "true" || (this.question && this.asksFor === action)) return;
    this.asksFor = action;
    this.question = make("span", "pgp-question", text);
    this.question.id = `pgp-question-${Math.random().toString(36).slice(2)}`;
    const yes = button("pgp-action pgp-danger", asked.textContent, () => {
      this.cancel();
      this.panel.ask(action, this.name, true);
    });
    yes.setAttribute("aria-describedby", this.question.id);
    const no = button("pgp-action", "Cancel", () => this.cancel());
    this.asked.replaceChildren(this.question, yes, no);
    this.asks.hidden = false;
    // a question that comes late must not take the focus from where its user types by now
    if (action === "remove" || this.line.contains(document.activeElement)) yes.focus();
  }

  cancel() {
    if (!this.question) return;
    const focused = this.asks.contains(document.activeElement);
    this.question = null;
    this.asks.hidden = true;
    this.asked.replaceChildren();
    if (focused) this.button(this.asksFor).focus();
  }

  list(open, listed) {
    this.toggle.setAttribute("aria-expanded", String(open));
    this.below.hidden = !open;
    const drawn = open ? JSON.stringify(listed ?? null) : "";
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    if (!open || !listed) this.place.replaceChildren(make("div", "pgp-empty", open ? "Asking ..." : ""));
    else if (!listed.total) this.place.replaceChildren(make("div", "pgp-empty", "No paglets."));
    else this.place.replaceChildren(this.table(listed));
  }

  table(listed) {
    const box = make("div", "pgp-listed");
    box.tabIndex = 0;
    box.setAttribute("role", "region");
    box.setAttribute("aria-label", `Paglets of ${this.name}`);
    const table = make("table");
    const head = make("tr");
    for (const title of ["Paglet", "Class", "Waiting", "State", "Tells"]) head.append(make("th", "", title));
    table.append(head);
    for (const cells of listed.rows) {
      const line = make("tr");
      cells.forEach((cell) => line.append(make("td", "", String(cell))));
      line.dataset.state = cells[3];
      table.append(line);
    }
    box.append(table);
    if (listed.total > listed.rows.length) {
      box.append(make("div", "pgp-empty", `and ${listed.total - listed.rows.length} more`));
    }
    return box;
  }

  remove() {
    const focused = this.parts.some((part) => part.contains(document.activeElement));
    this.parts.forEach((part) => part.remove());
    return focused;
  }
}

class Panel {
  constructor(model, el) {
    this.model = model;
    this.rows = new Map();
    this.pending = new Map();
    this.root = make("section", "pgp-panel");
    this.root.setAttribute("aria-label", `Mesh ${model.get("mesh")}`);
    this.head();
    this.table();
    this.problem = make("div", "pgp-problem");
    this.problem.setAttribute("role", "alert");
    this.message = make("span");
    const dismiss = button("pgp-action", "Dismiss", () => {
      model.send({ do: "dismiss" });
      this.problem.hidden = true;
    });
    this.problem.append(this.message, dismiss);
    this.told = make("div", "pgp-told");
    this.told.setAttribute("role", "status");
    this.root.append(this.problem, this.told);
    this.root.addEventListener("keydown", (event) => this.key(event));
    el.append(this.root);
    this.hooks = [
      ["change:hosts change:listed change:opened change:running change:headline", () => this.draw()],
      ["change:unread change:reading", () => this.drawNotices()],
      ["change:adding change:error change:told", () => this.draw()],
      ["change:handled", () => this.settle()],
      ["msg:custom", (told) => told?.ask && this.rows.get(told.host)?.confirm(told.ask, told.text)],
    ];
    for (const [events, hook] of this.hooks) for (const event of events.split(" ")) model.on(event, hook);
    this.draw();
    requestAnimationFrame(() => this.drawNotices()); // the list below is in the page by then
  }

  head() {
    const head = make("header", "pgp-head");
    this.title = make("span", "pgp-title", this.model.get("mesh"));
    this.headline = make("span", "pgp-headline");
    this.bell = button("pgp-action pgp-bell", "Notifications", () => {
      this.model.set("reading", !this.model.get("reading"));
      this.model.save_changes();
    });
    this.unread = make("span", "pgp-unread");
    this.bell.append(this.unread);
    this.add = button("pgp-action pgp-add", "Add a host", () => this.ask("add", ""));
    head.append(this.title, this.headline, this.bell, this.add);
    this.root.append(head);
  }

  table() {
    const box = make("div", "pgp-scroll");
    const table = make("table", "pgp-hosts");
    const head = make("thead");
    const line = make("tr");
    COLUMNS.forEach((title, index) => {
      const cell = make("th", index > 1 && title ? "pgp-number" : "", title);
      cell.scope = "col";
      if (!title) cell.setAttribute("aria-label", "Actions");
      line.append(cell);
    });
    head.append(line);
    this.body = make("tbody");
    table.append(head, this.body);
    box.append(table);
    this.root.append(box);
  }

  ask(action, host, sure = false) {
    const doer = action === "add" ? this.add : this.rows.get(host)?.button(action);
    if (!doer || doer.getAttribute("aria-disabled") === "true") return;
    this.pending.set(host, `${action} asked for`);
    this.model.send({ do: action, host, sure });
    this.draw();
  }

  settle() {
    this.pending.clear();
    this.draw();
  }

  toggle(name) {
    const open = this.model.get("opened");
    this.model.set("opened", open.includes(name) ? open.filter((other) => other !== name) : [...open, name]);
    this.model.save_changes();
    this.draw();
  }

  draw() {
    const { model } = this;
    const hosts = model.get("hosts");
    const open = new Set(model.get("opened"));
    const listed = model.get("listed");
    say(this.headline, model.get("headline"));
    const adding = model.get("adding") || this.pending.has("");
    this.add.setAttribute("aria-disabled", String(Boolean(adding) || !model.get("running")));
    say(this.add, adding ? "Adding a host ..." : "Add a host");
    say(this.message, model.get("error"));
    say(this.told, model.get("told"));
    this.problem.hidden = !model.get("error");
    const names = new Set(hosts.map((host) => host.name));
    for (const [name, row] of this.rows) {
      if (names.has(name)) continue;
      this.rows.delete(name);
      if (row.remove()) this.add.focus();
    }
    let before = null;
    for (const host of hosts) {
      let row = this.rows.get(host.name);
      if (!row) this.rows.set(host.name, (row = new Row(this, host.name)));
      const place = before ? before.nextSibling : this.body.firstChild;
      if (row.line !== place) row.parts.forEach((part) => this.body.insertBefore(part, place));
      row.update(host);
      row.list(open.has(host.name), listed[host.name]);
      before = row.below;
    }
  }

  drawNotices() {
    const reading = this.model.get("reading");
    const unread = reading ? 0 : this.model.get("unread");
    say(this.unread, unread ? String(unread) : "");
    this.bell.setAttribute("aria-expanded", String(reading));
    this.bell.setAttribute("aria-label", unread ? `Notifications, ${unread} unread` : "Notifications");
    this.root.closest(".paglets-panel")?.classList.toggle("pgp-reading", reading);
  }

  // The arrow keys go between the buttons: along a row, and to the same place in the next one.
  key(event) {
    const focused = document.activeElement;
    if (event.key === "Enter" && event.repeat) {
      event.preventDefault(); // a key that is held must not confirm what it asked
      return;
    }
    const row = [...this.rows.values()].find((one) => one.parts.some((part) => part.contains(focused)));
    if (!row) return;
    const places = (one) => [...(one.asks.contains(focused) ? one.asks : one.line).querySelectorAll("button")];
    const rows = [...this.rows.values()].sort((one, other) => one.line.rowIndex - other.line.rowIndex);
    const at = places(row).indexOf(focused);
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const turn = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape" && row.question) row.cancel();
    else if (step) places(row)[at + step]?.focus();
    else if (turn) {
      const next = rows[rows.indexOf(row) + turn];
      if (next) (places(next)[at] ?? places(next).at(-1)).focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  close() {
    for (const [events, hook] of this.hooks) for (const event of events.split(" ")) this.model.off(event, hook);
    this.root.remove();
  }
}

export default {
  render({ model, el }) {
    const panel = new Panel(model, el);
    return () => panel.close();
  },
};
