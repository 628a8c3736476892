//! Every file that a person takes away is opened by a reader that is not ours: an XML parser and librsvg, Pillow, Python's csv and
//! json, pyarrow, LaTeX.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use sweep_tests::browser::Browser;
use sweep_tests::ledger::finished;
use sweep_tests::processes::Cluster;
use sweep_tests::tools::need;

/// What ends a text, an attribute, a cell or a command somewhere. LaTeX without a font for it shows Latin alone.
const NAME: &str = "\"read\" by 'others': ä #%41?{x}<b>&_^~\\[*]|";

const SWEEP: &str = r#"
[data]
dataset = "snippets"
train_rows = 400
test_rows = 100
max_length = 12
[grid]
units = [4, 8]
embedding = [4, 8]
[train]
epochs = 3
replicates = 2
"#;

/// Charts that each page has at least; the live one has those of its analysis.
const CHARTS_MIN: usize = 4;

/// Makes the page's downloads readable from here: by name, as Base64.
const CATCH: &str = "
    window.saved = {};
    URL.createObjectURL = (blob) => { window.blob = blob; return ''; };
    HTMLAnchorElement.prototype.click = function () {
        const [name, reader] = [this.download, new FileReader()];
        reader.onload = () => { saved[name] = reader.result.split(',')[1]; };
        reader.readAsDataURL(window.blob);
    };";

/// Presses every button that saves a chart, and writes what the browser would have, as files of a folder.
fn save_all(browser: &mut Browser, folder: &Path) -> Result<usize> {
    std::fs::create_dir_all(folder)?;
    browser.evaluate(CATCH)?;
    let buttons = "[...document.querySelectorAll('[data-save]')]";
    browser.evaluate(&format!("{buttons}.forEach((button) => button.click())"))?;
    browser.until(&format!("Object.keys(saved).length === {buttons}.length"))?;
    let saved: BTreeMap<String, String> = serde_json::from_value(browser.evaluate("saved")?)?;
    for (name, base64) in &saved {
        std::fs::write(folder.join(name), data_encoding::BASE64.decode(base64.as_bytes())?)?;
    }
    Ok(saved.len())
}

/// What Python's readers find in a folder, by file name.
fn read(folder: &Path) -> Result<BTreeMap<String, Value>> {
    super::read(&super::environment()?, "report_files.py", folder)
}

/// Each chart as a drawing that librsvg renders, as a picture with more than one colour, and as numbers.
fn check_charts(folder: &Path, saved: usize) -> Result<()> {
    need("rsvg-convert", "librsvg2-bin")?;
    let names: Vec<String> = read(folder)?.into_keys().collect();
    ensure!(
        names.len() == saved && saved >= 3 * CHARTS_MIN,
        "{} of {saved} files are read: {names:?}",
        names.len()
    );
    for name in names.iter().filter_map(|name| name.strip_suffix(".svg")) {
        let file = folder.join(format!("{name}.svg"));
        let rendered = folder.join(format!("{name}-rendered.png"));
        let output = Command::new("rsvg-convert").arg(&file).arg("-o").arg(&rendered).output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success() && said.is_empty(), "librsvg says of {name}: {said}");
        ensure!(
            names.contains(&format!("{name}.png")) && names.contains(&format!("{name}.csv")),
            "{names:?}"
        );
    }
    for (name, facts) in read(folder)? {
        let is_whole = match name.rsplit_once('.').map(|(_, ending)| ending) {
            Some("svg") => facts["shapes"].as_u64() > Some(2) && !facts["texts"][0].is_null(),
            Some("png") => facts["colors"].as_u64() > Some(4) && facts["width"].as_u64() >= Some(760),
            Some("csv") => !facts["rows"][0].is_null(),
            _ => false,
        };
        ensure!(is_whole, "{name}: {facts}");
    }
    Ok(())
}

