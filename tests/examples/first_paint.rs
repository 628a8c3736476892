//! How soon the page of a sweep of 98,304 trials is seen, and what a step of 200 live curves costs, in a real Chromium:
//!
//! `cargo build --release --workspace --examples && target/release/examples/first_paint`

use std::time::Instant;

use anyhow::{Result, ensure};
use sweep_tests::browser::Browser;
use sweep_tests::large_sweep;

/// Times the page is opened.
const TIMES: usize = 7;

/// Milliseconds from the request to the first painted content, to the whole page, and how much was sent, in KiB.
const TIMINGS: &str = "(() => {
    const [navigation] = performance.getEntriesByType('navigation');
    const paint = performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? -1;
    return [navigation.responseStart, paint, navigation.loadEventEnd, navigation.transferSize / 1024];
})()";

/// Milliseconds for one step of all curves: options, drawing and layout; the median of some.
const STEP: &str = "(() => {
    const charts = JSON.parse(document.getElementById('data').textContent).charts;
    const times = [];
    for (let step = 0; step < 11; step += 1) {
        const began = performance.now();
        sweepCharts.update(charts);
        document.body.getBoundingClientRect();
        times.push(performance.now() - began);
    }
    return [charts[0].groups.length, times.sort((a, b) => a - b)[5]];
})()";

fn main() -> Result<()> {
    let (cluster, trials) = large_sweep::cluster()?;
    let mut browser = Browser::start()?;
    println!("{trials} trials");
    println!("response ms, first contentful paint ms, loaded ms, KiB; then all of it from outside, ms");
    for _ in 0..TIMES {
        browser.open("about:blank")?;
        let began = Instant::now();
        browser.open(&format!("http://{}/sweeps/1", cluster.address()))?;
        browser.until("performance.getEntriesByName('first-contentful-paint').length > 0")?;
        let outside = began.elapsed().as_millis();
        println!("{} {outside}", browser.evaluate(TIMINGS)?);
    }
    browser.until("document.querySelectorAll('#running-curves svg path').length > 200")?;
    let step = browser.evaluate(STEP)?;
    ensure!(step[0] == large_sweep::RUNNING, "{step}");
    println!("curves, ms for a step of all of them: {step}");
    browser.picture("large")?;
    browser.check_no_complaints()
}
