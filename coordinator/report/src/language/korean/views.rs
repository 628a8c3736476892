//! One factor at a time, interactions, parallel coordinates, the ranking.

use crate::language::Entry;

pub(super) const ENTRIES: &[Entry] = &[
    ("One factor at a time", "한 번에 한 요인"),
    (
        "Each hyperparameter changes while the others stay at the best configuration: one row of the grid \
         each, without intervals and blind to interactions.",
        "나머지를 최적 조합에 고정하고 하이퍼파라미터를 하나씩 바꿉니다. 각각 격자의 한 줄만 보므로 \
         신뢰구간이 없고 상호작용을 알 수 없습니다.",
    ),
    (
        "{way} Too few configurations have a result, or all are equal.",
        "{way} 결과가 있는 조합이 너무 적거나 결과가 모두 같습니다.",
    ),
    (
        "{way} A search trains few of these rows: a level without a result was not tried, or its trial was pruned.",
        "{way} 탐색은 이러한 행을 일부만 학습합니다. 결과가 없는 수준은 시도하지 않았거나 시행이 조기 중단된 것입니다.",
    ),
    ("the full grid has the same one in front", "격자 전체에서도 같은 하이퍼파라미터가 선두입니다"),
    ("the full grid has {name} in front", "격자 전체에서는 {name} 하이퍼파라미터가 선두입니다"),
    ("the full grid has none in front", "격자 전체에서는 선두가 없습니다"),
    (
        "all completed trials together have the same one in front",
        "완료된 시행 전체에서도 같은 하이퍼파라미터가 선두입니다",
    ),
    (
        "all completed trials together have {name} in front",
        "완료된 시행 전체에서는 {name} 하이퍼파라미터가 선두입니다",
    ),
    ("all completed trials together have none in front", "완료된 시행 전체에서는 선두가 없습니다"),
    (
        "{way} Here {name} moves the validation loss the most, by {range}; {whole}.",
        "{way} 여기서는 {name} 하이퍼파라미터가 검증 손실을 가장 크게 바꾸며(변화 폭 {range}), {whole}.",
    ),
    (
        "{name}, held at {held} (± standard deviation over replicates)",
        "{name} (고정값: {held}; ± 반복의 표준편차)",
    ),
    ("Interactions", "상호작용"),
    (
        "Mean validation loss of each pair of levels, over all other hyperparameters and replicates. Lower is \
         better.",
        "다른 모든 하이퍼파라미터와 반복에 걸친, 수준 쌍별 평균 검증 손실입니다. 낮을수록 좋습니다.",
    ),
    (
        "Only trials with the same other values and the same replicate in every cell that has a result are compared. Trials \
         behind each cell that is shown: {counts}.",
        "결과가 있는 모든 칸에서 나머지 값과 반복이 같은 시행만 비교합니다. 표시된 칸마다의 시행 수: {counts}.",
    ),
    ("Heat map of the mean validation loss by {pair}", "{pair}별 평균 검증 손실의 히트맵"),
    ("Mean validation loss by {pair}", "{pair}별 평균 검증 손실"),
    (
        "The completed trials of each level from the lowest validation loss to the highest, whatever their other \
         hyperparameters and seeds. A level whose line lies below another's at every share has the lower losses \
         for good and for bad choices of the rest; where lines cross, it depends on the rest. At 50 % stands the \
         median.",
        "수준별로 완료된 시행을, 다른 하이퍼파라미터와 시드에 상관없이 검증 손실이 낮은 것부터 높은 것까지 \
         늘어놓았습니다. 한 수준의 선이 모든 비율에서 다른 수준의 선보다 아래에 있으면, 나머지를 잘 고르든 잘못 \
         고르든 그 수준의 손실이 더 낮습니다. 선이 교차하면 나머지에 따라 달라집니다. 50 %는 중앙값입니다.",
    ),
    ("Distribution of the losses", "손실의 분포"),
    ("Distribution of the scores", "점수의 분포"),
    ("Validation loss by share of the trials: {name}", "시행 비율별 검증 손실: {name}"),
    ("Quantiles of the validation loss by {name}", "{name}의 수준별 검증 손실의 분위수"),
    (
        "Validation loss by share of the trials: {name} (the lowest loss that so many of a level's trials have \
         at most)",
        "시행 비율별 검증 손실: {name} (그 비율의 시행이 넘지 않는 가장 낮은 손실)",
    ),
    ("lowest", "최저"),
    ("median", "중앙값"),
    ("highest", "최고"),
    ("10 %", "10 %"),
    ("25 %", "25 %"),
    ("75 %", "75 %"),
    ("90 %", "90 %"),
    ("Parallel coordinates", "평행 좌표"),
    (
        "Each line is a configuration: it crosses each hyperparameter's axis at its level and ends at its \
         mean validation loss, which gives its colour. Dragging along an axis picks the lines that cross it \
         there.",
        "선 하나가 조합 하나입니다. 선은 각 하이퍼파라미터 축을 그 조합의 수준에서 지나 평균 검증 손실에서 \
         끝나며, 색은 평균 검증 손실을 나타냅니다. 축을 따라 끌면 그 구간을 지나는 선만 선택됩니다.",
    ),
    (
        "{how} Drawn are {drawn} of {count} configurations: the first {first} of the ranking, and {sampled} \
         taken evenly from the others, the last one among them.",
        "{how} 조합 {count}개 중 {drawn}개를 그렸습니다. 순위의 처음 {first}개와, 나머지에서 마지막 조합을 \
         포함하여 고르게 뽑은 {sampled}개입니다.",
    ),
    (
        "Only configurations that completed the same replicates as the first of the ranking are compared: {count} of {ranked} \
         with a result, {replicates} trials each.",
        "순위의 첫째 조합과 같은 반복을 완료한 조합만 비교합니다. 결과가 있는 조합 {ranked}개 중 {count}개이며, 조합마다 시행 \
         {replicates}개입니다.",
    ),
    (
        "Level of each hyperparameter and mean validation loss, in ranking order",
        "하이퍼파라미터별 수준과 평균 검증 손실(순위순)",
    ),
    ("Levels and validation loss of the configurations", "조합의 수준과 검증 손실"),
    (
        "One line for each configuration across the levels of its hyperparameters to its mean validation loss",
        "조합마다 하이퍼파라미터의 수준을 지나 평균 검증 손실에서 끝나는 선",
    ),
    ("Ranking", "순위"),
    (
        "Configurations by completed replicates, then by mean validation loss at the best epoch (± standard \
         deviation over replicates). The interval is that of the expected loss under other seeds, 95 %, as if \
         the configuration had been named beforehand; the probability of being the best is among those that \
         completed the same replicates as the first",
        "완료한 반복 수, 그다음 최적 에포크의 평균 검증 손실(± 반복의 표준편차)에 따른 조합의 순위. \
         신뢰구간은 조합을 미리 지정한 것으로 볼 때 다른 시드에서의 기대 손실에 대한 95 % 신뢰구간이며, 최적일 \
         확률은 첫째 조합과 같은 반복을 완료한 조합 중에서의 확률",
    ),
    ("probability of being the best", "최적일 확률"),
    (
        "{caption}; beside it the share of the sweeps, drawn from the replicates with replacement, in which the \
         configuration has the lowest mean (bootstrap)",
        "{caption}. 그 옆은 반복을 복원 추출하여 만든 스윕 중 해당 조합의 평균이 가장 낮은 비율(부트스트랩)",
    ),
    ("bootstrap", "부트스트랩"),
    ("best epoch", "최적 에포크"),
];
