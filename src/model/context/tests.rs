//! The cases of the W3C suite (w3c/trace-context, test/test.py at acab820), those of
//! facts/otel.md A.2 and A.3, and those that the Rust SDK's propagator (0.33.1) gets wrong.

use super::*;

const TRACE: &str = "12345678901234567890123456789012";
const SPAN: &str = "1234567890123456";
const VALID: &str = "00-12345678901234567890123456789012-1234567890123456-01";
const UNSAMPLED: &str = "00-12345678901234567890123456789012-1234567890123456-00";

/// What one request carries, as the suite's harness sends it: names in any case, values repeated.
type Headers<'a> = &'a [(&'a str, &'a str)];

/// Several fields of one name are one list, RFC 9110 section 5.3.
fn field(headers: Headers<'_>, name: &str) -> Option<String> {
    let mut values = headers
        .iter()
        .filter(|(key, _)| key.eq_ignore_ascii_case(name))
        .peekable();
    values.peek()?;
    Some(
        values
            .map(|(_, value)| *value)
            .collect::<Vec<_>>()
            .join(","),
    )
}

fn extract(headers: Headers<'_>) -> Option<(TraceContext, Option<String>)> {
    let context = parse_traceparent(field(headers, "traceparent")?.as_bytes())?;
    let state = field(headers, "tracestate").and_then(|value| parse_tracestate(&value));
    Some((context, state))
}

fn continues(traceparent: &str) -> bool {
    parse_traceparent(traceparent.as_bytes()).is_some()
}

fn header_of(traceparent: &str) -> Option<String> {
    Some(parse_traceparent(traceparent.as_bytes())?.to_header())
}

/// Splits a table into rows and holds their number, so that none is lost in an edit.
fn table(text: &str, count: usize) -> impl Iterator<Item = [&str; 3]> {
    let rows: Vec<[&str; 3]> = text
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| line.split('|').collect::<Vec<_>>().try_into().unwrap())
        .collect();
    assert_eq!(rows.len(), count);
    rows.into_iter()
        .map(|[verdict, value, case]| [verdict.trim(), value, case.trim()])
}

/// A fixed sequence, so that a failure can be repeated.
struct Noise(u64);

impl Noise {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) as usize % below
    }

    fn text(&mut self, alphabet: &[&str], pieces: usize) -> String {
        let count = self.next(pieces);
        (0..count)
            .map(|_| alphabet[self.next(alphabet.len())])
            .collect()
    }
}

