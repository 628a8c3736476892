//! The live pages in a real browser: what people see, what they may do, and what an attacker cannot.

use std::io::{Read, Write};
use std::net::TcpStream;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use sweep_tests::browser::Browser;
use sweep_tests::castle::Castle;
use sweep_tests::processes::{Cluster, WorkerSetup, wait_until};

/// What would run if it were taken for HTML.
const HOSTILE: &str = "<img src=x onerror=window.hostile=1>";

/// Trials of some seconds each, so that they are seen in their midst.
fn sweep(name: &str, replicates: u32) -> String {
    format!(
        "name = {}\n[data]\ndataset = \"snippets\"\nmax_length = 30\ntrain_rows = 3000\ntest_rows = 500\n\
         [grid]\nunits = [32, 48]\nembedding = [16, 24]\n[train]\nepochs = 8\nreplicates = {replicates}\n",
        json!(name)
    )
}

/// A browser on a cluster whose sweep and worker have hostile names.
struct Scene {
    browser: Browser,
    cluster: Cluster,
}

impl Scene {
    fn new(replicates: u32) -> Result<Self> {
        Self::of(&sweep(HOSTILE, replicates))
    }

    /// With the sweep of this file.
    fn of(file: &str) -> Result<Self> {
        let cluster = Cluster::start()?;
        let file = cluster.write("sweep.toml", file)?;
        cluster.sweep(&["launch", &file.to_string_lossy()])?;
        Ok(Self { browser: Browser::start()?, cluster })
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.cluster.address())
    }

    fn open(&mut self, path: &str) -> Result<()> {
        let url = self.url(path);
        self.browser.open(&url)
    }

    /// Presses a button of the sweep's page, confirms, and waits for what it leads to.
    fn act(&mut self, act: &str, state: &str) -> Result<()> {
        self.browser.click(&format!("#progress a[href$='/{act}']"))?;
        self.browser.until(&format!("location.pathname === '/sweeps/1/{act}'"))?;
        self.browser.click("main form button")?;
        self.browser.until(&format!(
            "location.pathname === '/sweeps/1' && document.querySelector('#progress .value').innerText === '{state}'"
        ))
    }

    fn check_inert(&mut self) -> Result<()> {
        ensure!(self.browser.evaluate("window.hostile === undefined")? == true, "a hostile name ran");
        self.browser.check_no_complaints()
    }
}

#[test]
fn a_sweep_is_followed_paused_resumed_and_cancelled() -> Result<()> {
    let mut scene = Scene::new(20)?;
    scene.open("/")?;
    scene.browser.until("document.querySelector('#sweeps').innerText.includes('<img src=x')")?;
    scene.browser.click("#sweeps a[href='/sweeps/1']")?;
    scene.browser.until("document.querySelector('#progress')?.innerText.includes('80 waiting') === true")?;
    // What comes now comes without a reload.
    scene.browser.evaluate("window.opened = 'once'; document.querySelector('#progress a').focus()")?;
    let setup = WorkerSetup { name: HOSTILE.to_owned(), ..WorkerSetup::default() };
    let _worker = scene.cluster.start_worker(&setup)?;
    scene.browser.until("document.querySelector('#running').innerText.includes('<img src=x')")?;
    scene.browser.until("document.querySelectorAll('#running-curves svg path').length > 3")?;
    scene.browser.until("document.querySelector('#progress').innerText.includes('completed')")?;
    scene.browser.until("document.querySelector('#best').innerText.includes('units=')")?;
    scene.browser.until("document.querySelector('#map-legend').innerText.includes('completed')")?;
    ensure!(scene.browser.evaluate("window.opened")? == "once", "the page was loaded again");
    let held = scene.browser.evaluate("document.activeElement.getAttribute('href')")?;
    ensure!(held == "/sweeps/1/pause", "who stands on a link stands elsewhere now: {held}");
    scene.browser.picture("sweep-running")?;
    scene.act("pause", "paused")?;
    scene.act("resume", "open")?;
    scene.act("cancel", "cancelled")?;
    scene.browser.until("!('events' in document.body.dataset)")?;
    ensure!(scene.cluster.sweep(&["status", "1"])?["state"] == "cancelled");
    scene.check_inert()?;

    scene.open("/workers")?;
    scene.browser.until("document.querySelector('#workers').innerText.includes('<img src=x')")?;
    scene.check_inert()?;
    scene.browser.click("#workers a[href$='/drain']")?;
    scene.browser.until("location.pathname.endsWith('/drain')")?;
    scene.browser.click("main form button")?;
    scene.browser.until(
        "location.pathname === '/workers' && /draining|departed/.test(document.querySelector('#workers').innerText)",
    )?;
    scene.check_inert()
}

