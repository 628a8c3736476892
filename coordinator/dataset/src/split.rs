//! Which row goes to which split: drawn by class with a seed, so that every split has the source's shares.

use sweep_proto::DataSpec;
use sweep_proto::encoded::Split;
use sweep_proto::random::Stream;

use crate::error::DatasetError;
use crate::limits::SPLIT_ROWS_MIN;
use crate::rows::{Part, Row, Rows};

/// Rows of train, validation and test, in this order; each in the order of the source.
pub(crate) type Splits = [Vec<Row>; 3];

/// Checks the shares and sizes of a data section.
pub(crate) fn check_settings(data: &DataSpec) -> Result<(), DatasetError> {
    let shares = [("validation_share", data.validation_share), ("test_share", data.test_share)];
    for (key, share) in shares {
        if !(share > 0.0 && share < 1.0) {
            return Err(DatasetError::Setting(format!("`{key}` must be above 0 and below 1, not {share}")));
        }
    }
    if !(0.0..=1.0).contains(&data.bad_rows_share_max) {
        let given = data.bad_rows_share_max;
        return Err(DatasetError::Setting(format!("`bad_rows_share_max` must be from 0 to 1, not {given}")));
    }
    Ok(())
}

/// Splits the rows as the data section says.
///
/// # Errors
/// One class, a class that only the test split has, or too few rows for a split.
pub(crate) fn split(rows: &mut Rows, data: &DataSpec) -> Result<Splits, DatasetError> {
    let name = rows.name.clone();
    if rows.train.is_empty() {
        return Err(DatasetError::unsuitable(
            &name,
            "it has no usable row; check the text and label columns",
        ));
    }
    if let [only] = rows.classes.as_slice() {
        let reason =
            format!("all its rows have the one label \"{only}\"; a classifier needs at least two classes");
        return Err(DatasetError::unsuitable(&name, reason));
    }
    rows.check_named_parts()?;
    let classes = rows.classes.len();
    let mut train = std::mem::take(&mut rows.train);
    let mut validation = std::mem::take(&mut rows.validation);
    let mut test = std::mem::take(&mut rows.test);
    let seed = data.seed;
    if !rows.has_part(Part::Test) {
        let count = (train.len() as f64 * data.test_share).round() as usize;
        (test, train) = draw(train, classes, count, seed, "test", true);
    }
    if let Some(count) = data.test_rows {
        test = keep(rows, test, classes, count as usize, seed, "test_rows");
    }
    if let Some(count) = data.train_rows {
        train = keep(rows, train, classes, count as usize, seed, "train_rows");
    }
    if !rows.has_part(Part::Validation) {
        let count = (train.len() as f64 * data.validation_share).round() as usize;
        (validation, train) = draw(train, classes, count, seed, "validation", true);
    }
    let splits = [train, validation, test];
    check_sizes(rows, &splits)?;
    check_classes(rows, &splits)?;
    Ok(splits)
}

/// Draws `count` rows by class, as the setting of this name says, and accounts for the others.
fn keep(rows: &mut Rows, from: Vec<Row>, classes: usize, count: usize, seed: u64, setting: &str) -> Vec<Row> {
    let before = from.len();
    let kept = draw(from, classes, count, seed, setting, false).0;
    rows.leave_out(&format!("not drawn: `{setting}`"), (before - kept.len()) as u64);
    kept
}

/// Draws `count` rows by class; gives the drawn ones and the rest, both in the order of the source.
/// With `keep_one`, the rest keeps at least one row of every class.
fn draw(
    rows: Vec<Row>,
    classes: usize,
    count: usize,
    seed: u64,
    purpose: &str,
    keep_one: bool,
) -> (Vec<Row>, Vec<Row>) {
    if count >= rows.len() && !keep_one {
        return (rows, Vec::new());
    }
    let mut members = vec![Vec::new(); classes];
    rows.iter().enumerate().for_each(|(index, row)| members[row.label as usize].push(index));
    let sizes: Vec<usize> = members.iter().map(Vec::len).collect();
    let mut random = Stream::of_split(seed, purpose);
    let mut drawn = vec![false; rows.len()];
    for (members, quota) in members.iter_mut().zip(quotas(&sizes, count.min(rows.len()))) {
        random.shuffle(members);
        let most = if keep_one { members.len().saturating_sub(1) } else { members.len() };
        members.iter().take(quota.min(most)).for_each(|index| drawn[*index] = true);
    }
    let (mut taken, mut rest) = (Vec::new(), Vec::new());
    for (row, drawn) in rows.into_iter().zip(drawn) {
        if drawn { taken.push(row) } else { rest.push(row) }
    }
    (taken, rest)
}

