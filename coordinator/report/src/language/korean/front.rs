//! The Pareto front of several objectives.

use crate::language::Entry;

pub(super) const ENTRIES: &[Entry] = &[
    (
        "Trials were trained on different devices ({devices}): their seconds tell of the devices, too.",
        "시행이 서로 다른 장치에서 학습되었습니다({devices}). 학습 시간에는 장치의 차이도 포함됩니다.",
    ),
    (
        "Results that were reused from earlier sweeps: {count}. Their training seconds were measured in those sweeps.",
        "이전 스윕에서 재사용한 결과: {count}건. 이들의 학습 시간은 그 스윕에서 측정한 것입니다.",
    ),
    (
        "One configuration was compared, so it alone is the Pareto front of {objectives}.",
        "비교한 조합이 하나뿐이므로 그 조합만 파레토 최적선에 있습니다(목적: {objectives}).",
    ),
    (
        "On the Pareto front of {objectives} are {members} of {compared} configurations: for each of them, no other \
         configuration is at least as good in every objective and better in one. Means over {replicates} replicates are \
         compared.",
        "조합 {compared}개 중 {members}개가 파레토 최적선에 있습니다. 목적: {objectives}. 이들 각각에 대해, 모든 목적에서 같거나 \
         낫고 어느 한 목적에서 더 나은 다른 조합은 없습니다. 반복 {replicates}회의 평균을 비교합니다.",
    ),
    (
        "Not compared are {count} configurations: some of their trials of the same replicates have no result (failed, diverged, \
         running or cancelled), or no epochs.",
        "조합 {count}개는 비교하지 않았습니다. 같은 반복의 시행 중 결과가 없거나(실패, 발산, 실행 중, 취소) 에포크가 없는 것이 있습니다.",
    ),
    ("{name} (higher is better)", "{name}(높을수록 좋음)"),
    ("{name} (lower is better)", "{name}(낮을수록 좋음)"),
    (
        "The share on the front is that of {draws} sweeps in which the configuration is on the front. They are drawn from the \
         replicates with replacement, the same ones for all configurations (bootstrap).",
        "최적선 비율은 반복을 모든 조합에 똑같이 복원 추출하여 만든 스윕 {draws}개 중 해당 조합이 최적선에 있는 비율입니다(부트스트랩).",
    ),
    (
        "Fewer than ten replicates do not tell how sure a place on the front is: seed noise alone puts configurations on it.",
        "반복이 열 번보다 적으면 최적선에 있다는 것이 얼마나 확실한지 알 수 없습니다. 시드 잡음만으로도 최적선에 놓일 수 있습니다.",
    ),
    (
        "{up} against {across} of each configuration; diamonds are on the front of all objectives",
        "조합별 {up}({across} 대비). 마름모는 모든 목적의 파레토 최적선에 있는 조합",
    ),
    (
        "{up} against {across} of each configuration; the line is the Pareto front",
        "조합별 {up}({across} 대비). 선은 파레토 최적선",
    ),
    (
        "The chart shows {shown} of the {compared} configurations.",
        "차트에는 조합 {compared}개 중 {shown}개가 있습니다.",
    ),
    ("Front of all objectives, by {up} and {across}", "{up}, {across}: 모든 목적의 파레토 최적선"),
    ("Front of {up} and {across}", "{up}, {across}: 파레토 최적선"),
    ("share on the front", "최적선 비율"),
    (
        "Configurations on the Pareto front, in ranking order: means over the replicates (± standard deviation)",
        "파레토 최적선에 있는 조합(순위순): 반복의 평균(± 표준편차)",
    ),
    ("training seconds", "학습 시간(초)"),
    ("validation macro F1", "검증 매크로 F1"),
];