#[test]
fn a_trial_is_followed_from_before_it_begins_to_its_end() -> Result<()> {
    // Long enough for all that is done while it runs.
    let mut scene = Scene::of(&sweep(HOSTILE, 1).replace("epochs = 8", "epochs = 5000"))?;
    scene.open("/sweeps/1/trials/0")?;
    scene.browser.until("document.querySelector('#result')?.innerText.includes('waiting') === true")?;
    let (epochs, log) = (scene.browser.text("#epochs")?, scene.browser.text("#log")?);
    ensure!(epochs.contains("No epoch has finished") && log.contains("not begun"), "{epochs} {log}");
    scene.browser.evaluate("window.opened = 'once'")?;
    let setup = WorkerSetup { name: HOSTILE.to_owned(), ..WorkerSetup::default() };
    let _worker = scene.cluster.start_worker(&setup)?;
    scene.browser.until("document.querySelector('#result').innerText.includes('training on <img')")?;
    scene.browser.until("document.querySelectorAll('#trial-steps svg path').length > 3")?;
    scene.browser.until("document.querySelectorAll('#trial-loss svg path').length > 3")?;

    // What is open, held and scrolled stays so when there is more.
    scene.browser.click("#epochs summary")?;
    scene.browser.until("document.querySelectorAll('#log pre.tail').length === 1")?;
    scene.browser.evaluate(
        "const sheet = document.styleSheets[document.styleSheets.length - 1];
         sheet.insertRule('pre.tail { max-height: 2rem; }', sheet.cssRules.length);
         window.log = () => document.querySelector('#log pre.tail');
         window.more = () => log().innerText.split('\\n').length > lines;
         window.count = () => { window.lines = log().innerText.split('\\n').length; };
         window.rows = document.querySelectorAll('#epochs tbody tr').length;
         document.querySelector('#epochs summary').focus();
         log().scrollTop = 1; count()",
    )?;
    scene.browser.until("document.querySelectorAll('#epochs tbody tr').length > rows && more()")?;
    ensure!(scene.browser.evaluate("document.querySelector('#epochs details').open")? == true);
    let held = scene.browser.evaluate("document.activeElement.parentElement.dataset.keep")?;
    ensure!(held == "epochs", "who stands on the numbers stands elsewhere now: {held}");
    ensure!(scene.browser.evaluate("log().scrollTop")? == 1, "who reads a log reads elsewhere now");
    scene.browser.evaluate("log().scrollTop = log().scrollHeight; count()")?;
    scene.browser.until("more()")?;
    let is_at_end = "log().scrollTop > 1 && log().scrollTop + log().clientHeight >= log().scrollHeight - 2";
    ensure!(scene.browser.evaluate(is_at_end)? == true, "a log's end went out of sight");
    scene.browser.picture("trial-running")?;

    // It ends, and nothing more will come.
    scene.cluster.sweep(&["cancel", "1"])?;
    scene.browser.until("document.querySelector('#result').innerText.includes('cancelled')")?;
    scene.browser.until("!('events' in document.body.dataset)")?;
    ensure!(scene.browser.text("#connection")?.is_empty(), "an end is taken for a lost connection");
    ensure!(scene.browser.evaluate("window.opened")? == "once", "the page was loaded again");
    scene.check_inert()?;
    let told = "fetch('/sweeps/1/trials/0/events').then((answer) => answer.text())";
    let told = scene.browser.evaluate(told)?;
    let told = told.as_str().context("events")?;
    ensure!(told.starts_with("data: {") && told.contains("event: end\ndata: {}"), "{told}");
    ensure!(scene.browser.evaluate("fetch('/sweeps/1/trials/4/events').then((r) => r.status)")? == 404);
    Ok(())
}

