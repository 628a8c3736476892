//! Scripts and looks of the pages. They are the same for everybody and hold nothing of anybody.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use coordinator_report::render::html::{ECHARTS, SCRIPT, STYLE};
use sweep_proto::Digest;

const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// A file of the pages.
struct Asset {
    name: &'static str,
    kind: &'static str,
    text: &'static str,
    /// Changes with the text.
    tag: String,
}

/// Every asset.
static ASSETS: LazyLock<[Asset; 5]> = LazyLock::new(|| {
    [
        ("report.css", CSS, STYLE),
        ("dashboard.css", CSS, include_str!("../../assets/dashboard.css")),
        ("echarts.js", JAVASCRIPT, ECHARTS),
        ("charts.js", JAVASCRIPT, SCRIPT),
        ("dashboard.js", JAVASCRIPT, include_str!("../../assets/dashboard.js")),
    ]
    .map(|(name, kind, text)| Asset {
        name,
        kind,
        text,
        tag: format!("\"{}\"", Digest::of(text.as_bytes())),
    })
});

/// `/assets/{name}`
pub(super) async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) else {
        return (StatusCode::NOT_FOUND, "there is no such asset\n").into_response();
    };
    // Kept, but asked for again: a newer program has newer ones under the same names.
    let caching = [(CACHE_CONTROL, "no-cache"), (ETAG, asset.tag.as_str())];
    if headers.get(IF_NONE_MATCH).map(HeaderValue::as_bytes) == Some(asset.tag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    (caching, [(CONTENT_TYPE, asset.kind)], asset.text).into_response()
}
