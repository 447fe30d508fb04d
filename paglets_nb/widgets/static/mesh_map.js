// The map of a mesh: draws the nodes that Python has laid out, moves them, and lets messages pass between them.
// Everything shown is set as text. All places come from Python; nothing is laid out here.

const SVG = "http://www.w3.org/2000/svg";
const [KIND, X, Y, WIDTH, HEIGHT, LABEL, NOTE, CLASS, FADED, HOST, TITLE] = Array(11).keys();
const MOST_PULSES = 64;
const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

function svg(name, attributes = {}, text = undefined) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

function html(name, className, text = undefined) {
  const element = document.createElement(name);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

/** What a node looks like, around its own upper left corner. */
function shapes(node, looks) {
  const [kind, width, height] = [node[KIND], node[WIDTH], node[HEIGHT]];
  const box = (className, rx) => svg("rect", { class: className, width, height, rx });
  const mark = (x) =>
    svg("path", {
      class: "pgm-mark",
      d: looks.marks[node[CLASS]],
      fill: looks.colours[node[CLASS]],
      transform: `translate(${x},${height / 2})`,
    });
  if (kind === "host") {
    return [
      box("pgm-box", 6),
      svg("text", { class: "pgm-name", x: 8, y: 20 }, node[LABEL]),
      svg("text", { class: "pgm-note", x: width - 8, y: 20, "text-anchor": "end" }, node[NOTE]),
    ];
  }
  if (kind === "tile") return [box("pgm-tile", 4), mark(12), svg("text", { x: 23, y: height / 2 + 4 }, node[LABEL])];
  if (kind === "dot") return [svg("rect", { class: "pgm-spot", x: -2, y: -2, width: width + 4, height: height + 4, rx: 3 }), mark(width / 2)];
  return [
    box("pgm-pill", height / 2),
    svg("text", { class: "pgm-note", x: width / 2, y: height / 2 + 4, "text-anchor": "middle" }, node[LABEL]),
  ];
}

/** What one page shows of a map; several may show the same one. */
class MapView {
  constructor(model, el) {
    this.model = model;
    this.looks = model.get("looks");
    this.elements = new Map();
    this.nodes = new Map();
    this.current = null;
    this.pulses = 0;
    this.dragging = false;
    this.root = html("div", "paglets-map");
    this.title = html("div", "pgm-title");
    this.canvas = svg("svg", { role: "group", "aria-label": "mesh map; arrow keys move, Enter shows details" });
    this.layers = ["pgm-hosts", "pgm-paglets", "pgm-pulses"].map((name) => svg("g", { class: name }));
    this.layers[2].setAttribute("aria-hidden", "true");
    this.canvas.append(...this.layers);
    const scroll = html("div", "pgm-scroll");
    scroll.append(this.canvas);
    this.legend = html("ul", "pgm-legend");
    this.legend.setAttribute("aria-label", "classes");
    this.details = html("div", "pgm-details");
    this.details.setAttribute("role", "status");
    this.details.hidden = true;
    this.root.append(this.title, scroll, this.legend, this.makeControls(), this.details);
    this.canvas.addEventListener("keydown", (event) => this.onKey(event));
    this.canvas.addEventListener("click", (event) => {
      const found = event.target.closest("[data-id]");
      if (found) this.choose(found.dataset.id, true);
    });
    this.canvas.addEventListener("focusin", (event) => {
      const found = event.target.closest("[data-id]");
      if (found && found.dataset.id !== this.current) this.choose(found.dataset.id, false, false);
    });
    el.append(this.root);
  }

  // ---- replay

  makeControls() {
    const bar = html("div", "pgm-controls");
    bar.setAttribute("role", "group");
    bar.setAttribute("aria-label", "replay");
    const button = (text, label, action) => {
      const made = html("button", "", text);
      made.type = "button";
      made.setAttribute("aria-label", label);
      made.addEventListener("click", action);
      return made;
    };
    this.play = button("▶", "play", () => this.model.send({ type: this.replay?.playing ? "pause" : "play" }));
    this.slider = html("input");
    Object.assign(this.slider, { type: "range", min: 0, max: 0, step: 1 });
    this.slider.setAttribute("aria-label", "moment");
    this.slider.addEventListener("input", () => this.model.send({ type: "seek", number: Number(this.slider.value) }));
    this.slider.addEventListener("pointerdown", () => { this.dragging = true; });
    for (const name of ["pointerup", "pointercancel", "blur"]) {
      this.slider.addEventListener(name, () => { this.dragging = false; });
    }
    this.live = button("Live", "back to what is so now", () => this.model.send({ type: "live" }));
    this.moment = html("span", "pgm-moment");
    bar.append(this.play, this.slider, this.live, this.moment);
    return bar;
  }

  showReplay(replay) {
    this.replay = replay;
    this.root.dataset.at = replay.at;
    this.slider.min = replay.first;
    this.slider.max = replay.last;
    if (!this.dragging) this.slider.value = replay.at;
    this.slider.setAttribute("aria-valuetext", `${replay.time} ${replay.what}`);
    this.play.textContent = replay.playing ? "❚❚" : "▶";
    this.play.setAttribute("aria-label", replay.playing ? "pause" : "play");
    this.live.setAttribute("aria-pressed", String(replay.live));
    this.root.classList.toggle("pgm-past", !replay.live);
    this.moment.textContent = [replay.time, replay.what].filter(Boolean).join("  ");
    this.moment.title = this.moment.textContent;
  }

  // ---- nodes

  show(state, changed, gone) {
    for (const id of gone) this.remove(id);
    for (const [id, node] of changed) this.put(id, node);
    const [width, height] = state.size;
    const box = `0 0 ${width} ${height}`;
    if (this.canvas.getAttribute("viewBox") !== box) {
      this.canvas.setAttribute("viewBox", box);
      this.canvas.style.maxWidth = `${width}px`;
    }
    this.drawn = true;
    this.title.textContent = state.title;
    this.showLegend(state.legend);
    this.showReplay(state.replay);
    if (!this.nodes.has(this.current)) this.choose(this.nodes.keys().next().value ?? null, false, false);
  }

  put(id, node) {
    const before = this.nodes.get(id);
    let element = this.elements.get(id);
    if (!element) {
      element = svg("g", { "data-id": id, tabindex: -1, role: "button" });
      if (this.drawn && !still()) element.classList.add("pgm-new");
      this.elements.set(id, element);
      this.layers[node[KIND] === "host" || node[KIND] === "notebook" ? 0 : 1].append(element);
    }
    this.nodes.set(id, node);
    element.dataset.kind = node[KIND];
    element.dataset.host = node[HOST];
    element.setAttribute("aria-label", node[TITLE]);
    element.classList.toggle("pgm-faded", Boolean(node[FADED]));
    element.style.transform = `translate(${node[X]}px, ${node[Y]}px)`;
    const looks = [KIND, WIDTH, HEIGHT, LABEL, NOTE, CLASS, TITLE];
    if (!before || looks.some((field) => before[field] !== node[field])) {
      element.replaceChildren(svg("title", {}, node[TITLE]), ...shapes(node, this.looks));
    }
  }

  remove(id) {
    const element = this.elements.get(id);
    this.elements.delete(id);
    this.nodes.delete(id);
    if (!element) return;
    element.removeAttribute("data-id");
    element.setAttribute("aria-hidden", "true");
    if (still()) return element.remove();
    element.animate([{ opacity: 1 }, { opacity: 0 }], 300).onfinish = () => element.remove();
  }

  showLegend(entries) {
    const key = JSON.stringify(entries);
    if (key === this.legendKey) return;
    this.legendKey = key;
    this.legend.replaceChildren(
      ...entries.map(([number, label, count]) => {
        const picture = svg("svg", { viewBox: "-7 -7 14 14", width: 14, height: 14, "aria-hidden": "true" });
        picture.append(svg("path", { class: "pgm-mark", d: this.looks.marks[number], fill: this.looks.colours[number] }));
        const entry = html("li");
        entry.append(picture, html("span", "", `${label} (${count})`));
        return entry;
      }),
    );
  }

  // ---- messages

  pulse([source, target, count, kind, failed]) {
    const to = this.nodes.get(target);
    if (!to) return;
    this.root.dataset.pulses = String(Number(this.root.dataset.pulses ?? 0) + count);
    if (this.pulses >= MOST_PULSES || document.hidden) return;
    const middle = (node) => [node[X] + (node[KIND] === "tile" ? 12 : node[WIDTH] / 2), node[Y] + node[HEIGHT] / 2];
    const end = middle(to);
    const from = this.nodes.get(source);
    const start = from && source !== target ? middle(from) : end;
    const group = svg("g", { class: failed ? "pgm-pulse pgm-failed" : "pgm-pulse" });
    group.dataset.kind = kind;
    group.append(svg("line", { x1: start[0], y1: start[1], x2: end[0], y2: end[1] }));
    const spot = svg("circle", { r: count > 1 ? 5 : 3.5 });
    const ring = svg("circle", { class: "pgm-ring", r: 9, cx: end[0], cy: end[1] });
    group.append(spot, ring);
    this.layers[2].append(group);
    this.pulses += 1;
    const place = ([x, y]) => ({ transform: `translate(${x}px, ${y}px)` });
    const path = still() ? [place(end), place(end)] : [place(start), place(end)];
    ring.animate([{ opacity: 0 }, { opacity: 0, offset: 0.7 }, { opacity: 1 }], 600);
    group.animate([{ opacity: 1 }, { opacity: 1, offset: 0.8 }, { opacity: 0 }], 750);
    spot.animate(path, { duration: 600, easing: "ease-in-out", fill: "forwards" });
    setTimeout(() => {
      group.remove();
      this.pulses -= 1;
    }, 740);
  }

  // ---- keys

  /** The nodes beside one: hosts and the notebook, or the paglets of one host. */
  beside(id) {
    const node = this.nodes.get(id);
    const outer = (other) => other[KIND] === "host" || other[KIND] === "notebook";
    const fits = outer(node) ? outer : (other) => !outer(other) && other[HOST] === node[HOST];
    const found = [...this.nodes].filter(([, other]) => fits(other));
    found.sort(([, a], [, b]) => a[Y] - b[Y] || a[X] - b[X]);
    return found.map(([key]) => key);
  }

  next(id, key) {
    const node = this.nodes.get(id);
    if (!node) return null;
    const inside = (host) => [...this.nodes].find(([, other]) => other[HOST] === host && !["host", "notebook"].includes(other[KIND]));
    if (key === "ArrowDown" && node[KIND] === "host") {
      const first = inside(node[HOST])?.[0];
      return first && this.beside(first)[0];
    }
    if (key === "ArrowUp" && node[HOST] && node[KIND] !== "host") return `host:${node[HOST]}`;
    const row = this.beside(id);
    const at = row.indexOf(id);
    const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: row.length - 1 }[key];
    return to === undefined ? null : row[(to + row.length) % row.length];
  }

  onKey(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "Enter" || event.key === " ") {
      this.choose(this.current, true);
    } else if (event.key === "Escape") {
      this.details.hidden = true;
    } else {
      const to = this.next(this.current, event.key);
      if (!to) return;
      this.choose(to, false);
    }
    event.preventDefault();
    event.stopPropagation();
  }

  choose(id, ask, focus = true) {
    this.elements.get(this.current)?.setAttribute("tabindex", -1);
    this.current = id;
    const element = this.elements.get(id);
    element?.setAttribute("tabindex", 0);
    if (focus) element?.focus();
    const node = this.nodes.get(id);
    if (!ask || !node || node[KIND] === "notebook" || node[KIND] === "more") return;
    this.asked = id;
    this.showDetails([[node[TITLE], "asking its host ..."]]);
    this.model.send({ type: "details", id });
  }

  showDetails(rows) {
    const list = html("dl");
    for (const [name, value] of rows) list.append(html("dt", "", name), html("dd", "", value));
    const close = html("button", "pgm-close", "×");
    close.type = "button";
    close.setAttribute("aria-label", "close the details");
    close.addEventListener("click", () => {
      this.details.hidden = true;
      this.elements.get(this.current)?.focus();
    });
    this.details.replaceChildren(list, close);
    this.details.hidden = false;
  }

  onDetails(content) {
    if (content.id === this.asked) this.showDetails(content.details);
  }
}

