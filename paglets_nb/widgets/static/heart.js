// Beside each live view, and not seen: what the page is told of a view, and a view has from the page.

const OURS = "data-lm-suppress-shortcuts";

// With Ctrl or Cmd a character is Jupyter's (Ctrl+S), unless it is one that text is copied and edited by.
function isJupyters(event) {
  if (!(event.ctrlKey || event.metaKey) || event.altKey || event.key.length !== 1) return false;
  return !(event.shiftKey ? "vz" : "acvxyz").includes(event.key.toLowerCase());
}

// Other keys pressed in a view are the view's. Jupyter looks for that on the element that has the focus, and Notebook 7
// does so before any element hears of the key: so it is said at the window.
function keepKeys(heart) {
  const onKey = (event) => {
    const view = heart.closest(".paglets-view");
    if (event.target instanceof Element && view?.contains(event.target)) event.target.toggleAttribute(OURS, !isJupyters(event));
  };
  window.addEventListener("keydown", onKey, true);
  return () => window.removeEventListener("keydown", onKey, true);
}

// When a kernel ends for good the page's widgets are told, as the page itself tells them when one is started again.
// Where the page does not say what its kernel is nothing happens.
function watchKernel(manager) {
  const kernel = manager?.kernel;
  if (!kernel?.statusChanged || typeof manager.disconnect !== "function") return () => {};
  const end = () => manager.disconnect();
  const look = (_kernel, status) => status === "dead" && end();
  kernel.disposed.connect(end);
  kernel.statusChanged.connect(look);
  return () => {
    kernel.disposed.disconnect(end);
    kernel.statusChanged.disconnect(look);
  };
}

export default {
  render({ model, el }) {
    const ends = [keepKeys(el), watchKernel(model.widget_manager)];
    return () => ends.forEach((end) => end());
  },
};
