//! The test split: scores of the chosen configuration, whether its probabilities can be trusted, what it finds hardest.

use super::{Block, Chart, ChartSpec, Figure, Head, Section, TextTable, format, names, warnings};
use crate::language::{Language, heads, say};
use crate::model::{ReliabilityBin, ReportModel, Summary, TestFigures, TestSplit};
use sweep_proto::metric::figure::Unit;

/// Most classes of the confusion matrix shown; larger ones stand in `report.json`.
const CLASSES_MAX: usize = 20;

pub(super) fn section(model: &ReportModel, language: Language) -> Section {
    let mut blocks = Vec::new();
    if let Some(test) = &model.test_split {
        blocks.extend(warnings::test_used_again(model.answer.test_split_uses, language).map(Block::Warning));
        blocks.push(Block::Figures(figures(model, test, language)));
        blocks.extend(earlier_choices(model, language).map(Block::Table));
        blocks.extend(confusion(model, language).map(Block::Table));
        if !test.reliability.is_empty() {
            blocks.push(Block::Text(
                say!(
                    language,
                    "A model is calibrated where predictions with a probability of 80 % are right in 80 of 100 cases. The \
                     expected calibration error is the mean distance between the two over ten parts of the range, weighed by \
                     their examples (Guo et al. 2017); few examples raise it above nought even where nothing is wrong."
                )
                .to_owned(),
            ));
            blocks.push(Block::Charts(vec![diagram(&test.reliability, language)]));
        }
        if !test.hardest.is_empty() {
            blocks.push(Block::Table(hardest(test, is_better_than_guessing(model), language)));
        }
    }
    Section { id: "test-split", title: say!(language, "Test split"), blocks }
}

fn figures(model: &ReportModel, test: &TestSplit, language: Language) -> Vec<Figure> {
    let answer = &model.answer;
    let over = match test.replicates {
        1 => say!(language, "of 1 replicate").to_owned(),
        count => say!(language, "mean over {count} replicates", count = count),
    };
    let mean = |label, value| Figure { label, value, detail: over.clone() };
    let missing = match test.replicates {
        1 => say!(language, "not measured"),
        _ => say!(language, "not measured of every replicate"),
    };
    let mut figures =
        vec![mean(say!(language, "Test accuracy"), format::optional_percent(answer.test_accuracy))];
    figures.extend(TestFigures::beside_accuracy().map(|figure| {
        let value = answer.test_figures.of(figure);
        let told = match figure.row().unit {
            Unit::Fraction => format::optional_percent(value),
            _ => format::optional(value),
        };
        let detail = value.map_or_else(|| missing.to_owned(), |_| over.clone());
        Figure { label: names::figure(figure, language), value: told, detail }
    }));
    figures.extend(test.baseline.map(|baseline| Figure {
        label: say!(language, "Without reading"),
        value: format::percent(baseline.accuracy),
        detail: say!(
            language,
            "accuracy of always saying the most frequent class; the shares of the classes alone give a loss of {loss}",
            loss = format::number(baseline.loss)
        ),
    }));
    let share = |label, summary: &Summary, detail: &str| Figure {
        label,
        value: format::accuracy(summary.mean, summary.standard_deviation),
        detail: detail.to_owned(),
    };
    figures.extend(test.expected_calibration_error.iter().map(|error| {
        let how = format::replicates(error, language);
        share(say!(language, "Expected calibration error"), error, &how)
    }));
    figures.extend(test.overconfidence.iter().map(|one| {
        let how = say!(language, "mean probability of the predicted class less accuracy");
        share(say!(language, "Overconfidence"), one, how)
    }));
    figures
}

/// The choices before this one whose test scores may have been seen.
fn earlier_choices(model: &ReportModel, language: Language) -> Option<TextTable> {
    let earlier = &model.answer.earlier_choices;
    let rows = earlier.iter().map(|one| {
        vec![
            format::time(one.at_ms),
            names::configuration(&one.label, language),
            format::count(one.trials),
            format::percent(one.test_accuracy),
        ]
    });
    let caption = say!(language, "Choices that were measured on the test split before this one");
    let head = heads!(language, "chosen", "configuration", "#completed trials", "#test accuracy");
    (!earlier.is_empty()).then(|| TextTable::new(caption, head).with_rows(rows, "report.json", language))
}

