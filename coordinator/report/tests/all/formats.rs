//! The files of the report: hostile strings are inert in all of them, and each holds what the others do.
#![allow(clippy::unwrap_used, clippy::float_cmp, reason = "a test may stop")]

use crate::fixture;

use coordinator_core::SweepState;
use coordinator_report::{Language, ReportError, ReportInput, analyse, render, render_while};
use fixture::{axis, empty, files, finished, noise, push_pending, spec, study, text};
use sweep_proto::data_account::{BadRow, BadRows, FileAccount};
use sweep_proto::text::is_steering;
use sweep_proto::{DataAccount, Hyperparameter};

const HOSTILE: &str = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'`|\n--><!--{{x}}\\input{/etc/passwd}%&$#_^~";

fn hostile() -> ReportInput {
    let mut input = study();
    input.sweep.spec.name = HOSTILE.into();
    input.sweep.file_text = format!("name = {HOSTILE}\n```\n</pre>");
    input.sweep.datasets[0].classes = vec![HOSTILE.into(), "=cmd|' /C calc'!A0".into()];
    input.sweep.spec.data.source =
        sweep_proto::DataSource::Known { name: HOSTILE.into(), path: Some(HOSTILE.into()) };
    input.workers[0].profile.name = HOSTILE.into();
    input.workers[0].profile.devices[0].model = HOSTILE.into();
    for attempt in &mut input.attempts {
        attempt.worker_name = "=HYPERLINK(\"http://x\")".into();
        attempt.error = Some(HOSTILE.into());
    }
    input.trials[0].last_error = Some("@SUM(1)".into());
    input.build = HOSTILE.into();
    input
}

/// The lines of Markdown that no fence holds; a fence ends at a line of as many backticks or more.
fn outside_fences(markdown: &str) -> String {
    let (mut outside, mut fence) = (String::new(), 0);
    for line in markdown.lines() {
        let ticks = line.len() - line.trim_start_matches('`').len();
        match fence {
            0 if ticks >= 3 => fence = ticks,
            0 => outside.extend([line, "\n"]),
            _ if ticks >= fence && line.len() == ticks => fence = 0,
            _ => {}
        }
    }
    assert_eq!(fence, 0, "a fence does not end");
    outside
}

fn latex_has_only_our_commands(latex: &str) {
    const KNOWN: &str = "begin end centering caption label toprule midrule bottomrule pm times le eta omega \
        textsuperscript textbackslash textasciitilde textasciicircum textless textgreater textbar resizebox ifdim width linewidth else fi clearpage";
    let body: String =
        latex.lines().filter(|line| !line.starts_with('%')).flat_map(|line| [line, "\n"]).collect();
    for (at, _) in body.match_indices('\\') {
        let command: String = body[at + 1..].chars().take_while(char::is_ascii_alphabetic).collect();
        let is_second_of_two = at > 0 && body[..at].ends_with('\\');
        assert!(
            command.is_empty() || is_second_of_two || KNOWN.split_whitespace().any(|known| known == command),
            "\\{command} got through"
        );
    }
    assert_eq!(body.matches("\\begin{table}").count(), body.matches("\\end{table}").count());
    assert!(body.matches("\\begin{table}").count() > 10);
}

/// What stands before the scripts, and the data in them. The scripts themselves are constants, one of which builds images.
fn outside_scripts(html: &str) -> [&str; 2] {
    let (before, data) = html.split_once("id=\"data\">").unwrap();
    [before, data.split_once("</script>").unwrap().0]
}

#[test]
fn hostile_strings_are_inert_in_every_format() {
    let input = hostile();
    let html = text(&input, "report.html");
    for part in outside_scripts(&html) {
        assert!(
            !part.contains("<script>") && !part.contains("<img") && !part.contains("<!--"),
            "markup got through"
        );
    }
    assert_eq!(html.matches("</script>").count(), 3);
    assert!(html.contains("&#60;/script&#62;"));
    let markdown = text(&input, "report.md");
    let outside_fences = outside_fences(&markdown);
    assert!(!outside_fences.contains("<img") && !outside_fences.contains("<script"));
    assert!(
        outside_fences.contains("## Reproduction")
            && outside_fences.contains("Sweep file as it was launched")
    );
    latex_has_only_our_commands(&text(&input, "report.tex"));
    let csv = text(&input, "trials.csv");
    assert!(csv.contains("'=HYPERLINK") && csv.contains("'@SUM(1)"));
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    assert!(
        reader.records().all(|record| record.unwrap().iter().all(|cell| !cell.starts_with(['=', '@', '+'])))
    );
    let json: serde_json::Value = serde_json::from_str(&text(&input, "report.json")).unwrap();
    assert_eq!(json["set_up"]["name"], HOSTILE);
}

