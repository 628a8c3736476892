//! Files that are not what their place promises, told by their first bytes: each with what to do instead.

/// Extensions of formats that have no reader here, with what they are and the remedy.
const EXTENSIONS: [(&[&str], &str); 7] = [
    (&["xlsx", "xls", "xlsm", "ods"], SPREADSHEET),
    (&["arrow", "feather", "ipc"], ARROW),
    (&["pkl", "pickle"], PICKLE),
    (&["db", "sqlite", "sqlite3"], "it is a database; export the table as CSV"),
    (&["html", "htm"], WEB_PAGE),
    (
        &["doc", "docx", "odt", "pdf", "rtf"],
        "it is a document, not a table; export the rows as CSV or JSON Lines",
    ),
    (
        &["7z", "rar", "lz4", "br"],
        "it is compressed in a way that cannot be read here; unpack it, or pack it with gzip, Zstandard, bzip2, xz or ZIP",
    ),
];

pub(crate) const SPREADSHEET: &str = "it is a spreadsheet; save it as CSV (UTF-8)";
const ARROW: &str = "it is an Arrow IPC file; write it as Parquet (in Python: `datasets.Dataset.from_file(...).to_parquet(...)`)";
const PICKLE: &str =
    "it is a Python pickle, which is not read as it can run programs; write it as CSV, JSON Lines or Parquet";
const WEB_PAGE: &str =
    "it is a web page (HTML), perhaps a login page in place of the data; download the file itself";

const XML: &str = "it is an XML document, not a table; export the rows as CSV, JSON Lines or Parquet";

/// What is told of bytes that are no text in any encoding.
pub(crate) const BINARY: &str = "it is binary data, not text; name the table itself, or export the rows as CSV, JSON Lines or \
                                 Parquet (UTF-16 text: name its encoding, `encoding = \"utf-16le\"` under [data])";

/// Share of control characters, in percent, from which bytes are no text; stray NULs stand in some texts.
const CONTROLS_PERCENT: usize = 10;

/// Whether the head of a file is binary: not text in any encoding of single or variable bytes.
pub(crate) fn is_binary(head: &[u8]) -> bool {
    let is_control =
        |byte: &&u8| byte.is_ascii_control() && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0C | 0x1B);
    let controls = head.iter().filter(is_control).count();
    100 * controls > CONTROLS_PERCENT * head.len()
}

/// Whether the head of an XML document is that of a page for people.
fn is_xhtml(text: &[u8]) -> bool {
    let head = text[..text.len().min(1_024)].to_ascii_lowercase();
    head.windows(5).any(|part| part == b"<html")
}

/// What a file of this extension is, where no reader takes it.
pub(crate) fn by_extension(extension: &str) -> Option<&'static str> {
    EXTENSIONS.into_iter().find_map(|(extensions, what)| extensions.contains(&extension).then_some(what))
}

/// What the head of a file shows it to be, where it is not text.
pub(crate) fn by_head(head: &[u8]) -> Option<&'static str> {
    const MAGIC: [(&[u8], &str); 9] = [
        (
            b"version https://git-lfs",
            "it is a Git LFS pointer in place of the data; run `git lfs pull` in its folder",
        ),
        (b"ARROW1", ARROW),
        (b"\xFF\xFF\xFF\xFF", ARROW),
        (b"PAR1", "it is a Parquet file; name it .parquet"),
        (b"\xD0\xCF\x11\xE0", SPREADSHEET),
        (b"SQLite format 3\0", "it is a database; export the table as CSV"),
        (b"%PDF-", "it is a PDF document, not a table; export the rows as CSV or JSON Lines"),
        (b"\xFF\xFE\0\0", "it is encoded as UTF-32; save it as UTF-8"),
        (b"\0\0\xFE\xFF", "it is encoded as UTF-32; save it as UTF-8"),
    ];
    if let Some((_, what)) = MAGIC.into_iter().find(|(magic, _)| head.starts_with(magic)) {
        return Some(what);
    }
    // Protocols 2 to 5 of Python's pickle begin so; a text in another encoding hardly does.
    if let [0x80, 2..=5, rest @ ..] = head
        && rest.first().is_some_and(|byte| !byte.is_ascii_alphabetic())
    {
        return Some(PICKLE);
    }
    let text = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start();
    let begins = |tag: &[u8]| text.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag));
    let is_page = [&b"<!doctype html"[..], b"<html", b"<head"].into_iter().any(begins);
    is_page
        .then_some(WEB_PAGE)
        .or_else(|| begins(b"<?xml").then(|| if is_xhtml(text) { WEB_PAGE } else { XML }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_text_are_binary() {
        let mixed: Vec<u8> = (0..=255).cycle().take(4_096).collect();
        assert!(is_binary(&mixed) && is_binary(b"\x7fELF\x02\x01\x01\0\0\0\0\0"));
        for text in
            [&b"text,label\na\0 film,1\n"[..], "정말,좋아요\n".as_bytes(), b"\x1b$B$3\x1b(B,1\r\n", b""]
        {
            assert!(!is_binary(text));
        }
    }

    #[test]
    fn what_is_not_a_table_is_named_with_a_remedy() {
        for (head, part) in [
            (&b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"[..], "git lfs pull"),
            (b"\xEF\xBB\xBF\n <!DOCTYPE HTML>", "web page"),
            (b"<html lang=en>", "web page"),
            (b"<?xml version=\"1.0\"?>\n<html xmlns=\"http://www.w3.org/1999/xhtml\">", "web page"),
            (b"<?xml version=\"1.0\"?>\n<reviews><review/></reviews>", "XML document"),
            (b"ARROW1\0\0", "Parquet"),
            (b"\x80\x04\x95\0", "pickle"),
            (b"\xD0\xCF\x11\xE0\xA1", "spreadsheet"),
            (b"\xFF\xFE\0\0t\0\0\0", "UTF-32"),
        ] {
            assert!(by_head(head).is_some_and(|what| what.contains(part)), "{part}");
        }
        for head in [&b"text,label\n"[..], b"<b>bold</b>,1\n", b"", b"\xFF\xFEt\0", b"\x80uro,1"] {
            assert_eq!(by_head(head), None);
        }
        assert!(by_extension("xlsx").is_some() && by_extension("csv").is_none());
    }
}
