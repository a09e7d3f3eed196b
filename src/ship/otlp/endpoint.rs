//! Where a signal goes: the URL as the OTLP exporter specification reads it ("Endpoint URLs for OTLP/HTTP", "Configuration
//! Options"). What a message shows of it has neither userinfo nor query.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Url;
use std::net::{IpAddr, Ipv4Addr};

/// A URL to send to.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::ship) struct Endpoint {
    /// Without userinfo and fragment.
    url: Url,
    /// What the userinfo says as a header's value.
    basic: Option<String>,
}

impl Endpoint {
    /// A base URL: the signal's path is joined to its own.
    pub(super) fn base(text: &str, path: &str) -> Result<Self, String> {
        let mut endpoint = Self::exact(text)?;
        let joined = format!("{}/{path}", endpoint.url.path().trim_end_matches('/'));
        endpoint.url.set_path(&joined);
        Ok(endpoint)
    }

    /// A URL that is used as it is.
    pub(in crate::ship) fn exact(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if !text.contains("://") {
            return Err("it has no scheme: write http://HOST:PORT or https://HOST:PORT".to_owned());
        }
        let mut url = Url::parse(text).map_err(|cause| format!("it is no URL: {cause}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("its scheme is neither http nor https".to_owned());
        }
        let basic = basic(&url);
        // neither fails on a URL with a host, which http and https always have
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.set_fragment(None);
        Ok(Self { url, basic })
    }

    /// A gRPC target: a URL whose scheme decides about TLS, or `host:port`, which is plain only if `is_insecure`. A path
    /// says nothing there.
    pub(super) fn grpc(text: &str, is_insecure: bool) -> Result<Self, String> {
        let text = text.trim();
        let scheme = if is_insecure { "http" } else { "https" };
        let mut endpoint = match text.contains("://") {
            true => Self::exact(text)?,
            false => Self::exact(&format!("{scheme}://{text}"))?,
        };
        endpoint.url.set_path("");
        endpoint.url.set_query(None);
        Ok(endpoint)
    }

    /// The whole URL, query included: for the wire, not for eyes.
    pub(in crate::ship) fn url(&self) -> &Url {
        &self.url
    }

    /// Scheme, host, port and path.
    pub(super) fn shown(&self) -> String {
        let path = self.url.path().trim_end_matches('/');
        format!("{}://{}{path}", self.url.scheme(), self.address())
    }

    /// `host:port`.
    pub(in crate::ship) fn address(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        format!("{host}:{}", self.port())
    }

    /// Host name or address, an IPv6 one without its brackets.
    pub(super) fn host(&self) -> &str {
        let host = self.url.host_str().unwrap_or_default();
        host.trim_start_matches('[').trim_end_matches(']')
    }

    /// The port, the scheme's own where none is named.
    pub(super) fn port(&self) -> u16 {
        self.url.port_or_known_default().unwrap_or_default()
    }

    /// `Basic …`, where the URL has a user name.
    pub(in crate::ship) fn basic(&self) -> Option<&str> {
        self.basic.as_deref()
    }

    /// True for https.
    pub(in crate::ship) fn is_tls(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// True where it surely is this machine: no proxy may be asked for it.
    pub(in crate::ship) fn is_loopback(&self) -> bool {
        let host = self.host();
        let address = host.parse::<IpAddr>();
        host.eq_ignore_ascii_case("localhost")
            || address.is_ok_and(|address| address.to_canonical().is_loopback())
    }

    /// True where the URL itself names a link-local address.
    pub(in crate::ship) fn is_link_local(&self) -> bool {
        self.host().parse().is_ok_and(is_link_local)
    }
}

/// 169.254.0.0/16 and fe80::/10: where clouds keep the credentials of their machines.
pub(in crate::ship) fn is_link_local(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => {
            // NAT64 leads to the same place
            let [a, b, .., y, z] = address.segments();
            let low = (u32::from(y) << 16) | u32::from(z);
            let is_translated = (a, b) == (0x64, 0xff9b) && Ipv4Addr::from(low).is_link_local();
            address.is_unicast_link_local() || is_translated
        }
    }
}

fn basic(url: &Url) -> Option<String> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let plain = |text: &str| crate::model::resource::percent_decode(text).ok();
    let user = plain(url.username())?;
    let password = plain(url.password().unwrap_or_default())?;
    Some(format!(
        "Basic {}",
        STANDARD.encode(format!("{user}:{password}"))
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(endpoint: Result<Endpoint, String>) -> String {
        endpoint.map_or_else(|why| why, |endpoint| endpoint.url().to_string())
    }

    #[test]
    fn base_url_gets_the_path_of_the_signal() {
        for (base, expected) in [
            ("http://c:4318", "http://c:4318/v1/traces"),
            ("http://c:4318/", "http://c:4318/v1/traces"),
            ("https://c/otlp", "https://c/otlp/v1/traces"),
            ("https://c/otlp/?k=v", "https://c/otlp/v1/traces?k=v"),
            (" http://[::1]:4318 ", "http://[::1]:4318/v1/traces"),
        ] {
            assert_eq!(url(Endpoint::base(base, "v1/traces")), expected, "{base}");
        }
    }

    #[test]
    fn own_url_stays_as_it_is() {
        assert_eq!(url(Endpoint::exact("http://c:4318")), "http://c:4318/");
        assert_eq!(
            url(Endpoint::exact("https://c/a/b/?q=1#f")),
            "https://c/a/b/?q=1"
        );
        assert!(url(Endpoint::exact("c:4318")).contains("no scheme"));
        assert!(url(Endpoint::exact("ftp://c")).contains("neither http nor https"));
        assert!(url(Endpoint::exact("http://")).contains("no URL"));
    }

    #[test]
    fn scheme_decides_about_tls_of_grpc() {
        let tls = |text, insecure| Endpoint::grpc(text, insecure).map(|e| e.is_tls());
        assert_eq!(tls("http://c:4317", false), Ok(false));
        assert_eq!(tls("https://c:4317", true), Ok(true));
        assert_eq!(tls("c:4317", true), Ok(false));
        assert_eq!(tls("c:4317", false), Ok(true));
        assert!(tls("unix:///x", true).is_err());
        let one = Endpoint::grpc("http://c/a?b=c", false).ok().unwrap();
        assert_eq!((one.shown().as_str(), one.port()), ("http://c:80", 80));
    }

    #[test]
    fn secrets_of_a_url_are_not_shown() {
        let one = Endpoint::base("https://me:p%40ss@c/x?token=t", "v1/logs");
        let one = one.ok().unwrap();
        assert_eq!(one.shown(), "https://c:443/x/v1/logs");
        assert_eq!(one.basic(), Some("Basic bWU6cEBzcw=="));
        assert!(!one.url().as_str().contains("me"));
    }

    #[test]
    fn link_local_is_known_in_every_form() {
        for text in [
            "169.254.169.254",
            "fe80::1",
            "::ffff:169.254.1.1",
            "64:ff9b::a9fe:a9fe",
        ] {
            assert!(is_link_local(text.parse().unwrap()), "{text}");
        }
        for text in ["127.0.0.1", "10.0.0.1", "::1", "2001:db8::1"] {
            assert!(!is_link_local(text.parse().unwrap()), "{text}");
        }
        let named = |text| Endpoint::exact(text).ok().unwrap().is_link_local();
        assert!(named("http://169.254.169.254/x") && named("http://[fe80::1]:1"));
        assert!(named("http://0xa9fea9fe/") && !named("http://localhost"));
    }
}