#[test]
fn the_hardest_examples_tell_their_texts_which_are_inert_and_short() {
    let without = study();
    let mut with = study();
    let dataset = *with.trials.iter().find(|trial| trial.test.is_some()).unwrap().spec.dataset;
    with.texts.insert((dataset, 17), format!("{HOSTILE}\u{1b}[31m{}", "long ".repeat(100)));
    for (input, told) in [(&without, 0), (&with, 1)] {
        for name in ["report.html", "report.md", "report.tex"] {
            assert_eq!(text(input, name).matches("only the tokens are left").count(), told, "{name}");
        }
    }
    let html = text(&with, "report.html");
    assert!(html.contains("&#60;/script&#62;"), "escaped");
    for part in outside_scripts(&html) {
        assert!(
            !part.contains("<img") && !part.contains('\u{1b}'),
            "neither an element nor a control character"
        );
    }
    assert!(!outside_fences(&text(&with, "report.md")).contains("<img"));
    latex_has_only_our_commands(&text(&with, "report.tex"));
    let json: serde_json::Value = serde_json::from_str(&text(&with, "report.json")).unwrap();
    let [first, second] = [0, 1].map(|at| json["test_split"]["hardest"][at]["text"].clone());
    let first = first.as_str().unwrap();
    assert!(first.starts_with(HOSTILE.split('\n').next().unwrap()) && first.ends_with('…'), "{first}");
    assert_eq!((first.chars().count(), second), (241, serde_json::Value::Null));
}

#[test]
fn what_turns_or_hides_text_is_inert_in_every_file() {
    const TURNED: &str = "gnp\u{202e}txt.exe\u{200b}\u{2066}\u{9b}31m\u{e0041}";
    let mut input = study();
    let dataset = *input.trials.iter().find(|trial| trial.test.is_some()).unwrap().spec.dataset;
    input.texts.insert((dataset, 17), TURNED.into());
    for dataset in &mut input.sweep.datasets {
        dataset.classes.iter_mut().for_each(|class| class.push_str(TURNED));
        let bad_row = BadRow { file: TURNED.into(), line: 3, reason: TURNED.into() };
        let bad_rows = BadRows {
            count: 1,
            reasons: [(TURNED.into(), 1)].into(),
            classes: [(TURNED.into(), 1)].into(),
            first: vec![bad_row],
        };
        let file = FileAccount {
            file: TURNED.into(),
            split: "train".into(),
            notes: vec![TURNED.into()],
            ..FileAccount::default()
        };
        dataset.account = Some(DataAccount {
            files: vec![file],
            bad_rows,
            left_out: [(TURNED.into(), 1)].into(),
            lost_classes: vec![TURNED.into()],
            told: vec![TURNED.into()],
            ..dataset.account.clone().unwrap_or_default()
        });
    }
    let named = ["report.html", "report.md", "report.tex", "report.json"];
    for name in named {
        let written = text(&input, name);
        assert!(written.contains("gnp\u{fffd}txt.exe") || name == "report.tex", "{name} tells it");
        let is_page = name == "report.html";
        let parts = if is_page { outside_scripts(&written).to_vec() } else { vec![written.as_str()] };
        for part in parts {
            let steering = part.chars().find(|one| !matches!(one, '\n' | '\t') && is_steering(*one));
            assert_eq!(steering, None, "{name}");
        }
    }
}

#[test]
fn the_page_loads_nothing_and_names_its_scripts() {
    for input in [study(), hostile()] {
        let html = text(&input, "report.html");
        let markup: String = html
            .split("<script")
            .enumerate()
            .map(|(at, part)| if at == 0 { part } else { part.split_once("</script>").unwrap().1 })
            .collect();
        // `<` and `>` of strings are escaped, so what stands between them is a tag.
        let tags: Vec<&str> = markup.split('<').filter_map(|part| part.split('>').next()).collect();
        assert!(
            tags.iter()
                .all(|tag| !tag.contains(" src=") && !tag.starts_with("link") && !tag.starts_with("iframe"))
        );
        assert!(!markup.contains("url(") && !markup.contains("@import"));
        assert!(markup.split(" href=\"").skip(1).all(|target| target.starts_with('#')));
        assert!(
            html.contains("content=\"default-src &#39;none&#39;")
                || html.contains("content=\"default-src 'none'")
        );
        assert_eq!(html.matches("sha256-").count(), 2);
        let data = html.split_once("id=\"data\">").unwrap().1.split_once("</script>").unwrap().0;
        let data: serde_json::Value = serde_json::from_str(data).unwrap();
        for chart in data["charts"].as_array().unwrap() {
            let id = chart["id"].as_str().unwrap();
            assert_eq!(html.matches(&format!("id=\"{id}\"")).count(), 1, "{id}");
            for ending in ["svg", "png", "csv"] {
                let button = format!("<button type=\"button\" data-save=\"{ending}\" data-chart=\"{id}\"");
                assert_eq!(html.matches(&button).count(), 1, "{id} as {ending}");
            }
        }
    }
}

