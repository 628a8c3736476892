//! The nearest known name for a misspelt one, and the words of other tools for ours.

/// Names by which other tools call our hyperparameters.
const OTHER_NAMES: &[(&str, &str)] = &[
    ("lr", "learning_rate"),
    ("batch", "batch_size"),
    ("hidden_size", "units"),
    ("hidden_units", "units"),
    ("hidden", "units"),
    ("lstm_units", "units"),
    ("rnn", "cell"),
    ("embedding_dim", "embedding"),
    ("embedding_size", "embedding"),
    ("embed_dim", "embedding"),
    ("num_layers", "layers"),
    ("n_layers", "layers"),
    ("max_len", "max_length"),
    ("maxlen", "max_length"),
    ("sequence_length", "max_length"),
    ("vocab", "vocabulary"),
    ("vocab_size", "vocabulary"),
    ("num_words", "vocabulary"),
    ("clip", "gradient_clip"),
    ("clipnorm", "gradient_clip"),
    ("num_epochs", "epochs"),
    ("early_stopping", "patience"),
    ("repeats", "replicates"),
    ("val_split", "validation_share"),
    ("validation_split", "validation_share"),
    ("test_split", "test_share"),
    ("text_column", "text"),
    ("label_column", "label"),
];

/// Longest name for which a near one is sought; longer ones are no slips of the pen.
const SLIP_CHARS_MAX: usize = 40;

/// The candidate nearest to a misspelt name, if one is near: at most a third of its characters differ.
pub(crate) fn nearest<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    if name.chars().nth(SLIP_CHARS_MAX).is_some() {
        return None;
    }
    let name = name.trim().to_lowercase().replace(['-', ' '], "_");
    let other = OTHER_NAMES.iter().find(|(other, _)| *other == name).map(|(_, ours)| *ours);
    let limit = (name.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let distance =
                if other == Some(candidate) { 0 } else { strsim::damerau_levenshtein(&name, candidate) };
            (distance <= limit && distance < candidate.len()).then_some((distance, candidate))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep_file::all_names;

    #[test]
    fn slips_and_other_tools_words_find_our_names() {
        for (slip, ours) in [
            ("unit", "units"),
            ("Batch-Size", "batch_size"),
            ("lr", "learning_rate"),
            ("embeding", "embedding"),
            ("epoch", "epochs"),
            ("hidden_size", "units"),
        ] {
            assert_eq!(nearest(slip, all_names()), Some(ours), "{slip}");
        }
        assert_eq!(nearest("layer", all_names()), Some("layers"));
        assert_eq!(nearest("zzz", all_names()), None);
        assert_eq!(nearest("x", all_names()), None);
        assert_eq!(nearest(&"u".repeat(1000), all_names()), None);
    }

    #[test]
    fn other_names_lead_to_known_ones() {
        for (other, ours) in OTHER_NAMES {
            assert!(all_names().any(|name| name == *ours), "{ours}");
            assert!(!all_names().any(|name| name == *other), "{other} is a name of ours");
        }
    }
}
