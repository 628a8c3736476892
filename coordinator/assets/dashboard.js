// Keeps an open page at what is true: takes parts and charts from the server's events, paints the map, fetches the analysis.
"use strict";
(() => {
  const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  const element = (id) => document.getElementById(id);
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const tell = (text) => { element("connection").textContent = text; };
  const short = (number) => (number === null ? "–" : String(Number(number.toPrecision(4))));

  // The map: one square for each trial, as large as they fit.
  const data = element("data") ? JSON.parse(element("data").textContent) : {};
  // Each state by its letter in the map; the server has the list.
  const states = new Map((data.states ?? []).map((state) => [state.letter, state]));
  const canvas = element("map");
  let map = data.map;
  let shows = "states";
  let layout = { columns: 1, size: 1 };

  // The digit of the lowest loss is the best one.
  const shade = (digit) => sweepCharts.shade(DIGITS.indexOf(digit) / (DIGITS.length - 1));

  function paint() {
    if (!canvas || !map) return;
    const count = map.states.length;
    const width = canvas.clientWidth || 600;
    const size = Math.max(2, Math.min(16, Math.floor(Math.sqrt((width * 300) / Math.max(count, 1)))));
    const columns = Math.max(1, Math.floor(width / size));
    const rows = Math.ceil(count / columns);
    const ratio = devicePixelRatio || 1;
    layout = { columns, size };
    canvas.style.height = `${rows * size}px`;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.max(1, Math.round(rows * size * ratio));
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    const colors = {};
    for (const { letter, name } of states.values()) colors[letter] = css(`--${name}`);
    const none = css("--pending");
    const gap = size > 4 ? 1 : 0;
    for (let at = 0; at < count; at += 1) {
      const rank = map.ranks[at];
      context.fillStyle = shows === "states" ? colors[map.states[at]] : rank === "." ? none : shade(rank);
      context.fillRect((at % columns) * size, Math.floor(at / columns) * size, size - gap, size - gap);
    }
    legend();
  }

  function legend() {
    const place = element("map-legend");
    place.replaceChildren();
    if (shows === "ranks") {
      const mark = (name) => Object.assign(document.createElement("i"), { className: name });
      const scale = document.createElement("span");
      const ends = map.is_complement ? ["highest", "lowest"] : ["lowest", "highest"];
      const value = (score) => short(map.is_complement && score !== null ? 1 - score : score);
      scale.append(`better: ${ends[0]} ${map.objective} ${value(map.lowest)} `, mark("ramp"), ` worse: ${ends[1]} ${map.objective} ${value(map.highest)}`);
      const none = document.createElement("span");
      none.append(mark("state pending"), ` no ${map.objective} yet`);
      place.append(scale, none);
      return;
    }
    for (const { letter, name, words } of states.values()) {
      if (!map.states.includes(letter)) continue;
      const [entry, square] = [document.createElement("span"), document.createElement("i")];
      square.className = `state ${name}`;
      entry.append(square, ` ${words}`);
      place.append(entry);
    }
  }

  function trialAt(event) {
    const box = canvas.getBoundingClientRect();
    const [column, row] = [event.clientX - box.left, event.clientY - box.top].map((one) => Math.floor(one / layout.size));
    const at = row * layout.columns + column;
    return column >= 0 && column < layout.columns && row >= 0 && at < map.states.length ? at : null;
  }
  const open = (at) => { location.href = `/sweeps/${data.sweep}/trials/${at}`; };

  if (canvas && map) {
    element("map-choice").hidden = false;
    element("map-jump").hidden = false;
    element("map-choice").addEventListener("change", (event) => { shows = event.target.value; paint(); });
    element("map-jump").addEventListener("submit", (event) => {
      event.preventDefault();
      open(new FormData(event.target).get("index"));
    });
    canvas.addEventListener("mousemove", (event) => {
      const at = trialAt(event);
      element("map-tip").textContent = at === null ? "\u00a0" : `trial ${data.sweep}/${at}: ${states.get(map.states[at]).words}`;
    });
    canvas.addEventListener("mouseleave", () => { element("map-tip").textContent = "\u00a0"; });
    canvas.addEventListener("click", (event) => { const at = trialAt(event); if (at !== null) open(at); });
    addEventListener("resize", paint);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
    paint();
  }

  // Curves of which nothing is known yet take no room. A chart can be drawn only where there is room.
  function drawCurves(specs) {
    const drawn = specs.filter((spec) => {
      const room = element(spec.id)?.closest("[data-room]");
      if (room) room.hidden = spec.groups.length === 0;
      return room && !room.hidden;
    });
    sweepCharts.update(drawn);
  }

  // The analysis: at once where it is quick, else when asked for.
  const button = element("analyse");
  async function analyse() {
    const state = element("analysis-state");
    button.disabled = true;
    state.textContent = "analysing …";
    try {
      const response = await fetch(button.dataset.from, { headers: { accept: "application/json" } });
      if (!response.ok) throw new Error(`the coordinator answered ${response.status}`);
      const { html, charts } = await response.json();
      element("analysis").innerHTML = html;
      sweepCharts.update(charts);
      state.textContent = html.trim() === "" ? "nothing to tell yet" : `as of ${new Date().toLocaleTimeString()}`;
    } catch (problem) {
      state.textContent = `no analysis: ${problem.message}`;
    }
    button.disabled = false;
    button.textContent = "Analyse again";
  }
  if (button) {
    button.hidden = false;
    button.addEventListener("click", analyse);
    if ("unasked" in button.dataset) analyse();
  }

  if (data.charts) drawCurves(data.charts);

  // What happens, for as long as somebody looks: a browser has few connections for all pages of one coordinator.
  // The body names their address for as long as more may come.
  const body = document.body.dataset;
  let events = null;
  const [PAUSE_MIN_MS, PAUSE_MAX_MS] = [5_000, 300_000];
  let pause_ms = PAUSE_MIN_MS;

  function follow() {
    if (!body.events || events || document.hidden) return;
    events = new EventSource(body.events);
    events.addEventListener("open", () => { tell(""); pause_ms = PAUSE_MIN_MS; });
    events.addEventListener("error", () => {
      tell("nothing is heard from the coordinator; trying again (reload the page if you have to log in)");
      // The browser asks again by itself, unless it was refused.
      if (events?.readyState !== EventSource.CLOSED) return;
      leave();
      setTimeout(follow, pause_ms);
      pause_ms = Math.min(2 * pause_ms, PAUSE_MAX_MS);
    });
    events.addEventListener("message", (event) => {
      const news = JSON.parse(event.data);
      for (const [id, html] of Object.entries(news.parts)) {
        const place = element(id);
        if (place) replace(place, html);
      }
      if (news.map) { map = news.map; paint(); }
      if (news.charts) drawCurves(news.charts);
    });
    events.addEventListener("end", () => {
      delete body.events;
      leave();
      if (button && "unasked" in button.dataset) analyse();
    });
  }

  // Whoever reads goes on reading: what was opened stays open, what was scrolled stays there, and whoever stands on a link
  // or on a text goes on standing there. A log of which the end was in sight goes on showing its end.
  function replace(place, html) {
    const kept = [...place.querySelectorAll("[data-keep]")].map((one) => [one.dataset.keep, {
      open: one.open, left: one.scrollLeft, top: isAtEnd(one) ? Infinity : one.scrollTop,
    }]);
    const held = pathTo(place.contains(document.activeElement) ? document.activeElement : null);
    place.innerHTML = html;
    showEnds(place);
    for (const [name, before] of kept) {
      const now = place.querySelector(keptAs(name));
      if (!now) continue;
      if (before.open !== undefined) now.open = before.open;
      now.scrollTo(before.left, before.top === Infinity ? now.scrollHeight : before.top);
    }
    if (held) place.querySelector(held)?.focus({ preventScroll: true });
  }
  // The newest lines of a log stand last.
  const showEnds = (place) => place.querySelectorAll(".tail").forEach((log) => { log.scrollTop = log.scrollHeight; });
  const keptAs = (name) => `[data-keep="${CSS.escape(name)}"]`;
  const isAtEnd = (one) => one.classList.contains("tail") && one.scrollTop + one.clientHeight >= one.scrollHeight - 2;

  function pathTo(one) {
    if (one?.hasAttribute("href")) return `a[href="${CSS.escape(one.getAttribute("href"))}"]`;
    const keeper = one?.closest("[data-keep]");
    return keeper && `${keptAs(keeper.dataset.keep)}${one === keeper ? "" : ` > ${one.localName}`}`;
  }

  function leave() {
    events?.close();
    events = null;
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? leave() : follow()));
  addEventListener("pagehide", leave);
  addEventListener("pageshow", follow);
  follow();
  showEnds(document);
})();
