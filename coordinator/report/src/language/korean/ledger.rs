//! The ledger.

use crate::language::Entry;

pub(super) const ENTRIES: &[Entry] = &[
    ("Ledger", "시행 집계"),
    ("planned (grid × replicates)", "계획(격자 × 반복)"),
    ("planned (budget of the search)", "계획(탐색 예산)"),
    ("made (as many as the budget allowed)", "생성(예산이 허용한 만큼)"),
    ("sum of states", "상태별 합계"),
    ("of these without a record", "그중 기록이 없는 시행"),
    ("results reused from other trials", "다른 시행에서 재사용한 결과"),
    ("failed attempts", "실패한 시도"),
    ("diverged attempts", "발산한 시도"),
    ("lost leases", "만료된 리스"),
    ("attempts handed back", "반납된 시도"),
    ("attempts revoked", "회수된 시도"),
    ("duplicate trials", "중복 시행"),
    ("Attempts (training and test measurement)", "시도(학습과 테스트 측정)"),
    ("{spent} of {most}", "{most} 중 {spent}"),
    (
        "Budget: attempts held their slots for {hours} hours, which cost {money}.",
        "예산: 시도가 슬롯을 차지한 시간 {hours}, 비용 {money}.",
    ),
    ("Budget: attempts held their slots for {hours} hours.", "예산: 시도가 슬롯을 차지한 시간 {hours}."),
    (
        "The map of states is left out above {trials} trials; each trial's state stands in trials.csv.",
        "시행이 {trials}건을 넘으면 상태 지도를 생략합니다. 각 시행의 상태는 trials.csv에 있습니다.",
    ),
    (
        "Balanced: planned {planned} = sum of states {recorded}; no trial stands twice, every completed trial \
         has a result.",
        "집계 일치: 계획 {planned} = 상태별 합계 {recorded}. 중복된 시행이 없고, 완료된 모든 시행에 결과가 \
         있습니다.",
    ),
    (
        "Balanced: the states of {recorded} trials; no trial stands twice, every completed trial has a result.",
        "집계 일치: 시행 {recorded}건의 상태. 중복된 시행이 없고, 완료된 모든 시행에 결과가 있습니다.",
    ),
    (
        "Not balanced: planned {planned}, sum of states {recorded}, duplicates {duplicates}, completed \
         without a result {without_result}.",
        "집계 불일치: 계획 {planned}, 상태별 합계 {recorded}, 중복 {duplicates}, 결과 없이 완료 \
         {without_result}.",
    ),
];
