//! The name under which a browser found this coordinator: without TLS it has to be that of this machine. A page of another
//! site whose name has been turned to this address would else read and do everything here (DNS rebinding).

use std::net::IpAddr;

use http::Request;
use http::header::HOST;

/// Whether a request without TLS names this machine, or nothing, as programs may.
pub(crate) fn is_local<B>(request: &Request<B>) -> bool {
    let header = request.headers().get(HOST).map(|host| host.to_str().unwrap_or("?"));
    let authority = request.uri().authority().map(http::uri::Authority::as_str);
    [header, authority].into_iter().flatten().all(names_this_machine)
}

fn names_this_machine(host: &str) -> bool {
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.split_once(':').map_or(host, |(name, _)| name),
    };
    let address = name.parse::<IpAddr>();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// This page where it is one of this site, else the first one: a login leads nowhere else.
pub(crate) fn own_page(page: &str) -> &str {
    let is_plain = |one: char| one.is_ascii_alphanumeric() || matches!(one, '/' | '-' | '_' | '.');
    let is_own = page.starts_with('/') && !page.starts_with("//") && page.chars().all(is_plain);
    if is_own { page } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(target: &str, host: Option<&str>) -> Request<()> {
        let request = Request::get(target);
        host.map_or(Request::get(target), |host| request.header(HOST, host)).body(()).unwrap()
    }

    #[test]
    fn a_login_leads_nowhere_else() {
        assert_eq!(own_page("/sweeps/3/trials/0"), "/sweeps/3/trials/0");
        for page in ["", "//example.org", "https://example.org", "/\\example.org", "/a b", "/?x", "/a\r\nb"] {
            assert_eq!(own_page(page), "/", "{page}");
        }
    }

    #[test]
    fn only_this_machine_has_a_name_that_is_let_in() {
        for host in ["localhost:7077", "LOCALHOST", "127.0.0.1:7077", "127.8.8.8", "[::1]:7077", "[::1]"] {
            assert!(is_local(&request("/", Some(host))), "{host}");
            assert!(is_local(&request(&format!("http://{host}/"), None)), "{host}");
        }
        assert!(is_local(&request("/", None)));
        for host in [
            "example.org:7077",
            "localhost.example.org",
            "192.0.2.1",
            "127.0.0.1.example.org",
            "[2001:db8::1]:1",
            "",
        ] {
            assert!(!is_local(&request("/", Some(host))), "{host}");
        }
        assert!(!is_local(&request("http://example.org/", Some("localhost"))));
    }
}
