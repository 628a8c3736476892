//! Importance: among the best, over the grid, by the forest.

use crate::language::Entry;

pub(super) const ENTRIES: &[Entry] = &[
    (
        "Provisional: trials are missing, and those that have a result may be of other seeds at one level than at another.",
        "잠정 결과: 결과가 없는 시행이 있으며, 결과가 있는 시행의 시드가 수준마다 다를 수 있습니다.",
    ),
    ("Importance", "중요도"),
    (
        "What sets the best {best} of {trials} completed trials apart (PED-ANOVA: shares of the divergence \
         between their levels and those of all trials, with the 95 % interval over sweeps drawn from the \
         trials); its share of what a forest of regression trees predicts over the whole grid (fANOVA, with \
         the range of 95 % of the trees); and the exact share of all variance (η²) where the grid is balanced",
        "완료된 시행 {trials}건 중 상위 {best}건을 구별하는 하이퍼파라미터(PED-ANOVA: 상위 시행의 수준 분포가 \
         전체 분포에서 벗어난 정도의 비율, 시행을 재표집한 95 % 신뢰구간), 격자 전체에서 회귀 트리 포레스트의 \
         예측을 설명하는 비율(fANOVA, 트리의 95 %가 드는 범위), 격자가 균형일 때 전체 분산에서 차지하는 정확한 \
         비율(η²)",
    ),
    ("among the best", "상위 시행 기준"),
    ("over the grid (fANOVA)", "격자 전체(fANOVA)"),
    ("of all variance", "전체 분산 중 비율"),
    (
        "Among the best none is alone in front; over the whole grid {name} is.",
        "상위 시행에서는 단독 선두가 없고, 격자 전체에서는 {name} 하이퍼파라미터가 선두입니다.",
    ),
    ("Both have {name} in front.", "두 방법 모두 {name} 하이퍼파라미터가 선두입니다."),
    (
        "They ask different questions and differ: {by_best} matters most for being among the best, \
         {by_variance} for the loss over the whole grid.",
        "두 방법은 서로 다른 질문에 답하며 결과도 다릅니다. 상위 시행에 드는 데에는 {by_best}, 격자 전체의 \
         손실에는 {by_variance} 하이퍼파라미터가 가장 중요합니다.",
    ),
    ("{trees} trees on {trials} trials", "시행 {trials}건에 대한 트리 {trees}그루"),
    ("The forest of fANOVA: {how}.", "fANOVA 포레스트: {how}."),
    (
        "The forest of fANOVA ({how}) predicts {share} % of the variance of trials that a tree has not seen. \
         That is little: seed noise is large beside the effects, and its shares say little.",
        "fANOVA 포레스트({how})는 트리가 보지 못한 시행의 분산 중 {share} %를 예측합니다. 이는 낮은 값으로, \
         효과에 비해 시드 잡음이 커서 포레스트의 비율은 말해 주는 바가 적습니다.",
    ),
    (
        "The forest of fANOVA ({how}) predicts {share} % of the variance of trials that a tree has not seen.",
        "fANOVA 포레스트({how})는 트리가 보지 못한 시행의 분산 중 {share} %를 예측합니다.",
    ),
    (
        "The forest has {forest} in front, as the exact shares have.",
        "포레스트에서는 {forest} 하이퍼파라미터가 선두이며, 정확한 비율에서도 같습니다.",
    ),
    (
        "The forest has {forest} in front, the exact shares {exact}: these count, the grid being balanced.",
        "포레스트에서는 {forest}, 정확한 비율에서는 {exact} 하이퍼파라미터가 선두입니다. 격자가 균형이므로 \
         정확한 비율을 따릅니다.",
    ),
    (
        "The forest has {forest} in front, and so has PED-ANOVA.",
        "포레스트에서는 {forest} 하이퍼파라미터가 선두이며, PED-ANOVA에서도 같습니다.",
    ),
    (
        "Over the whole grid the forest has {forest} in front, among the best PED-ANOVA has {best}.",
        "격자 전체를 보는 포레스트에서는 {forest}, 상위 시행을 보는 PED-ANOVA에서는 {best} 하이퍼파라미터가 \
         선두입니다.",
    ),
    (
        "Interactions of two in the forest, the largest first; seed noise is part of them. Interactions of \
         more: {share} %",
        "포레스트에서 두 하이퍼파라미터의 상호작용(큰 것부터, 시드 잡음 포함). 더 많은 하이퍼파라미터의 상호작용: {share} %",
    ),
    ("interaction", "상호작용"),
    ("share (fANOVA)", "비율(fANOVA)"),
];
