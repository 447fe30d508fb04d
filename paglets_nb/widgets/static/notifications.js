// What paglets told, newest first: filtered by severity, each opened by a click or Enter.

const FILTERS = [["", "All"], ["info", "Info"], ["warning", "Warnings"], ["error", "Errors"]];
const KEPT_EACH = 100;

function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

// The entries of one model, shared by its views.
class Store {
  constructor(model) {
    this.model = model;
    this.entries = new Map();
    this.whole = new Map();
    this.views = new Set();
    this.add(model.get("entries"));
    this.take = (message) => {
      if (message.add) this.add(message.add);
      if (message.whole) {
        this.whole.set(message.whole.number, message.whole);
        if (this.whole.size > KEPT_EACH) this.whole.delete(this.whole.keys().next().value);
        this.views.forEach((view) => view.fill(message.whole.number));
      }
    };
    model.on("msg:custom", this.take);
    model.send({ since: Math.max(0, ...this.entries.keys()) }); // what came before this could listen
  }

  add(fresh) {
    const added = fresh.filter((entry) => !this.entries.has(entry.number));
    if (!added.length) return;
    added.forEach((entry) => this.entries.set(entry.number, entry));
    const counts = {};
    for (const entry of this.newest()) {
      counts[entry.severity] = (counts[entry.severity] ?? 0) + 1;
      if (counts[entry.severity] > KEPT_EACH) this.entries.delete(entry.number);
    }
    this.views.forEach((view) => view.draw());
  }

  newest() {
    return [...this.entries.values()].sort((one, other) => other.number - one.number);
  }

  close() {
    this.model.off("msg:custom", this.take);
  }
}

class View {
  constructor(store, model, el) {
    this.store = store;
    this.model = model;
    this.items = new Map();
    this.open = null;
    this.root = make("div", "pgn-notices");
    this.filters = new Map(FILTERS.map(([severity, label]) => [severity, this.filter(severity, label)]));
    const bar = make("div", "pgn-filters");
    bar.setAttribute("role", "group");
    bar.setAttribute("aria-label", "Show notifications of");
    bar.append(...this.filters.values());
    this.list = make("ul", "pgn-list");
    this.list.setAttribute("aria-label", "Notifications, newest first");
    this.list.setAttribute("aria-live", "polite");
    this.list.addEventListener("keydown", (event) => this.key(event));
    this.empty = make("div", "pgn-empty");
    this.root.append(bar, this.empty, this.list);
    el.append(this.root);
    this.redraw = () => this.draw();
    model.on("change:severity", this.redraw);
    store.views.add(this);
    this.draw();
  }

  filter(severity, label) {
    const button = make("button", "pgn-filter");
    button.type = "button";
    button.dataset.label = label;
    button.addEventListener("click", () => {
      this.model.set("severity", severity);
      this.model.save_changes();
      this.draw();
    });
    return button;
  }

  draw() {
    const chosen = this.model.get("severity");
    const all = this.store.newest();
    for (const [severity, button] of this.filters) {
      const count = severity ? all.filter((entry) => entry.severity === severity).length : all.length;
      button.textContent = `${button.dataset.label} ${count}`;
      button.setAttribute("aria-pressed", String(severity === chosen));
    }
    const shown = all.filter((entry) => !chosen || entry.severity === chosen);
    this.empty.textContent = all.length ? "None of these." : "Nothing was told yet.";
    this.empty.hidden = shown.length > 0;
    const wanted = new Set(shown.map((entry) => entry.number));
    for (const [number, item] of this.items) {
      if (wanted.has(number)) continue;
      item.remove();
      this.items.delete(number);
    }
    let before = null;
    for (const entry of shown) {
      const item = this.items.get(entry.number) ?? this.item(entry);
      const place = before ? before.nextSibling : this.list.firstChild;
      if (item !== place) this.list.insertBefore(item, place);
      before = item;
    }
  }

  item(entry) {
    const item = make("li", `pgn-notice pgn-${entry.severity}`);
    const line = make("button", "pgn-line");
    line.type = "button";
    line.setAttribute("aria-expanded", "false");
    line.append(
      make("span", "pgn-severity", entry.severity),
      make("span", "pgn-title", entry.title),
      make("span", "pgn-message", entry.message),
      make("span", "pgn-source", entry.source),
      make("span", "pgn-time", entry.time),
    );
    line.addEventListener("click", () => this.toggle(entry.number));
    item.append(line);
    this.items.set(entry.number, item);
    return item;
  }

  toggle(number) {
    const former = this.open;
    this.shut();
    if (former === number) return;
    this.open = number;
    const item = this.items.get(number);
    item.classList.add("pgn-open");
    item.firstChild.setAttribute("aria-expanded", "true");
    item.append(make("div", "pgn-whole"));
    this.fill(number);
    if (this.store.entries.get(number)?.clipped && !this.store.whole.has(number)) this.model.send({ whole: number });
  }

  shut() {
    const item = this.items.get(this.open);
    this.open = null;
    if (!item) return;
    item.classList.remove("pgn-open");
    item.firstChild.setAttribute("aria-expanded", "false");
    item.querySelector(".pgn-whole")?.remove();
  }

  fill(number) {
    const entry = this.store.entries.get(number);
    const place = this.open === number ? this.items.get(number)?.querySelector(".pgn-whole") : null;
    if (!entry || !place) return;
    const whole = this.store.whole.get(number) ?? entry;
    const facts = make("dl");
    const told = [["from", entry.source], ["paglet", entry.paglet], ["job", entry.job], ["at", entry.time]];
    for (const [name, value] of [...told, ...(whole.metadata ?? [])]) {
      if (value !== "") facts.append(make("dt", "", name), make("dd", "", value));
    }
    place.replaceChildren(make("b", "", whole.title), make("pre", "", whole.message), facts);
  }

  key(event) {
    const lines = [...this.list.querySelectorAll(".pgn-line")];
    const at = lines.indexOf(document.activeElement);
    if (at < 0) return;
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: lines.length - 1 }[event.key];
    if (event.key === "Escape" && this.open !== null) this.shut();
    else if (to !== undefined) lines[Math.min(Math.max(to, 0), lines.length - 1)].focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  close() {
    this.store.views.delete(this);
    this.model.off("change:severity", this.redraw);
    this.root.remove();
  }
}

export default () => {
  let store;
  return {
    initialize({ model }) {
      store = new Store(model);
      return () => store.close();
    },
    render({ model, el }) {
      const view = new View(store, model, el);
      return () => view.close();
    },
  };
};