#[test]
fn parallel_coordinates_draw_at_most_some_hundreds_of_lines() {
    let levels: Vec<u64> = (1..=20).collect();
    let axes = vec![axis(Hyperparameter::Units, &levels), axis(Hyperparameter::Embedding, &levels)];
    let many = finished(spec(axes, 1), 1, |position, _| (0.5 + position as f64 / 1e3, 0.5));
    let one_axis = finished(spec(vec![axis(Hyperparameter::Units, &levels)], 1), 1, |_, _| (0.5, 0.5));
    for (input, lines) in [(study(), Some(18)), (many, Some(300)), (one_axis, None)] {
        let html = text(&input, "report.html");
        let data = html.split_once("id=\"data\">").unwrap().1.split_once("</script>").unwrap().0;
        let data: serde_json::Value = serde_json::from_str(data).unwrap();
        let chart = data["charts"].as_array().unwrap().iter().find(|chart| chart["kind"] == "parallel");
        assert_eq!(chart.map(|chart| chart["lines"].as_array().unwrap().len()), lines);
        assert_eq!(html.contains("Drawn are 300 of 400 configurations"), lines == Some(300));
    }
    // The best of the study: units=128 embedding=128 batch_size=32.
    let markdown = text(&study(), "report.md");
    assert!(markdown.contains("| 1 | 128 | 128 | 32 | 0."), "{markdown}");
}

#[test]
fn parquet_holds_what_the_csv_holds() {
    let levels: Vec<u64> = (1..=34).collect();
    let axes = vec![axis(Hyperparameter::Units, &levels), axis(Hyperparameter::Embedding, &levels)];
    // More epochs than are columns at the same time.
    let large =
        finished(spec(axes, 3), 10, |position, replicate| (noise(position + u64::from(replicate)), 0.5));
    for (input, trials) in [(study(), 54), (large, 34 * 34 * 3)] {
        parquet_equals_csv(&input, trials);
    }
}

fn parquet_equals_csv(input: &ReportInput, trials: usize) {
    let files = files(input);
    for name in ["trials", "epochs"] {
        let file = format!("{name}.parquet");
        let batches = read_parquet(&file, &files[&file]);
        let mut reader = csv::Reader::from_reader(files[&format!("{name}.csv")].as_slice());
        let head: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
        assert_eq!(head, batches[0]);
        let rows: Vec<Vec<String>> =
            reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
        assert_eq!(rows.len(), if name == "trials" { trials } else { 10 * trials });
        assert_eq!(rows, batches[1..]);
    }
    let head = String::from_utf8(files["trials.csv"].clone()).unwrap();
    assert!(head.starts_with("sweep,trial,state,units,embedding,"), "the swept ones come first");
}

/// The first zero with a sign in a text, with what stands around it.
fn negative_zero(text: &str) -> Option<&str> {
    let is_number = |one: char| one.is_ascii_digit() || one == '.';
    let found = text.match_indices("-0").find(|(at, _)| {
        let before = text[..*at].chars().next_back();
        let number: String = text[at + 1..].chars().take_while(|one| is_number(*one)).collect();
        let behind = text[at + 1 + number.len()..].chars().next();
        // Not within a date, a range, a digest or an exponent.
        let stands_alone = !before.is_some_and(|one| one.is_alphanumeric() || "-–.".contains(one))
            && !behind.is_some_and(|one| one.is_alphanumeric() || one == '-');
        stands_alone && number.chars().all(|one| matches!(one, '0' | '.'))
    })?;
    Some(text[found.0..].split('\n').next().unwrap_or_default())
}

