//! HTML line breaks in texts.

/// The text with every HTML line break, however it is written, as a space.
pub(crate) fn without_breaks(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let (before, tag) = rest.split_at(at);
        out.push_str(before);
        if let Some(length) = break_length(tag) {
            out.push(' ');
            rest = &tag[length..];
        } else {
            out.push('<');
            rest = &tag[1..];
        }
    }
    out + rest
}

/// Bytes of the line break that a text begins with.
fn break_length(text: &str) -> Option<usize> {
    let inner = text.get(..3)?.eq_ignore_ascii_case("<br").then(|| &text[3..])?;
    let end = inner.trim_start_matches([' ', '/', '\t', '\n']);
    end.starts_with('>').then(|| text.len() - end.len() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breaks_become_spaces_and_other_markup_stays() {
        assert_eq!(without_breaks("a<br />b<br/>c<BR>d<br>"), "a b c d ");
        assert_eq!(without_breaks("1 < 2 <b>x</b> <brx> <br"), "1 < 2 <b>x</b> <brx> <br");
    }
}