/// How many of `count` draws each class gets: in proportion, the remaining ones by largest remainder.
fn quotas(sizes: &[usize], count: usize) -> Vec<usize> {
    let total = sizes.iter().sum::<usize>().max(1) as u128;
    let shares = sizes.iter().map(|size| *size as u128 * count as u128);
    let mut quotas: Vec<usize> = shares.clone().map(|share| (share / total) as usize).collect();
    let mut by_remainder: Vec<(u128, usize)> = shares.map(|share| share % total).zip(0..).collect();
    by_remainder.sort_by(|left, right| right.0.cmp(&left.0).then(left.1.cmp(&right.1)));
    let missing = count - quotas.iter().sum::<usize>();
    by_remainder.iter().take(missing).for_each(|(_, class)| quotas[*class] += 1);
    quotas
}

fn check_sizes(file_rows: &Rows, splits: &Splits) -> Result<(), DatasetError> {
    for ((split, rows), min) in Split::ALL.into_iter().zip(splits).zip(SPLIT_ROWS_MIN) {
        if rows.len() < min {
            if let Some(file) = file_rows.own_file(split).filter(|_| split != Split::Train) {
                let name = split.name();
                let reason = format!(
                    "it is the {name} data and too small: {} of its rows are usable and kept, and at least {min} are needed; give more \
                     rows, name another file, or name none: then the {name} split is drawn from the training rows",
                    rows.len()
                );
                return Err(DatasetError::unsuitable(file, reason));
            }
            let total: usize = splits.iter().map(Vec::len).sum();
            let split = split.name();
            let reason = format!(
                "too small: of {total} usable rows the {split} split gets {}, and needs at least {min}; \
                 give more rows, or change `validation_share`, `test_share`, `train_rows` or `test_rows` under [data]",
                rows.len()
            );
            return Err(DatasetError::unsuitable(&file_rows.name, reason));
        }
    }
    Ok(())
}

