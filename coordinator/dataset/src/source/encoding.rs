//! The encoding of a text file: as named, by its byte order mark, or recognised by a survey of its lines.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{
    BIG5, EUC_KR, Encoding, GB18030, GBK, ISO_8859_2, ISO_8859_4, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1250,
    WINDOWS_1252, WINDOWS_1254, WINDOWS_1257, WINDOWS_1258,
};

use crate::error::{DatasetError, nearest, shortened};
use crate::limits::LINE_BYTES_MAX;

/// Bytes of lines that are not UTF-8 from which the encoding is recognised: more tell no more.
const EVIDENCE_BYTES_MAX: usize = 1 << 20;
/// Lines that are not UTF-8 from which a file may be in another encoding; a single one is a damaged line.
const FOREIGN_LINES_MIN: u64 = 2;
/// How many times rarer one kind of line must be than the other to be an accident.
const RARE: u64 = 10;
/// Share of zero bytes at every second place that only UTF-16 has, where its lines end as in UTF-16, and in a single line.
const UTF16_ZEROS_OF_LINES: f64 = 0.02;
const UTF16_ZEROS_OF_A_LINE: f64 = 0.2;
/// How many times rarer zero bytes are at the other places of UTF-16, and the letters that hold the byte of a line end.
const UTF16_RARE: f64 = 4.0;
/// The pound sign in Latin encodings of the west; a letter in others.
const POUND: u8 = 0xA3;
/// Names that a refusal offers.
const KNOWN: [&str; 16] = [
    "utf-8",
    "utf-16le",
    "utf-16be",
    "windows-1252",
    "latin-1",
    "windows-1250",
    "windows-1251",
    "windows-1254",
    "koi8-r",
    "cp949",
    "euc-kr",
    "shift_jis",
    "euc-jp",
    "gb18030",
    "big5",
    "windows-874",
];

/// Encodings by names that people use and the standard of the web lacks.
fn alias(name: &str) -> Option<&'static Encoding> {
    Some(match name {
        "cp949" | "ms949" | "uhc" | "euckr" => EUC_KR,
        "cp936" => GBK,
        "cp932" => encoding_rs::SHIFT_JIS,
        "eucjp" => encoding_rs::EUC_JP,
        "cp950" => BIG5,
        "cp874" => encoding_rs::WINDOWS_874,
        "utf-8-sig" | "utf8-sig" => UTF_8,
        "utf-16-le" => UTF_16LE,
        "utf-16-be" => UTF_16BE,
        "ansi" | "latin-1" => WINDOWS_1252,
        "iso8859-15" => encoding_rs::ISO_8859_15,
        _ => return None,
    })
}

/// Encodings of the Latin script that share most bytes: a pound sign alone does not tell them apart.
fn is_rare_latin(encoding: &'static Encoding) -> bool {
    [WINDOWS_1250, WINDOWS_1254, WINDOWS_1257, WINDOWS_1258, ISO_8859_2, ISO_8859_4].contains(&encoding)
}

/// The encoding of a name from a sweep file.
pub(crate) fn named(name: &str) -> Result<&'static Encoding, DatasetError> {
    let plain = name.trim().to_lowercase().replace('_', "-");
    let standard =
        || Encoding::for_label(name.trim().as_bytes()).or_else(|| Encoding::for_label(plain.as_bytes()));
    let found = alias(&plain).or_else(standard).filter(|encoding| *encoding != encoding_rs::REPLACEMENT);
    found.ok_or_else(|| {
        DatasetError::Setting(format!(
            "no encoding is named \"{}\"{}; known are {} and the other labels of the Encoding Standard",
            shortened(name, 40),
            nearest(name, KNOWN),
            KNOWN.join(", ")
        ))
    })
}

