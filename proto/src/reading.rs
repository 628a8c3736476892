//! How the rows of a user's data are read: what a sweep file may say beyond the place of the data.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// What becomes of HTML line breaks (`<br>`, `<br />`) in texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HtmlBreaks {
    /// They stay as they are.
    Keep,
    /// Each becomes a space.
    Space,
}

impl HtmlBreaks {
    /// The words of sweep files.
    pub const WORDS: [&'static str; 2] = ["keep", "space"];

    /// The word in sweep files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Space => "space",
        }
    }

    /// What a word of a sweep file means.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Keep, Self::Space].into_iter().find(|one| one.name() == name)
    }
}

/// How rows are read. The default reads a well-formed UTF-8 table with a header, as it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reading {
    /// Further columns whose text is joined behind that of the text column, in this order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub text_joined: Vec<String>,
    /// Whether the first row of a delimited file names its columns; without a header columns are named by number, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<bool>,
    /// The delimiter of a delimited file: one character, or `tab`. `None`: recognised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<String>,
    /// The encoding of text files. `None`: recognised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// What becomes of HTML line breaks. `None`: as the dataset's own reader has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub html_breaks: Option<HtmlBreaks>,
    /// Labels of the data with the names of their classes; a label that is not listed names its own class.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Labels of the data whose rows are left out.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub labels_dropped: BTreeSet<String>,
}

impl Reading {
    /// Whether nothing was said about how rows are read.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
