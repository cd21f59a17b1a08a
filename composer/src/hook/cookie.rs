//! The number that an attachment hands to its program, so that one program tells its places apart: the
//! key `cookie`.

use std::collections::BTreeMap;

use super::{Attach, KeySpec, Need, Setting, Values};

const COOKIE: &str = "cookie";
const COOKIES: &str = "cookies";

/// `cookie`, where every kernel has it that has such links at all.
pub(super) const COOKIE_KEY: KeySpec = KeySpec {
    key: COOKIE,
    what: "a cookie",
    doc: "The number that `bpf_get_attach_cookie` returns to the program.",
    values: Values::Number(1, i64::MAX),
    excludes: &[],
    need: |_| None,
};

/// `cookies`, of an attachment at many functions.
pub(super) const COOKIES_KEY: KeySpec = KeySpec {
    key: COOKIES,
    what: "a cookie",
    doc: "The same for some of the functions, by name: `{ tcp_connect = 1 }`. `cookie` is for the \
          others.",
    values: Values::Numbers(1, i64::MAX),
    ..COOKIE_KEY
};

/// `cookie` of programs that are loaded for a function.
pub(super) const FUNCTION_COOKIE_KEY: KeySpec = KeySpec {
    doc: "The number that `bpf_get_attach_cookie` returns to the program, from Linux 5.19 on.",
    need: |_| Some(&FUNCTION_COOKIES),
    ..COOKIE_KEY
};

/// `cookie` at raw tracepoints.
pub(super) const RAW_TRACEPOINT_COOKIE_KEY: KeySpec = KeySpec {
    doc: "The number that `bpf_get_attach_cookie` returns to the program, from Linux 6.10 on.",
    need: |_| Some(&RAW_TRACEPOINT_COOKIES),
    ..COOKIE_KEY
};

static FUNCTION_COOKIES: Need = Need {
    what: "cookies at functions",
    label: "has a cookie at a function",
    help: "Use Linux 5.19 or later, or write no cookie.",
    lacks: |profile| profile.lacks_helper("tracing", GET_COOKIE),
};

static RAW_TRACEPOINT_COOKIES: Need = Need {
    what: "cookies at raw tracepoints",
    label: "has a cookie at a raw tracepoint",
    help: "Use Linux 6.10 or later, or write no cookie.",
    lacks: |profile| profile.lacks_helper("raw_tracepoint", GET_COOKIE),
};

/// `bpf_get_attach_cookie`, which a kernel offers to the programs that it has cookies for.
const GET_COOKIE: u32 = 174;

impl Attach {
    /// What `bpf_get_attach_cookie` returns to the program; 0 without a cookie.
    #[must_use]
    pub fn cookie(&self) -> u64 {
        self.number(COOKIE).unwrap_or_default().cast_unsigned()
    }

    /// What it returns in some of many functions instead, by their names.
    pub(super) fn cookies(&self) -> Option<&BTreeMap<String, i64>> {
        match self.setting(COOKIES) {
            Some(Setting::Numbers(cookies)) => Some(cookies),
            _ => None,
        }
    }
}
