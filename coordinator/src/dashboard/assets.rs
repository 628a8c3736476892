//! Scripts and looks of the pages. They are the same for everybody and hold nothing of anybody.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use coordinator_report::render::html::{ECHARTS, SCRIPT, STYLE};
use sweep_proto::Digest;

const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// Every asset: its name, its type, its text.
const ASSETS: [(&str, &str, &str); 5] = [
    ("report.css", CSS, STYLE),
    ("dashboard.css", CSS, include_str!("../../assets/dashboard.css")),
    ("echarts.js", JAVASCRIPT, ECHARTS),
    ("charts.js", JAVASCRIPT, SCRIPT),
    ("dashboard.js", JAVASCRIPT, include_str!("../../assets/dashboard.js")),
];

/// `/assets/{name}`
pub(super) async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some((_, kind, text)) = ASSETS.iter().find(|(known, _, _)| *known == name) else {
        return (StatusCode::NOT_FOUND, "there is no such asset\n").into_response();
    };
    // Kept, but asked for again: a newer program has newer ones under the same names.
    let tag = format!("\"{}\"", Digest::of(text.as_bytes()));
    let caching = [(CACHE_CONTROL, "no-cache".to_owned()), (ETAG, tag.clone())];
    if headers.get(IF_NONE_MATCH).map(HeaderValue::as_bytes) == Some(tag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    (caching, [(CONTENT_TYPE, *kind)], *text).into_response()
}
