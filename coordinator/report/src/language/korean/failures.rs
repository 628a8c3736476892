//! Attempts without a result, what followed from them, and why nothing is decided.

use crate::language::Entry;

pub(super) const ENTRIES: &[Entry] = &[
    ("Failures", "실패"),
    ("Every attempt brought a result.", "모든 시도가 결과를 냈습니다."),
    ("Attempts without a result (sweep/trial/attempt)", "결과가 없는 시도(스윕/시행/시도)"),
    ("1 trial failed or diverged", "실패하거나 발산한 시행이 1건 있습니다"),
    ("{count} trials failed or diverged", "실패하거나 발산한 시행이 {count}건 있습니다"),
    (
        "{trials}. Were each as bad as the worst completed trial, the best configuration would still be the \
         same.",
        "{trials}. 이들을 모두 완료된 시행 중 가장 나쁜 결과로 간주하더라도 최적 조합은 같습니다.",
    ),
    (
        "{trials}. Were each as bad as the worst completed trial, {configuration} would still have the lowest \
         mean: it ranks behind the best only because replicates of it are missing.",
        "{trials}. 이들을 모두 완료된 시행 중 가장 나쁜 결과로 간주하더라도 평균이 가장 낮은 조합은 \
         {configuration}입니다. 이 조합은 빠진 반복이 있어서 최적 조합의 뒤에 놓였을 뿐입니다.",
    ),
    ("work", "작업"),
    ("outcome", "결과"),
    ("reason", "사유"),
    ("consequence", "영향"),
    ("tried again and measured: no effect on the numbers", "재시도로 측정함: 수치에 영향 없음"),
    ("the test split is not measured for this trial", "이 시행의 테스트 분할은 측정되지 않음"),
    ("tried again and completed: no effect on the numbers", "재시도로 완료함: 수치에 영향 없음"),
    (
        "the trial diverged in epoch {epoch}: left out of every mean",
        "에포크 {epoch}에서 발산함: 모든 평균에서 제외",
    ),
    ("the trial diverged: left out of every mean", "시행이 발산함: 모든 평균에서 제외"),
    ("its tries are spent: left out of every mean", "허용된 시도를 모두 사용함: 모든 평균에서 제외"),
    (
        "the budget was spent before it was tried again: left out of every mean",
        "다시 시도하기 전에 예산을 다 씀: 모든 평균에서 제외",
    ),
    ("the sweep was cancelled: left out of every mean", "스윕이 취소됨: 모든 평균에서 제외"),
    ("the trial was stopped early: left out of every mean", "시행이 조기 중단됨: 모든 평균에서 제외"),
    ("the trial will be tried again", "시행을 다시 시도할 예정"),
    ("no hyperparameter was swept", "스윕한 하이퍼파라미터가 없습니다"),
    (
        "only {name} was swept: there is nothing to rank it against",
        "스윕한 하이퍼파라미터가 {name} 하나뿐이어서 비교할 대상이 없습니다",
    ),
    ("too few trials completed", "완료된 시행이 너무 적습니다"),
    (
        "one replicate cannot tell an effect from the luck of its seed: run at least 3 replicates",
        "반복이 한 번이면 효과와 시드의 운을 구별할 수 없습니다. 적어도 3회 반복하십시오",
    ),
    (
        "not every combination of levels is part of the sweep, so hyperparameters cannot be compared on equal terms",
        "스윕이 수준의 모든 조합을 포함하지 않으므로 하이퍼파라미터를 같은 조건에서 비교할 수 없습니다",
    ),
    (
        "a search trains some configurations of its space and not every combination of values, so no test compares \
         hyperparameters on equal terms",
        "탐색은 공간의 일부 조합만 학습하고 값의 모든 조합을 학습하지 않으므로 하이퍼파라미터를 같은 조건에서 비교하는 검정이 없습니다",
    ),
    ("1 degree of freedom", "자유도 1"),
    ("{count} degrees of freedom", "자유도 {count}"),
    ("all trials have the same validation loss", "모든 시행의 검증 손실이 같습니다"),
    (
        "the effect of {name} is significant ({p} after Holm, against {name} × seed, {freedom}), and it is the strongest \
         with probability {order}",
        "{name}의 효과는 유의하며({name} × 시드에 대해 Holm 보정 후 {p}, {freedom}), 가장 강한 하이퍼파라미터일 확률은 {order}입니다",
    ),
    (
        "the effect of {name} is not significant ({p} after Holm, against {name} × seed, {freedom}), and it is the strongest \
         with probability {order}",
        "{name}의 효과는 유의하지 않으며({name} × 시드에 대해 Holm 보정 후 {p}, {freedom}), 가장 강한 하이퍼파라미터일 확률은 \
         {order}입니다",
    ),
    (
        "replicates are missing: 1 of {planned} trials has no result, so configurations cannot be compared \
         seed by seed",
        "빠진 반복이 있습니다. 시행 {planned}건 중 1건에 결과가 없어 조합을 시드별로 비교할 수 없습니다",
    ),
    (
        "replicates are missing: {missing} of {planned} trials have no result, so configurations cannot be \
         compared seed by seed",
        "빠진 반복이 있습니다. 시행 {planned}건 중 {missing}건에 결과가 없어 조합을 시드별로 비교할 수 없습니다",
    ),
    (
        "trials are missing: 1 of {planned} trials has no result, so configurations cannot be compared with \
         each other",
        "빠진 시행이 있습니다. 시행 {planned}건 중 1건에 결과가 없어 조합을 서로 비교할 수 없습니다",
    ),
    (
        "trials are missing: {missing} of {planned} trials have no result, so configurations cannot be \
         compared with each other",
        "빠진 시행이 있습니다. 시행 {planned}건 중 {missing}건에 결과가 없어 조합을 서로 비교할 수 없습니다",
    ),
    (
        "{finding}: more replicates are needed (not more configurations), about {count} of each",
        "{finding}. 조합이 아니라 반복이 더 필요하며, 조합마다 약 {count}회입니다",
    ),
    (
        "{finding}: more replicates are needed (not more configurations), how many cannot be told or is above 1,000",
        "{finding}. 조합이 아니라 반복이 더 필요하지만 필요한 횟수를 알 수 없거나 1,000회를 넘습니다",
    ),
    ("above 99.9 %", "99.9 % 초과"),
];