#[test]
fn no_number_is_a_negative_zero() {
    assert!(negative_zero("took -0.0 s").is_some() && negative_zero("[\n  -0.0,").is_some());
    assert!(["-0.01", "2026-01-02", "1e-05", "-0.5e-3", "a-0", "10-0"].map(negative_zero) == [None; 6]);
    let mut reused = study();
    for trial in &mut reused.trials {
        trial.reused_from =
            Some(sweep_proto::TrialId { sweep: sweep_proto::SweepId(900), index: trial.spec.id.index });
    }
    let levels = axis(Hyperparameter::Units, &[1, 2]);
    let equal = finished(spec(vec![levels.clone()], 2), 2, |_, _| (0.5, 0.5));
    let near = finished(spec(vec![levels.clone()], 2), 2, |position, _| (0.5 - 1e-9 * position as f64, 0.5));
    for input in [reused, equal, near, empty(spec(vec![levels], 2)), study()] {
        for (name, bytes) in files(&input) {
            let Ok(text) = String::from_utf8(bytes) else { continue };
            // The page's scripts are constants.
            let text = text
                .split_once("<main>")
                .map_or(text.as_str(), |(_, rest)| rest.split("<script>").next().unwrap());
            assert_eq!(negative_zero(text), None, "{name}");
        }
    }
}

#[test]
fn sweeps_of_every_size_have_a_report() {
    let nothing = empty(spec(vec![axis(Hyperparameter::Units, &[1, 2])], 2));
    assert!(text(&nothing, "report.html").contains("No trial has completed"));
    assert!(!analyse(&nothing).ledger.balanced);

    let mut waiting = empty(spec(Vec::new(), 1));
    push_pending(&mut waiting, 0, 0);
    waiting.sweep.state = SweepState::Open;
    let model = analyse(&waiting);
    assert!(model.ledger.balanced && model.answer.provisional && model.answer.test_accuracy.is_none());
    render(&waiting, Language::English).unwrap();

    let one = finished(spec(Vec::new(), 1), 3, |_, _| (0.4, 0.8));
    let model = analyse(&one);
    assert_eq!((model.answer.label.as_str(), model.answer.gap.is_none()), ("the only configuration", true));
    assert_eq!(model.curves.len(), 1);
    render(&one, Language::English).unwrap();

    let levels: Vec<u64> = (1..=18).collect();
    let axes = vec![axis(Hyperparameter::Units, &levels), axis(Hyperparameter::Embedding, &levels)];
    let many = finished(spec(axes, 3), 10, |position, replicate| {
        (0.5 + 0.1 * noise(position * 3 + u64::from(replicate)), 0.7)
    });
    let files = files(&many);
    assert_eq!(String::from_utf8(files["trials.csv"].clone()).unwrap().lines().count(), 973);
    assert!(files["report.html"].len() < 3 << 20, "{} bytes", files["report.html"].len());
}

#[test]
fn a_report_that_nobody_wants_any_more_ends_between_two_parts() {
    let axes = vec![axis(Hyperparameter::Units, &[1, 2, 3])];
    let input = finished(spec(axes, 3), 4, |position, _| (0.5 + 0.1 * position as f64, 0.7));
    let asked = std::cell::Cell::new(0);
    let times = |wanted_for: usize| {
        asked.set(0);
        let rendered = render_while(&input, Language::English, &|| {
            asked.set(asked.get() + 1);
            asked.get() <= wanted_for
        });
        (rendered.map(|files| files.len()), asked.get())
    };
    let (files, parts) = times(usize::MAX);
    assert_eq!(files.unwrap(), 8);
    assert!(parts >= 12, "asked {parts} times only");
    for wanted_for in 0..parts {
        let (rendered, asked) = times(wanted_for);
        assert!(matches!(rendered, Err(ReportError::Abandoned)), "{wanted_for}");
        assert_eq!(asked, wanted_for + 1, "it went on");
    }
}

/// The rows of a Parquet file as the CSV would write them, the names of the columns first.
fn read_parquet(name: &str, bytes: &[u8]) -> Vec<Vec<String>> {
    use parquet::file::reader::{FileReader as _, SerializedFileReader};
    use parquet::record::Field;
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, bytes).unwrap();
    let reader = SerializedFileReader::try_from(path.as_path()).unwrap();
    let file = reader.metadata().file_metadata();
    let names: Vec<String> = file.schema().get_fields().iter().map(|field| field.name().to_owned()).collect();
    let docs: Vec<&str> = file.key_value_metadata().unwrap().iter().map(|entry| entry.key.as_str()).collect();
    assert_eq!(docs, names.iter().map(|name| format!("doc.{name}")).collect::<Vec<_>>());
    let mut rows = vec![names];
    for row in reader.get_row_iter(None).unwrap().map(Result::unwrap) {
        let cell = |(_, field): (&String, &Field)| match field {
            Field::Null => String::new(),
            Field::ULong(cell) => cell.to_string(),
            Field::Double(cell) => format!("{cell:?}"),
            Field::Bool(cell) => cell.to_string(),
            Field::Str(cell) => cell.clone(),
            other => panic!("{other:?}"),
        };
        rows.push(row.get_column_iter().map(cell).collect());
    }
    rows
}