/// Counts over all replicates.
fn confusion(model: &ReportModel, language: Language) -> Option<TextTable> {
    let counts = model.answer.test_confusion.as_ref().filter(|one| one.len() <= CLASSES_MAX)?;
    let classes = &model.set_up.datasets.first()?.classes;
    let name = |class: usize| classes.get(class).cloned().unwrap_or_else(|| class.to_string());
    let rows = counts.iter().enumerate().map(|(class, row)| {
        std::iter::once(name(class)).chain(row.iter().map(|count| format::count(*count))).collect()
    });
    let caption = say!(language, "Test examples by class and predicted class, summed over replicates");
    let mut table = TextTable::new(caption, heads!(language, "class \\ predicted"));
    table.head.extend((0..counts.len()).map(|class| Head::number(name(class))));
    Some(table.with_rows(rows.collect::<Vec<_>>().into_iter(), "report.json", language))
}

fn diagram(bins: &[ReliabilityBin], language: Language) -> Chart {
    let rows = bins.iter().map(|bin| {
        vec![
            say!(
                language,
                "{from} to {to} %",
                from = format::fixed(bin.from * 100.0, 0),
                to = format::fixed(bin.to * 100.0, 0)
            ),
            format::count(bin.examples),
            format::optional_percent(bin.mean_confidence),
            format::optional_percent(bin.accuracy),
        ]
    });
    let head =
        heads!(language, "probability of the predicted class", "#examples", "#mean probability", "#accuracy");
    let caption = say!(
        language,
        "Accuracy by the probability of the predicted class, over the test examples of all replicates"
    );
    let percent = |share: f64| format::rounded(share * 100.0);
    let points = bins
        .iter()
        .filter_map(|bin| Some((percent(bin.mean_confidence?), percent(bin.accuracy?), bin.examples)));
    Chart {
        id: "reliability".to_owned(),
        title: say!(language, "Reliability diagram").to_owned(),
        description: say!(
            language,
            "Accuracy against the mean probability of the predicted class; on the diagonal, probabilities hold what they claim"
        )
        .to_owned(),
        spec: ChartSpec::Reliability { points: points.collect() },
        fallback: TextTable::new(caption, head).with_rows(rows, "report.json", language),
    }
}

/// Whether the chosen configuration is shown to know more than the most frequent class; also where nobody can tell.
pub(super) fn is_better_than_guessing(model: &ReportModel) -> bool {
    let Some(baseline) = model.test_split.as_ref().and_then(|test| test.baseline) else { return true };
    model.answer.test_accuracy.is_none_or(|accuracy| baseline.is_beaten_by(accuracy))
}

fn hardest(test: &TestSplit, are_good: bool, language: Language) -> TextTable {
    let caption = if are_good {
        say!(
            language,
            "Hardest test examples, those among the ten hardest of the most replicates first: an example that every model finds \
             hard may be labelled wrongly. Prediction and loss are those of the replicate with the highest loss; rows of the test \
             split count from 0"
        )
    } else {
        say!(
            language,
            "Hardest test examples, those among the ten hardest of the most replicates first. Prediction and loss are those of \
             the replicate with the highest loss; rows of the test split count from 0"
        )
    };
    let has_texts = test.hardest.iter().any(|one| one.text.is_some());
    let mut head = heads!(language, "#row", "class", "predicted", "#probability", "#loss", "#replicates");
    let caption = if has_texts {
        head.extend(heads!(language, "text"));
        say!(
            language,
            "{caption}. Texts of which only the tokens are left are spelled from them: <unk> is what the vocabulary lacks.",
            caption = caption
        )
    } else {
        caption.to_owned()
    };
    let rows = test.hardest.iter().map(|one| {
        let mut cells = vec![
            one.row.to_string(),
            one.truth.clone(),
            one.predicted.clone(),
            format::percent(one.probability),
            format::number(one.loss),
            format::of(one.replicates, test.replicates, language),
        ];
        cells.extend(has_texts.then(|| one.text.clone().unwrap_or_default()));
        cells
    });
    TextTable::new(caption, head).with_rows(rows, "report.json", language)
}
