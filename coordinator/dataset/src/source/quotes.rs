//! Watches the quotes of a CSV file as RFC 4180 has them: the `csv` reader forgives what is wrong with them,
//! and a quote that is never closed would swallow row after row.

use std::collections::VecDeque;
use std::io::{Read, Result};

/// Where in a field the bytes so far end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before its first byte.
    Start,
    /// In an unquoted field, where a quote is a character.
    Unquoted,
    /// Behind an opening quote.
    Quoted,
    /// Behind a quote in a quoted field: it closes the field, or the next one doubles it.
    Closing,
}

/// A reader that passes bytes on and remembers what is wrong with their quotes.
#[derive(Debug)]
pub(crate) struct Quotes<R> {
    inner: R,
    /// `None` for files without quoting.
    delimiter: Option<u8>,
    state: State,
    line: u64,
    opened_on: u64,
    /// Lines on which something follows a closing quote, in order.
    malformed: VecDeque<u64>,
}

impl<R> Quotes<R> {
    /// Watches a reader that stands at the start of a file. Without a delimiter nothing is watched.
    pub(crate) fn new(inner: R, delimiter: Option<u8>) -> Self {
        Self { inner, delimiter, state: State::Start, line: 1, opened_on: 1, malformed: VecDeque::new() }
    }

    /// The line on which the quote was opened that is still open; for the end of the file.
    pub(crate) fn open(&self) -> Option<u64> {
        (self.state == State::Quoted).then_some(self.opened_on)
    }

    /// Whether something follows a closing quote on one of the lines up to `last` that were not asked about.
    pub(crate) fn is_malformed_up_to(&mut self, last: u64) -> bool {
        let before = self.malformed.len();
        while self.malformed.front().is_some_and(|line| *line <= last) {
            self.malformed.pop_front();
        }
        self.malformed.len() < before
    }

    fn scan(&mut self, bytes: &[u8], delimiter: u8) {
        for byte in bytes {
            let ends_field = *byte == delimiter || matches!(byte, b'\n' | b'\r');
            self.state = match (self.state, byte) {
                (State::Start, b'"') => {
                    self.opened_on = self.line;
                    State::Quoted
                }
                (State::Quoted, b'"') => State::Closing,
                (State::Quoted, _) | (State::Closing, b'"') => State::Quoted,
                _ if ends_field => State::Start,
                (State::Closing, _) => {
                    self.malformed.push_back(self.line);
                    State::Unquoted
                }
                (State::Start | State::Unquoted, _) => State::Unquoted,
            };
            self.line += u64::from(*byte == b'\n');
        }
    }
}

impl<R: Read> Read for Quotes<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let count = self.inner.read(buffer)?;
        if let Some(delimiter) = self.delimiter {
            self.scan(&buffer[..count], delimiter);
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched(text: &str) -> Quotes<&[u8]> {
        let mut quotes = Quotes::new(text.as_bytes(), Some(b','));
        std::io::copy(&mut quotes, &mut std::io::sink()).expect("reads");
        quotes
    }

    #[test]
    fn well_formed_files_pass() {
        for text in [
            "a,b\n",
            "\"a\nb\",\"c \"\" d\"\r\n\"\",x",
            "5\" pipe,it's \"fine\"\n",
            "\"last\"",
            "a,\"\"\"\"\n",
            "",
        ] {
            let mut quotes = watched(text);
            assert_eq!((quotes.open(), quotes.is_malformed_up_to(99)), (None, false), "{text:?}");
        }
    }

    #[test]
    fn an_open_quote_is_known_by_its_line() {
        assert_eq!(watched("a,b\n\"open,x\nmore,y\n").open(), Some(2));
        assert_eq!(watched("a,b\nx,\"").open(), Some(2));
    }

    #[test]
    fn what_follows_a_closing_quote_is_known_by_its_line() {
        let mut quotes = watched("a,b\n\"oops,x\n\"then\",y\nfine,y\n\"no\"t,z\n");
        assert!(!quotes.is_malformed_up_to(2));
        assert!(quotes.is_malformed_up_to(3));
        assert!(!quotes.is_malformed_up_to(4));
        assert!(quotes.is_malformed_up_to(5));
    }
}
