// Puts the viewer's own time into the title of each <time>; the page itself shows UTC.
"use strict";
(() => {
  const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });
  const annotate = (root) => {
    for (const time of root.querySelectorAll("time[datetime]")) {
      const moment = new Date(time.dateTime);
      if (!Number.isNaN(moment.getTime())) time.title = `${format.format(moment)} (your time)`;
    }
  };
  annotate(document);
  document.addEventListener("content-added", (event) => annotate(event.target));
})();
