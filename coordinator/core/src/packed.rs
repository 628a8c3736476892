//! Rows in the order of their keys, packed in blocks: a B-tree keeps nodes half empty where rows come in order, and keys beside rows.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::{Index, RangeInclusive};

/// What stands in a table under a key of its own.
pub trait Row {
    /// What its place is found by.
    type Key: Copy + Ord;

    /// Its key.
    fn key(&self) -> Self::Key;
}

/// Small values are their own keys, so that a table of them is a set.
impl<T: Copy + Ord> Row for T {
    type Key = T;

    fn key(&self) -> T {
        *self
    }
}

/// Memory of a full block, in bytes: so much is moved at most where a row comes in between.
const BLOCK_BYTES: usize = 4_096;

/// A table of rows, at most one under each key. It reads like a map of the standard library.
#[derive(Clone)]
pub struct Packed<R: Row> {
    /// Each block under a key that is not above those of its rows, and above those of the block before.
    blocks: BTreeMap<R::Key, Vec<R>>,
    len: usize,
}

impl<R: Row> Packed<R> {
    /// Rows of a full block.
    const BLOCK_ROWS: usize =
        if size_of::<R>() > BLOCK_BYTES / 16 { 16 } else { BLOCK_BYTES / size_of::<R>() };

    /// Rows that there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The row of a key.
    pub fn get(&self, key: &R::Key) -> Option<&R> {
        let (_, block) = self.blocks.range(..=key).next_back()?;
        let at = block.binary_search_by_key(key, Row::key).ok()?;
        block.get(at)
    }

    /// Whether there is a row of a key.
    pub fn contains_key(&self, key: &R::Key) -> bool {
        self.get(key).is_some()
    }

