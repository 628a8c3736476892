//! What was launched, on what, by which machines; and how it is done again.

use crate::language::Entry;

pub(super) const ENTRIES: &[Entry] = &[
    ("Every configuration fulfils: {constraints}", "모든 조합이 다음을 충족합니다: {constraints}"),
    ("Set-up", "실험 설정"),
    ("The sweep", "스윕 개요"),
    ("launched", "시작"),
    ("ended", "종료 시각"),
    ("dataset", "데이터셋"),
    ("training rows kept at most", "학습 행의 최대 수"),
    ("test rows kept at most", "테스트 행의 최대 수"),
    ("validation share", "검증 분할 비율"),
    ("seed of the splits", "분할 시드"),
    ("seed of the sweep", "스윕 시드"),
    ("failures allowed per trial", "시행당 허용 실패 수"),
    ("reuse of earlier results", "이전 결과의 재사용"),
    ("allowed", "허용"),
    ("forbidden", "금지"),
    ("numerics version", "수치 계산 버전"),
    ("report made", "보고서 작성"),
    ("{time} by version {build}", "{time}, 버전 {build}"),
    ("{name}, read from {path}", "{name} (경로: {path})"),
    ("{path} (text: {text}, label: {label})", "{path} (텍스트 열: {text}, 레이블 열: {label})"),
    ("Swept", "스윕한 하이퍼파라미터"),
    ("levels", "수준"),
    ("Held", "고정한 하이퍼파라미터"),
    ("Encoded datasets (rows per split)", "인코딩된 데이터셋(분할별 행 수)"),
    ("encoded with", "인코딩 설정"),
    ("classes", "클래스"),
    ("vocabulary", "어휘 수"),
    ("size", "크기"),
    ("Workers", "워커"),
    ("build", "빌드"),
    ("slots", "슬롯"),
    ("devices", "장치"),
    ("Reproduction", "재현"),
    (
        "The same trial key on the same device model and build gives the same numbers to the bit; the key is \
         the hash of the configuration, the seed, the dataset's digest and the numerics version.",
        "같은 시행 키는 같은 장치 모델과 빌드에서 비트까지 같은 수치를 냅니다. 키는 조합, 시드, 데이터셋의 \
         다이제스트, 수치 계산 버전의 해시입니다.",
    ),
    (
        "The sweep file has every value written out, also defaults, and all levels and replicates of the \
         sweep, those added later too. Its paths are those of the machine on which the coordinator read the \
         data.",
        "스윕 파일에는 기본값을 포함한 모든 값과, 나중에 추가된 것까지 스윕의 모든 수준과 반복이 적혀 \
         있습니다. 경로는 코디네이터가 데이터를 읽은 컴퓨터의 경로입니다.",
    ),
    (
        "The space of this search was extended after trials had been proposed. The sweep file searches the \
         extended space from the start, so it tries other configurations: `sweep verify REPORT --rerun N` trains N \
         of these trials again.",
        "이 탐색의 공간은 시행이 제안된 뒤에 확장되었습니다. 스윕 파일은 확장된 공간을 처음부터 탐색하므로 다른 \
         조합을 시도합니다. `sweep verify REPORT --rerun N`은 이 시행 중 N개를 다시 학습합니다.",
    ),
    ("Commands", "명령"),
    ("Sweep file", "스윕 파일"),
    ("Sweep file as it was launched", "시작할 때의 스윕 파일"),
    (
        "Search: sampler {sampler}; pruner {pruner}; budget {budget}.",
        "탐색: 샘플러 {sampler}, 프루너 {pruner}, 예산 {budget}.",
    ),
    ("{values}, where {conditions}", "{values} ({conditions}일 때)"),
    ("Seeds", "시드"),
    (
        "train every trial anew; save the sweep file below as sweep.toml",
        "모든 시행을 새로 학습합니다. 아래의 스윕 파일을 sweep.toml로 저장하십시오",
    ),
    ("what is swept, its trials and their sizes", "탐색 대상, 시행과 그 크기"),
    ("on this machine, from start to report", "이 컴퓨터에서, 시작부터 보고서까지"),
    ("or on a running coordinator with workers", "또는 실행 중인 코디네이터와 워커에서"),
    (
        "fetch from the coordinator that has this sweep; where none runs, as after `sweep run`, each reads",
        "이 스윕을 가진 코디네이터에서 받습니다. `sweep run`을 마친 뒤처럼 실행 중인 것이 없으면 각 명령이",
    ),
    (
        "the data folder of that time itself (.sweep; another one with --data-dir)",
        "당시의 데이터 폴더를 직접 읽습니다(.sweep, 다른 폴더는 --data-dir로 지정)",
    ),
    ("this report again", "이 보고서를 다시 받기"),
    ("weights, configuration and tokenizer of the answer", "최적 모델의 가중치, 설정, 토크나이저"),
    ("reused from", "재사용 출처"),
    ("key", "키"),
];