/// Every `traceparent` of the suite: verdict, value between bars, test method without `test_`.
const W3C_TRACEPARENTS: &str = "
continue|00-12345678901234567890123456789012-1234567890123456-01| traceparent_included_tracestate_missing
restart |00-12345678901234567890123456789012-1234567890123456-01.| traceparent_version_0x00
restart |00-12345678901234567890123456789012-1234567890123456-01-what-the-future-will-be-like| traceparent_version_0x00
continue|cc-12345678901234567890123456789012-1234567890123456-01| traceparent_version_0xcc
continue|cc-12345678901234567890123456789012-1234567890123456-01-what-the-future-will-be-like| traceparent_version_0xcc
restart |cc-12345678901234567890123456789012-1234567890123456-01.what-the-future-will-be-like| traceparent_version_0xcc
restart |ff-12345678901234567890123456789012-1234567890123456-01| traceparent_version_0xff
restart |.0-12345678901234567890123456789012-1234567890123456-01| traceparent_version_illegal_characters
restart |0.-12345678901234567890123456789012-1234567890123456-01| traceparent_version_illegal_characters
restart |000-12345678901234567890123456789012-1234567890123456-01| traceparent_version_too_long
restart |0000-12345678901234567890123456789012-1234567890123456-01| traceparent_version_too_long
restart |0-12345678901234567890123456789012-1234567890123456-01| traceparent_version_too_short
restart |00-00000000000000000000000000000000-1234567890123456-01| traceparent_trace_id_all_zero
restart |00-.2345678901234567890123456789012-1234567890123456-01| traceparent_trace_id_illegal_characters
restart |00-1234567890123456789012345678901.-1234567890123456-01| traceparent_trace_id_illegal_characters
restart |00-123456789012345678901234567890123-1234567890123456-01| traceparent_trace_id_too_long
restart |00-1234567890123456789012345678901-1234567890123456-01| traceparent_trace_id_too_short
restart |00-12345678901234567890123456789012-0000000000000000-01| traceparent_parent_id_all_zero
restart |00-12345678901234567890123456789012-.234567890123456-01| traceparent_parent_id_illegal_characters
restart |00-12345678901234567890123456789012-123456789012345.-01| traceparent_parent_id_illegal_characters
restart |00-12345678901234567890123456789012-12345678901234567-01| traceparent_parent_id_too_long
restart |00-12345678901234567890123456789012-123456789012345-01| traceparent_parent_id_too_short
restart |00-12345678901234567890123456789012-1234567890123456-.0| traceparent_trace_flags_illegal_characters
restart |00-12345678901234567890123456789012-1234567890123456-0.| traceparent_trace_flags_illegal_characters
restart |00-12345678901234567890123456789012-1234567890123456-001| traceparent_trace_flags_too_long
restart |00-12345678901234567890123456789012-1234567890123456-1| traceparent_trace_flags_too_short
continue| 00-12345678901234567890123456789012-1234567890123456-01| traceparent_ows_handling
continue|\t00-12345678901234567890123456789012-1234567890123456-01| traceparent_ows_handling
continue|00-12345678901234567890123456789012-1234567890123456-01 | traceparent_ows_handling
continue|00-12345678901234567890123456789012-1234567890123456-01\t| traceparent_ows_handling
continue|\t 00-12345678901234567890123456789012-1234567890123456-01 \t| traceparent_ows_handling
continue|00-12345678901234567890123456789012-1234567890123456-01| multiple_requests_with_valid_traceparent
restart |00-00000000000000000000000000000000-1234567890123456-01| multiple_requests_with_illegal_traceparent
continue|00-12345678901234567890123456789012-1234567890123456-02| propagates_random_flag
";

#[test]
fn w3c_suite_decides_continue_or_restart() {
    for row in table(W3C_TRACEPARENTS, 34) {
        let [verdict, traceparent, case] = row;
        let seen = extract(&[("traceparent", traceparent)]);
        assert_eq!(
            seen.is_some(),
            verdict == "continue",
            "{case}: {traceparent:?}"
        );
        if let Some((context, state)) = seen {
            assert_eq!(
                (context.trace_id.to_string().as_str(), state),
                (TRACE, None),
                "{case}"
            );
            assert_eq!(context.span_id.to_string(), SPAN, "{case}");
        }
    }
}

#[test]
fn w3c_suite_decides_by_header_name_and_number() {
    assert_eq!(
        extract(&[]),
        None,
        "both_traceparent_and_tracestate_missing"
    );
    // traceparent_duplicated
    let other = "00-12345678901234567890123456789011-1234567890123456-01";
    assert_eq!(
        extract(&[("traceparent", other), ("traceparent", VALID)]),
        None
    );
    // traceparent_header_name
    for name in ["trace-parent", "trace.parent"] {
        assert_eq!(extract(&[(name, VALID)]), None, "{name}");
    }
    // traceparent_header_name_valid_casing
    for name in ["TraceParent", "TrAcEpArEnT", "TRACEPARENT"] {
        assert!(extract(&[(name, VALID)]).is_some(), "{name}");
    }
    // tracestate_included_traceparent_missing
    for state in ["foo=1", "foo=1,bar=2"] {
        assert_eq!(extract(&[("tracestate", state)]), None, "{state}");
    }
    // tracestate_header_name
    for name in ["trace-state", "trace.state"] {
        let (_, state) = extract(&[("traceparent", UNSAMPLED), (name, "foo=1")]).unwrap();
        assert_eq!(state, None, "{name}");
    }
    // tracestate_header_name_valid_casing
    for name in ["TraceState", "TrAcEsTaTe", "TRACESTATE"] {
        let (_, state) = extract(&[("traceparent", UNSAMPLED), (name, "foo=1")]).unwrap();
        assert_eq!(state.as_deref(), Some("foo=1"), "{name}");
    }
}