#[test]
fn an_ended_sweep_is_analysed_and_its_pages_suit_every_screen() -> Result<()> {
    let mut scene = Scene::new(2)?;
    let _worker = scene.cluster.add_worker()?;
    wait_until("the sweep has ended", || Ok(scene.cluster.sweep(&["status", "1"])?["state"] == "finished"))?;
    scene.open("/sweeps/1")?;
    scene.browser.until("document.querySelectorAll('#analysis .chart svg').length >= 3")?;
    ensure!(scene.browser.text("#progress")?.contains("8 of 8"));
    scene.check_inert()?;
    better_has_one_colour(&mut scene.browser)?;
    // The map leads to the trial below the pointer.
    scene.browser.evaluate(
        "const map = document.querySelector('#map'), box = map.getBoundingClientRect();
         map.dispatchEvent(new MouseEvent('click', { clientX: box.left + 20, clientY: box.top + 4 }))",
    )?;
    scene.browser.until("location.pathname === '/sweeps/1/trials/1'")?;
    scene.browser.until("document.querySelectorAll('.chart svg').length === 3")?;
    let trial = scene.browser.text("main")?;
    ensure!(trial.contains("completed") && trial.contains("sweep run trial.toml"), "{trial}");
    let log = scene.browser.text("#log")?;
    ensure!(log.contains("an epoch ended epoch=8") && log.contains("the work is done"), "{log}");
    scene.check_inert()?;
    for page in ["/", "/workers", "/sweeps/1", "/sweeps/1/trials/1", "/sweeps/1/cancel"] {
        for (scheme, background) in [("light", "rgb(244, 246, 249)"), ("dark", "rgb(17, 21, 31)")] {
            for width in [1200, 360] {
                scene.browser.prefer(scheme)?;
                scene.browser.resize(width, 800)?;
                scene.open(page)?;
                let shown = scene.browser.evaluate("getComputedStyle(document.body).backgroundColor")?;
                ensure!(shown == background, "{page} is not {scheme}: {shown}");
                let wide = scene.browser.evaluate("document.documentElement.scrollWidth")?;
                ensure!(
                    wide.as_f64().is_some_and(|wide| wide <= f64::from(width)),
                    "{page}: {wide} of {width}"
                );
                scene.browser.picture(&format!("{}-{scheme}-{width}", page.replace('/', "_")))?;
            }
        }
    }
    scene.check_inert()?;
    scene.open("/sweeps/1/report/report.html")?;
    scene.browser.until("document.querySelectorAll('.chart svg').length > 3")?;
    ensure!(scene.browser.text("h1")? == HOSTILE);
    curves_of_configurations_are_chosen(&mut scene.browser)?;
    a_hidden_curve_stays_hidden(&mut scene.browser)?;
    nothing_is_cut_off_on_paper(&mut scene.browser)?;
    scene.check_inert()?;
    scene.open("/sweeps/1")?;
    scene.browser.click("#report a[hreflang=ko]")?;
    scene.browser.until(
        "document.documentElement.lang === 'ko' && document.querySelectorAll('.chart svg').length > 3",
    )?;
    ensure!(scene.browser.text("#answer-title")? == "결론" && scene.browser.text("h1")? == HOSTILE);
    let drawn = scene.browser.evaluate(
        "[...document.querySelectorAll('.chart svg')].some((one) => one.textContent.includes('검증 손실'))",
    )?;
    ensure!(drawn == true, "the charts are not in Korean");
    scene.browser.picture("korean")?;
    scene.check_inert()?;
    let Scene { cluster, .. } = scene;
    cluster.check_remains()
}

