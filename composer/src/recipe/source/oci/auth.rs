//! How a registry asks who one is: the `WWW-Authenticate` header.
//!
//! <https://distribution.github.io/distribution/spec/auth/token/>

/// What a registry wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// A token that another server gives.
    Bearer {
        /// Its URL.
        realm: String,
        /// For whom.
        service: Option<String>,
        /// For what.
        scope: Option<String>,
    },
    /// Name and password.
    Basic,
}

/// The challenge in the values of the header that can be met, a token first.
pub(super) fn challenge(values: &[String]) -> Option<Challenge> {
    let read: Vec<_> = values.iter().filter_map(|value| one(value)).collect();
    let bearer = read.iter().find(|one| matches!(one, Challenge::Bearer { .. }));
    bearer.or(read.first()).cloned()
}

/// `Bearer realm="…",service="…",scope="…"`
fn one(value: &str) -> Option<Challenge> {
    let (scheme, parameters) = value.trim().split_once(' ').unwrap_or((value.trim(), ""));
    if scheme.eq_ignore_ascii_case("basic") {
        return Some(Challenge::Basic);
    }
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let (mut realm, mut service, mut scope) = (None, None, None);
    let mut left = parameters;
    while let Some((key, rest)) = left.split_once('=') {
        let (value, rest) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => rest.split_at(rest.find(',').unwrap_or(rest.len())),
        };
        let place = match key.trim().to_ascii_lowercase().as_str() {
            "realm" => Some(&mut realm),
            "service" => Some(&mut service),
            "scope" => Some(&mut scope),
            _ => None,
        };
        if let Some(place) = place {
            *place = Some(value.to_owned());
        }
        left = rest.trim_start_matches([',', ' ']);
    }
    Some(Challenge::Bearer { realm: realm?, service, scope })
}

/// A value as it stands in the query of a URL.
pub(super) fn encoded(text: &str) -> String {
    let letter = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    text.bytes().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::{Challenge, challenge, encoded};

    fn of(values: &[&str]) -> Option<Challenge> {
        challenge(&values.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn challenges_are_read() {
        let bearer = Challenge::Bearer {
            realm: "https://ghcr.io/token".to_owned(),
            service: Some("ghcr.io".to_owned()),
            scope: Some("repository:a/b:pull,push".to_owned()),
        };
        let text = r#"Bearer realm="https://ghcr.io/token", service="ghcr.io",scope="repository:a/b:pull,push",error=invalid"#;
        assert_eq!(of(&["Basic realm=\"x\"", text]), Some(bearer));
        assert_eq!(of(&["basic"]), Some(Challenge::Basic));
        for text in ["", "Digest realm=\"x\"", "Bearer", "Bearer service=\"x\"", "Bearer realm=\"x"]
        {
            assert_eq!(of(&[text]), None, "{text}");
        }
        assert_eq!(
            encoded("repository:a/b:pull,push é"),
            "repository%3Aa%2Fb%3Apull%2Cpush%20%C3%A9"
        );
    }
}
