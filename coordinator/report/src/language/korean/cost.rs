//! What the sweep cost, and which devices did the work.

use crate::language::Entry;

pub(super) const ENTRIES: &[Entry] = &[
    ("Cost", "비용"),
    ("Took", "소요 시간"),
    ("in which trials ran", "시행이 실행된 시간"),
    (
        "in which trials ran; {calendar} from launch to end",
        "시행이 실행된 시간; 시작부터 종료까지 {calendar}",
    ),
    ("Training", "학습"),
    ("inside the epochs of the results", "결과에 쓰인 에포크의 시간"),
    ("Slots in use", "슬롯 사용 시간"),
    ("by all ended attempts", "끝난 모든 시도의 합"),
    ("Lost", "손실 시간"),
    (
        "of that, work after the last checkpoint that had to be done again",
        "그중 마지막 체크포인트 이후 다시 해야 했던 작업",
    ),
    ("Saved", "절약"),
    ("training that reused trials did not repeat", "결과를 재사용하여 반복하지 않은 학습"),
    (
        "Cost of one trial: means over the completed replicates; on the front, no other configuration is as \
         accurate, as fast and as small",
        "시행 하나의 비용(완료된 반복의 평균). 파레토 최적: 정확도, 속도, 크기가 모두 같거나 더 나은 다른 \
         조합이 없음",
    ),
    ("peak memory", "최대 메모리"),
    ("front", "파레토 최적"),
    ("yes", "예"),
    ("Accuracy against time", "시간 대비 정확도"),
    (
        "Validation accuracy against training seconds of each configuration; the line is the front of these two",
        "조합별 학습 시간(초)에 대한 검증 정확도. 선은 두 기준의 파레토 최적선",
    ),
    ("Forecast", "예측"),
    (
        "time left after {completed} trials, as told then ({low} to {high}); it took {taken}. Of {made} forecasts from \
         then on the interval of {held} held the end",
        "시행 {completed}개가 끝났을 때 예측한 남은 시간({low}~{high}); 실제 {taken}. 그 뒤 예측 {made}회 중 {held}회의 구간에 \
         실제 종료 시각이 들어감",
    ),
    ("Devices", "장치"),
    (
        "of devices in use, {lost} of them for work that had to be done again; slots share a device in equal parts",
        "장치를 사용한 시간, 그중 다시 해야 했던 작업 {lost}; 한 장치를 공유하는 슬롯은 시간을 똑같이 나눔",
    ),
    ("Money", "비용(금액)"),
    (
        "in the currency of the price; {lost} of it for work that had to be done again",
        "입력한 단가의 통화 기준; 그중 다시 해야 했던 작업에 {lost}",
    ),
    ("{lost}; {hours} have no price", "{lost}; {hours}에 대해서는 단가 없음"),
    (
        "What each device model did for this sweep; a device that idles costs nothing here",
        "장치 모델별로 이 스윕에서 수행한 일. 유휴 시간은 비용에 포함하지 않음",
    ),
    ("The same by worker", "워커별 내역"),
    ("device time", "장치 시간"),
    ("of it lost", "그중 손실"),
    ("unknown", "알 수 없음"),
    ("{energy} in {epochs} epochs", "{energy} ({epochs}개 에포크)"),
];