/// What people call an encoding.
pub(crate) fn shown(encoding: &'static Encoding) -> &'static str {
    if encoding == EUC_KR {
        "CP949 (EUC-KR)"
    } else if encoding == GB18030 || encoding == GBK {
        "GB18030 (GBK)"
    } else {
        encoding.name()
    }
}

/// The encoding that the first bytes of a file tell: a byte order mark, or the zero bytes of UTF-16.
pub(crate) fn by_head(head: &[u8]) -> Option<&'static Encoding> {
    if let Some((encoding, _)) = Encoding::for_bom(head) {
        return Some(encoding);
    }
    let pairs = || head.chunks_exact(2);
    let count = |is: &dyn Fn(&[u8]) -> bool| pairs().filter(|pair| is(pair)).count() as f64;
    let half = pairs().len() as f64;
    let line_ends = (head.split(|byte| *byte == b'\n').count() - 1) as f64;
    // Which byte of a pair is zero for Latin letters, marks and line ends, and which hardly ever.
    let tells = |zero: usize, other: usize| {
        let zeros = count(&|pair| pair[zero] == 0);
        let others = count(&|pair| pair[other] == 0);
        let ends = count(&|pair| pair[zero] == 0 && pair[other] == b'\n');
        let has_lines = ends > 0.0 && ends * UTF16_RARE >= line_ends && zeros > UTF16_ZEROS_OF_LINES * half;
        let is_line = line_ends == 0.0 && half >= 4.0 && zeros > UTF16_ZEROS_OF_A_LINE * half;
        zeros > UTF16_RARE * others && (has_lines || is_line)
    };
    if tells(1, 0) {
        return Some(UTF_16LE);
    }
    tells(0, 1).then_some(UTF_16BE)
}

/// What the lines of text files tell of their encoding.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    lines: u64,
    /// Lines beyond ASCII that are UTF-8.
    utf8: u64,
    /// Lines that are not.
    foreign: u64,
    first_foreign: u64,
    evidence: Vec<u8>,
    carried: Vec<u8>,
}

impl Survey {
    /// Takes the next bytes.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        let mut lines = bytes.split_inclusive(|byte| *byte == b'\n');
        if !self.carried.is_empty()
            && let Some(first) = lines.next()
        {
            self.carried.extend_from_slice(first);
            if first.ends_with(b"\n") {
                let line = std::mem::take(&mut self.carried);
                self.line(&line);
            }
        }
        for line in lines {
            if line.ends_with(b"\n") {
                self.line(line);
            } else {
                self.carried.extend_from_slice(line);
            }
        }
        // Whoever reads the text refuses such lines.
        if self.carried.len() > LINE_BYTES_MAX {
            self.end();
        }
    }

    /// Ends a file.
    pub(crate) fn end(&mut self) {
        if !self.carried.is_empty() {
            let line = std::mem::take(&mut self.carried);
            self.line(&line);
        }
    }

    fn line(&mut self, line: &[u8]) {
        self.lines += 1;
        if line.is_ascii() {
            return;
        }
        if std::str::from_utf8(line).is_ok() {
            self.utf8 += 1;
            return;
        }
        self.foreign += 1;
        if self.foreign == 1 {
            self.first_foreign = self.lines;
        }
        if self.evidence.len() + line.len() < EVIDENCE_BYTES_MAX {
            self.evidence.extend_from_slice(line);
            self.evidence.push(b'\n');
        }
    }

    /// The encoding, or why it cannot be told. Single damaged lines of a UTF-8 file are left to whoever reads rows.
    ///
    /// # Errors
    /// A mixture of encodings, or evidence that contradicts itself.
    pub(crate) fn verdict(&self, place: &dyn std::fmt::Display) -> Result<&'static Encoding, DatasetError> {
        if self.foreign < FOREIGN_LINES_MIN || self.foreign * RARE <= self.utf8 {
            return Ok(UTF_8);
        }
        if self.utf8 * RARE > self.foreign {
            let reason = format!(
                "it mixes encodings: {} lines are UTF-8, {} are not, the first of them line {}; save all of it as UTF-8",
                self.utf8, self.foreign, self.first_foreign
            );
            return Err(DatasetError::broken(place, reason));
        }
        self.agreed(place)
    }

    /// What all of the evidence tells.
    fn agreed(&self, place: &dyn std::fmt::Display) -> Result<&'static Encoding, DatasetError> {
        let guess = recognised(&self.evidence);
        // Two halves of the evidence must tell the same, or what they tell must read the same.
        let (first, second) = halves(&self.evidence);
        for other in [first, second].into_iter().filter(|half| !half.is_empty()).map(recognised) {
            if let Some((one, two)) = differing_line(&self.evidence, guess, other) {
                let reason = format!(
                    "its encoding cannot be told: {} (\"{}\") or {} (\"{}\"); set `encoding = \"{}\"` or \
                     `encoding = \"{}\"` under [data]",
                    shown(guess),
                    shortened(&one, 40),
                    shown(other),
                    shortened(&two, 40),
                    guess.name().to_lowercase(),
                    other.name().to_lowercase()
                );
                return Err(DatasetError::broken(place, reason));
            }
        }
        Ok(guess)
    }

    /// The encoding of those of several files that are not UTF-8: each file is of one encoding.
    ///
    /// # Errors
    /// Evidence that contradicts itself.
    pub(crate) fn verdict_of_files(
        &self,
        place: &dyn std::fmt::Display,
    ) -> Result<&'static Encoding, DatasetError> {
        if self.foreign < FOREIGN_LINES_MIN { Ok(UTF_8) } else { self.agreed(place) }
    }

    /// The encoding that the lines that are not UTF-8 are most likely in, to be offered.
    pub(crate) fn likely(&self) -> Option<&'static Encoding> {
        (!self.evidence.is_empty()).then(|| recognised(&self.evidence))
    }
}