/// Runs one row: the values of the `tracestate` fields, and what is passed on.
fn check_state(case: &str, fields: &[&str], expected: Option<&str>) {
    let mut headers = vec![("traceparent", UNSAMPLED)];
    headers.extend(fields.iter().map(|value| ("tracestate", *value)));
    let (context, state) = extract(&headers).unwrap();
    assert_eq!(context.trace_id.to_string(), TRACE, "{case}");
    assert_eq!(state.as_deref(), expected, "{case}: {fields:?}");
}

/// Fields of `tracestate` between bars, whether they are kept or dropped, test method.
const W3C_TRACESTATES: &str = "
kept    |foo=1,bar=2| tracestate_included_traceparent_included
dropped || tracestate_empty_header
kept    |foo=1+| tracestate_empty_header
kept    |+foo=1| tracestate_empty_header
kept    |foo=1,bar=2+rojo=1,congo=2+baz=3| tracestate_multiple_headers_different_keys
kept    |foo=1,foo=1| tracestate_duplicated_keys
kept    |foo=1,foo=2| tracestate_duplicated_keys
kept    |foo=1+foo=1| tracestate_duplicated_keys
kept    |foo=1+foo=2| tracestate_duplicated_keys
kept    |foo=1 \t , \t bar=2, \t baz=3| tracestate_ows_handling
kept    |foo=1\t \t,\t \tbar=2,\t \tbaz=3| tracestate_ows_handling
kept    | foo=1| tracestate_ows_handling
kept    |\tfoo=1| tracestate_ows_handling
kept    |foo=1 | tracestate_ows_handling
kept    |foo=1\t| tracestate_ows_handling
kept    |\t foo=1 \t| tracestate_ows_handling
dropped |foo =1| tracestate_key_illegal_characters
dropped |FOO=1| tracestate_key_illegal_characters
dropped |foo.bar=1| tracestate_key_illegal_characters
kept    |foo@=1,bar=2| tracestate_key_illegal_vendor_format
dropped |@foo=1,bar=2| tracestate_key_illegal_vendor_format
kept    |foo@@bar=1,bar=2| tracestate_key_illegal_vendor_format
kept    |foo@bar@baz=1,bar=2| tracestate_key_illegal_vendor_format
dropped |foo=bar=baz| tracestate_value_illegal_characters
dropped |foo=,bar=3| tracestate_value_illegal_characters
";

#[test]
fn w3c_suite_decides_which_tracestate_is_kept() {
    for row in table(W3C_TRACESTATES, 25) {
        let [verdict, fields, case] = row;
        let fields: Vec<&str> = fields.split('+').collect();
        // Duplicates and inner white space may stay: unchanged leaves nothing to explain.
        let whole = fields.join(",").trim_matches([' ', '\t']).to_owned();
        check_state(case, &fields, (verdict == "kept").then_some(whole.as_str()));
    }
}

#[test]
fn tracestate_follows_the_grammar_beyond_the_suite() {
    check_state("self_test, test_ctor_with_string", &["foobarbaz"], None);
    check_state("the Rust SDK makes it foo=1", &["foo==1"], None);
    check_state("a value of spaces is empty", &["foo=1, bar= \t"], None);
    check_state("only empty members", &[" ,\t, "], None);
}

