// Draws the report's charts from the data that the page holds. Loads nothing, stores nothing.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  // Okabe and Ito's colours, which colour-blind readers tell apart; the markers differ too.
  const COLORS = ["#0b78bd", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f", "#8c6bb1"];
  const SYMBOLS = ["circle", "rect", "triangle", "diamond", "pin", "arrow", "roundRect", "emptyCircle"];
  // A message in the page's language: what the page has of it, else the English. Placeholders are written {name}.
  const say = (message, values = {}) => (data.words?.[message] ?? message)
    .replace(/\{(\w+)\}/g, (_, name) => values[name]);
  // What charts of scores are about: the loss, unless the sweep has another objective.
  const SCORE = data.score?.name ?? say("validation loss");
  const SCORE_COLUMN = data.score ? "score" : "validation_loss";
  const METRICS = [say("validation loss"), say("training loss"), say("validation accuracy"), say("training accuracy")];
  // The one scale from better to worse, on every page and in every chart: its colours stand in the style sheet.
  const SCALE = ["--better", "--between", "--worse"];
  // What a saved picture is drawn with, whatever the page looks like: it goes into papers and slides.
  const PAPER = { "--text": "#1c2330", "--muted": "#566074", "--surface": "#ffffff", "--line": "#d6dce5" };
  // Pixels of a saved PNG for each pixel of a screen: sharp in print.
  const PNG_PIXELS = 2;
  const charts = new Map();
  const selected = new Map();
  let metric = 0;
  let onPaper = false;

  // A live page's curves may show something else than the metrics, or go by something else than epochs.
  const metricOf = (spec) => (spec.value ? 0 : metric);
  const scaleOf = (spec) => (metricOf(spec) >= 2 ? 100 : 1);
  const valueOf = (spec) => spec.value ?? METRICS[metric] + (metric >= 2 ? " (%)" : "");
  const placeOf = (spec) => spec.place ?? say("epoch");
  const TIP_LINES_MAX = 16;
  const PRINTED_WIDTH = 360;
  // Characters of a name that a saved picture has the room for beside the chart.
  const NAME_BESIDE_MAX = 12;

  // Which of the names in a legend are drawn: those that the reader chose, else all.
  const selectedOf = (spec, names) => selected.get(spec.id) ?? Object.fromEntries(names.map((name) => [name, true]));

  const styled = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const css = (name) => (onPaper && PAPER[name]) || styled(name);
  const escape = (text) => echarts.format.encodeHTML(String(text));
  const short = (number) => {
    if (number === null || number === undefined) return "–";
    const size = Math.abs(number);
    if (size !== 0 && (size < 1e-3 || size >= 1e6)) return number.toExponential(2);
    return String(Number(number.toPrecision(4)));
  };
  const axis = (extra) => ({
    nameLocation: "middle", nameGap: 8, nameMoveOverlap: true,
    nameTextStyle: { color: css("--muted") },
    axisLabel: { color: css("--muted"), hideOverlap: true },
    axisLine: { show: true, lineStyle: { color: css("--line") } },
    splitLine: { lineStyle: { color: css("--line"), opacity: 0.6 } },
    ...extra,
  });
  const tooltip = (extra) => ({
    confine: true, backgroundColor: css("--surface"), borderColor: css("--line"),
    textStyle: { color: css("--text"), fontSize: 12 }, ...extra,
  });
  // Long names of many curves stand below the chart instead, where they have the room: see choose.
  const legendOf = (spec, names) => ({
    type: "scroll", top: 0, data: names, selected: selectedOf(spec, names), show: !spec.names_below,
    textStyle: { color: css("--text") }, pageTextStyle: { color: css("--muted") },
  });
  // The names of the axes count as part of the grid, so that long labels move them and nothing is cut off.
  const grid = (top) => ({ left: 6, right: 16, top, bottom: 6, outerBoundsMode: "same", outerBoundsContain: "all" });
  // By name: text in the font "inherit" would be measured as if it were narrower than it is drawn.
  const base = () => ({
    animation: false, textStyle: { fontFamily: getComputedStyle(document.body).fontFamily }, aria: { enabled: false },
  });

  function curves(spec) {
    const [scale, shown] = [scaleOf(spec), metricOf(spec)];
    const groups = spec.groups.map((group, at) => ({ ...group, color: COLORS[at % COLORS.length], at }));
    const series = [];
    for (const group of groups) {
      const [means, spreads] = group.metrics[shown];
      const points = group.epochs.map((epoch, at) => [epoch, means[at] * scale]);
      const band = group.epochs.map((epoch, at) => [epoch, (means[at] - spreads[at]) * scale, (means[at] + spreads[at]) * scale])
        .filter((_, at) => spreads[at] !== null);
      if (band.length > 1) {
        series.push({
          name: group.label, type: "custom", silent: true, clip: true, data: [[band[0][0], band[0][1]]], z: 1,
          tooltip: { show: false },
          renderItem: (_, api) => ({
            type: "polygon", silent: true,
            shape: { points: [
              ...band.map((one) => api.coord([one[0], one[1]])),
              ...band.slice().reverse().map((one) => api.coord([one[0], one[2]])),
            ] },
            style: { fill: group.color, opacity: 0.14 },
          }),
        });
      }
      series.push({
        name: group.label, type: "line", data: points, z: 2, showSymbol: points.length <= 40 && groups.length <= 16,
        symbol: SYMBOLS[group.at % SYMBOLS.length], symbolSize: 6, lineStyle: { width: 2, color: group.color },
        itemStyle: { color: group.color }, emphasis: { disabled: true },
      });
    }
    const low = Math.min(...series.filter((one) => one.type === "line").flatMap((one) => one.data.map((p) => p[1])));
    const tip = (items) => {
      const epoch = items[0].axisValue;
      const there = groups.filter((group) => group.epochs.includes(epoch));
      const lines = there.slice(0, TIP_LINES_MAX).map((group) => {
        const at = group.epochs.indexOf(epoch);
        const [means, spreads] = group.metrics[shown];
        const spread = spreads[at] === null ? "" : ` ± ${short(spreads[at] * scale)}`;
        return `<br>${escape(group.label)}: ${short(means[at] * scale)}${spread} (${say("{count} trials", { count: group.trials[at] })})`;
      });
      const more = there.length > TIP_LINES_MAX ? `<br>${say("… and {count} more", { count: there.length - TIP_LINES_MAX })}` : "";
      return `${placeOf(spec)} ${epoch}${lines.join("")}${more}`;
    };
    return {
      ...base(), color: COLORS, series,
      legend: legendOf(spec, groups.map((group) => group.label)),
      grid: grid(spec.names_below ? 10 : 34),
      xAxis: axis({ type: "value", name: placeOf(spec), minInterval: 1, min: "dataMin", max: "dataMax", splitLine: { show: false } }),
      yAxis: axis({ type: "value", scale: Number.isFinite(low), name: valueOf(spec) }),
      tooltip: tooltip({ trigger: "axis", formatter: tip }),
    };
  }

  function levels(spec) {
    const bars = spec.levels.map(([, mean, half], at) => [at, mean - (half ?? 0), mean + (half ?? 0)])
      .filter((_, at) => spec.levels[at][1] !== null && spec.levels[at][2] !== null);
    const color = COLORS[0];
    const [low, high] = spec.shown ?? [null, null];
    return {
      ...base(),
      grid: grid(14),
      xAxis: axis({ type: "category", name: spec.name, data: spec.levels.map((one) => one[0]), splitLine: { show: false } }),
      // The same for all hyperparameters, so that neighbours can be compared by eye.
      yAxis: axis({ type: "value", scale: true, min: low, max: high, name: data.score?.mean ?? say("mean validation loss"),
        axisLabel: { color: css("--muted"), hideOverlap: true, showMinLabel: false, showMaxLabel: false } }),
      tooltip: tooltip({ trigger: "item", formatter: (item) => {
        const [level, mean, half, trials] = spec.levels[item.dataIndex];
        const count = say("{count} trials", { count: trials });
        return `${escape(spec.name)} ${escape(level)}: ${short(mean)}${half === null ? "" : ` ± ${short(half)}`} (${count})`;
      } }),
      series: [
        ...spec.replicates.map((means) => ({
          type: "line", silent: true, data: means, symbol: "none", z: 1, tooltip: { show: false },
          lineStyle: { color: css("--muted"), width: 1, opacity: 0.55 }, emphasis: { disabled: true },
        })),
        { type: "line", data: spec.levels.map((one) => one[1]), symbol: "circle", symbolSize: 9,
          lineStyle: { color, width: 2 }, itemStyle: { color }, emphasis: { disabled: true } },
        { type: "custom", silent: true, data: bars, encode: { x: 0, y: [1, 2] }, z: 3, renderItem: (_, api) => {
          const [x, low] = api.coord([api.value(0), api.value(1)]);
          const high = api.coord([api.value(0), api.value(2)])[1];
          const style = { stroke: color, lineWidth: 1.5, fill: null };
          const line = (x1, y1, x2, y2) => ({ type: "line", shape: { x1, y1, x2, y2 }, style });
          return { type: "group", children: [line(x, low, x, high), line(x - 6, low, x + 6, low), line(x - 6, high, x + 6, high)] };
        } },
      ],
    };
  }

  // The scale from better to worse as a legend that colours by that dimension; the lowest loss is the best.
  function scaleLegend(losses, dimension) {
    const low = Math.min(...losses), high = Math.max(...losses);
    return {
      type: "continuous", dimension, min: low < high ? low : low - 0.5, max: low < high ? high : high + 0.5,
      inRange: { color: SCALE.map(styled) }, orient: "horizontal", left: "center", top: 0, itemWidth: 10, itemHeight: 110,
      text: [say("worse: {loss}", { loss: short(high) }), say("better: {loss}", { loss: short(low) })],
      textStyle: { color: css("--muted") }, calculable: false, hoverLink: false,
    };
  }

  // A colour of the scale, from 0 for the best to 1 for the worst.
  function shade(place) {
    const stops = SCALE.map(styled).map((color) => [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16)));
    const at = Math.min(Math.floor(place * (stops.length - 1)), stops.length - 2);
    const part = place * (stops.length - 1) - at;
    return `rgb(${stops[at].map((one, channel) => Math.round(one + part * (stops[at + 1][channel] - one))).join(",")})`;
  }

  function heat(spec) {
    const cells = spec.cells.flatMap((row, y) => row.map((score, x) => [x, y, score])).filter((cell) => cell[2] !== null);
    const scores = cells.map((cell) => cell[2]);
    const low = Math.min(...scores), high = Math.max(...scores);
    const labels = cells.length <= 100;
    const isDark = (score) => (high > low ? (score - low) / (high - low) : 0.5) < 0.45;
    return {
      ...base(),
      grid: grid(34),
      visualMap: scaleLegend(scores, 2),
      xAxis: axis({ type: "category", name: spec.column_name, data: spec.columns, splitLine: { show: false } }),
      yAxis: axis({ type: "category", name: spec.row_name, data: spec.rows, splitLine: { show: false } }),
      tooltip: tooltip({ formatter: ({ value }) => `${escape(spec.row_name)} ${escape(spec.rows[value[1]])}, ` +
        `${escape(spec.column_name)} ${escape(spec.columns[value[0]])}: ${short(value[2])}` }),
      series: [{ type: "heatmap", emphasis: { disabled: true }, data: cells.map((value) => ({
        value,
        itemStyle: { borderColor: css("--surface"), borderWidth: 2 },
        label: { show: labels, color: isDark(value[2]) ? "#fff" : "#111", formatter: () => short(value[2]) },
      })) }],
    };
  }

  function scatter(spec) {
    const of = (front) => spec.points.filter((point) => point[3] === front).map((point) => [point[0], point[1], point[2]]);
    const front = of(true).sort((left, right) => left[0] - right[0]);
    const [across, up] = spec.scales ?? [say("seconds per trial"), say("validation accuracy (%)")];
    const told = ([x, y]) => spec.scales ? `${escape(across)}: ${short(x)}<br>${escape(up)}: ${short(y)}` : `${short(x)} s, ${short(y)} %`;
    return {
      ...base(),
      legend: legendOf(spec, [say("configuration"), say("Pareto front")]),
      grid: grid(34),
      xAxis: axis({ type: "value", scale: true, name: across }),
      yAxis: axis({ type: "value", scale: true, name: up }),
      tooltip: tooltip({ trigger: "item", formatter: ({ value }) => `${escape(value[2])}<br>${told(value)}` }),
      series: [
        { name: say("configuration"), type: "scatter", data: of(false), symbolSize: 9, itemStyle: { color: COLORS[0], opacity: 0.75 } },
        { name: say("Pareto front"), type: "line", data: front, symbol: "diamond", symbolSize: 12,
          lineStyle: { color: COLORS[1], type: "dashed", width: spec.is_apart ? 0 : 1.5 }, itemStyle: { color: COLORS[1] } },
      ],
    };
  }

  function reliability(spec) {
    const color = COLORS[0];
    return {
      ...base(),
      grid: grid(14),
      xAxis: axis({ type: "value", min: 0, max: 100, name: say("mean probability of the predicted class (%)") }),
      yAxis: axis({ type: "value", min: 0, max: 100, name: say("accuracy (%)") }),
      tooltip: tooltip({ trigger: "item", formatter: ({ value }) =>
        say("probability {probability} %<br>accuracy {accuracy} %<br>{count} examples",
          { probability: short(value[0]), accuracy: short(value[1]), count: value[2] }) }),
      series: [
        { type: "line", silent: true, data: [[0, 0], [100, 100]], symbol: "none", lineStyle: { color: css("--muted"), type: "dashed", width: 1 } },
        { type: "line", data: spec.points, symbol: "circle", symbolSize: 9, lineStyle: { color, width: 2 }, itemStyle: { color }, emphasis: { disabled: true } },
      ],
    };
  }

  function quantiles(spec) {
    const look = (at) => ({ symbol: SYMBOLS[at % SYMBOLS.length], color: COLORS[at % COLORS.length] });
    const tip = (items) => {
      const at = spec.percents.indexOf(items[0].axisValue);
      const lines = spec.groups.slice(0, TIP_LINES_MAX).map(([level, trials, losses]) =>
        `<br>${escape(level)}: ${short(losses[at])} (${say("{count} trials", { count: trials })})`);
      const left = spec.groups.length - lines.length;
      return `${spec.percents[at]} %${lines.join("")}${left > 0 ? `<br>${say("… and {count} more", { count: left })}` : ""}`;
    };
    return {
      ...base(), color: COLORS,
      legend: legendOf(spec, spec.groups.map(([level]) => level)),
      grid: grid(34),
      xAxis: axis({ type: "value", min: 0, max: 100, name: say("share of the trials (%)"), splitLine: { show: false } }),
      yAxis: axis({ type: "value", scale: true, name: SCORE }),
      tooltip: tooltip({ trigger: "axis", formatter: tip }),
      series: spec.groups.map(([level, , losses], at) => ({
        name: level, type: "line", data: losses.map((loss, place) => [spec.percents[place], loss]), symbolSize: 6,
        showSymbol: spec.groups.length <= 16, symbol: look(at).symbol, lineStyle: { width: 2, color: look(at).color },
        itemStyle: { color: look(at).color }, emphasis: { disabled: true },
      })),
    };
  }

  function parallel(spec) {
    const losses = spec.lines.map((line) => line[1]);
    const last = spec.axes.length;
    const look = {
      nameGap: 12, nameTextStyle: { color: css("--text") }, axisLine: { lineStyle: { color: css("--muted") } },
      axisTick: { lineStyle: { color: css("--muted") } },
      // Lines pass behind the labels.
      axisLabel: { color: css("--text"), hideOverlap: true, textBorderColor: css("--surface"), textBorderWidth: 3 },
    };
    return {
      ...base(),
      parallel: { left: 60, right: 50, top: 62, bottom: 14 },
      parallelAxis: [
        ...spec.axes.map(([name, levels], dim) => ({ dim, name, type: "category", data: levels, ...look })),
        { dim: last, name: SCORE, type: "value", scale: true, ...look },
      ],
      visualMap: scaleLegend(losses, last),
      tooltip: tooltip({ trigger: "item", formatter: ({ value }) => [
        ...spec.axes.map(([name, levels], dim) => `${escape(name)}: ${escape(levels[value[dim]])}`),
        `${SCORE}: ${short(value[last])}`,
      ].join("<br>") }),
      // The best ones come last and lie on top.
      series: [{ type: "parallel", lineStyle: { width: spec.lines.length > 60 ? 1 : 2, opacity: 0.7 },
        data: spec.lines.map(([at, loss]) => [...at, loss]).sort((left, right) => right[last] - left[last]) }],
    };
  }

  const KINDS = { curves, levels, heat, scatter, reliability, quantiles, parallel };

  // The numbers of a chart, the names of the columns first.
  const SERIES = ["validation_loss", "train_loss", "validation_accuracy", "train_accuracy"];
  const ROWS = {
    curves: (spec) => [
      ["group", spec.place ?? "epoch", "trials",
        ...(spec.value ? [spec.value] : SERIES).flatMap((name) => [name, `${name}_standard_deviation`])],
      ...spec.groups.flatMap((group) => group.epochs.map((epoch, at) => [
        group.label, epoch, group.trials[at], ...group.metrics.flatMap(([means, spreads]) => [means[at], spreads[at]]),
      ])),
    ],
    levels: (spec) => [
      [spec.name, SCORE_COLUMN, "half_least_significant_difference", "trials",
        ...spec.replicates.map((_, at) => `replicate_${at}`)],
      ...spec.levels.map((one, at) => [...one, ...spec.replicates.map((means) => means[at])]),
    ],
    heat: (spec) => [
      [spec.row_name, spec.column_name, SCORE_COLUMN],
      ...spec.cells.flatMap((row, y) => row.map((score, x) => [spec.rows[y], spec.columns[x], score])),
    ],
    scatter: (spec) => [
      ["configuration", ...(spec.scales ?? ["seconds", "validation_accuracy_percent"]), "on_front"],
      ...spec.points.map(([seconds, accuracy, label, front]) => [label, seconds, accuracy, front]),
    ],
    reliability: (spec) => [["mean_probability_percent", "accuracy_percent", "examples"], ...spec.points],
    quantiles: (spec) => [
      ["level", "trials", "share_of_trials_percent", SCORE_COLUMN],
      ...spec.groups.flatMap(([level, trials, losses]) => losses.map((loss, at) => [level, trials, spec.percents[at], loss])),
    ],
    parallel: (spec) => [
      [...spec.axes.map(([name]) => name), SCORE_COLUMN],
      ...spec.lines.map(([at, loss]) => [...at.map((level, dim) => spec.axes[dim][1][level]), loss]),
    ],
  };

  // One cell of RFC 4180; text that a spreadsheet would take for a formula gets an apostrophe, as in trials.csv.
  function cell(value) {
    if (value === null || value === undefined) return "";
    if (typeof value !== "string") return String(value);
    const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  }
  const csv = (spec) => ROWS[spec.kind](spec).map((row) => `${row.map(cell).join(",")}\r\n`).join("");

  // The chart by itself: with its title, on white, all of its legend in sight: beside it, or below where names are long.
  // Whoever is handed the chart makes a file of it.
  function alone(spec, renderer, made) {
    let chart;
    onPaper = true;
    try {
      const option = KINDS[spec.kind](spec);
      const names = (spec.groups && option.legend?.data.filter((name) => option.legend.selected[name] ?? true)) ?? [];
      const room = 24 * names.length;
      const isLong = names.some((name) => name.length > NAME_BESIDE_MAX);
      const column = { type: "plain", orient: "vertical", data: names, show: true };
      const [legend, right, bottom] = names.length === 0 ? [{ top: 34 }, 20, 12]
        : isLong ? [{ ...column, left: 56, top: undefined, bottom: 8 }, 20, 20 + room]
          : [{ ...column, right: 8, top: 40 }, 150, 12];
      chart = echarts.init(document.createElement("div"), null, {
        renderer, width: 760, height: isLong ? 420 + room : Math.max(420, 80 + room), devicePixelRatio: PNG_PIXELS,
      });
      chart.setOption({
        ...option,
        backgroundColor: PAPER["--surface"],
        title: { text: spec.title, left: 12, top: 8, textStyle: { color: PAPER["--text"], fontSize: 15, width: 720, overflow: "truncate" } },
        legend: option.legend && { ...option.legend, ...legend },
        visualMap: option.visualMap && { ...option.visualMap, top: 38 },
        grid: option.grid && { ...option.grid, left: 12, top: option.grid.top + 38, right, bottom },
        parallel: option.parallel && { ...option.parallel, top: option.parallel.top + 38 },
      });
      chart.getZr().flush();
      return made(chart);
    } finally {
      chart?.dispose();
      onPaper = false;
    }
  }

  // Written by the browser's own serializer, which escapes what an attribute must not hold: names of fonts have quotes.
  const svg = (spec) => alone(spec, "svg", (chart) => {
    const drawn = chart.getDom().querySelector("svg").cloneNode(true);
    drawn.removeAttribute("style");
    drawn.setAttribute("viewBox", `0 0 ${chart.getWidth()} ${chart.getHeight()}`);
    // Characters that no XML document may hold come in names.
    return new XMLSerializer().serializeToString(drawn)
      .replace(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, "\ufffd");
  });

  const png = (spec) => alone(spec, "canvas", (chart) => new Promise((done) => {
    chart.renderToCanvas({ pixelRatio: PNG_PIXELS }).toBlob(done, "image/png");
  }));

  const FILES = { svg: [svg, "image/svg+xml"], png: [png, "image/png"], csv: [csv, "text/csv;charset=utf-8"] };

  // Hands a chart to the browser's own downloads: the page sends and loads nothing.
  async function save(spec, ending) {
    const [content, type] = FILES[ending];
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([await content(spec)], { type }));
    link.download = `${data.name}-${spec.id}.${ending}`;
    link.click();
    // The browser reads the blob after this turn.
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  }

  function draw(spec) {
    const element = document.getElementById(spec.id);
    // Where there is no room it is drawn later.
    if (!element || element.clientWidth === 0) return;
    const known = charts.get(spec.id);
    const chart = known || echarts.init(element, null, { renderer: "svg" });
    if (!known) chart.on("legendselectchanged", (event) => selected.set(spec.id, event.selected));
    charts.set(spec.id, chart);
    chart.setOption(KINDS[spec.kind](spec), true);
    scale(chart);
    if (spec.names_below) choose(spec, chart);
  }

  // Below a chart of many curves: their names, each to be drawn or not.
  function choose(spec, chart) {
    const shown = selectedOf(spec, spec.groups.map((group) => group.label));
    const names = document.createElement("fieldset");
    names.className = "names";
    names.setAttribute("aria-label", spec.title);
    for (const [at, { label }] of spec.groups.entries()) {
      const [name, box, swatch] = ["label", "input", "i"].map((tag) => document.createElement(tag));
      box.type = "checkbox";
      box.checked = shown[label] ?? true;
      box.addEventListener("change", () => {
        shown[label] = box.checked;
        selected.set(spec.id, shown);
        chart.setOption(KINDS[spec.kind](spec), true);
      });
      swatch.style.background = COLORS[at % COLORS.length];
      name.append(box, swatch, label);
      names.append(name);
    }
    const element = chart.getDom();
    const known = element.nextElementSibling;
    if (known?.className === "names") known.replaceWith(names); else element.after(names);
  }
  const drawAll = (only) => data.charts.filter((spec) => !only || spec.kind === only).forEach(draw);
  // Without this script there is nothing to save.
  const showSaving = () => document.querySelectorAll(".save").forEach((place) => { place.hidden = false; });

  // Live pages bring charts later, and change them.
  function update(specs) {
    for (const spec of specs) {
      const at = data.charts.findIndex((one) => one.id === spec.id);
      if (at < 0) data.charts.push(spec); else data.charts[at] = spec;
      const known = charts.get(spec.id);
      if (known && !known.getDom().isConnected) {
        known.dispose();
        charts.delete(spec.id);
      }
      draw(spec);
    }
    showSaving();
  }
  globalThis.sweepCharts = { update, shade };
  const resize = () => charts.forEach((chart) => {
    chart.resize({ width: onPaper ? PRINTED_WIDTH : "auto" });
    // Not with the next frame, which a printer does not wait for.
    chart.getZr().flush();
    scale(chart);
  });
  // Paper is laid out only after this: charts are drawn about as wide as its columns, and then scaled to them.
  const scale = (chart) => chart.getDom().querySelector("svg")
    .setAttribute("viewBox", `0 0 ${chart.getWidth()} ${chart.getHeight()}`);
  function print(now) {
    onPaper = now;
    drawAll();
    resize();
  }

  drawAll();
  document.querySelectorAll("[data-choice=metric]").forEach((field) => {
    field.hidden = false;
    field.addEventListener("change", (event) => { metric = Number(event.target.value); drawAll("curves"); });
  });
  showSaving();
  document.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-save]");
    if (button) save(data.charts.find((one) => one.id === button.dataset.chart), button.dataset.save);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawAll());
  addEventListener("beforeprint", () => print(true));
  addEventListener("afterprint", () => print(false));
  addEventListener("resize", resize);
})();