/// A report's learning curves of the levels of the two hyperparameters, of best and worst, and of all configurations: none is hidden.
fn check_curves(folder: &Path) -> Result<()> {
    let found = read(folder)?;
    for (chart, curves) in [("curves-0", 2), ("curves-1", 2), ("curves-2", 2), ("curves-3", 4)] {
        let drawings = found.iter().filter(|(name, _)| name.ends_with(&format!("-{chart}.svg")));
        let drawn: Vec<_> = drawings.map(|(_, facts)| facts["curves"].clone()).collect();
        ensure!(drawn == [json!(curves)], "{chart} shows {drawn:?} curves, not {curves}");
    }
    Ok(())
}

/// A value of Parquet is what stands in the cell of the CSV.
fn is_same(value: &Value, cell: &Value) -> bool {
    let cell = cell.as_str().unwrap_or_default();
    match value {
        Value::Null => cell.is_empty(),
        Value::Number(number) => number.as_f64().is_some_and(|number| cell.parse() == Ok(number)),
        Value::Bool(flag) => cell == flag.to_string(),
        Value::String(text) => cell == text,
        _ => false,
    }
}

fn check_tables(folder: &Path) -> Result<()> {
    let found = read(folder)?;
    for name in ["trials", "epochs"] {
        let [csv, parquet] =
            [format!("{name}.csv"), format!("{name}.parquet")].map(|file| found[&file].clone());
        ensure!(
            csv["columns"] == parquet["columns"],
            "{name}: {} and {}",
            csv["columns"],
            parquet["columns"]
        );
        let [cells, values] = [&csv, &parquet].map(|one| one["rows"].as_array().cloned().unwrap_or_default());
        ensure!(
            cells.len() == values.len() && !cells.is_empty(),
            "{name}: {} rows, {}",
            cells.len(),
            values.len()
        );
        for (cells, values) in cells.iter().zip(&values) {
            let (cells, values) = (cells.as_array().context("cells")?, values.as_array().context("values")?);
            let same = cells.len() == values.len()
                && cells.iter().zip(values).all(|(cell, value)| is_same(value, cell));
            ensure!(same, "{name}: {cells:?} and {values:?}");
        }
    }
    for name in ["report.json", "report.sig"] {
        ensure!(found[name]["keys"].as_array().is_some_and(|keys| keys.len() > 1), "{name}: {}", found[name]);
    }
    Ok(())
}

/// A paper that reads the tables.
fn check_latex(folder: &Path) -> Result<()> {
    need("pdflatex", "--no-install-recommends texlive-latex-recommended")?;
    let paper = "\\documentclass{article}\\usepackage{booktabs,graphicx}\\begin{document}\\input{report}\\end{document}\n";
    std::fs::write(folder.join("paper.tex"), paper)?;
    let mut latex = Command::new("pdflatex");
    let output = latex
        .args(["-interaction=nonstopmode", "-halt-on-error", "paper.tex"])
        .current_dir(folder)
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success() && folder.join("paper.pdf").exists(), "LaTeX: {said}");
    ensure!(!said.contains("Missing character"), "a character has no glyph: {said}");
    Ok(())
}

/// Of each of the hardest test examples, as `report.json` has them.
fn texts_of_the_hardest(folder: &Path) -> Result<Vec<Value>> {
    let report: Value = serde_json::from_slice(&std::fs::read(folder.join("report.json"))?)?;
    let hardest = report["test_split"]["hardest"].as_array().context("the hardest examples")?;
    ensure!(!hardest.is_empty(), "no example is hard");
    Ok(hardest.iter().map(|example| example["text"].clone()).collect())
}

