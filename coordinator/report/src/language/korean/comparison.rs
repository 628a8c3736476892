//! Two sweeps side by side.

use crate::language::Entry;

pub(super) const ENTRIES: &[Entry] = &[
    ("Sweep {sweep}: {warning}", "스윕 {sweep}: {warning}"),
    (
        "Trials of sweep {sweep} count in no mean: {diverged} diverged, {failed} failed. Where that is no accident, its \
         losses look better than they are.",
        "스윕 {sweep}의 시행 중 발산 {diverged}개, 실패 {failed}개는 어느 평균에도 포함되지 않습니다. 우연이 아니라면 이 \
         스윕의 손실은 실제보다 좋아 보입니다.",
    ),
    (
        "Not all was trained on one device model by one build, so numbers differ by rounding, too. Devices and builds of \
         sweep {first}: {first_machines}; of sweep {second}: {second_machines}.",
        "모두가 한 장치 모델과 한 빌드로 학습된 것은 아니므로, 수치는 반올림에 의해서도 달라집니다. 장치와 빌드: 스윕 \
         {first}: {first_machines}; 스윕 {second}: {second_machines}.",
    ),
    ("{first} and {second}", "{first} · {second}"),
    ("Comparison of sweeps {first} and {second}", "스윕 {first}, {second} 비교"),
    ("{heading}: comparison of sweeps {first} and {second}", "{heading}: 스윕 {first}, {second} 비교"),
    ("Comparison: {heading}", "비교: {heading}"),
    ("comparison.json and comparison.md", "comparison.json, comparison.md"),
    ("The two sweeps", "두 스윕"),
    (
        "Provisional: sweep {sweep} is {state}, so its numbers may change.",
        "잠정 결과: 스윕 {sweep}의 상태가 \"{state}\"이므로 수치가 바뀔 수 있습니다.",
    ),
    (
        "The two sweeps have different objectives: {first} and {second}. Here both are ranked and compared by the validation \
         loss.",
        "두 스윕의 목적이 다릅니다({first}, {second}). 여기서는 두 스윕 모두 검증 손실로 순위를 매기고 비교합니다.",
    ),
    (
        "The two sweeps were not trained and validated on the same rows: their losses tell of the data, too.",
        "두 스윕은 같은 행으로 학습하고 검증하지 않았습니다. 손실의 차이에는 데이터의 차이도 포함됩니다.",
    ),
    (
        "The best configuration of each sweep: validation loss at the best epoch (± standard deviation over \
         replicates), with the 95 % interval of its expected loss as if it had been named beforehand",
        "각 스윕의 최적 조합: 최적 에포크의 검증 손실(± 반복의 표준편차)과, 조합을 미리 지정한 것으로 볼 때 \
         기대 손실의 95 % 신뢰구간",
    ),
    (
        "The best of sweep {sweep} by its own objective: {configuration} ({objective} {value}).",
        "스윕 {sweep}의 자체 목적에 따른 최적 조합: {configuration} ({objective} {value}).",
    ),
    ("name", "이름"),
    ("best configuration", "최적 조합"),
    ("seeds", "시드"),
    (
        "No seed is common to all configurations that both sweeps have.",
        "두 스윕에 모두 있는 조합 전체에 공통된 시드가 없습니다.",
    ),
    ("sweep {lower} has the lower loss (p {p})", "스윕 {lower}의 손실이 더 낮습니다(p {p})"),
    ("there are too few seeds for an interval (p {p})", "시드가 부족하여 신뢰구간이 없습니다(p {p})"),
    ("no difference is shown (p {p})", "유의한 차이가 없습니다(p {p})"),
    ("one seed does not tell how sure that is", "시드 하나로는 얼마나 확실한지 알 수 없습니다"),
    ("every seed gave the same, so no test can be made", "모든 시드의 값이 같아 검정할 수 없습니다"),
    (
        "Over {configurations} configurations that both sweeps have, and {seeds} seeds common to all of them, \
         the mean validation loss of sweep {second} less that of sweep {first} is {mean} (95 %: {interval}): \
         {sure}.",
        "두 스윕에 모두 있는 조합 {configurations}개와 그 전체에 공통된 시드 {seeds}개에서, 스윕 {second}의 \
         평균 검증 손실에서 스윕 {first}의 평균 검증 손실을 뺀 값은 {mean}입니다(95 % 신뢰구간 {interval}). \
         {sure}.",
    ),
    ("{told} They differ in {names}.", "{told} 두 스윕의 차이: {names}."),
    (
        "No trial of sweep {sweep} has completed, so nothing can be paired.",
        "스윕 {sweep}에 완료된 시행이 없어 짝지을 수 없습니다.",
    ),
    (
        "The two sweeps have no configuration in common, so nothing can be paired.",
        "두 스윕에 공통된 조합이 없어 짝지을 수 없습니다.",
    ),
    (
        "{matched} configurations completed in both sweeps, but never under the same seed, so nothing can be \
         paired: launch both with the same seed.",
        "두 스윕에서 모두 완료된 조합이 {matched}개 있으나 시드가 같은 경우가 없어 짝지을 수 없습니다. 두 \
         스윕을 같은 시드로 실행하십시오.",
    ),
    ("Configuration by configuration", "조합별 비교"),
    (
        "Configurations that completed in both sweeps, in the ranking of sweep {first}: mean validation loss \
         over the common seeds, and the paired difference (sweep {second} less sweep {first}) with its 95 % \
         interval by Student's t, not corrected; p is corrected by Holm over all lines",
        "두 스윕에서 모두 완료된 조합(스윕 {first}의 순위순): 공통 시드의 평균 검증 손실, 대응 차이(스윕 \
         {second} - 스윕 {first})와 Student의 t에 따른 보정하지 않은 95 % 신뢰구간. p값은 모든 행에 대해 Holm \
         보정",
    ),
    ("loss, sweep {sweep}", "손실, 스윕 {sweep}"),
    ("sweep {sweep}", "스윕 {sweep}"),
    (
        "Configurations with a result in one of the two only: {only_first} of sweep {first}, {only_second} of \
         sweep {second}.",
        "둘 중 한 스윕에만 결과가 있는 조합: 스윕 {first}에 {only_first}개, 스윕 {second}에 {only_second}개.",
    ),
    ("Settings", "설정"),
    ("Settings that differ", "서로 다른 설정"),
    ("Both sweeps have the same settings.", "두 스윕의 설정이 같습니다."),
    ("setting", "설정 항목"),
    ("data: {field}", "데이터: {field}"),
    ("swept: {levels}", "스윕: {levels}"),
];
