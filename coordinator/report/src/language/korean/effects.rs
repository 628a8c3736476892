//! Main effects, their tests and the analysis of variance.

use crate::language::Entry;

pub(super) const ENTRIES: &[Entry] = &[
    ("Main effects", "주효과"),
    ("Rule for \"matters most\": {rule}", "\"가장 중요함\"의 판정 규칙: {rule}"),
    (
        "A hyperparameter is named only where every configuration completed the same two or more replicates, \
         and (1) its main effect on the validation loss is significant: p ≤ 0.05 of the F test against its own \
         interaction with the seed, corrected by Holm for the hyperparameters swept; and (2) with a probability of at \
         least 97.5 % its marginal means spread more (mean square over levels, less what noise adds) than those of every \
         other, given the interaction of each with the seed. Otherwise the answer is \"undecided\".",
        "모든 조합이 같은 두 번 이상의 반복을 완료하고 다음 두 조건을 충족할 때만 하이퍼파라미터를 \
         지목합니다. (1) 검증 손실에 대한 주효과가 유의합니다: 자신과 시드의 상호작용에 대한 F 검정에서, 스윕한 \
         하이퍼파라미터의 수에 대해 Holm 방법으로 보정한 p ≤ 0.05. (2) 각 하이퍼파라미터와 시드의 상호작용을 \
         고려할 때, 주변 평균의 산포(수준 간 평균제곱에서 잡음이 더하는 몫을 뺀 값)가 다른 모든 \
         하이퍼파라미터보다 클 확률이 97.5 % 이상입니다. 그렇지 않으면 결론은 \"미결정\"입니다.",
    ),
    (
        "Provisional: {completed} of {planned} trials have a result. Levels are compared only by trials with the same other \
         values and the same replicate at every level that has a result; their number stands beside each mean.",
        "잠정 결과: 시행 {planned}개 중 {completed}개에 결과가 있습니다. 결과가 있는 모든 수준에서 나머지 값과 반복이 \
         같은 시행만으로 수준을 비교하며, 그 수는 각 평균 옆에 있습니다.",
    ),
    (
        "{completed} of {planned} trials have a result. Levels are compared only by trials with the same other values and the \
         same replicate at every level that has a result; their number stands beside each mean.",
        "시행 {planned}개 중 {completed}개에 결과가 있습니다. 결과가 있는 모든 수준에서 나머지 값과 반복이 같은 \
         시행만으로 수준을 비교하며, 그 수는 각 평균 옆에 있습니다.",
    ),
    (
        "The error of each effect is its own interaction with the seed, because a hyperparameter may work differently under \
         each seed: what one seed makes is no effect. It is never pooled with other errors. More replicates (here \
         {replicates}) make tests and intervals sharper, more configurations do not.",
        "하이퍼파라미터는 시드마다 다르게 작용할 수 있으므로, 각 효과의 오차항은 그 효과와 시드의 상호작용입니다. 시드 \
         하나가 만든 차이는 효과가 아닙니다. 이 오차항은 다른 오차와 합동하지 않습니다. 검정과 신뢰구간은 반복(현재 \
         {replicates}회)을 늘려야 정밀해지며, 조합을 늘려도 정밀해지지 않습니다.",
    ),
    (
        "There are too few seeds for an interval: {replicates} replicates complete on the whole grid, at least {needed} are \
         needed. Tests are made, but only very large effects pass them.",
        "신뢰구간을 구하기에는 시드가 부족합니다. 격자 전체에서 완료된 반복은 {replicates}회이며, 적어도 {needed}회가 \
         필요합니다. 검정은 하지만 매우 큰 효과만 유의하게 나옵니다.",
    ),
    (
        "No replicate is complete on the whole grid (or all scores are equal), so the variance is not split \
         between the hyperparameters.",
        "격자 전체에서 완료된 반복이 없거나 모든 점수가 같으므로, 분산을 하이퍼파라미터별로 분해하지 않습니다.",
    ),
    (
        "Not every combination of levels is part of this sweep.",
        "이 스윕은 수준의 모든 조합을 포함하지 않습니다.",
    ),
    (
        "The search trained some configurations of its space, and not every combination of values.",
        "탐색은 공간의 일부 조합만 학습했으며 값의 모든 조합을 학습하지 않았습니다.",
    ),
    (
        "Each mean is of all completed trials at a level, whatever their other values, so that it tells of these, too; the \
         variance is not split between the hyperparameters, because that needs a whole grid. The importance below holds for \
         such trials.",
        "각 평균은 나머지 값과 관계없이 해당 수준에서 완료된 모든 시행의 \
         평균이므로 나머지 값의 영향도 담고 있습니다. 분산을 하이퍼파라미터별로 분해하려면 격자 전체가 필요하므로 분해하지 \
         않습니다. 아래의 중요도는 이런 시행에도 유효합니다.",
    ),
    (
        "A range is cut into bins of equal width on its scale; each is named by its middle, and those without a trial are left out.",
        "구간은 그 척도에서 너비가 같은 칸으로 나누며, 각 칸은 중앙값으로 표시하고 시행이 없는 칸은 생략합니다.",
    ),
    ("{name}: range {range}", "{name}: 범위 {range}"),
    (
        "Mean validation loss at each level of {name}, and of each replicate (thin lines). Bars are half the least \
         significant difference, {difference}: two levels whose bars do not overlap differ with p ≤ 0.05, not corrected, by \
         the error of the test ({name} × seed)",
        "{name}의 수준별 평균 검증 손실과 반복별 평균(가는 선). 막대는 최소유의차 {difference}의 절반이며, 막대가 겹치지 \
         않는 두 수준은 검정의 오차항({name} × 시드)으로 p ≤ 0.05에서 다름(보정하지 않음)",
    ),
    (
        "Mean validation loss at each level of {name}, and of each replicate (thin lines); no bars: there are too few seeds \
         for an interval, or the grid is not complete",
        "{name}의 수준별 평균 검증 손실과 반복별 평균(가는 선). 시드가 부족하거나 격자가 완전하지 않아 막대 없음",
    ),
    (
        "Marginal means by {name} over the compared trials ± standard deviation over replicates of each replicate's mean, \
         with the 95 % interval of the expected loss under other seeds",
        "비교한 시행에서 {name}의 수준별 주변 평균 ± 반복별 평균의 표준편차, 다른 시드에서의 기대 손실에 대한 95 % \
         신뢰구간",
    ),
    ("compared", "비교한 시행"),
    ("error", "오차항"),
    ("{name} × seed", "{name} × 시드"),
    (
        "Tests of no effect on the validation loss: F against the hyperparameter's interaction with the seed, with the degrees \
         of freedom of both, corrected by Holm for the hyperparameters; and by exchanging the level means within each \
         replicate, which assumes no distribution",
        "검증 손실에 효과가 없다는 귀무가설의 검정: 하이퍼파라미터와 시드의 상호작용에 대한 F 검정(둘의 자유도 표시, \
         하이퍼파라미터 수에 대해 Holm 보정)과, 분포를 가정하지 않고 각 반복 안에서 수준 평균을 교환하는 순열 검정",
    ),
    ("p (Holm)", "p값(Holm)"),
    ("p by exchanging levels", "순열 검정 p값"),
    ("lowest such p", "가능한 최소 p값"),
    (
        "Seed noise is not the same at every level of {names} (Bartlett's test): intervals, tests and \
         probabilities take it as equal, so they are less sure than they say.",
        "{names}의 수준마다 시드 잡음이 같지 않습니다(Bartlett 검정). 신뢰구간, 검정, 확률은 이를 같다고 \
         보므로 표시된 것보다 덜 확실합니다.",
    ),
    (
        "With so few replicates the exchange of levels cannot reach p = {p} for {names}, however large the \
         effect: only the F test, which assumes normal seed noise, can.",
        "반복이 적어 효과가 아무리 커도 {names}의 순열 검정은 p = {p}에 도달할 수 없습니다. 정규 시드 잡음을 \
         가정하는 F 검정만 가능합니다.",
    ),
    (
        "Levels compared: mean validation loss at one less that at the other, over the replicates that every \
         configuration completed, with the error of the hyperparameter's test; p is corrected by Holm for the pairs of the \
         hyperparameter",
        "수준 비교: 모든 조합이 완료한 반복에서 두 수준의 평균 검증 손실의 차이(하이퍼파라미터 검정의 오차항 사용). p값은 하이퍼파라미터 안의 \
         수준 쌍에 대해 Holm 보정",
    ),
    ("level", "수준"),
    ("less", "비교 수준"),
    ("in seed deviations", "시드 표준편차 단위"),
    (
        "Share of the sum of squares of the validation loss (η²), {configurations} configurations × \
         {replicates} replicates that all of them completed",
        "검증 손실의 제곱합에서 차지하는 비율(η²): 조합 {configurations}개 × 모든 조합이 완료한 반복 \
         {replicates}회",
    ),
    ("share", "비율"),
    ("range of marginal means", "주변 평균의 범위"),
    ("interactions, all together", "상호작용 전체"),
    ("seed (differences between whole replicates)", "시드(반복 간 차이)"),
    (
        "residual (seed noise within configurations, all interactions with the seed)",
        "잔차(조합 내 시드 잡음, 시드와의 모든 상호작용)",
    ),
    (
        "Of one replicate the part of the seed is not known: its noise stands within the shares of the effects, which are \
         those of what this one seed shows and not of all variance.",
        "반복이 하나이므로 시드의 몫은 알 수 없습니다. 시드의 잡음은 효과의 비율에 섞여 있으며, 이 비율은 전체 분산이 아니라 \
         이 시드 하나에서 보이는 차이에 대한 것입니다.",
    ),
    ("Analysis of variance", "분산분석(ANOVA)"),
    (
        "Validation loss of {configurations} configurations × {replicates} replicates: a factorial in \
         randomised complete blocks, the seeds being random blocks; every effect against its own interaction with the seed, \
         whose degrees of freedom and mean square stand beside it. η² is the share of the total sum of squares, ω² the same \
         less what that error adds; p is not corrected for the number of lines",
        "조합 {configurations}개 × 반복 {replicates}회의 검증 손실: 시드를 변량 블록으로 하는 난괴법 요인설계. 모든 효과를 \
         그 효과와 시드의 상호작용에 대해 검정하며, 그 자유도와 평균제곱을 옆에 표시. η²는 총제곱합에서 차지하는 비율, \
         ω²는 여기서 그 오차의 몫을 뺀 값. p값은 행의 수에 대해 보정하지 않음",
    ),
    ("df", "자유도"),
    ("sum of squares", "제곱합"),
    ("mean square", "평균제곱"),
    ("df of the error", "오차 자유도"),
    ("mean square of the error", "오차 평균제곱"),
    ("seed (whole replicates)", "시드(반복 전체)"),
    ("residual (all interactions with the seed)", "잔차(시드와의 모든 상호작용)"),
    ("interactions of higher order", "고차 상호작용"),
];
