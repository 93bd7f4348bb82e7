// FULL SCREEN: the editor with its errors and buttons over the whole page. Escape, or the button again, leaves it.

// What is not seen cannot be reached either: the siblings of the element and of all around it.
const others = function* (element) {
  for (let inner = element; inner !== document.body; inner = inner.parentElement) {
    for (const sibling of inner.parentElement.children) {
      if (sibling !== inner && sibling.id !== "announcer" && !sibling.inert) yield sibling;
    }
  }
};

export const connectFullScreen = (button, part, view) => {
  let behind = [];
  const set = (on) => {
    behind.forEach((element) => { element.inert = false; });
    behind = on ? [...others(part)] : [];
    behind.forEach((element) => { element.inert = true; });
    part.classList.toggle("full-screen", on);
    document.documentElement.classList.toggle("behind-full-screen", on);
    button.setAttribute("aria-pressed", String(on));
    view.requestMeasure();
  };
  button.hidden = false;
  set(false);
  button.addEventListener("click", () => set(button.getAttribute("aria-pressed") !== "true"));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.defaultPrevented && !document.querySelector("dialog[open]")) set(false);
  });
};
