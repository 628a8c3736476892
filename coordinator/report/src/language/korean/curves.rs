//! Learning curves, how soon configurations learn and how steadily they end.

use crate::language::Entry;

pub(super) const ENTRIES: &[Entry] = &[
    (
        "Means over the completed trials of all other hyperparameters and replicates; the band is one \
         standard deviation over replicates. A trial that stopped early is in the mean up to its last epoch.",
        "다른 모든 하이퍼파라미터와 반복에 걸친, 완료된 시행의 평균입니다. 띠는 반복 간 표준편차 하나의 \
         폭입니다. 조기 종료된 시행은 마지막 에포크까지만 평균에 포함됩니다.",
    ),
    ("Learning curves by {what}", "학습 곡선: {what}"),
    ("Validation loss by epoch: {what}", "에포크별 검증 손실: {what}"),
    (
        "{caption} (thinned; every epoch stands in epochs.csv)",
        "{caption} (일부 에포크만 표시, 전체는 epochs.csv 참조)",
    ),
    ("all trials", "모든 시행"),
    ("best", "최적"),
    ("worst", "최하위"),
    ("best ({best}) and worst ({worst})", "최적({best})과 최하위({worst})"),
    ("all {ranked} configurations", "조합 {ranked}개 전체"),
    (
        "the first {shown} of {ranked} configurations in the ranking",
        "순위에 오른 조합 {ranked}개 중 처음 {shown}개",
    ),
    ("the best configuration of each sweep", "각 스윕의 최적 조합"),
    ("sweep {sweep}: {configuration}", "스윕 {sweep}: {configuration}"),
    (
        "How steadily each configuration ends: validation loss over its last epochs, at most {epochs} (slope \
         per epoch, standard deviation), its last less its best value, and validation less training loss at \
         the end",
        "조합별 학습 종반의 안정성: 마지막 에포크(최대 {epochs}개)의 검증 손실(에포크당 기울기, 표준편차), \
         마지막 값과 최적값의 차이, 종료 시점의 검증 손실과 학습 손실의 차이",
    ),
    ("slope", "기울기"),
    ("deviation", "표준편차"),
    ("last - best", "마지막 - 최적"),
    ("validation - training", "검증 - 학습"),
    (
        "How soon each configuration learns (mean ± standard deviation over replicates): the epoch of its \
         lowest validation loss, and the first epoch within {near} % of that loss, with the seconds until its \
         end",
        "조합별 수렴 속도(반복의 평균 ± 표준편차): 검증 손실이 가장 낮은 에포크, 그 손실의 {near} % 이내에 \
         처음 든 에포크와 그 에포크가 끝날 때까지의 시간(초)",
    ),
    ("lowest at epoch", "최저 손실 에포크"),
    ("near it at epoch", "근접 에포크"),
    ("seconds until near", "근접까지의 시간(초)"),
];
