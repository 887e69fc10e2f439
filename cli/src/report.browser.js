// Runs in the report's page: reads values and trades out under the pointer or the arrow keys.
{
  const HOUR = 3_600_000;
  const plots = [...document.querySelectorAll(".plot:not(.still)")].map((plot) => {
    const { from, to, low, high, digits, unit } = plot.dataset;
    const svg = plot.querySelector("svg");
    const height = Number(svg.getAttribute("height"));
    const [start, end, bottom, top] = [from, to, low, high].map(Number);
    const lines = [...svg.querySelectorAll("path[data-name]")]
      .map((path) => ({
        name: path.dataset.name,
        points: [...path.getAttribute("d").matchAll(/([\d.-]+) ([\d.-]+)/g)].map(([, x, y]) => ({
          share: Number(x) / 1000,
          value: top - (Number(y) / height) * (top - bottom),
        })),
      }))
      .reverse(); // painted last, named first
    const marks = [...svg.querySelectorAll("use")].map((use) => ({
      share: Number.parseFloat(use.getAttribute("x")) / 100,
      y: Number(use.getAttribute("y")),
      text: use.textContent,
    }));
    const add = (name) => {
      const element = document.createElement("div");
      element.className = name;
      element.hidden = true;
      plot.append(element);
      return element;
    };
    const tip = add("tip");
    tip.setAttribute("aria-live", "polite");
    const suffix = (value) => `${value.toFixed(Number(digits))} ${unit}`;
    return { plot, svg, start, end, lines, marks, tip, cross: add("cross"), suffix };
  });

  const hide = () => {
    for (const { tip, cross } of plots) {
      tip.hidden = true;
      cross.hidden = true;
    }
  };

  const show = (active, share, y) => {
    hide();
    const { plot, svg, start, end, lines, marks, tip, suffix } = active;
    const width = svg.getBoundingClientRect().width;
    const reach = (mark) => Math.hypot((mark.share - share) * width, y === undefined ? 0 : mark.y - y);
    const mark = marks.reduce((best, one) => (best && reach(best) <= reach(one) ? best : one), undefined);
    const isOnMark = mark !== undefined && reach(mark) < (y === undefined ? 1 : 12);
    const nearest = lines.flatMap(({ name, points }) => {
      const point = points.reduce((best, one) =>
        Math.abs(one.share - share) < Math.abs(best.share - share) ? one : best,
      );
      return [{ name, ...point }];
    });
    const at = isOnMark ? mark.share : (nearest[0]?.share ?? share);
    const time = new Date(Math.round((start + at * (end - start)) / HOUR) * HOUR);
    tip.textContent = isOnMark
      ? mark.text
      : [
          `${time.toISOString().slice(0, 16).replace("T", " ")} UTC`,
          ...nearest.map(({ name, value }) => `${name}: ${suffix(value)}`),
        ].join("\n");
    tip.hidden = false;
    const x = at * width;
    const left = at < 0.5 ? x + 12 : x - 12 - tip.offsetWidth;
    tip.style.left = `${Math.max(-50, Math.min(left, width + 12 - tip.offsetWidth))}px`;
    plot.dataset.share = String(at);
    for (const { cross } of plots) {
      cross.hidden = false;
      cross.style.left = `${at * 100}%`;
    }
  };

  for (const active of plots) {
    const { plot, svg, lines, marks } = active;
    const follow = ({ clientX, clientY }) => {
      const box = svg.getBoundingClientRect();
      show(active, Math.min(1, Math.max(0, (clientX - box.left) / box.width)), clientY - box.top);
    };
    plot.addEventListener("pointermove", follow);
    plot.addEventListener("pointerdown", follow);
    plot.addEventListener("pointerleave", hide);
    plot.addEventListener("blur", hide);
    plot.addEventListener("keydown", (event) => {
      if (event.key === "Escape") hide();
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (step === undefined) return;
      event.preventDefault();
      const shares = [...(lines[0]?.points ?? []), ...marks].map(({ share }) => share).sort((a, b) => a - b);
      const now = Number(plot.dataset.share ?? (step > 0 ? -1 : 2));
      const next =
        step > 0
          ? shares.find((share) => share > now + 1e-4)
          : shares.findLast((share) => share < now - 1e-4);
      if (next !== undefined) show(active, next);
    });
  }
  addEventListener("resize", hide);
  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details")) details.open = true;
  });
  document.documentElement.classList.add("live");
}