    /// All rows, in order.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &R> {
        self.blocks.values().flatten()
    }

    /// All rows, in order. Their keys must stay.
    pub fn values_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut R> {
        self.blocks.values_mut().flatten()
    }

    /// All keys, in order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = R::Key> {
        self.values().map(Row::key)
    }

    /// The row of the lowest key.
    pub fn first(&self) -> Option<&R> {
        self.blocks.first_key_value()?.1.first()
    }

    /// The row of the highest key.
    pub fn last(&self) -> Option<&R> {
        self.blocks.last_key_value()?.1.last()
    }

    /// The rows from one key to another, in order.
    pub fn range(&self, keys: RangeInclusive<R::Key>) -> impl DoubleEndedIterator<Item = &R> {
        let (first, last) = keys.into_inner();
        let begin = self.blocks.range(..=first).next_back().map_or(first, |(name, _)| *name);
        self.blocks.range(begin..=last.max(begin)).flat_map(move |(_, block)| {
            let skipped = block.partition_point(|row| row.key() < first);
            let count = block.partition_point(|row| row.key() <= last);
            block.get(skipped..count).unwrap_or_default()
        })
    }

    /// The last row from one key to another.
    pub fn last_in(&self, keys: RangeInclusive<R::Key>) -> Option<&R> {
        let (first, last) = keys.into_inner();
        let mut blocks = self.blocks.range(..=last).rev();
        let found = blocks.find_map(|(_, block)| {
            let count = block.partition_point(|row| row.key() <= last);
            block.get(count.checked_sub(1)?)
        });
        found.filter(|row| row.key() >= first)
    }

    /// The rows from one key to another, in order. Their keys must stay.
    pub fn range_mut(&mut self, keys: RangeInclusive<R::Key>) -> impl Iterator<Item = &mut R> {
        let (first, last) = keys.into_inner();
        let begin = self.blocks.range(..=first).next_back().map_or(first, |(name, _)| *name);
        let blocks = self.blocks.range_mut(begin..=last.max(begin));
        blocks.flat_map(|(_, block)| block).filter(move |row| (first..=last).contains(&row.key()))
    }

    /// Puts a row under its key; what stood there before.
    pub fn insert(&mut self, row: R) -> Option<R> {
        let key = row.key();
        self.begin_at(key);
        let Some((_, block)) = self.blocks.range_mut(..=key).next_back() else {
            self.add_block(key, vec![row]);
            return None;
        };
        let at = match block.binary_search_by_key(&key, Row::key) {
            Ok(at) => return block.get_mut(at).map(|before| std::mem::replace(before, row)),
            Err(at) => at,
        };
        if block.len() < Self::BLOCK_ROWS {
            put(block, at, row);
            self.len += 1;
        } else if at == block.len() {
            // Rows mostly come in order: what is full stays full.
            self.insert_behind(key, row);
        } else {
            let mut upper = block.split_off(block.len() / 2);
            block.shrink_to_fit();
            let lower_len = block.len();
            if at <= lower_len {
                put(block, at, row);
            } else {
                put(&mut upper, at - lower_len, row);
            }
            self.len += 1;
            if let Some(name) = upper.first().map(Row::key) {
                self.blocks.insert(name, upper);
            }
        }
        None
    }

    /// Puts a row behind the last one of a full block. Rows that come in order get a block of their own; those that come in the opposite
    /// order would each get one, so a block behind it of which half is free takes them.
    fn insert_behind(&mut self, key: R::Key, row: R) {
        let next = self.blocks.range(key..).next();
        let name = next.filter(|(_, block)| block.len() < Self::BLOCK_ROWS / 2).map(|(name, _)| *name);
        let block = name.and_then(|name| self.blocks.remove(&name));
        let mut block = block.unwrap_or_default();
        put(&mut block, 0, row);
        self.blocks.insert(key, block);
        self.len += 1;
    }

    /// Takes the row of a key out.
    pub fn remove(&mut self, key: &R::Key) -> Option<R> {
        let (name, block) = self.blocks.range_mut(..=key).next_back()?;
        let at = block.binary_search_by_key(key, Row::key).ok()?;
        let row = block.remove(at);
        self.len -= 1;
        if block.is_empty() {
            let name = *name;
            self.blocks.remove(&name);
        } else if block.len() < block.capacity() / 4 {
            block.shrink_to_fit();
        }
        Some(row)
    }

    /// Lets the first block begin at a key that comes before all.
    fn begin_at(&mut self, key: R::Key) {
        if self.blocks.first_key_value().is_some_and(|(first, _)| key < *first)
            && let Some((_, block)) = self.blocks.pop_first()
        {
            self.blocks.insert(key, block);
        }
    }

    fn add_block(&mut self, name: R::Key, block: Vec<R>) {
        self.len += block.len();
        self.blocks.insert(name, block);
    }
}

/// Puts a row into a block that has room. Blocks grow in small steps, since there are many of them.
fn put<R: Row>(block: &mut Vec<R>, at: usize, row: R) {
    if block.len() == block.capacity() {
        let full = Packed::<R>::BLOCK_ROWS;
        block.reserve_exact(block.len().max(4).min(full / 8).min(full - block.len()));
    }
    block.insert(at, row);
}

impl<R: Row> Default for Packed<R> {
    fn default() -> Self {
        Self { blocks: BTreeMap::new(), len: 0 }
    }
}

/// How rows are dealt to blocks tells how they came, and nothing of what they are.
impl<R: Row + PartialEq> PartialEq for Packed<R> {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.values().eq(other.values())
    }
}

impl<R: Row + fmt::Debug> fmt::Debug for Packed<R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.values()).finish()
    }
}

impl<R: Row> Index<&R::Key> for Packed<R> {
    type Output = R;

    #[allow(clippy::panic, reason = "what indexing does; for tests")]
    fn index(&self, key: &R::Key) -> &R {
        self.get(key).unwrap_or_else(|| panic!("no row has this key"))
    }
}