/// What the library recognises. Where it finds one of the rarer Latin encodings, pound signs before digits are left
/// out: as letters they would tell a Polish text of every English one with prices.
fn recognised(bytes: &[u8]) -> &'static Encoding {
    let guess = |bytes: &[u8]| {
        let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
        detector.feed(bytes, true);
        detector.guess(None, Utf8Detection::Deny)
    };
    let first = guess(bytes);
    if first == GBK {
        return GB18030;
    }
    if !is_rare_latin(first) {
        return first;
    }
    let is_price = |at: usize| bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
    let without: Vec<u8> = bytes
        .iter()
        .enumerate()
        .filter(|(at, byte)| **byte != POUND || !is_price(*at))
        .map(|(_, byte)| *byte)
        .collect();
    if without.is_ascii() { WINDOWS_1252 } else { guess(&without) }
}

/// The first and the second half of the lines.
fn halves(evidence: &[u8]) -> (&[u8], &[u8]) {
    let ends: Vec<usize> =
        evidence.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).collect();
    let middle = ends.get((ends.len() / 2).saturating_sub(1)).copied().unwrap_or(evidence.len());
    evidence.split_at(middle)
}

/// A line that two encodings read differently.
fn differing_line(
    evidence: &[u8],
    one: &'static Encoding,
    other: &'static Encoding,
) -> Option<(String, String)> {
    if one == other {
        return None;
    }
    let decoded =
        |line: &[u8], encoding: &'static Encoding| encoding.decode_without_bom_handling(line).0.into_owned();
    evidence.split(|byte| *byte == b'\n').find_map(|line| {
        let texts = (decoded(line, one), decoded(line, other));
        (texts.0 != texts.1).then_some(texts)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(text: &str, encoding: &'static Encoding) -> Result<&'static str, String> {
        let (bytes, _, lossy) = encoding.encode(text);
        assert!(!lossy, "{text} in {}", encoding.name());
        let mut survey = Survey::default();
        bytes.chunks(7).for_each(|chunk| survey.feed(chunk));
        survey.end();
        survey.verdict(&"a.csv").map(Encoding::name).map_err(|error| error.to_string())
    }

    #[test]
    fn encodings_of_common_languages_are_recognised() {
        use encoding_rs::{EUC_JP, KOI8_U, SHIFT_JIS, WINDOWS_874, WINDOWS_1251};
        let cases: [(&str, &'static Encoding); 14] = [
            ("Das ist ein schöner Film über Bären,pos\nSehr schlecht gemacht für Größe,neg\n", WINDOWS_1252),
            ("Ce film était très mauvais à voir,neg\nç’est génial,pos\n", WINDOWS_1252),
            ("You won £1000 cash,spam\nclaim your £200 prize,spam\n", WINDOWS_1252),
            ("it’s “fine” there – ok,ham\nit’s “bad”,spam\n", WINDOWS_1252),
            ("Bardzo dobry film, świetna gra aktorów żółty,pos\nZły film, łąka i źdźbło,neg\n", WINDOWS_1250),
            ("Очень хороший фильм,pos\nПлохой фильм был,neg\n", WINDOWS_1251),
            ("Очень хороший фильм,pos\nПлохой фильм был,neg\n", KOI8_U),
            ("정말 재밌는 영화였어요,1\n너무 지루하고 별로네요,0\n", EUC_KR),
            ("똠방각하 펲시콜라 뷁 정말 재밌다,1\n너무 지루하고 별로네요,0\n", EUC_KR),
            ("とても面白い映画でした,1\nつまらない作品だった,0\n", SHIFT_JIS),
            ("とても面白い映画でした,1\nつまらない作品だった,0\n", EUC_JP),
            ("这部电影非常好看,1\n太无聊了不推荐,0\n", GB18030),
            ("這部電影非常好看,1\n太無聊了不推薦,0\n", BIG5),
            ("หนังเรื่องนี้ดีมาก,1\nไม่สนุกเลย,0\n", WINDOWS_874),
        ];
        for (text, encoding) in cases {
            let lines = text.repeat(20);
            assert_eq!(verdict(&lines, encoding).as_deref(), Ok(encoding.name()), "{text}");
            assert_eq!(verdict(&lines, UTF_8).as_deref(), Ok("UTF-8"), "{text}");
        }
    }

    #[test]
    fn single_damaged_lines_leave_a_file_utf_8_and_mixtures_are_refused() {
        let survey = |lines: &[&[u8]]| {
            let mut survey = Survey::default();
            lines.iter().for_each(|line| survey.feed(&[line, &b"\n"[..]].concat()));
            survey.end();
            survey.verdict(&"a.csv").map(Encoding::name).map_err(|error| error.to_string())
        };
        assert_eq!(survey(&[b"plain", b"caf\xe9"]).as_deref(), Ok("UTF-8"));
        let mostly: Vec<&[u8]> =
            std::iter::repeat_n("naïve".as_bytes(), 40).chain([&b"caf\xe9"[..]; 3]).collect();
        assert_eq!(survey(&mostly).as_deref(), Ok("UTF-8"));
        let mixed: Vec<&[u8]> =
            std::iter::repeat_n("naïve".as_bytes(), 9).chain([&b"caf\xe9"[..]; 3]).collect();
        let refused = survey(&mixed).expect_err("mixed");
        assert!(
            refused.contains("it mixes encodings: 9 lines are UTF-8, 3 are not, the first of them line 10"),
            "{refused}"
        );
    }

    #[test]
    fn evidence_that_contradicts_itself_is_refused_with_both_names() {
        let (russian, _, _) = encoding_rs::WINDOWS_1251.encode("Очень хороший фильм,pos\n");
        let (greek, _, _) = encoding_rs::WINDOWS_1253.encode("Πολύ καλή ταινία,1\n");
        let mut survey = Survey::default();
        (0..9).for_each(|_| survey.feed(&russian));
        (0..9).for_each(|_| survey.feed(&greek));
        let refused = survey.verdict(&"a.csv").expect_err("two languages").to_string();
        assert!(
            refused.contains("cannot be told") && refused.contains("encoding = \"windows-1251\""),
            "{refused}"
        );
    }

    #[test]
    fn utf_16_is_told_with_and_without_a_mark() {
        let bytes = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
        for text in ["text,label\nfine,1\n", "document,label\n정말 재밌는 영화였어요,1\n"] {
            assert_eq!(by_head(&bytes(text)), Some(UTF_16LE), "{text}");
            let swapped: Vec<u8> = bytes(text).chunks(2).flat_map(|pair| [pair[1], pair[0]]).collect();
            assert_eq!(by_head(&swapped), Some(UTF_16BE), "{text}");
        }
        assert_eq!(by_head(&[b"\xFF\xFE", &bytes("x")[..]].concat()), Some(UTF_16LE));
        assert_eq!(by_head(b"text,label\nwith\0NUL,1\nand\0more,1\n"), None);
    }

    #[test]
    fn encodings_have_the_names_that_people_use() {
        for (name, encoding) in [
            ("CP949", EUC_KR),
            ("euc_kr", EUC_KR),
            ("latin1", WINDOWS_1252),
            ("ISO-8859-1", WINDOWS_1252),
            ("cp1252", WINDOWS_1252),
            ("utf8", UTF_8),
            ("utf-8-sig", UTF_8),
            ("GB2312", GBK),
            ("Shift-JIS", encoding_rs::SHIFT_JIS),
            ("utf-16", UTF_16LE),
        ] {
            assert_eq!(named(name).expect(name), encoding, "{name}");
        }
        let refused = named("windows-1525").expect_err("unknown").to_string();
        assert!(refused.contains("did you mean \"windows-125"), "{refused}");
    }
}
