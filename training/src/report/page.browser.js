// Runs in a page with charts: reads values, trades and points out under the pointer or by the keyboard.
{
  const HOUR = 3_600_000;
  const addTo = (plot, name) => {
    const element = document.createElement("div");
    element.className = name;
    element.hidden = true;
    plot.append(element);
    return element;
  };
  const addTip = (plot) => {
    const tip = addTo(plot, "tip");
    tip.setAttribute("aria-live", "polite");
    return tip;
  };
  const place = (tip, x, width, isRight) => {
    const left = isRight ? x + 12 : x - 12 - tip.offsetWidth;
    tip.style.left = `${Math.max(-50, Math.min(left, width + 12 - tip.offsetWidth))}px`;
  };
  const textOf = (use) => {
    const row = use.dataset.row && document.getElementById(use.dataset.row);
    if (!row) return use.textContent;
    const parts = [...row.children].flatMap((cell) => [...cell.childNodes].map((part) => part.textContent));
    return parts.filter(Boolean).join("\n");
  };
  const plots = [...document.querySelectorAll(".plot:not(.still)")].map((plot) => {
    const { from, to, low, high, digits, unit, scale } = plot.dataset;
    const svg = plot.querySelector("svg");
    const height = Number(svg.getAttribute("height"));
    const [start, end, bottom, top] = [from, to, low, high].map(Number);
    const toValue = (value) => (scale === "log" ? 10 ** value : value);
    const lines = [...svg.querySelectorAll("path[data-name]")]
      .map((path) => ({
        name: path.dataset.name,
        points: [...path.getAttribute("d").matchAll(/([\d.-]+) ([\d.-]+)/g)].map(([, x, y]) => ({
          share: Number(x) / 1000,
          value: toValue(top - (Number(y) / height) * (top - bottom)),
        })),
      }))
      .reverse(); // painted last, named first
    const marks = [...svg.querySelectorAll("use")].map((use) => ({
      share: Number.parseFloat(use.getAttribute("x")) / 100,
      y: Number(use.getAttribute("y")),
      text: textOf(use),
    }));
    const tip = addTip(plot);
    const suffix = (value) => `${value.toFixed(Number(digits))} ${unit}`;
    return { plot, svg, start, end, lines, marks, tip, cross: addTo(plot, "cross"), suffix };
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
    place(tip, at * width, width, at < 0.5);
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
  for (const plot of document.querySelectorAll(".points")) {
    const tip = addTip(plot);
    const conceal = () => {
      tip.hidden = true;
    };
    const reveal = ({ target }) => {
      const point = target.closest("[data-tip]");
      if (!point) return conceal();
      tip.textContent = point.getAttribute("aria-label");
      tip.hidden = false;
      const [own, all] = [point.querySelector("circle"), plot].map((one) => one.getBoundingClientRect());
      const x = own.left + own.width / 2 - all.left;
      place(tip, x, all.width, x < all.width / 2);
      tip.style.top = `${own.bottom - all.top + 8}px`;
    };
    plot.addEventListener("pointerover", reveal);
    plot.addEventListener("focusin", reveal);
    plot.addEventListener("pointerleave", conceal);
    plot.addEventListener("focusout", conceal);
    plot.addEventListener("keydown", ({ key }) => key === "Escape" && conceal());
  }
  addEventListener("resize", hide);
  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details")) details.open = true;
  });
  document.documentElement.classList.add("live");
}
