// Beside each live view, and not seen: when its kernel ends for good the page's widgets are told, as the page itself
// tells them when a kernel is started again. Where the page does not say what its kernel is nothing happens.

const watched = new WeakSet();

export default {
  render({ model }) {
    const manager = model.widget_manager;
    const kernel = manager?.kernel;
    if (!kernel?.statusChanged || typeof manager.disconnect !== "function" || watched.has(kernel)) return;
    watched.add(kernel);
    const end = () => manager.disconnect();
    kernel.disposed.connect(end);
    kernel.statusChanged.connect((_kernel, status) => {
      if (status === "dead") end();
    });
  },
};