#[test]
fn w3c_suite_takes_all_allowed_characters() {
    let key: String = ('a'..='z').chain('0'..='9').chain("_-*/".chars()).collect();
    let value: String = (' '..='~').filter(|c| !matches!(c, ',' | '=')).collect();
    for key in [key.clone(), format!("{key}@a-z0-9_-*/")] {
        let member = format!("{key}={value}");
        check_state(
            "tracestate_all_allowed_characters",
            &[&member],
            Some(&member),
        );
    }
}

#[test]
fn w3c_suite_counts_members() {
    let members: Vec<String> = (1..=33).map(|n| format!("bar{n:02}={n:02}")).collect();
    let (most, all) = (members[..32].join(","), members.join(","));
    check_state("tracestate_member_count_limit", &[&most], Some(&most));
    check_state("tracestate_member_count_limit", &[&all], None);
    check_state(
        "empty members do not count",
        &[&most, "", " "],
        Some(&format!("{most},,")),
    );
}

#[test]
fn w3c_suite_measures_keys_and_values() {
    let long = |letter: &str, count: usize| letter.repeat(count);
    let keys = [
        (long("z", 256), true),
        (long("z", 257), false),
        (format!("{}@{}", long("t", 241), long("v", 14)), true),
        (format!("{}@v", long("t", 242)), true),
        (format!("t@{}", long("v", 15)), true),
    ];
    for (key, is_kept) in keys {
        let member = format!("{key}=1");
        let kept = is_kept.then(|| format!("foo=1,{member}"));
        check_state(
            "tracestate_key_length_limit",
            &["foo=1", &member],
            kept.as_deref(),
        );
    }
    // test_tracestate.py, test_setitem
    let (fits, exceeds) = (
        format!("foo={}", long("x", 256)),
        format!("foo={}", long("x", 257)),
    );
    check_state("value of 256", &[&fits], Some(&fits));
    check_state("value of 257", &[&exceeds], None);
    check_state(
        "trailing spaces are not the value's",
        &[&format!("{fits}   ")],
        Some(&fits),
    );
}

#[test]
fn tracestate_values_keep_leading_spaces_and_refuse_others() {
    for kept in [
        "foo=  1",
        "foo=1 2",
        "1=~",
        "0a/b*c@d_e-f= !",
        "foo=\"\\;\"",
    ] {
        assert_eq!(parse_tracestate(kept).as_deref(), Some(kept), "{kept:?}");
    }
    for dropped in [
        "foo=a\tb",
        "foo=ü",
        "foo=\u{7f}",
        "foo=1\n",
        "=1",
        "_a=1",
        "-a=1",
        "a=1;b",
    ] {
        let expected = (dropped == "a=1;b").then_some(dropped);
        assert_eq!(
            parse_tracestate(dropped).as_deref(),
            expected,
            "{dropped:?}"
        );
    }
}

#[test]
fn tracestate_of_512_characters_is_passed_on_unchanged() {
    let whole = format!("a={}, b={}", "x".repeat(252), "y".repeat(253));
    assert_eq!(
        parse_tracestate(&whole).map(|kept| kept.len()),
        Some(whole.len())
    );
    assert_eq!(whole.len(), 511);
    let most = format!("{whole}y");
    assert_eq!(parse_tracestate(&most), Some(most));
}

