// Copy buttons: <button data-copy="text">. The result is announced to screen readers.
"use strict";
(() => {
  const show = (root) => root.querySelectorAll("[data-copy][hidden]").forEach((button) => { button.hidden = false; });

  const copyWithoutClipboard = (text) => {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "visually-hidden";
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    return copied;
  };

  const copy = async (text) => {
    // navigator.clipboard is missing on plain http, unless the host is this machine.
    if (!navigator.clipboard) return copyWithoutClipboard(text);
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      return copyWithoutClipboard(text);
    }
  };

  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-copy]");
    if (!button) return;
    const copied = await copy(button.dataset.copy);
    button.focus();
    button.classList.toggle("copied", copied);
    document.getElementById("announcer").textContent = copied
      ? `${button.getAttribute("aria-label") ?? "Copied"}: copied`
      : "Copying is not possible here. Select the text and copy it by hand.";
    setTimeout(() => button.classList.remove("copied"), 2000);
  });

  show(document);
  document.addEventListener("content-added", (event) => show(event.target));
})();
