//! The data: what was read, what was lost, what the splits share.

use crate::language::Entry;

pub(super) const ENTRIES: &[Entry] = &[
    (
        "{rows} of {of} {split} texts ({share}) also stand in the training split: accuracy on them measures memory.",
        "학습 분할에도 있는 텍스트: {split} 텍스트 {of}개 중 {rows}개({share}). 이런 텍스트의 정확도는 암기를 잴 뿐입니다.",
    ),
    (
        "The {split} split has only {rows} rows: single rows move its accuracy.",
        "{split} 분할의 행은 {rows}개뿐입니다. 행 하나가 정확도를 바꿉니다.",
    ),
    (
        "{share} of the {split} tokens are not in the vocabulary (tokenizer: {tokenizer}). The tokenizer `subword` or a \
         larger vocabulary reads more.",
        "{split} 토큰의 {share}, 어휘에 없습니다(토크나이저: {tokenizer}). 토크나이저 `subword` 또는 더 큰 어휘를 쓰면 더 많이 읽습니다.",
    ),
    (
        "{rows} of {of} rows ({share}) could not be used: the result is of the others.",
        "행 {of}개 중 {rows}개({share})는 쓸 수 없었습니다. 결과는 나머지 행의 것입니다.",
    ),
    (
        "{share} of the rows of the class \"{class}\" could not be used, of all rows {overall}: the classes are no longer \
         those of the data.",
        "클래스 \"{class}\"의 행은 {share}, 전체 행은 {overall}만큼 쓸 수 없었습니다. 클래스의 비율이 더 이상 데이터와 같지 않습니다.",
    ),
    (
        "No row of these labels could be used, and they are not among the classes: {labels}.",
        "쓸 수 있는 행이 하나도 없어 클래스에서 빠진 레이블: {labels}.",
    ),
    (
        "The {split} split has no row of these classes: {labels}.",
        "{split} 분할에 행이 하나도 없는 클래스: {labels}.",
    ),
    (
        "{share} of the test rows are of the class \"{class}\": compare accuracy with that, and read macro F1.",
        "테스트 행의 {share}, 클래스 \"{class}\"에 속합니다. 정확도를 이 비율과 비교하고 매크로 F1을 보십시오.",
    ),
    (
        "{share} of the {split} texts are longer than the maximum length and were cut.",
        "{split} 텍스트의 {share}, 최대 길이보다 길어 잘렸습니다.",
    ),
    (
        "{rows} rows repeat a training text under another label.",
        "학습 텍스트와 같고 레이블이 다른 행: {rows}개.",
    ),
    ("{names} and {more} more", "{names} 외 {more}개"),
    (
        "Files read. Training rows are split further where no file is given for a split.",
        "읽은 파일(파일이 따로 없는 분할은 학습 행에서 나눔)",
    ),
    (
        "Texts and tokens of each split. Texts in training: rows whose text, as the tokenizer reads it, also stands in the \
         training split; for the training split itself, repeated texts.",
        "분할별 텍스트와 토큰. 학습에도 있는 텍스트: 토크나이저가 읽는 대로 같은 텍스트가 학습 분할에도 있는 행. 학습 분할에서는 반복된 텍스트",
    ),
    ("Rows that no split has", "어느 분할에도 없는 행"),
    ("Rows of each class", "클래스별 행 수"),
    ("file", "파일"),
    ("split", "분할"),
    ("rows", "행"),
    ("usable rows", "쓸 수 있는 행"),
    ("unusable rows", "쓸 수 없는 행"),
    ("notes", "비고"),
    ("texts in training", "학습에도 있는 텍스트"),
    ("under another label", "레이블이 다른 것"),
    ("unknown tokens", "미등록 토큰"),
    ("texts cut", "잘린 텍스트"),
    ("unusable", "쓸 수 없음"),
    ("left out", "제외"),
    ("first of them", "처음 행들"),
    ("label", "레이블"),
    ("test data", "테스트 데이터"),
    ("of the dataset itself, or drawn from its rows", "데이터셋에 포함된 것 또는 데이터셋의 행에서 추출"),
];