fn check_classes(rows: &Rows, splits: &Splits) -> Result<(), DatasetError> {
    let mut seen = vec![false; rows.classes.len()];
    splits[0].iter().for_each(|row| seen[row.label as usize] = true);
    let Some(missing) = seen.iter().position(|seen| !seen) else { return Ok(()) };
    let class = &rows.classes[missing];
    let reason = match rows.first_place(class) {
        Some(place) => format!(
            "no training row has the label \"{class}\", which first stands at {place}; give training rows of it, or leave its \
             rows out: `labels_dropped = [\"{class}\"]` under [data]"
        ),
        None => format!(
            "no training row has the label \"{class}\"; give more rows of it, raise `train_rows`, or leave its rows out: \
             `labels_dropped = [\"{class}\"]` under [data]"
        ),
    };
    Err(DatasetError::unsuitable(&rows.name, reason))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;
    use sweep_proto::DataSource;

    use super::*;
    use crate::rows::Place;

    fn spec() -> DataSpec {
        DataSpec::new(DataSource::Known { name: "snippets".into(), path: None })
    }

    fn rows(sizes: &[usize], part: Part) -> Rows {
        let mut rows = Rows::new("sample");
        for (class, size) in sizes.iter().enumerate() {
            for row in 0..*size {
                let text = format!("text {class} {row}");
                let place = Place { file: "a", line: 1 };
                rows.push(place, part, class.to_string().as_bytes(), text.as_bytes()).expect("few rows");
            }
        }
        rows.finish().expect("single labels");
        rows
    }

    proptest! {
        #[test]
        fn splits_keep_the_shares_of_the_classes_and_lose_no_row(
            sizes in proptest::collection::vec(10_usize..60, 2..5), seed in any::<u64>(),
        ) {
            let total: usize = sizes.iter().sum();
            let data = DataSpec { seed, ..spec() };
            let splits = split(&mut rows(&sizes, Part::Train), &data).expect("large enough");
            let texts: HashSet<_> = splits.iter().flatten().map(|row| row.text.clone()).collect();
            prop_assert_eq!(texts.len(), total);
            for (class, size) in sizes.iter().enumerate() {
                let drawn = splits[2].iter().filter(|row| row.label as usize == class).count() as f64;
                prop_assert!((drawn - *size as f64 * 0.1).abs() <= 1.0);
            }
            let again = split(&mut rows(&sizes, Part::Train), &data).expect("large enough");
            prop_assert_eq!(splits, again);
        }

        #[test]
        fn quotas_sum_up_and_never_exceed_a_class(sizes in proptest::collection::vec(0_usize..50, 1..6), share in 0.0..=1.0) {
            let total: usize = sizes.iter().sum();
            let count = (total as f64 * share) as usize;
            let quotas = quotas(&sizes, count);
            prop_assert_eq!(quotas.iter().sum::<usize>(), count);
            prop_assert!(quotas.iter().zip(&sizes).all(|(quota, size)| quota <= size));
        }
    }

    #[test]
    fn draws_bound_train_and_test_rows() {
        let data = DataSpec { train_rows: Some(20), test_rows: Some(4), ..spec() };
        let splits = split(&mut rows(&[100, 100], Part::Train), &data).expect("large enough");
        assert_eq!(splits.each_ref().map(Vec::len), [18, 2, 4]);
        assert_ne!(splits[0][0].text, "text 0 0", "a draw is not the head of the file");
    }

    #[test]
    fn the_sources_own_test_split_stays_apart() {
        let mut both = rows(&[30, 30], Part::Train);
        both.enter(Part::Test, "test.csv");
        both.test = (0..20).map(|row| Row { text: format!("own {row}"), label: row % 2 }).collect();
        let splits = split(&mut both, &spec()).expect("large enough");
        assert_eq!(splits.each_ref().map(Vec::len), [54, 6, 20]);
        assert!(splits[2].iter().all(|row| row.text.starts_with("own")));
    }

    #[test]
    fn useless_datasets_are_refused_by_name() {
        let message = |rows: &mut Rows| split(rows, &spec()).expect_err("refused").to_string();
        assert!(message(&mut rows(&[2, 1], Part::Train)).starts_with("sample: too small: of 3 usable rows"));
        assert!(message(&mut rows(&[50], Part::Train)).contains("the one label \"0\""));
        assert!(message(&mut rows(&[], Part::Train)).contains("no usable row"));
        let mut unseen = rows(&[30, 30], Part::Train);
        unseen.classes.push("rare".into());
        unseen.enter(Part::Test, "test.csv");
        unseen.test = vec![Row { text: "x".into(), label: 2 }; 5];
        assert!(message(&mut unseen).contains("no training row has the label \"rare\""));
    }

    #[test]
    fn a_test_part_without_a_usable_row_is_refused_and_not_drawn_from_the_training_rows() {
        for part in [Part::Test, Part::Validation] {
            let mut named = rows(&[30, 30], Part::Train);
            named.enter(part, "given.csv");
            let message = split(&mut named, &spec()).expect_err("refused").to_string();
            assert!(
                message.starts_with("given.csv: it is the ") && message.contains("no row at all"),
                "{message}"
            );
        }
    }

    #[test]
    fn a_test_file_that_is_too_small_is_refused_by_its_own_name() {
        let mut named = rows(&[30, 30], Part::Train);
        named.enter(Part::Test, "given.csv");
        named.test = vec![Row { text: "x".into(), label: 0 }];
        let message = split(&mut named, &spec()).expect_err("refused").to_string();
        assert!(
            message.starts_with("given.csv: it is the test data and too small: 1 of its rows"),
            "{message}"
        );
    }

    #[test]
    fn a_validation_part_of_its_own_is_the_validation_split() {
        let mut both = rows(&[30, 30], Part::Train);
        both.enter(Part::Validation, "dev.csv");
        both.validation = (0..12).map(|row| Row { text: format!("own {row}"), label: row % 2 }).collect();
        let splits = split(&mut both, &spec()).expect("large enough");
        assert_eq!(splits.each_ref().map(Vec::len), [54, 12, 6]);
        assert!(splits[1].iter().all(|row| row.text.starts_with("own")));
    }

    #[test]
    fn rows_that_a_draw_leaves_out_are_accounted_for() {
        let mut all = rows(&[100, 100], Part::Train);
        let data = DataSpec { train_rows: Some(20), test_rows: Some(4), ..spec() };
        split(&mut all, &data).expect("large enough");
        let left_out: Vec<_> = all.left_out.iter().map(|(reason, rows)| (reason.as_str(), *rows)).collect();
        assert_eq!(left_out, [("not drawn: `test_rows`", 16), ("not drawn: `train_rows`", 160)]);
    }
}