#[test]
fn too_long_a_tracestate_loses_white_space_then_large_members_then_the_last() {
    let member = |key: &str, length: usize| format!("{key}={}", "x".repeat(length - key.len() - 1));
    let join = |members: &[&String]| {
        members
            .iter()
            .map(|member| member.as_str())
            .collect::<Vec<_>>()
            .join(",")
    };
    let (small, small2) = (member("s", 128), member("t", 128));
    let (large, large2) = (member("l", 129), member("m", 200));
    let small3 = member("u", 127);
    let rows = [
        // 127 * 3 + 128 + 3 commas are 512 without the spaces.
        (
            format!("{small3} , {small3},{small3},{small}"),
            join(&[&small3, &small3, &small3, &small]),
        ),
        (
            join(&[&large, &small, &small2, &small3]),
            join(&[&small, &small2, &small3]),
        ),
        // One large member more than must go stays, and the right-most goes first.
        (
            join(&[&large, &small, &large2, &small2]),
            join(&[&large, &small, &small2]),
        ),
        (
            join(&[&small, &small2, &small, &small2, &small3]),
            join(&[&small, &small2, &small]),
        ),
    ];
    for (header, expected) in rows {
        assert_eq!(parse_tracestate(&header), Some(expected), "{header}");
    }
    let largest = format!("{}={}", "k".repeat(256), "v".repeat(256));
    assert_eq!(parse_tracestate(&largest), None);
    assert_eq!(
        parse_tracestate(&format!("{largest},a=1")).as_deref(),
        Some("a=1")
    );
}

#[test]
fn what_the_rust_sdk_accepts_restarts_here() {
    let rows = [
        (
            "31-digit trace id",
            "00-1234567890123456789012345678901-1234567890123456-01",
        ),
        (
            "3-digit span id",
            "00-12345678901234567890123456789012-123-01",
        ),
        (
            "version of one digit",
            "0-12345678901234567890123456789012-1234567890123456-01",
        ),
        (
            "version with a sign",
            "+0-12345678901234567890123456789012-1234567890123456-01",
        ),
        (
            "flags of one digit",
            "00-12345678901234567890123456789012-1234567890123456-1",
        ),
        (
            "flags of three digits",
            "00-12345678901234567890123456789012-1234567890123456-001",
        ),
        (
            "trailing dash",
            "00-12345678901234567890123456789012-1234567890123456-01-",
        ),
    ];
    for (case, traceparent) in rows {
        assert!(!continues(traceparent), "{case}");
    }
    // The SDK sends flags 03 out as 01.
    let random = "00-12345678901234567890123456789012-1234567890123456-03";
    assert_eq!(header_of(random).as_deref(), Some(random));
}

#[test]
fn upper_case_and_odd_bytes_restart() {
    let lower = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    assert!(continues(lower));
    assert!(!continues(&lower.to_uppercase()));
    for wrong in [
        "00-4Bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00F067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0A",
        "0A-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\n",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r",
        "00 -4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "",
        " \t ",
    ] {
        assert!(!continues(wrong), "{wrong:?}");
    }
    assert_eq!(parse_traceparent(&[0xff; 55]), None);
}

#[test]
fn later_versions_are_read_by_their_first_55_characters() {
    for (tail, expected) in [
        ("", true),
        ("-", true),
        ("-x", true),
        (".", false),
        ("0", false),
    ] {
        for version in ["01", "cc", "fe"] {
            let header = format!("{version}{}{tail}", &VALID[2..]);
            assert_eq!(
                header_of(&header).as_deref(),
                expected.then_some(VALID),
                "{header}"
            );
        }
        let header = format!("ff{}{tail}", &VALID[2..]);
        assert!(!continues(&header), "{header}");
    }
    // Two values of a later version, joined as a list.
    let later = format!("cc{}", &VALID[2..]);
    assert!(!continues(&format!("{later},{later}")));
}

#[test]
fn flags_keep_two_bits_of_every_byte() {
    for bits in 0..=u8::MAX {
        let text = format!("00-{TRACE}-{SPAN}-{bits:02x}");
        let context = parse_traceparent(text.as_bytes()).unwrap();
        assert_eq!(context.flags.bits(), bits & 3);
        assert_eq!(context.flags.is_sampled(), bits & 1 == 1);
        assert_eq!(context.flags.is_random(), bits & 2 == 2);
        assert_eq!(
            context.to_header(),
            format!("00-{TRACE}-{SPAN}-{:02x}", bits & 3)
        );
        assert_eq!(Flags::parse(&format!("{bits:02x}")), Some(context.flags));
    }
    for wrong in ["", "1", "001", "0A", "+1"] {
        assert_eq!(Flags::parse(wrong), None, "{wrong}");
    }
}

