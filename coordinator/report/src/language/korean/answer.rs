//! The answer box.

use crate::language::Entry;

pub(super) const ENTRIES: &[Entry] = &[
    ("Answer", "결론"),
    (
        "Provisional: the sweep is {state}, so this answer may change.",
        "잠정 결과: 스윕의 상태가 \"{state}\"이므로 결론이 바뀔 수 있습니다.",
    ),
    (
        "The ledger does not balance: see below before you trust any number here.",
        "시행 집계가 맞지 않습니다. 여기의 수치를 신뢰하기 전에 아래의 집계를 확인하십시오.",
    ),
    ("No trial has completed: there is no answer yet.", "완료된 시행이 없어 아직 결론이 없습니다."),
    ("{worth} {next}", "{worth} {next}"),
    (
        "No other configuration is on the Pareto front of {objectives}.",
        "파레토 최적선에 있는 다른 조합은 없습니다(목적: {objectives}).",
    ),
    (
        "Others on the Pareto front of {objectives}: {others}.",
        "파레토 최적선에 있는 다른 조합: {others}개(목적: {objectives}).",
    ),
    (
        "It is not on the Pareto front of {objectives}: {beating} is at least as good in each of these, and better in {better}. \
         Configurations on the front: {others}.",
        "이 조합은 파레토 최적선에 없습니다(목적: {objectives}). 모든 목적에서 같거나 나은 조합: {beating}(더 나은 목적: {better}). \
         최적선에 있는 조합: {others}개.",
    ),
    (
        "It is not compared with the Pareto front of {objectives}. Configurations on the front: {others}.",
        "이 조합은 파레토 최적선과 비교하지 않았습니다(목적: {objectives}). 최적선에 있는 조합: {others}개.",
    ),
    (
        "{on_front} Configurations compared: {compared}, not compared: {left_out}.",
        "{on_front} 비교한 조합은 {compared}개, 비교하지 않은 조합은 {left_out}개입니다.",
    ),
    (
        "{on_front} Each other configuration on the front is shown to be worse in {first} than the chosen one, or is not shown to \
         be better in {second}.",
        "{on_front} 최적선의 다른 조합은 각각 선택된 조합보다 더 못하다고 나타났거나(기준: {first}) 더 낫다고 나타나지 \
         않았습니다(기준: {second}).",
    ),
    (
        "{on_front} Of the configurations on the front that are shown to be better in {second} and not shown to be worse in {first}, \
         {configuration} has the best mean {second}: {value} against {best}.",
        "{on_front} 더 낫다고 나타났고(기준: {second}) 더 못하다고 나타나지 않은(기준: {first}) 최적선의 조합 중 평균이 가장 좋은 \
         조합: {configuration} ({value}, 선택된 조합은 {best}).",
    ),
    (
        "{said} Its {first} is {first_value} against {first_best}, 95 % interval of the difference {interval}.",
        "{said} {first}: {first_value}, 선택된 조합은 {first_best}, 차이의 95 % 신뢰구간 {interval}.",
    ),
    (
        "{said} It is no worse in {first} in any replicate.",
        "{said} 어느 반복에서도 더 못하지 않습니다(기준: {first}).",
    ),
    (
        "Best so far: {configuration}, which classifies {accuracy} of the validation rows correctly.",
        "현재까지 최적 조합: {configuration}. 검증 행의 {accuracy} 정답.",
    ),
    (
        "Best of the trials that had completed when the sweep was cancelled: {configuration}, which classifies {accuracy} \
         of the validation rows correctly.",
        "취소 전까지 완료된 시행 중 최적 조합: {configuration}. 검증 행의 {accuracy} 정답.",
    ),
    (
        "Best: {configuration}. It is not shown to do better than always saying the most frequent class: {accuracy} of \
         the test rows against {baseline}.",
        "최적 조합: {configuration}. 항상 최빈 클래스만 답하는 것보다 낫다고 볼 근거가 부족합니다(테스트 행 정답: {accuracy}, 최빈 클래스: {baseline}).",
    ),
    (
        "Use none of these: the best, {configuration}, does no better than always saying the most frequent class, \
         {accuracy} of the test rows against {baseline}.",
        "권장할 조합이 없습니다. 최적 조합({configuration})도 항상 최빈 클래스만 답하는 것보다 낫지 않습니다(테스트 행 정답: {accuracy}, 최빈 클래스: {baseline}).",
    ),
    (
        "Which hyperparameter matters most is not tested: a search does not train every combination. A grid around \
         this configuration with at least 3 replicates would tell.",
        "어느 하이퍼파라미터가 가장 중요한지는 검정하지 않았습니다. 탐색은 모든 조합을 학습하지 않습니다. 이 조합 주변의 격자를 3회 이상 반복하면 알 수 있습니다.",
    ),
    (
        "Which hyperparameter matters most is undecided: one replicate cannot tell an effect from the luck of its seed; \
         run at least 3.",
        "어느 하이퍼파라미터의 영향이 가장 큰지는 판정할 수 없습니다. 단일 반복으로는 효과와 시드의 우연을 구별할 수 없으므로 3회 이상 반복하십시오.",
    ),
    (
        "{stopped} It trained {epochs} of the {all} epochs of the whole grid ({share}).",
        "{stopped} 학습한 에포크: {epochs} / 전체 격자 {all}({share}).",
    ),
    (
        "{stopped} Of so large a space it looked at points, and knows nothing of the others.",
        "{stopped} 탐색 공간이 커서 일부 점만 살펴보았으며, 나머지는 알 수 없습니다.",
    ),
    (
        "The search stopped because its model was sure of another configuration, none of whose trials has a result.",
        "탐색 종료 이유: 모형이 다른 조합을 확신했으나, 그 조합의 시행에는 결과가 없습니다.",
    ),
    ("{stopped} It trained {epochs} epochs.", "{stopped} 학습한 에포크: {epochs}."),
    (
        "The search stopped because its model is {probability} sure that no configuration has a loss lower by more than {margin}.",
        "탐색 종료 이유: 손실이 {margin} 넘게 더 낮은 조합이 없을 확률이 모형에 따르면 {probability}입니다.",
    ),
    (
        "The search stopped because its budget was spent. Its model is {probability} sure that no configuration has a loss lower by \
         more than {margin}.",
        "탐색 종료 이유: 예산을 모두 썼습니다. 손실이 {margin} 넘게 더 낮은 조합이 없을 확률은 모형에 따르면 {probability}입니다.",
    ),
    (
        "The search stopped because there was nothing more to try. Its model is {probability} sure that no configuration has a loss lower by \
         more than {margin}.",
        "탐색 종료 이유: 모든 시행을 해 보았습니다. 손실이 {margin} 넘게 더 낮은 조합이 없을 확률은 모형에 따르면 {probability}입니다.",
    ),
    (
        "The search stopped because its budget was spent, before enough trials had finished to say how sure the choice is.",
        "탐색 종료 이유: 예산을 모두 썼습니다. 완료된 시행이 적어 선택이 얼마나 확실한지 말할 수 없습니다.",
    ),
    (
        "The search stopped because there was nothing more to try, and too few trials have finished to say how sure the choice is.",
        "탐색 종료 이유: 모든 시행을 해 보았습니다. 시행이 적어 선택이 얼마나 확실한지 말할 수 없습니다.",
    ),
    (
        "{stopped} No other configuration is tied with it.",
        "{stopped} 이와 구별되지 않는 다른 조합은 없습니다.",
    ),
    ("{stopped} Tied with it: {tied}.", "{stopped} 구별되지 않는 조합: {tied}."),
    ("{stopped} Tied with it: {tied} and {more} more.", "{stopped} 구별되지 않는 조합: {tied} 외 {more}개."),
    (
        "Use {configuration}: it classifies {accuracy} of the validation rows correctly, and was not tested.",
        "권장 조합: {configuration}. 검증 행의 {accuracy} 정답(테스트 미측정).",
    ),
    (
        "Use {configuration}: it classifies {accuracy} of the test rows correctly (95 % interval {interval}).",
        "권장 조합: {configuration}. 테스트 행의 {accuracy} 정답(95 % 구간 {interval}).",
    ),
    (
        "Use {configuration}: it classifies {accuracy} of the test rows correctly.",
        "권장 조합: {configuration}. 테스트 행의 {accuracy} 정답.",
    ),
    (
        "Of what was swept, {name} matters most: tune it first.",
        "탐색한 하이퍼파라미터 중 영향이 가장 큰 것: {name}. 먼저 조정하십시오.",
    ),
    (
        "Which hyperparameter matters most is undecided: about {count} replicates of each configuration would tell.",
        "어느 하이퍼파라미터의 영향이 가장 큰지는 판정할 수 없습니다. 조합마다 반복 약 {count}회면 판정할 수 있습니다.",
    ),
    (
        "Which hyperparameter matters most is undecided.",
        "어느 하이퍼파라미터의 영향이 가장 큰지는 판정할 수 없습니다.",
    ),
    ("Best configuration: {configuration} ({why}).", "최적 조합: {configuration} ({why})."),
    (
        "lowest mean validation loss of {count} configurations with a result",
        "결과가 있는 조합 {count}개 중 평균 검증 손실 최저",
    ),
    ("all {planned} replicates completed", "반복 {planned}회를 모두 완료한"),
    ("{completed} of {planned} replicates completed", "반복 {planned}회 중 {completed}회를 완료한"),
    ("the only configuration with {replicates}", "{replicates} 유일한 조합"),
    (
        "lowest mean validation loss of the {count} configurations with {replicates}",
        "{replicates} 조합 {count}개 중 평균 검증 손실 최저",
    ),
    (
        "{won}; {fewer} more have completed fewer so far",
        "{won}, 완료한 반복이 아직 더 적은 조합 {fewer}개 제외",
    ),
    ("{won}; {fewer} more completed fewer", "{won}, 완료한 반복이 더 적은 조합 {fewer}개 제외"),
    ("hours", "시간"),
    ("money", "비용"),
    (
        "The budget of {part} is spent: the search went no further.",
        "{part} 예산을 다 써서 탐색이 끝났습니다.",
    ),
    (
        "{said} Trials that waited and were not trained: {cancelled}.",
        "{said} 대기 중이었고 학습하지 않은 시행: {cancelled}건.",
    ),
    (
        "{said} Shelved trials: {shelved}. They had begun and not ended when the budget was spent, and count as pruned. If it is \
         raised, they go on from their checkpoints, as long as these are kept.",
        "{said} 보류된 시행: {shelved}건. 예산을 다 썼을 때 시작했으나 끝나지 않은 시행이며, 조기 중단으로 집계합니다. 예산을 늘리면, \
         체크포인트가 남아 있는 한 거기에서 이어집니다.",
    ),
    (
        "The sweep was cancelled: this is the answer of the trials that had completed, and no configuration was chosen by the others.",
        "스윕이 취소되었습니다. 이 답은 완료된 시행만의 것이며, 나머지 시행은 선택에 쓰이지 않았습니다.",
    ),
    (
        "The chosen configuration is not shown to know more than the most frequent class, which is right in \
         {share} of the test examples: the ranking of configurations may be one of noise.",
        "선택된 조합이 최빈 클래스로만 답하는 것보다 낫다는 근거가 없습니다. 최빈 클래스는 테스트 예제의 \
         {share}에서 정답이며, 조합의 순위는 잡음의 순위일 수 있습니다.",
    ),
    (
        "It has the lowest expected loss of the {alike} configurations with the same replicates with a \
         probability of {probability}; {among}. {noise} {rows} The intervals are those of a configuration named \
         beforehand: a mean that was picked as the lowest of many looks better than it is, which the cross-fitted \
         gap below takes out.",
        "같은 반복을 완료한 조합 {alike}개 중 기대 손실이 가장 낮을 확률은 {probability}이며, {among}. {noise} {rows} \
         신뢰구간은 조합을 미리 지정한 경우의 것입니다. 여러 평균 중 가장 낮은 것으로 뽑힌 평균은 실제보다 좋아 \
         보이며, 아래의 교차 적합 격차는 이 편향을 제거합니다.",
    ),
    (
        "The grid is not complete, so the noise that levels share is not told apart: all of it counts with one degree of \
         freedom less than there are replicates.",
        "격자가 완전하지 않아 수준이 공유하는 잡음을 구분할 수 없으므로, 전체 잡음을 반복 수보다 하나 적은 자유도로 \
         반영합니다.",
    ),
    (
        "Seed noise that configurations with the same levels share is counted as shared.",
        "수준이 같은 조합이 공유하는 시드 잡음은 공유하는 것으로 반영합니다.",
    ),
    (
        "Losses are those of these validation rows: other rows would give others.",
        "손실은 이 검증 행에서의 값이며, 다른 행에서는 달라집니다.",
    ),
    (
        "Losses are those of these {rows} validation rows: other rows, which alone leave the validation accuracy \
         between {interval}, would give others.",
        "손실은 이 검증 행 {rows}개에서의 값이며, 다른 행에서는 달라집니다. 행의 표본 추출만으로도 검증 정확도의 \
         신뢰구간은 {interval}입니다.",
    ),
    ("no other one comes close", "이에 근접한 다른 조합은 없습니다"),
    ("none of the others is ruled out", "나머지 조합 중 어느 것도 최적이 아니라고 할 수 없습니다"),
    (
        "{improving} of {completed} completed trials had their lowest validation loss in their last epoch: they were \
         stopped while they still learned, and with more epochs other configurations may be the best ones. Raise \
         epochs, and let patience end those that learn no more.",
        "완료된 시행 {completed}개 중 {improving}개는 마지막 에포크에서 검증 손실이 가장 낮았습니다. 학습이 아직 \
         진행되는 중에 끝났으므로, 에포크를 늘리면 다른 조합이 최적일 수 있습니다. epochs를 늘리고, 더 이상 \
         학습되지 않는 시행은 patience로 끝내십시오.",
    ),
    (
        "The test split was used {tests} times: the sweep was extended or retried after its choice had been measured on it. \
         Whoever has seen a test score and goes on chooses by it, so the last score is optimistic; only data that no \
         choice has seen would tell.",
        "테스트 분할이 {tests}번 사용되었습니다. 선택한 조합을 테스트 분할로 측정한 뒤에 스윕을 확장하거나 다시 시도했습니다. \
         테스트 점수를 본 뒤 계속하면 그 점수에 따라 선택하게 되므로 마지막 점수는 낙관적입니다. 어떤 선택에도 쓰이지 않은 \
         데이터로만 알 수 있습니다.",
    ),
    (
        "the likeliest {candidates} of them hold the best one with {sure} %",
        "확률이 높은 순으로 {candidates}개 조합 안에 최적 조합이 {sure} % 확률로 있습니다",
    ),
    (
        "Which hyperparameter matters most: {verdict}. {reason}.",
        "가장 중요한 하이퍼파라미터: {verdict}. {reason}.",
    ),
    ("undecided", "미결정"),
    ("undecided (leading: {name})", "미결정(현재 선두: {name})"),
    ("leading: {name}", "현재 선두: {name}"),
    (
        "The worst configuration completed fewer replicates than the best, so the gap between them is not \
         measured on equal terms.",
        "최하위 조합이 최적 조합보다 적은 반복을 완료했으므로, 두 조합의 격차는 같은 조건에서 측정된 것이 \
         아닙니다.",
    ),
    (
        "{short} of {ranked} ranked configurations completed fewer replicates than planned; their means are \
         less sure and rank after those over more replicates.",
        "순위에 오른 조합 {ranked}개 중 {short}개는 계획보다 적은 반복을 완료했습니다. 이들의 평균은 덜 \
         확실하므로 더 많은 반복을 완료한 조합의 뒤에 놓입니다.",
    ),
    ("not measured", "측정되지 않음"),
    ("measured once the choice is made", "조합이 선택된 뒤 측정"),
    ("Validation loss", "검증 손실"),
    ("Validation error", "검증 오류율"),
    ("1 - validation macro F1", "1 - 검증 매크로 F1"),
    ("Validation score", "검증 점수"),
    (
        "Objective: {direction} {metric}. The analysis is of {score}: lower is better. A trial counts with its value in the \
         epoch whose weights are kept, that of its lowest validation loss.",
        "목적: {metric} ({direction}). 분석 대상: {score}(낮을수록 좋음). 시행마다 가중치를 보존한 에포크, 즉 검증 손실이 가장 낮은 \
         에포크의 값을 씁니다.",
    ),
    ("Validation accuracy", "검증 정확도"),
    ("Is the best of all", "최적일 확률"),
    ("probability of the lowest expected loss", "기대 손실이 가장 낮을 확률"),
    (
        "probability of the lowest expected loss; {share} by bootstrap",
        "기대 손실이 가장 낮을 확률, 부트스트랩으로는 {share}",
    ),
    (
        "Pruned trials have no result: the gap does not count them.",
        "조기 중단된 시행에는 결과가 없으므로 격차에 포함되지 않습니다.",
    ),
    ("Gap best to worst", "최적과 최하위의 격차"),
    ("{percent} % loss", "손실 {percent} %"),
    ("{points} points of accuracy", "정확도 {points} %p"),
    ("Strongest hyperparameter", "가장 강한 하이퍼파라미터"),
    ("by the rule under main effects", "주효과 절의 판정 규칙에 따름"),
    (
        "95 % interval {interval}{rows} if named beforehand; {how}",
        "미리 지정한 경우의 95 % 신뢰구간 {interval}{rows}; {how}",
    ),
    ("95 % interval {interval}{rows}; {how}", "95 % 신뢰구간 {interval}{rows}; {how}"),
    (" under other seeds and on other rows ({rows} rows)", " (다른 시드와 다른 행, 행 {rows}개)"),
    ("; {rows} rows alone leave {alone}", "; 행 {rows}개의 표본 추출만으로 {alone}"),
    ("too few seeds for an interval{rows}; {how}", "시드가 부족하여 신뢰구간 없음{rows}; {how}"),
    ("too few seeds for an interval", "시드가 부족하여 신뢰구간 없음"),
    (
        "Gap between the best configuration and the worst of those with as many completed replicates, both by \
         mean validation loss; loss (%) is (worst - best) / worst. Cross-fitted: selected on all replicates \
         but one, measured on that one, which takes out the luck of being selected. The interval holds \
         whichever two configurations come out as best and worst, and counts the seed noise that configurations with the \
         same levels share.",
        "최적 조합과, 같은 수의 반복을 완료한 조합 중 최하위 조합의 격차(모두 평균 검증 손실 기준). 손실(%)은 \
         (최하위 - 최적) / 최하위. 교차 적합: 한 반복을 제외한 나머지에서 선택하고 제외한 반복에서 측정하여, \
         선택에 따른 운을 제거. 신뢰구간은 어느 두 조합이 최적과 최하위로 나오더라도 성립하며, 수준이 같은 조합이 \
         공유하는 시드 잡음을 반영",
    ),
    ("measured", "측정 방식"),
    ("loss (%)", "손실(%)"),
    ("accuracy (points)", "정확도(%p)"),
    ("on all replicates", "모든 반복"),
    ("cross-fitted", "교차 적합"),
    ("the study of 2021", "2021년 연구"),
    (
        "The study that varied LSTM units, batch size and embedding size (Kim and Park 2021) found a difference of \
         {loss} % in loss and {accuracy} % in accuracy between settings, and {strongest} the strongest of the \
         three. {verdict} Its abstract tells neither data nor levels, nor whether the accuracy is in points.",
        "LSTM 유닛 수, 배치 크기, 임베딩 크기를 바꾼 연구(Kim·Park, 2021)는 설정 사이에 손실 {loss} %, 정확도 \
         {accuracy} %의 차이를 보고했고, 셋 중 가장 강한 것으로 {strongest} 하이퍼파라미터를 꼽았습니다. {verdict} \
         초록은 데이터와 수준을 밝히지 않으며, 정확도 차이가 %p인지도 밝히지 않습니다.",
    ),
    ("Here, too, it is the strongest of them.", "이 스윕에서도 셋 중 가장 강합니다."),
    ("Here another one of them is stronger.", "이 스윕에서는 셋 중 다른 하이퍼파라미터가 더 강합니다."),
    ("This sweep does not decide whether it is.", "이 스윕만으로는 그 여부를 결정할 수 없습니다."),
];