impl<R: Row> Extend<R> for Packed<R> {
    fn extend<I: IntoIterator<Item = R>>(&mut self, rows: I) {
        rows.into_iter().for_each(|row| _ = self.insert(row));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A row of which few fit a block.
    #[derive(Clone, Debug, PartialEq)]
    struct Wide {
        key: u16,
        value: [u8; 300],
    }

    impl Row for Wide {
        type Key = u16;

        fn key(&self) -> u16 {
            self.key
        }
    }

    fn packed(rows: &BTreeMap<u16, u8>) -> Packed<Wide> {
        let mut packed = Packed::default();
        packed.extend(rows.iter().map(|(key, value)| Wide { key: *key, value: [*value; 300] }));
        packed
    }

    /// What must hold of the blocks themselves.
    fn check(packed: &Packed<Wide>) {
        let mut before = None;
        for (name, block) in &packed.blocks {
            assert!(!block.is_empty() && block.len() <= Packed::<Wide>::BLOCK_ROWS);
            assert!(before < Some(*name) && *name <= block.first().unwrap().key);
            assert!(block.is_sorted_by(|one, next| one.key < next.key));
            before = block.last().map(|row| row.key);
        }
        assert_eq!(packed.len(), packed.values().count());
    }

    proptest! {
        /// Whatever comes and goes in whatever order, it is what a map of the standard library holds.
        #[test]
        fn it_is_a_map(
            steps in prop::collection::vec((any::<bool>(), 0_u16..400, any::<u8>()), 0..600), from in 0_u16..400, until in 0_u16..400,
        ) {
            let (mut map, mut table) = (BTreeMap::new(), Packed::default());
            for (is_removal, key, value) in steps {
                let before = if is_removal {
                    prop_assert_eq!(table.remove(&key).map(|row: Wide| row.value[0]), map.remove(&key));
                    continue;
                } else {
                    table.insert(Wide { key, value: [value; 300] })
                };
                prop_assert_eq!(before.map(|row| row.value[0]), map.insert(key, value));
            }
            check(&table);
            prop_assert_eq!(&table, &packed(&map));
            prop_assert_eq!(table.first().map(Row::key), map.keys().next().copied());
            prop_assert_eq!(table.last().map(Row::key), map.keys().next_back().copied());
            let found = |key: &u16| table.get(key).map(|row| row.value[0]);
            prop_assert!((0..400).all(|key| found(&key) == map.get(&key).copied()));
            let part: Vec<u16> = table.range(from..=until).map(Row::key).collect();
            let expected: Vec<u16> = map.keys().copied().filter(|key| (from..=until).contains(key)).collect();
            prop_assert_eq!(&part, &expected);
            prop_assert_eq!(table.last_in(from..=until).map(Row::key), expected.last().copied());
            let backward: Vec<u16> = table.range(from..=until).rev().map(Row::key).collect();
            prop_assert_eq!(backward, expected.into_iter().rev().collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_comes_in_order_fills_its_blocks() {
        let mut set = Packed::default();
        set.extend(0_u32..100_000);
        let rows = Packed::<u32>::BLOCK_ROWS;
        assert_eq!(set.blocks.len(), 100_000_usize.div_ceil(rows));
        assert!(set.blocks.values().all(|block| block.capacity() <= rows));
        (0..100_000).filter(|number| number % 1_000 > 0).for_each(|number| _ = set.remove(&number));
        let room: usize = set.blocks.values().map(Vec::capacity).sum();
        assert!(room <= 4 * set.len(), "room for {room}, and {} are left", set.len());
    }

    /// A full block before a gap, and one behind it.
    fn with_gap() -> (Packed<u32>, usize) {
        let rows = Packed::<u32>::BLOCK_ROWS;
        let mut set = Packed::default();
        set.extend((0..rows as u32).chain(1_000_000..1_000_000 + rows as u32));
        assert_eq!(set.blocks.len(), 2);
        (set, rows)
    }

    #[test]
    fn what_comes_in_any_order_into_a_gap_fills_at_least_half_of_its_blocks() {
        let (mut set, rows) = with_gap();
        set.extend((100_000..200_000).rev());
        assert!(set.blocks.len() <= 2 + 100_000_usize.div_ceil(rows / 2), "{} blocks", set.blocks.len());
        let expected = (0..rows as u32).chain(100_000..200_000).chain(1_000_000..1_000_000 + rows as u32);
        assert!(set.keys().eq(expected));
        let (mut set, rows) = with_gap();
        set.extend(100_000..200_000);
        assert_eq!(set.blocks.len(), 2 + 100_000_usize.div_ceil(rows), "in order they fill them");
    }
}