#[test]
fn roots_are_random_and_children_inherit() {
    let root = TraceContext::root([0xab; 16], [1; 8], true).unwrap();
    assert_eq!(
        root.to_header(),
        format!("00-{}-{}-03", "ab".repeat(16), "01".repeat(8))
    );
    let quiet = TraceContext::root([0xab; 16], [1; 8], false).unwrap();
    assert_eq!(quiet.flags.to_string(), "02");
    assert_eq!(quiet.flags.with_sampled(true), root.flags);
    assert_eq!(root.flags.with_sampled(false), quiet.flags);
    assert_eq!(TraceContext::root([0; 16], [1; 8], true), None);
    assert_eq!(TraceContext::root([1; 16], [0; 8], true), None);

    let child = root.child([2; 8]).unwrap();
    assert_eq!((child.trace_id, child.flags), (root.trace_id, root.flags));
    assert_eq!(child.span_id.to_bytes(), [2; 8]);
    assert_eq!(root.child([0; 8]), None);
    // W3C: a random flag that came in unset must stay unset.
    let foreign = parse_traceparent(VALID.as_bytes()).unwrap();
    assert_eq!(foreign.child([2; 8]).unwrap().flags.to_string(), "01");
}

#[test]
fn any_single_change_of_a_byte_is_judged_by_its_field() {
    let good = VALID.as_bytes();
    for (at, old) in good.iter().enumerate() {
        for byte in 0..=u8::MAX {
            let mut header = good.to_vec();
            header[at] = byte;
            let is_digit = matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            let expected = if *old == b'-' { byte == b'-' } else { is_digit };
            assert_eq!(
                parse_traceparent(&header).is_some(),
                expected,
                "{at} {byte:#x}"
            );
        }
    }
    for end in 0..good.len() {
        assert_eq!(parse_traceparent(&good[..end]), None, "{end}");
    }
    for at in 0..=good.len() {
        for byte in 0..=u8::MAX {
            let mut header = good.to_vec();
            header.insert(at, byte);
            let is_outside = at == 0 || at == good.len();
            let expected = is_outside && matches!(byte, b' ' | b'\t');
            assert_eq!(
                parse_traceparent(&header).is_some(),
                expected,
                "{at} {byte:#x}"
            );
        }
    }
}

#[test]
fn no_bytes_make_traceparent_panic() {
    let mut noise = Noise(1);
    let alphabet = b"0123456789abcdefABCDEFx-- \t,\xff\x00";
    for _ in 0..50_000 {
        let length = noise.next(90);
        let bytes: Vec<u8> = (0..length)
            .map(|_| alphabet[noise.next(alphabet.len())])
            .collect();
        if let Some(context) = parse_traceparent(&bytes) {
            assert_eq!(
                parse_traceparent(context.to_header().as_bytes()),
                Some(context)
            );
        }
    }
}

#[test]
fn what_is_passed_on_is_passed_on_again_unchanged() {
    let (wide, wider) = ("x".repeat(130), "y".repeat(3000));
    let alphabet = [
        "a", "b=", "=", ",", ",a=1", " ", "\t", ";", ";p", "é", "\u{0}", "@", "%20", &wide, &wider,
    ];
    let mut noise = Noise(2);
    for _ in 0..30_000 {
        let text = noise.text(&alphabet, 24);
        if let Some(kept) = parse_tracestate(&text) {
            assert!(
                kept.len() <= TRACESTATE_LENGTH && !kept.is_empty(),
                "{text:?}"
            );
            assert_eq!(
                parse_tracestate(&kept).as_deref(),
                Some(kept.as_str()),
                "{text:?}"
            );
        }
    }
}