/** One map: keeps what Python has told, for the views that come and go. */
export default () => {
  const views = new Set();
  let number = -1;
  let nodes = new Map();
  let state = null;
  let asked = 0;

  function whole(scene) {
    if (!scene?.nodes || scene.number < number) return;
    const fresh = new Map(Object.entries(scene.nodes));
    const gone = [...nodes.keys()].filter((id) => !fresh.has(id));
    [number, nodes, state] = [scene.number, fresh, scene];
    for (const view of views) view.show(state, nodes, gone);
  }

  function frame(model, told) {
    if (told.number <= number) return;
    if (told.number !== number + 1) {
      // some were missed: all of it, please
      if (Date.now() - asked > 1000) {
        asked = Date.now();
        model.send({ type: "all" });
      }
      return;
    }
    number = told.number;
    for (const id of told.gone) nodes.delete(id);
    const changed = new Map(Object.entries(told.set));
    for (const [id, node] of changed) nodes.set(id, node);
    state = told;
    for (const view of views) {
      view.show(state, changed, told.gone);
      for (const pulse of told.pulses) view.pulse(pulse);
    }
  }

  return {
    initialize({ model }) {
      whole(model.get("scene"));
      model.on("change:scene", () => whole(model.get("scene")));
      model.on("msg:custom", (content) => {
        if (content.details) for (const view of views) view.onDetails(content);
        else frame(model, content);
      });
    },
    render({ model, el }) {
      const view = new MapView(model, el);
      views.add(view);
      if (state) view.show(state, nodes, []);
      return () => views.delete(view);
    },
  };
};
