"use strict";
// Plots: point at a frame to read it, drag to enlarge a range, double-click or Escape to see all again.
for (const block of document.querySelectorAll(".plots")) {
  const data = JSON.parse(block.querySelector("script").textContent);
  const plots = [...block.querySelectorAll("svg.plot")];
  const reading = block.querySelector(".reading");
  const [left, right] = block.querySelectorAll(".axis span");
  const help = "Point at a plot to read it, drag to enlarge a range, double-click to see all.";
  const all = [0, data.frames];
  let shown = all, begun = null;

  const add = (name, cls) => plots.map((plot) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    made.setAttribute("class", cls);
    made.setAttribute("vector-effect", "non-scaling-stroke");
    made.style.display = "none";
    return plot.appendChild(made);
  });
  const heads = add("line", "head"), chosen = add("rect", "chosen");

  const frameAt = (event) => {
    const box = event.currentTarget.getBoundingClientRect();
    const share = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
    return Math.min(Math.floor(shown[0] + share * (shown[1] - shown[0])), data.frames - 1);
  };
  const zoom = (first, end) => {
    shown = end - first < 3 ? shown : [first, end];
    for (const plot of plots) plot.setAttribute("viewBox", `${shown[0]} 0 ${shown[1] - shown[0]} 100`);
    left.textContent = `frame ${shown[0]}`;
    right.textContent = `frame ${shown[1] - 1}`;
  };
  const hide = (some) => some.forEach((each) => { each.style.display = "none"; });
  const read = (frame) => {
    const place = Math.floor(frame / data.step);
    const said = [`frame ${frame} (${data.times[place].toFixed(2)} s)`];
    data.rows.forEach((lines, row) => {
      const title = plots[row].getAttribute("aria-label").replace(" over the frames", "");
      const values = lines.map(([name, values]) => `${name} ${values[place] ?? "none"}`);
      said.push(`${title}: ${values.join(", ")}`);
    });
    for (const [first, last, reason, what] of data.suspects)
      if (first <= frame && frame <= last) said.push(`suspect (${what}): ${reason}`);
    reading.textContent = said.join(" · ");
    for (const head of heads) {
      for (const [key, value] of [["x1", frame + 0.5], ["x2", frame + 0.5], ["y1", 0], ["y2", 100]])
        head.setAttribute(key, value);
      head.style.display = "";
    }
  };

  reading.textContent = help;
  plots.forEach((plot, row) => {
    plot.tabIndex = 0;
    let keyed = 0;
    plot.addEventListener("pointerdown", (event) => {
      begun = frameAt(event);
      plot.setPointerCapture(event.pointerId);
    });
    plot.addEventListener("pointermove", (event) => {
      const frame = keyed = frameAt(event);
      read(frame);
      if (begun === null) return;
      const [first, last] = [Math.min(begun, frame), Math.max(begun, frame)];
      const rect = chosen[row];
      for (const [key, value] of [["x", first], ["width", last + 1 - first], ["y", 0], ["height", 100]])
        rect.setAttribute(key, value);
      rect.style.display = "";
    });
    plot.addEventListener("pointerup", (event) => {
      if (begun !== null) {
        const frame = frameAt(event);
        if (Math.abs(frame - begun) >= 2) zoom(Math.min(begun, frame), Math.max(begun, frame) + 1);
      }
      begun = null;
      hide(chosen);
    });
    plot.addEventListener("pointercancel", () => { begun = null; hide(chosen); });
    plot.addEventListener("pointerleave", () => { hide(heads); reading.textContent = help; });
    plot.addEventListener("dblclick", () => zoom(...all));
    plot.addEventListener("keydown", (event) => {
      if (event.key === "Escape") zoom(...all);
      if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
      keyed = Math.min(Math.max(keyed + (event.key === "ArrowLeft" ? -1 : 1), 0), data.frames - 1);
      read(keyed);
      event.preventDefault();
    });
  });
  addEventListener("beforeprint", () => zoom(...all));
}
for (const button of document.querySelectorAll("button[data-copies]")) {
  button.addEventListener("click", async () => {
    const from = document.getElementById(button.dataset.copies);
    const range = document.createRange();
    range.selectNodeContents(from);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    try {
      await navigator.clipboard.writeText(from.innerText);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Selected: press Ctrl+C";
    }
  });
}
for (const button of document.querySelectorAll("button[data-prints]"))
  button.addEventListener("click", () => print());