/// What a status says beside the answer is what the report says: the warnings, the sizes of the splits, the best trial and mean.
fn one_truth_beside_the_answer(status: &Value, folder: &Path) -> Result<()> {
    let report: Value = serde_json::from_slice(&std::fs::read(folder.join("report.json"))?)?;
    let text = std::fs::read_to_string(folder.join("report.md"))?;
    let warnings = status["warnings"].as_array().context("warnings")?;
    let kind = |wanted: &str| warnings.iter().find(|warning| warning["kind"] == wanted);
    let improving = report["answer"]["trials_still_improving"].as_u64().context("a count")?;
    ensure!(kind("still_learning").is_some() == (2 * improving > 8), "{improving} of 8, {warnings:?}");
    if let Some(warning) = kind("still_learning") {
        ensure!(
            text.contains(warning["text"].as_str().context("text")?),
            "the report does not say {warning}"
        );
    }
    let data = &report["set_up"]["datasets"][0];
    for split in ["train", "validation", "test"] {
        ensure!(
            status["rows"][split] == data[format!("{split}_rows")],
            "{split}: {} and {data}",
            status["rows"]
        );
    }
    ensure!(status["rows"]["test"] == 100, "{}", status["rows"]);
    let best = &status["best"][0];
    let [told, reported] =
        [&best["validation_loss"], &report["answer"]["validation_loss"]["mean"]].map(Value::as_f64);
    let apart = told.context("a loss")? - reported.context("a mean")?;
    ensure!(apart.abs() < 1e-9, "{best} is not the report's best");
    ensure!(best["completed"] == 2 && status["replicates"] == 2, "{best}");
    ensure!(status["lowest"]["validation_loss"].as_f64() <= best["validation_loss"].as_f64(), "{status}");
    Ok(())
}

#[test]
fn every_exported_file_is_opened_by_an_independent_reader() -> Result<()> {
    let mut cluster = Cluster::start()?;
    let _worker = cluster.add_worker()?;
    let file = cluster.write("read.toml", &format!("name = {}\n{SWEEP}", json!(NAME)))?;
    cluster.sweep(&["launch", &file.to_string_lossy()])?;
    finished(&cluster, "1")?.check_complete(8, 3)?;
    let report = cluster.directory().join("report-1");
    check_tables(&report)?;
    one_truth_beside_the_answer(&cluster.sweep(&["status", "1"])?, &report)?;
    check_latex(&report)?;

    ensure!(
        texts_of_the_hardest(&report)?
            .iter()
            .all(|text| text.as_str().is_some_and(|text| text.contains(' ')))
    );
    cluster.sweep(&["report", "1", "--no-texts", "-o", "private"])?;
    ensure!(texts_of_the_hardest(&cluster.directory().join("private"))?.iter().all(Value::is_null));

    cluster.sweep(&["report", "1", "--language", "ko", "-o", "korean"])?;
    let korean = cluster.directory().join("korean");
    let mut browser = Browser::start()?;
    for (page, folder, chart) in [
        (format!("file://{}", report.join("report.html").display()), "saved", "#parallel-coordinates svg"),
        (
            format!("file://{}", korean.join("report.html").display()),
            "saved-korean",
            "#parallel-coordinates svg",
        ),
        (
            format!("http://{}/sweeps/1", cluster.address()),
            "saved-live",
            "#analysis #parallel-coordinates svg",
        ),
    ] {
        browser.open(&page)?;
        browser.until(&format!("document.querySelector('{chart}') !== null"))?;
        let folder = cluster.directory().join(folder);
        let saved = save_all(&mut browser, &folder)?;
        check_charts(&folder, saved).with_context(|| page.clone())?;
        // A live page has no curves of trials that have ended.
        if page.starts_with("file:") {
            check_curves(&folder).with_context(|| page.clone())?;
        }
    }
    browser.check_no_complaints()?;

    // What the operator keeps private nobody gets, whatever they ask for.
    cluster.restart_with(&["--no-texts"])?;
    cluster.sweep(&["report", "1", "-o", "kept"])?;
    ensure!(texts_of_the_hardest(&cluster.directory().join("kept"))?.iter().all(Value::is_null));
    cluster.check_remains()
}
