//! The parts of a page that follow what happens: their HTML, by the ids of their places.

use serde_json::{Map, Value};

/// Parts in the order in which they were made.
#[derive(Debug, Default)]
pub(super) struct Parts(pub(super) Vec<(&'static str, String)>);

impl Parts {
    /// The HTML of a place.
    pub(super) fn part(&self, id: &str) -> &str {
        self.0.iter().find(|(known, _)| *known == id).map_or("", |(_, html)| html)
    }

    /// Those that are not as they were told, for the page's script; all of them where nothing was told.
    pub(super) fn since(&self, told: Option<&Self>) -> Map<String, Value> {
        let is_news = |id: &str, html: &str| told.is_none_or(|told| told.part(id) != html);
        let news = self.0.iter().filter(|(id, html)| is_news(id, html));
        news.map(|(id, html)| ((*id).to_owned(), Value::from(html.as_str()))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_is_not_told_again() {
        let of = |log: &str| Parts(vec![("result", "leased".to_owned()), ("log", log.to_owned())]);
        let (before, now) = (of("one"), of("two"));
        assert_eq!((now.part("log"), now.part("elsewhere")), ("two", ""));
        assert_eq!(now.since(None).len(), 2);
        assert_eq!(Value::from(now.since(Some(&before))), serde_json::json!({ "log": "two" }));
        assert!(now.since(Some(&now)).is_empty());
    }
}
