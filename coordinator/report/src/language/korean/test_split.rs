//! The test split.

use crate::language::Entry;

pub(super) const ENTRIES: &[Entry] = &[
    (
        "Choices that were measured on the test split before this one",
        "이번 선택 이전에 테스트 분할로 측정한 선택",
    ),
    ("chosen", "선택 시각"),
    ("completed trials", "완료된 시행"),
    ("Test split", "테스트 분할"),
    (
        "A model is calibrated where predictions with a probability of 80 % are right in 80 of 100 cases. The \
         expected calibration error is the mean distance between the two over ten parts of the range, weighed \
         by their examples (Guo et al. 2017); few examples raise it above nought even where nothing is wrong.",
        "확률 80 %로 예측한 사례 100건 중 80건이 정답이면 모델의 확률이 보정된(calibrated) 것입니다. 기대 \
         보정 오차(ECE)는 확률 범위를 열 구간으로 나누어 예측 확률과 정확도의 차이를 예제 수로 가중 평균한 \
         값입니다(Guo et al. 2017). 예제가 적으면 아무 문제가 없어도 값이 양수가 됩니다.",
    ),
    ("not measured of every replicate", "모든 반복에서 측정되지는 않음"),
    ("of 1 replicate", "반복 1회의 값"),
    ("Test loss", "테스트 손실"),
    ("Macro F1", "매크로 F1"),
    ("AUC", "ROC 곡선 아래 면적(AUC)"),
    ("Matthews correlation", "매슈스 상관계수"),
    ("Without reading", "최빈 클래스 기준선"),
    (
        "accuracy of always saying the most frequent class; the shares of the classes alone give a loss of \
         {loss}",
        "항상 최빈 클래스로 답할 때의 정확도; 클래스 비율만으로 예측할 때의 손실은 {loss}",
    ),
    ("Expected calibration error", "기대 보정 오차(ECE)"),
    ("Overconfidence", "과신"),
    ("mean probability of the predicted class less accuracy", "예측 클래스의 평균 확률 - 정확도"),
    (
        "Test examples by class and predicted class, summed over replicates",
        "혼동 행렬: 실제 클래스와 예측 클래스별 테스트 예제 수(모든 반복의 합)",
    ),
    ("class \\ predicted", "실제 \\ 예측"),
    ("{from} to {to} %", "{from}–{to} %"),
    (
        "Accuracy by the probability of the predicted class, over the test examples of all replicates",
        "예측 클래스의 확률 구간별 정확도(모든 반복의 테스트 예제)",
    ),
    ("probability of the predicted class", "예측 클래스의 확률"),
    ("examples", "예제 수"),
    ("mean probability", "평균 확률"),
    ("Reliability diagram", "신뢰도 다이어그램"),
    (
        "Accuracy against the mean probability of the predicted class; on the diagonal, probabilities hold \
         what they claim",
        "예측 클래스의 평균 확률에 대한 정확도. 대각선 위에서는 확률이 실제 정확도와 일치",
    ),
    (
        "Hardest test examples, those among the ten hardest of the most replicates first: an example that \
         every model finds hard may be labelled wrongly. Prediction and loss are those of the replicate with \
         the highest loss; rows of the test split count from 0",
        "가장 어려운 테스트 예제. 여러 반복에서 가장 어려운 열 개에 든 예제부터 나열. 모든 모델이 어려워하는 \
         예제는 레이블이 잘못되었을 수 있음. 예측과 손실은 손실이 가장 큰 반복의 것이며, 테스트 분할의 행 \
         번호는 0부터 시작",
    ),
    (
        "Hardest test examples, those among the ten hardest of the most replicates first. Prediction and loss \
         are those of the replicate with the highest loss; rows of the test split count from 0",
        "가장 어려운 테스트 예제. 여러 반복에서 가장 어려운 열 개에 든 예제부터 나열. 예측과 손실은 손실이 \
         가장 큰 반복의 것이며, 테스트 분할의 행 번호는 0부터 시작",
    ),
    ("row", "행"),
    ("class", "실제 클래스"),
    ("predicted", "예측 클래스"),
    ("text", "텍스트"),
    (
        "{caption}. Texts of which only the tokens are left are spelled from them: <unk> is what the vocabulary lacks.",
        "{caption}. 토큰만 남은 텍스트는 토큰을 이어 쓴 것: <unk>는 어휘에 없는 말.",
    ),
];
