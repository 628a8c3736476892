//! Byte-pair encoding learned from word counts (Sennrich et al., 2016), over characters.
//!
//! The trainer of the `tokenizers` library walks hash maps and may break ties differently in two runs;
//! a dataset's digest must not. Here every tie is broken by the pair's token numbers. What is learned is
//! written in that library's format and applied by it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};

/// A vocabulary with the merges that lead to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Learned {
    /// Tokens in the order of their numbers, without padding and unknown.
    pub(crate) tokens: Vec<String>,
    /// Pairs of tokens to be joined, the most urgent first.
    pub(crate) merges: Vec<(String, String)>,
}

/// Words that a pair or a character must stand in to earn a token: once is an accident.
const COUNT_MIN: u64 = 2;

type Pair = (u32, u32);

struct Word {
    tokens: Vec<u32>,
    count: u64,
}

#[derive(Default)]
struct Pairs {
    counts: HashMap<Pair, u64>,
    words: HashMap<Pair, BTreeSet<usize>>,
}

/// Learns at most `size` tokens from words with their counts.
pub(crate) fn learn(words: &[(&str, u64)], size: usize) -> Learned {
    let mut tokens = alphabet(words, size);
    let mut number: HashMap<String, u32> = tokens.iter().cloned().zip(0..).collect();
    let mut words: Vec<Word> = words
        .iter()
        .map(|(word, count)| {
            // A character without a token separates: no pair spans it, as at prediction.
            let known = |character: char| number.get(character.encode_utf8(&mut [0; 4]) as &str).copied();
            Word { tokens: word.chars().map(|one| known(one).unwrap_or(u32::MAX)).collect(), count: *count }
        })
        .collect();
    let mut pairs = Pairs::default();
    for (place, word) in words.iter().enumerate() {
        pairs.add(place, word);
    }
    let mut queue: BinaryHeap<(u64, Reverse<Pair>)> =
        pairs.counts.iter().map(|(pair, count)| (*count, Reverse(*pair))).collect();
    let mut merges = Vec::new();
    while tokens.len() < size
        && let Some((count, Reverse(pair))) = queue.pop()
    {
        // Counts change after a pair was queued; every change queued it again.
        if pairs.counts.get(&pair) != Some(&count) {
            continue;
        }
        if count < COUNT_MIN {
            break;
        }
        let (left, right) = (tokens[pair.0 as usize].clone(), tokens[pair.1 as usize].clone());
        let joined = format!("{left}{right}");
        let token = *number.entry(joined).or_insert_with_key(|joined| {
            tokens.push(joined.clone());
            tokens.len() as u32 - 1
        });
        merges.push((left, right));
        let mut changed = BTreeSet::new();
        for place in pairs.words.remove(&pair).unwrap_or_default() {
            pairs.remove(&words[place], &mut changed);
            join(&mut words[place].tokens, pair, token);
            changed.extend(pairs.add(place, &words[place]));
        }
        pairs.counts.remove(&pair);
        let counts = &pairs.counts;
        queue.extend(changed.into_iter().filter_map(|pair| Some((*counts.get(&pair)?, Reverse(pair)))));
    }
    Learned { tokens, merges }
}

/// The characters that get a token: the most frequent ones, for at most half of the vocabulary.
fn alphabet(words: &[(&str, u64)], size: usize) -> Vec<String> {
    let mut counts: BTreeMap<char, u64> = BTreeMap::new();
    for (word, count) in words {
        word.chars().for_each(|character| *counts.entry(character).or_default() += count);
    }
    let mut characters: Vec<_> = counts.into_iter().filter(|(_, count)| *count >= COUNT_MIN).collect();
    characters.sort_by_key(|(character, count)| (Reverse(*count), *character));
    characters.iter().take(size.div_ceil(2)).map(|(character, _)| character.to_string()).collect()
}

impl Pairs {
    /// Counts the pairs of a word; gives them.
    fn add(&mut self, place: usize, word: &Word) -> Vec<Pair> {
        let pairs: Vec<Pair> = pairs_of(word).collect();
        for pair in &pairs {
            *self.counts.entry(*pair).or_default() += word.count;
            self.words.entry(*pair).or_default().insert(place);
        }
        pairs
    }

    /// Takes the pairs of a word out of the counts. It stays listed under them, which does no harm.
    fn remove(&mut self, word: &Word, changed: &mut BTreeSet<Pair>) {
        for pair in pairs_of(word) {
            if let Some(count) = self.counts.get_mut(&pair) {
                *count = count.saturating_sub(word.count);
                changed.insert(pair);
            }
        }
    }
}

fn pairs_of(word: &Word) -> impl Iterator<Item = Pair> + '_ {
    let pairs = word.tokens.windows(2).map(|two| (two[0], two[1]));
    pairs.filter(|pair| pair.0 != u32::MAX && pair.1 != u32::MAX)
}

/// Replaces every occurrence of the pair, from the left, by the token.
fn join(tokens: &mut Vec<u32>, pair: Pair, token: u32) {
    let mut joined: Vec<u32> = Vec::with_capacity(tokens.len());
    let mut rest = tokens.as_slice();
    while let Some((first, after)) = rest.split_first() {
        if *first == pair.0 && after.first() == Some(&pair.1) {
            joined.push(token);
            rest = &after[1..];
        } else {
            joined.push(*first);
            rest = after;
        }
    }
    *tokens = joined;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn frequent_pairs_are_joined_first() {
        // The example of Sennrich et al.: "es" (9), then "est" (9), then "lo" (7).
        let words = [("low", 5), ("lower", 2), ("newest", 6), ("widest", 3)];
        let learned = learn(&words, 100);
        let merges: Vec<_> = learned.merges.iter().map(|(left, right)| format!("{left}+{right}")).collect();
        assert_eq!(merges[..2].iter().map(String::len).sum::<usize>(), 7, "{merges:?}");
        assert!(learned.tokens.contains(&"est".to_owned()) && learned.tokens.contains(&"low".to_owned()));
        assert!(learned.tokens.contains(&"newest".to_owned()), "joined down to whole words: {merges:?}");
    }

    #[test]
    fn repeated_letters_are_joined_from_the_left() {
        let mut tokens = vec![7, 7, 7];
        join(&mut tokens, (7, 7), 9);
        assert_eq!(tokens, [9, 7]);
    }

    proptest! {
        #[test]
        fn any_words_give_the_same_bounded_vocabulary_twice(
            words in proptest::collection::btree_map("[abc한글ㅋ]{1,6}", 1_u64..50, 0..40), size in 1_usize..60,
        ) {
            let words: Vec<_> = words.iter().map(|(word, count)| (word.as_str(), *count)).collect();
            let learned = learn(&words, size);
            prop_assert!(learned.tokens.len() <= size);
            let distinct: BTreeSet<_> = learned.tokens.iter().collect();
            prop_assert_eq!(distinct.len(), learned.tokens.len());
            prop_assert_eq!(learn(&words, size), learned);
        }
    }
}
