//! What stands around the sections: the page, its script, Markdown and LaTeX.

use crate::language::Entry;

pub(super) const ENTRIES: &[Entry] = &[
    ("{name}: report of sweep {sweep}", "{name}: 스윕 {sweep} 보고서"),
    ("Report of sweep {sweep} · {state} · {made}", "스윕 {sweep} 보고서 · {state} · {made}"),
    (
        "report.json, report.md, trials.csv, epochs.csv and their Parquet twins",
        "report.json, report.md, trials.csv, epochs.csv(와 같은 내용의 Parquet 파일)",
    ),
    (
        "Made {made} by lstm-sweep {build}. Losses are mean cross-entropies in nats. The same numbers stand \
         in {twins}.",
        "작성: {made}, lstm-sweep {build}. 손실은 평균 교차 엔트로피(nat)입니다. 같은 수치를 담은 파일: \
         {twins}.",
    ),
    ("Charts", "차트"),
    ("Skip to the answer", "결론으로 바로 가기"),
    ("Contents", "목차"),
    ("Curves show", "곡선의 지표"),
    (
        "A click on a name above a chart hides its curve or shows it.",
        "차트 위의 이름을 누르면 해당 곡선이 사라지거나 나타납니다.",
    ),
    ("{description}; the numbers stand in the table below", "{description}. 수치는 아래 표에 있음"),
    ("SVG of {title}", "SVG 저장: {title}"),
    ("PNG of {title}", "PNG 저장: {title}"),
    ("CSV of {title}", "CSV 저장: {title}"),
    ("Numbers", "수치"),
    (
        "States of all trials: a group of squares is a configuration, a square a replicate",
        "모든 시행의 상태: 네모 묶음은 조합, 네모 하나는 반복",
    ),
    (
        "Map of the states of all trials; the counts stand in the table above",
        "모든 시행의 상태 지도. 건수는 위의 표에 있음",
    ),
    ("completed, reused", "완료, 재사용"),
    ("Report: {name}", "보고서: {name}"),
    (
        "Tables of a sweep's report. In the preamble: \\usepackage{booktabs,graphicx}; then \\input{report}.",
        "스윕 보고서의 표. 프리앰블에 \\usepackage{booktabs,graphicx,kotex}, 본문에 \\input{report}.",
    ),
    (
        "Names outside Latin script need XeLaTeX or LuaLaTeX and a font that has them.",
        "한글은 kotex 패키지와 XeLaTeX 또는 LuaLaTeX, 그리고 한글 글꼴이 필요함.",
    ),
    ("Sweep: {name}", "스윕: {name}"),
    ("{caption} (first {shown} of {count} rows)", "{caption} (전체 {count}행 중 처음 {shown}행)"),
    ("{count} trials", "시행 {count}건"),
    ("… and {count} more", "… 외 {count}개"),
    ("mean validation loss", "평균 검증 손실"),
    ("Pareto front", "파레토 최적선"),
    ("seconds per trial", "시행당 시간(초)"),
    ("validation accuracy (%)", "검증 정확도(%)"),
    ("mean probability of the predicted class (%)", "예측 클래스의 평균 확률(%)"),
    ("accuracy (%)", "정확도(%)"),
    ("better: {loss}", "우수: {loss}"),
    ("worse: {loss}", "저조: {loss}"),
    ("share of the trials (%)", "시행 비율(%)"),
    (
        "probability {probability} %<br>accuracy {accuracy} %<br>{count} examples",
        "확률 {probability} %<br>정확도 {accuracy} %<br>예제 {count}개",
    ),
];