/// The trial map, the heat map and the parallel coordinates paint the lowest loss in one colour and the highest in another, on light
/// and dark pages and on paper, and say which is which.
fn better_has_one_colour(browser: &mut Browser) -> Result<()> {
    const BETTER: &str = "10,112,178";
    const WORSE: &str = "201,133,0";
    browser.resize(1200, 800)?;
    browser.click("#map-choice input[value=ranks]")?;
    browser.until(
        "/^better: lowest loss .* worse: highest loss/.test(document.querySelector('#map-legend').textContent)",
    )?;
    // Eight trials stand in one row of squares of 16 pixels.
    browser.evaluate(
        "window.ranks = JSON.parse(document.querySelector('#data').textContent).map.ranks;
         window.painted = (rank) => {
             const pixel = document.querySelector('#map').getContext('2d').getImageData(16 * ranks.indexOf(rank) + 4, 4, 1, 1);
             return [...pixel.data].slice(0, 3).join();
         };
         window.inks = (chart) => [...document.querySelectorAll(`#analysis [id^=${chart}].chart svg path`)]
             .flatMap((path) => [path.getAttribute('fill'), path.getAttribute('stroke')])
             .map((ink) => /^rgba?\\((.*?)(,1)?\\)$/.exec(ink)?.[1]).filter((ink) => ink);",
    )?;
    for (look, prepare) in [("light", "light"), ("dark", "dark"), ("paper", "light")] {
        browser.prefer(prepare)?;
        let print = if look == "paper" { "beforeprint" } else { "afterprint" };
        browser.evaluate(&format!("dispatchEvent(new Event('{print}'))"))?;
        for (rank, ink) in [("0", BETTER), ("z", WORSE)] {
            browser.until(&format!("painted('{rank}') === '{ink}' /* {look} */"))?;
            for chart in ["interaction-", "parallel-coordinates"] {
                browser.until(&format!("inks('{chart}').includes('{ink}') /* {look} */"))?;
            }
        }
        let told = "[...document.querySelectorAll('#analysis [id^=interaction-].chart svg text')].map((one) => one.textContent).join('|')";
        let told = browser.evaluate(told)?;
        let told = told.as_str().unwrap_or_default();
        ensure!(told.contains("better: ") && told.contains("worse: "), "no legend: {told}");
    }
    // The cell of the lowest mean is the better one: its number says so.
    let lowest = browser.evaluate(
        "(() => {
            const chart = echarts.getInstanceByDom(document.querySelector('#analysis [id^=interaction-].chart'));
            const [series, map] = [chart.getOption().series[0], chart.getOption().visualMap[0]];
            const losses = series.data.map((cell) => cell.value[2]);
            return map.min === Math.min(...losses) && map.inRange.color[0] === '#0a70b2';
        })()",
    )?;
    ensure!(lowest == true, "the scale of the heat map does not begin with the lowest loss");
    browser.evaluate("dispatchEvent(new Event('afterprint'))")?;
    browser.prefer("light")
}

/// All four configurations are drawn, each is hidden and shown by its box, and another metric keeps the choice.
fn curves_of_configurations_are_chosen(browser: &mut Browser) -> Result<()> {
    let boxes = ".names input";
    let checked = format!("[...document.querySelectorAll('{boxes}')].map((box) => box.checked).join()");
    ensure!(browser.evaluate(&checked)? == "true,true,true,true");
    let drawn = |color: &str| {
        format!("document.querySelector('.chart:has(+ .names) svg path[stroke=\"{color}\"]') !== null")
    };
    let [first, fourth] = ["#0b78bd", "#cc79a7"].map(drawn);
    ensure!(browser.evaluate(&first)? == true && browser.evaluate(&fourth)? == true);
    browser.click(".names label:nth-child(4) input")?;
    browser.until(&format!("!({fourth})"))?;
    browser.click(".names label:nth-child(4) input")?;
    browser.until(&fourth)?;
    browser.click(".names label:nth-child(1) input")?;
    browser.until(&format!("!({first})"))?;
    browser.click("[data-choice=metric] input[value='2']")?;
    ensure!(browser.evaluate(&checked)? == "false,true,true,true");
    browser.until(&format!("{fourth} && !({first})"))?;
    browser.picture("configurations")?;
    // What is saved are the curves that were chosen, with their names, and the numbers of all.
    browser.evaluate(
        "URL.createObjectURL = (blob) => { blob.text().then((text) => { window.saved = text; }); return ''; };
         HTMLAnchorElement.prototype.click = () => {};",
    )?;
    browser.click(".names ~ .save [data-save=svg]")?;
    browser.until("window.saved?.startsWith('<svg') === true")?;
    let told = browser.evaluate(
        "[...document.querySelectorAll('.names label')].map((one) => saved.includes(`>${one.innerText.trim()}<`)).join()",
    )?;
    ensure!(told == "false,true,true,true", "{told}");
    browser.click(".names ~ .save [data-save=csv]")?;
    browser.until("window.saved.startsWith('group,epoch,trials,')")?;
    let groups = browser.evaluate(
        "new Set(window.saved.trim().split('\\r\\n').slice(1).map((row) => row.split(',')[0])).size",
    )?;
    ensure!(groups == 4, "{groups} groups are saved");
    Ok(())
}

