// The page's side of a form. It holds what is typed until it is sent: what a control shows is a
// raw value (see widgets/forms/requests.py), and all of them go to the kernel together.

const PAUSE = 200; // milliseconds without a keystroke before the kernel is told
const DEEPEST = 8; // groups within groups
const own = Math.random().toString(36).slice(2); // this module is loaded once for each form of a page
let made = 0;
const newId = (what) => `paglets-${what}-${own}-${++made}`;

function node(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (name in element && typeof value !== "string") element[name] = value;
    else element.setAttribute(name === "class_" ? "class" : name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

function button(text, label, onclick, kind = "") {
  return node("button", { type: "button", class_: `paglets-form-button ${kind}`, "aria-label": label, onclick }, text);
}

// ---- controls: each has root, input (what a label is for), get() and set(raw)

function textControl(field, { lines = false, datalist = null } = {}) {
  const tag = lines ? "textarea" : "input";
  const properties = { class_: "paglets-form-input", spellcheck: false, placeholder: field.hint || "" };
  const input = node(tag, lines ? { ...properties, rows: "2" } : { ...properties, type: "text", autocomplete: "off" });
  if (datalist) input.setAttribute("list", datalist.id);
  const fit = () => lines && input.setAttribute("rows", Math.min(10, Math.max(2, input.value.split("\n").length)));
  input.addEventListener("input", fit);
  const root = datalist ? node("span", { class_: "paglets-form-wide" }, input, datalist) : input;
  const set = (raw) => ((input.value = raw ?? ""), fit());
  return { root, input, get: () => input.value, set };
}

function checkbox() {
  const input = node("input", { type: "checkbox", class_: "paglets-form-checkbox" });
  return { root: input, input, get: () => input.checked, set: (raw) => (input.checked = raw === true || raw === "true") };
}

function number(field) {
  const { input, get, set: write } = textControl(field);
  input.setAttribute("inputmode", field.whole ? "numeric" : "decimal");
  input.classList.add("paglets-form-number");
  if (!field.slider) return { root: input, input, get, set: write };
  const [min, max, step] = field.slider;
  const range = node("input", { type: "range", min: `${min}`, max: `${max}`, step: `${step}`, class_: "paglets-form-range" });
  range.setAttribute("aria-label", `${field.name}, ${min} to ${max}`);
  const follow = () => Number.isFinite(Number(input.value)) && input.value !== "" && (range.value = input.value);
  range.addEventListener("input", () => (input.value = range.value));
  input.addEventListener("input", follow);
  const root = node("span", { class_: "paglets-form-wide paglets-form-row" }, range, input);
  return { root, input, get, set: (raw) => (write(raw), follow()) };
}

function choice(field) {
  const input = node("select", { class_: "paglets-form-input" });
  for (const label of field.choices) input.append(node("option", { value: label }, label));
  return { root: input, input, get: () => input.value, set: (raw) => (input.value = raw) };
}

function bytes(field) {
  const { input, get, set } = textControl(field);
  const kind = node("select", { class_: "paglets-form-input paglets-form-kind", "aria-label": `${field.name} is written as` });
  for (const way of ["text", "hex"]) kind.append(node("option", { value: way }, way));
  const root = node("span", { class_: "paglets-form-wide paglets-form-row" }, input, kind);
  const show = (raw) => ((kind.value = "hex" in raw ? "hex" : "text"), set(raw.hex ?? raw.text));
  return { root, input, get: () => ({ [kind.value]: get() }), set: (raw) => show(typeof raw === "string" ? { text: raw } : raw) };
}

// What can be added to and removed from: rows of dataclasses, pairs of a dict.
function list(form, field, what, makeRow) {
  const rows = [];
  const holder = node("div", { class_: "paglets-form-rows" });
  const remove = (row) => {
    const at = rows.indexOf(row);
    rows.splice(at, 1);
    row.root.remove();
    (rows[Math.min(at, rows.length - 1)]?.remove ?? add).focus();
    number_();
    form.changed();
  };
  const append = (raw) => {
    const row = makeRow(raw);
    row.remove = button("\u2715", "", () => remove(row), "paglets-form-quiet");
    row.root = node("div", { class_: "paglets-form-entry" }, row.content, row.remove);
    rows.push(row);
    holder.append(row.root);
    number_();
    return row;
  };
  const number_ = () => rows.forEach((row, at) => row.remove.setAttribute("aria-label", `remove ${what} ${at + 1} of ${field.name}`));
  const add = button(`+ ${what}`, `add to ${field.name}`, () => {
    append(null).focus();
    form.changed();
  }, "paglets-form-quiet");
  const root = node("div", { class_: "paglets-form-wide" }, holder, add);
  const set = (raws) => {
    rows.splice(0).forEach((row) => row.root.remove());
    if (Array.isArray(raws)) raws.forEach(append);
  };
  return { root, input: add, rows, get: () => rows.map((row) => row.get()), set };
}

function pairs(form, field) {
  return list(form, field, "entry", (raw) => {
    const [key, value] = ["key", "value"].map((part) => {
      return node("input", { type: "text", class_: "paglets-form-input", placeholder: part, "aria-label": `${part} in ${field.name}`, autocomplete: "off" });
    });
    [key.value, value.value] = raw ?? ["", ""];
    return { content: node("span", { class_: "paglets-form-wide paglets-form-row" }, key, value), get: () => [key.value, value.value], focus: () => key.focus() };
  });
}

function rows(form, field, depth) {
  return list(form, field, "row", (raw) => {
    const group = new Group(form, form.fieldsOf(field), depth + 1);
    if (raw !== null) group.set(raw);
    return { content: group.root, group, get: () => group.get(), focus: () => group.focus() };
  });
}

function group(form, field, depth) {
  const inner = new Group(form, form.fieldsOf(field), depth + 1);
  return { root: inner.root, input: null, group: inner, get: () => inner.get(), set: (raw) => inner.set(raw), focus: () => inner.focus() };
}

function paths(form, field) {
  const datalist = node("datalist", { id: newId("paths") });
  const control = textControl(field, { datalist });
  control.input.addEventListener("input", () => form.complete(control.input.value, datalist));
  return control;
}

function controlOf(form, field, depth) {
  switch (field.control) {
    case "checkbox": return checkbox();
    case "number": return number(field);
    case "lines": return textControl(field, { lines: true });
    case "items": return textControl({ ...field, hint: "one per line; or between commas in a single line" }, { lines: true });
    case "choice": return choice(field);
    case "bytes": return bytes(field);
    case "path": return paths(form, field);
    case "pairs": return pairs(form, field);
    case "rows": return rows(form, field, depth);
    case "group": return group(form, field, depth);
    default: return textControl(field);
  }
}

// ---- one field: its label, its control, whether it is set, its error

class Field {
  constructor(form, field, depth) {
    Object.assign(this, { form, field, depth, touched: false, control: null });
    const id = newId("field");
    this.nested = field.control === "group";
    const names = [node("span", { class_: "paglets-form-name" }, field.name)];
    if (field.required) names.push(node("span", { class_: "paglets-form-needed", title: "has no default" }, "*"));
    this.holder = node("div", { class_: "paglets-form-control" });
    this.error = node("div", { class_: "paglets-form-error", id: `${id}-error`, role: "alert", hidden: true });
    this.isSet = null;
    if (field.optional) {
      this.isSet = node("input", { type: "checkbox", class_: "paglets-form-checkbox", title: "None where it is not set", "aria-label": `set ${field.name}` });
      this.isSet.addEventListener("change", () => this.toggle(true));
      this.none = node("span", { class_: "paglets-form-none" }, "None");
    }
    const help = field.help ? node("div", { class_: "paglets-form-help", id: `${id}-help` }, field.help) : null;
    const content = node("div", { class_: "paglets-form-content" }, this.holder, this.nested ? null : help, this.error);
    this.id = id;
    const told = [field.hint, field.help].filter(Boolean).join("; ");
    this.title = `${field.name}: ${field.type}${told ? ` \u2013 ${told}` : ""}`;
    if (this.nested) {
      const summary = node("summary", { title: this.title }, ...names, help);
      this.fold = node("details", { class_: "paglets-form-group", open: depth < 2 }, summary, content);
      this.root = node("div", { class_: "paglets-form-field paglets-form-nested" }, this.fold);
    } else {
      const label = node("label", { for: id, class_: "paglets-form-label", title: this.title }, ...names);
      this.root = node("div", { class_: "paglets-form-field" }, label, content);
    }
    if (this.isSet) this.holder.append(this.isSet, this.none);
    if (!field.optional) this.make();
    this.set(field.initial);
    content.addEventListener("change", () => (this.touched = true));
    content.addEventListener("input", () => (this.untyped = false));
  }

  make() {
    if (this.control || this.depth > DEEPEST) return;
    this.control = controlOf(this.form, this.field, this.depth);
    const input = this.control.input;
    if (input) {
      input.id = this.id;
      input.title = this.title;
      const described = [this.field.help ? `${this.id}-help` : "", `${this.id}-error`].filter(Boolean).join(" ");
      input.setAttribute("aria-describedby", described);
      if (this.field.optional) input.setAttribute("aria-label", this.field.name);
    }
    this.holder.append(this.control.root);
    if (this.field.blank !== null && !this.control.group) this.control.set(this.field.blank);
  }

  toggle(byUser) {
    const on = this.isSet.checked;
    if (on) this.make();
    if (this.control) this.control.root.hidden = !on;
    this.none.hidden = on;
    if (byUser && on) this.focus();
  }

  get() {
    if ((this.isSet && !this.isSet.checked) || !this.control) return null;
    const raw = this.control.get();
    return this.untyped && raw === "" ? null : raw;
  }

  set(raw) {
    if (this.isSet) {
      this.isSet.checked = raw !== null && raw !== undefined;
      this.toggle(false);
    }
    // what is needed and was not typed is null; once somebody typed there, an empty text is meant
    this.untyped = !this.isSet && raw === null;
    if (this.control && raw !== null && raw !== undefined) this.control.set(raw);
    else if (this.untyped && this.field.blank === "") this.control?.set("");
  }

  focus() {
    if (this.fold) this.fold.open = true;
    if (this.control?.focus) this.control.focus();
    else this.control?.input?.focus();
  }

  // Show what is wrong below this path; returns the first field that has an error.
  showErrors(errors, path, all) {
    const text = all || this.touched ? errors[path] ?? "" : "";
    this.error.textContent = text;
    this.error.hidden = !text;
    this.control?.input?.setAttribute("aria-invalid", text ? "true" : "false");
    const inner = [];
    if (this.control?.group) inner.push(this.control.group.showErrors(errors, `${path}.`, all));
    (this.control?.rows ?? []).forEach((row, at) => {
      if (row.group) inner.push(row.group.showErrors(errors, `${path}[${at}].`, all));
    });
    const first = inner.find(Boolean) ?? null;
    if (first && this.fold) this.fold.open = true;
    return text ? this : first;
  }
}

class Group {
  constructor(form, fields, depth) {
    this.fields = new Map(fields.map((field) => [field.name, new Field(form, field, depth)]));
    this.root = node("div", { class_: "paglets-form-fields" }, ...[...this.fields.values()].map((field) => field.root));
  }
  get() {
    return Object.fromEntries([...this.fields].map(([name, field]) => [name, field.get()]));
  }
  set(raw) {
    for (const [name, field] of this.fields) if (raw && name in raw) field.set(raw[name]);
  }
  focus() {
    this.fields.values().next().value?.focus();
  }
  showErrors(errors, prefix, all) {
    const found = [...this.fields].map(([name, field]) => field.showErrors(errors, `${prefix}${name}`, all));
    return found.find(Boolean) ?? null;
  }
}

// ---- the form

class Form {
  constructor(model, el) {
    this.model = model;
    this.timers = {};
    this.all = false;
    this.waiting = false;
    this.build(el);
    this.handlers = {
      "change:values": () => this.fill(),
      "change:errors": () => this.showErrors(),
      "change:status": () => this.showStatus(),
      "change:code": () => this.showCode(),
      "change:history": () => this.showHistory(),
      "msg:custom": (content) => this.completed(content),
    };
    for (const [event, handler] of Object.entries(this.handlers)) model.on(event, handler);
    this.fill();
    this.showErrors();
    this.showStatus();
    this.showCode();
    this.showHistory();
  }

  build(el) {
    const { title, owner, about } = this.model.get("head");
    const head = node("div", { class_: "paglets-form-head" }, node("span", { class_: "paglets-form-title" }, title), node("span", { class_: "paglets-form-owner" }, owner));
    this.group = new Group(this, this.fieldsOf({ nested: "" }), 0);
    this.sendButton = button("Send", "send", () => this.send(), "paglets-form-primary");
    this.cancelButton = button("Cancel", "stop waiting", () => this.cancel());
    const reset = button("Reset", "reset the fields", () => this.reset());
    this.timeout = node("input", { type: "text", inputmode: "decimal", class_: "paglets-form-input paglets-form-seconds", "aria-label": "time-out in seconds" });
    this.timeout.value = this.model.get("timeout");
    const limit = node("label", { class_: "paglets-form-limit", title: "how long to wait for the reply" }, "within ", this.timeout, " s");
    this.status = node("span", { class_: "paglets-form-status", role: "status" });
    const actions = node("div", { class_: "paglets-form-actions" }, this.sendButton, this.cancelButton, reset, limit, this.status);
    this.refusal = node("div", { class_: "paglets-form-error paglets-form-refusal", role: "alert", hidden: true });
    this.code = node("code", {});
    this.copy = button("Copy", "copy the line", () => this.copyCode(), "paglets-form-quiet");
    this.codeLine = node("div", { class_: "paglets-form-code" }, this.code, this.copy);
    this.historySummary = node("summary", {});
    this.historyRows = node("div", { class_: "paglets-form-calls" });
    this.history = node("details", { class_: "paglets-form-history" }, this.historySummary, this.historyRows);
    const summary = about ? node("div", { class_: "paglets-form-about" }, about) : null;
    this.root = node("div", { class_: "paglets-form", role: "form", "aria-label": `${title} of ${owner}` });
    this.root.append(...[head, summary, this.group.root, this.refusal, actions, this.codeLine, this.history].filter(Boolean));
    this.root.addEventListener("keydown", (event) => this.key(event));
    for (const kind of ["input", "change"]) this.root.addEventListener(kind, () => this.changed());
    el.append(this.root);
  }

  fieldsOf(field) {
    return this.model.get("fields")[field.nested] ?? [];
  }

  tell(message) {
    this.model.send(message);
  }

  after(name, work) {
    clearTimeout(this.timers[name]);
    this.timers[name] = setTimeout(work, PAUSE);
  }

  // ---- what is typed

  changed() {
    this.after("changed", () => this.push());
  }

  push() {
    clearTimeout(this.timers.changed);
    const values = this.group.get();
    this.held = JSON.stringify(values);
    if (this.held === JSON.stringify(this.model.get("values"))) return;
    this.model.set("values", values);
    this.model.save_changes();
  }

  fill() {
    const values = this.model.get("values");
    const text = JSON.stringify(values);
    if (text === this.held || text === JSON.stringify(this.group.get())) return;
    this.held = text;
    this.group.set(values);
  }

  key(event) {
    if (event.isComposing) return;
    const typed = event.target.matches("input[type=text]");
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey || (typed && !event.shiftKey && !event.altKey))) {
      event.preventDefault();
      event.stopPropagation();
      if (!event.repeat) this.send();
    } else if (event.key === "Escape" && this.running()) {
      event.stopPropagation();
      this.cancel();
    }
  }

  send() {
    if (this.waiting || this.running()) return;
    clearTimeout(this.timers.changed);
    const values = this.group.get();
    this.held = JSON.stringify(values);
    this.all = true;
    this.waiting = true;
    this.status.textContent = "sending";
    this.tell({ event: "send", values, timeout: this.timeout.value });
  }

  reset() {
    this.group.set(this.model.get("initial"));
    this.push(); // in place of what was typed last and is still on its way
    this.tell({ event: "reset" });
  }

  cancel() {
    this.tell({ event: "cancel" });
  }

  complete(text, datalist) {
    this.datalist = datalist;
    this.after("paths", () => this.tell({ event: "paths", text, list: datalist.id }));
  }

  completed(content) {
    if (!content || !Array.isArray(content.paths) || this.datalist?.id !== content.list) return;
    this.datalist.replaceChildren(...content.paths.map((path) => node("option", { value: path })));
  }

  // ---- what the kernel says

  running() {
    return this.model.get("status").phase === "running";
  }

  showErrors() {
    const errors = this.model.get("errors");
    const first = this.group.showErrors(errors, "", this.all);
    const general = this.all ? errors[""] ?? "" : "";
    this.refusal.textContent = general;
    this.refusal.hidden = !general;
    return first;
  }

  showStatus() {
    const { phase, text, seconds } = this.model.get("status");
    this.waiting = false;
    this.root.dataset.phase = phase;
    this.sendButton.disabled = phase === "running";
    this.cancelButton.hidden = phase !== "running";
    clearInterval(this.clock);
    this.status.textContent = text;
    if (phase === "idle") this.all = false;
    if (phase === "refused") {
      this.all = true; // also where a reset was answered meanwhile
      this.showErrors()?.focus();
    }
    if (phase !== "running") return;
    const began = performance.now() - seconds * 1000;
    const show = () => (this.status.textContent = `${text}, ${((performance.now() - began) / 1000).toFixed(1)} s`);
    show();
    this.clock = setInterval(show, 100);
  }

  showCode() {
    const code = this.model.get("code");
    this.code.textContent = code;
    this.codeLine.hidden = !code;
  }

  copyCode() {
    const done = (text) => {
      this.copy.textContent = text;
      setTimeout(() => (this.copy.textContent = "Copy"), 1500);
    };
    const select = () => (getSelection().selectAllChildren(this.code), done("Selected"));
    if (navigator.clipboard) navigator.clipboard.writeText(this.code.textContent).then(() => done("Copied"), select);
    else select();
  }

  showHistory() {
    const calls = this.model.get("history");
    this.history.hidden = !calls.length;
    this.historySummary.textContent = calls.length === 1 ? "1 call" : `${calls.length} calls`;
    const rows = calls.map((call) => {
      const use = button("Use", `put call ${call.number} back into the form`, () => this.tell({ event: "use", number: call.number }), "paglets-form-quiet");
      const said = node("span", { class_: call.ok ? "paglets-form-said" : "paglets-form-said paglets-form-failed", title: call.said }, call.said);
      const asked = node("code", { title: call.fields }, call.fields || "no fields set");
      return node("div", { class_: "paglets-form-call" }, node("span", { class_: "paglets-form-when" }, call.time), asked, said, node("span", { class_: "paglets-form-took" }, call.took), use);
    });
    this.historyRows.replaceChildren(...rows);
  }

  dispose() {
    for (const [event, handler] of Object.entries(this.handlers)) this.model.off(event, handler);
    for (const timer of Object.values(this.timers)) clearTimeout(timer);
    clearInterval(this.clock);
  }
}

function render({ model, el }) {
  const form = new Form(model, el);
  return () => form.dispose();
}

export default { render };