/// What was hidden by its name above a chart is not there either when the chart is drawn anew, in other colours.
fn a_hidden_curve_stays_hidden(browser: &mut Browser) -> Result<()> {
    browser.prefer("light")?;
    browser.evaluate(
        "window.chart = echarts.getInstanceByDom(document.querySelector('[id^=distribution-].chart'));
         window.legend = () => chart.getOption().legend[0];
         window.hidden = legend().data[0];
         window.ink = legend().textStyle.color;
         chart.dispatchAction({ type: 'legendToggleSelect', name: hidden });",
    )?;
    ensure!(browser.evaluate("legend().selected[hidden]")? == false);
    browser.prefer("dark")?;
    browser.until("legend().textStyle.color !== ink")?;
    let shown = browser.evaluate("legend().data.filter((name) => legend().selected[name]).length")?;
    ensure!(
        shown == 1 && browser.evaluate("legend().selected[hidden]")? == false,
        "{shown} curves are shown"
    );
    browser.prefer("light")
}

/// On a page as wide as A4, which is laid out only after the page was told that it is printed.
fn nothing_is_cut_off_on_paper(browser: &mut Browser) -> Result<()> {
    browser.resize(1200, 800)?;
    browser.evaluate("dispatchEvent(new Event('beforeprint'))")?;
    browser.call("Emulation.setEmulatedMedia", &json!({ "media": "print" }))?;
    browser.evaluate("document.body.style.width = '700px'")?;
    let cut_off = browser.evaluate(
        "[...document.querySelectorAll('.chart svg')].flatMap((svg) => {
            const [chart, box, drawn] = [svg.closest('.chart'), svg.viewBox.baseVal, svg.getBBox()];
            const isWhole = drawn.x >= -1 && drawn.x + drawn.width <= box.width + 1
                && svg.getBoundingClientRect().right <= chart.getBoundingClientRect().right + 1;
            return isWhole ? [] : [chart.id];
        }).concat([...document.querySelectorAll('table')].filter((table) =>
            table.getBoundingClientRect().right > document.body.getBoundingClientRect().right + 1,
        ).map((table) => table.caption.innerText)).join('; ')",
    )?;
    ensure!(cut_off == "", "cut off on paper: {cut_off}");
    let pdf = browser.call("Page.printToPDF", &json!({ "printBackground": true }))?;
    ensure!(pdf["data"].as_str().is_some_and(|data| data.starts_with("JVBERi0")), "no PDF: {pdf}");
    browser.evaluate("document.body.style.width = ''")?;
    browser.call("Emulation.setEmulatedMedia", &json!({ "media": "" }))?;
    browser.evaluate("dispatchEvent(new Event('afterprint'))")?;
    let is_back = "[...document.querySelectorAll('.chart svg')].every((svg) =>
        Math.abs(svg.getBoundingClientRect().width - svg.closest('.chart').clientWidth) <= 1)";
    browser.until(is_back)
}

#[test]
fn a_browser_logs_in_and_does_what_its_role_may() -> Result<()> {
    let castle = Castle::start()?;
    castle.launch(&sweep("secret", 1))?;
    let (viewer, submitter) = (castle.token("viewer", &[])?, castle.token("submitter", &[])?);
    let mut browser = Browser::start()?;
    let page = format!("{}/sweeps/1", castle.url());
    let log_in = |browser: &mut Browser, token: &str| -> Result<()> {
        browser.open(&page)?;
        browser.until("location.pathname === '/login'")?;
        ensure!(!browser.text("body")?.contains("secret"));
        browser.fill("#token", token)?;
        browser.click("main form button")
    };
    log_in(&mut browser, "not a token")?;
    browser.until("document.querySelector('[role=alert]') !== null")?;
    ensure!(browser.complaints()?.iter().all(|one| one.contains("401")), "more than the refusal");
    let worker = castle.token("worker", &[])?;
    log_in(&mut browser, &worker)?;
    browser.until("document.querySelector('[role=alert]')?.innerText.includes('joining') === true")?;

    log_in(&mut browser, &viewer)?;
    browser.until("location.pathname === '/sweeps/1' && document.body.innerText.includes('secret')")?;
    browser.complaints()?;
    let cookie = browser.evaluate("document.cookie")?;
    ensure!(cookie == "", "a script sees the cookie: {cookie}");
    let hidden = "getComputedStyle(document.querySelector('#progress a[href$=\"/cancel\"]')).display";
    ensure!(browser.evaluate(hidden)? == "none");
    let refused = "fetch('/sweeps/1/cancel', { method: 'POST', body: new URLSearchParams({ key: 'x' }) }).then((r) => r.status)";
    ensure!(browser.evaluate(refused)? == 403, "a viewer cancels");
    browser.open(&format!("{page}/cancel"))?;
    ensure!(browser.text("h1")? == "Not allowed" && browser.text("[role=alert]")?.contains("submitter"));
    browser.complaints()?;
    browser.open(&page)?;
    browser.until("document.body.innerText.includes('secret')")?;
    browser.click(".who form button")?;
    browser.until("location.pathname === '/login'")?;

    log_in(&mut browser, &submitter)?;
    browser.until("location.pathname === '/sweeps/1' && document.body.innerText.includes('secret')")?;
    browser.complaints()?;
    ensure!(browser.evaluate(refused)? == 403, "a form without its key counts");
    browser.complaints()?;
    ensure!(castle.sweep(&["status", "1"])?["state"] == "open");
    ensure!(browser.evaluate(hidden)? == "none", "a submitter is shown what changes another's sweep");
    browser.open(&format!("{page}/pause"))?;
    browser.click("main form button")?;
    browser.until("document.querySelector('[role=alert]')?.innerText.includes('only its owner') === true")?;
    browser.complaints()?;

    std::fs::write(castle.folder().join("own.toml"), sweep("own", 1))?;
    let (launched, told) = castle.sweep_as(&submitter, &["launch", "../own.toml"])?;
    ensure!(launched, "{told}");
    browser.open(&format!("{}/sweeps/2", castle.url()))?;
    browser.click("#progress a[href$='/pause']")?;
    browser.until("location.pathname === '/sweeps/2/pause'")?;
    browser.click("main form button")?;
    browser.until("document.querySelector('#progress .value')?.innerText === 'paused'")?;
    browser.check_no_complaints()?;

    // A token that is taken back ends what its bearer sees.
    let tokens = castle.sweep(&["token", "list"])?;
    let tokens = tokens.as_array().context("tokens")?;
    let of_submitter =
        tokens.iter().find(|token| token["role"] == "submitter").context("the submitter's token")?;
    castle.sweep(&["token", "revoke", of_submitter["id"].as_str().context("an id")?])?;
    browser.until("document.querySelector('#connection').innerText !== ''")?;
    browser.open(&page)?;
    browser.until("location.pathname === '/login'")?;

    let audit = castle.audit()?;
    let did = |action: &str, actor: &str| {
        audit.iter().any(|entry| {
            entry["action"] == action && entry["actor"].as_str().is_some_and(|who| who.starts_with(actor))
        })
    };
    ensure!(did("log in", "nobody") && did("pause", "submitter"), "{audit:?}");
    castle.check_remains()
}

#[test]
fn a_name_that_was_turned_to_this_machine_opens_nothing() -> Result<()> {
    let cluster = Cluster::start()?;
    let status = |request: &str| -> Result<String> {
        let mut stream = TcpStream::connect(cluster.address())?;
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer.split("\r\n\r\n").next().unwrap_or_default().to_owned())
    };
    for path in ["/", "/api/v1/sweeps", "/workers", "/healthz"] {
        // A page may name any type of content.
        for kind in ["", "Content-Type: application/grpc\r\n", "Accept: text/html\r\n"] {
            let get = |host: &str| {
                status(&format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{kind}Connection: close\r\n\r\n"))
            };
            ensure!(get("rebound.example:7077")?.contains(" 403 "), "{path} goes by a foreign name: {kind}");
            ensure!(get("localhost:7077")?.contains(" 200 "), "{path} does not go by its own name: {kind}");
        }
    }
    let call = status(
        "POST /sweep.v1.SweepService/List HTTP/1.1\r\nHost: rebound.example\r\nTE: trailers\r\n\
         Content-Type: application/grpc\r\nContent-Length: 5\r\nConnection: close\r\n\r\n\0\0\0\0\0",
    )?;
    ensure!(call.contains(" 403 "), "a call goes by a foreign name: {call}");
    Ok(())
}
