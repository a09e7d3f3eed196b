//! Decides whether a new span carries the sampled flag, as `OTEL_TRACES_SAMPLER` and its argument
//! say (OpenTelemetry, SDK environment variables). It decides about export and about what the
//! children are told, never about the local journal.

use super::context::TraceContext;
use super::ids::TraceId;

const RANDOM_BITS: u32 = 56;

/// Gives the sampled flag for a span of `trace_id` and a warning about settings it had to ignore.
///
/// `sampler` and `arg` are the values of `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG`.
pub fn sampled(
    sampler: Option<&str>,
    arg: Option<&str>,
    parent: Option<&TraceContext>,
    trace_id: &TraceId,
) -> (bool, Option<String>) {
    let (sampler, warning) = Sampler::from_name(sampler);
    let (root, ratio_warning) = sampler.root.decide(arg, trace_id);
    let decision = match parent {
        Some(parent) if sampler.is_parent_based => parent.flags.is_sampled(),
        _ => root,
    };
    (decision, warning.or(ratio_warning))
}

struct Sampler {
    is_parent_based: bool,
    root: Root,
}

impl Sampler {
    const DEFAULT: Self = Self::parent_based(Root::AlwaysOn);

    fn from_name(name: Option<&str>) -> (Self, Option<String>) {
        let name = name.unwrap_or_default().trim().to_ascii_lowercase();
        let sampler = match name.as_str() {
            "" => Self::DEFAULT,
            "always_off" => Self::independent(Root::AlwaysOff),
            "always_on" => Self::independent(Root::AlwaysOn),
            "parentbased_always_off" => Self::parent_based(Root::AlwaysOff),
            "parentbased_always_on" => Self::parent_based(Root::AlwaysOn),
            "parentbased_traceidratio" => Self::parent_based(Root::Ratio),
            "traceidratio" => Self::independent(Root::Ratio),
            _ => return (Self::DEFAULT, Some(refusal(&name))),
        };
        (sampler, None)
    }

    const fn independent(root: Root) -> Self {
        Self {
            is_parent_based: false,
            root,
        }
    }

    const fn parent_based(root: Root) -> Self {
        Self {
            is_parent_based: true,
            root,
        }
    }
}

/// What a sampler does with a trace that has no parent to follow.
enum Root {
    AlwaysOff,
    AlwaysOn,
    Ratio,
}

impl Root {
    fn decide(&self, arg: Option<&str>, trace_id: &TraceId) -> (bool, Option<String>) {
        match self {
            Self::AlwaysOff => (false, None),
            Self::AlwaysOn => (true, None),
            Self::Ratio => {
                let (ratio, warning) = parse_ratio(arg);
                (randomness(trace_id) >= rejection_threshold(ratio), warning)
            }
        }
    }
}

fn refusal(name: &str) -> String {
    let reason = match name {
        "jaeger_remote" | "parentbased_jaeger_remote" | "xray" => "not supported",
        _ => "not a sampler",
    };
    format!("OTEL_TRACES_SAMPLER: {name:?} is {reason}, using parentbased_always_on")
}

fn parse_ratio(arg: Option<&str>) -> (f64, Option<String>) {
    let text = arg.unwrap_or_default().trim();
    if text.is_empty() {
        return (1.0, None);
    }
    match text.parse::<f64>() {
        Ok(ratio) if (0.0..=1.0).contains(&ratio) => (ratio, None),
        _ => {
            let what = format!("{text:?} is not a ratio from 0 to 1, using 1.0");
            (1.0, Some(format!("OTEL_TRACES_SAMPLER_ARG: {what}")))
        }
    }
}

/// The number of trace ids in 2^56 that are turned down.
fn rejection_threshold(ratio: f64) -> u64 {
    let all = 1_u64 << RANDOM_BITS;
    // Scaled before the subtraction: `1 - ratio` in floating point swallows ratios under 2^-53.
    let kept = (ratio * all as f64).round() as u64;
    all.saturating_sub(kept)
}

/// The right-most 7 bytes, the ones that W3C level 2 calls random.
fn randomness(trace_id: &TraceId) -> u64 {
    let low = u128::from_be_bytes(trace_id.to_bytes()) & ((1 << RANDOM_BITS) - 1);
    low as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [&str; 6] = [
        "always_off",
        "always_on",
        "parentbased_always_off",
        "parentbased_always_on",
        "parentbased_traceidratio",
        "traceidratio",
    ];

    fn trace(low: u64) -> TraceId {
        TraceId::from_bytes((u128::from(low) | 1 << 127).to_be_bytes()).unwrap()
    }

    fn parent(is_sampled: bool) -> TraceContext {
        TraceContext::root([1; 16], [2; 8], is_sampled).unwrap()
    }

    fn decide(sampler: &str, arg: &str, low: u64) -> bool {
        let (decision, warning) = sampled(Some(sampler), Some(arg), None, &trace(low));
        assert_eq!(warning, None);
        decision
    }

    #[test]
    fn each_name_follows_its_parent_or_not() {
        // Ratio 0 turns every root down, so a sampled span can only come from the parent.
        let rows = [
            ("always_off", [false, false, false]),
            ("always_on", [true, true, true]),
            ("parentbased_always_off", [false, true, false]),
            ("parentbased_always_on", [true, true, false]),
            ("parentbased_traceidratio", [false, true, false]),
            ("traceidratio", [false, false, false]),
        ];
        for (name, expected) in rows {
            let seen = [None, Some(parent(true)), Some(parent(false))]
                .map(|parent| sampled(Some(name), Some("0"), parent.as_ref(), &trace(7)));
            assert_eq!(seen, expected.map(|decision| (decision, None)), "{name}");
        }
    }

    #[test]
    fn unset_and_empty_mean_parentbased_always_on() {
        for name in [None, Some(""), Some(" ")] {
            assert_eq!(sampled(name, Some("0"), None, &trace(0)), (true, None));
            assert_eq!(
                sampled(name, None, Some(&parent(false)), &trace(0)),
                (false, None)
            );
        }
    }

    #[test]
    fn names_are_read_without_case() {
        assert!(!decide("Always_OFF", "", 0));
        assert!(!decide(" TRACEIDRATIO ", "0.0", u64::MAX >> 8));
    }

    #[test]
    fn unknown_and_unsupported_names_warn_and_fall_back() {
        for (name, reason) in [
            ("xray", "not supported"),
            ("jaeger_remote", "not supported"),
            ("parentbased_jaeger_remote", "not supported"),
            ("sometimes", "not a sampler"),
            ("always-on", "not a sampler"),
        ] {
            let (decision, warning) = sampled(Some(name), None, Some(&parent(false)), &trace(0));
            let warning = warning.unwrap();
            assert!(!decision, "{name}");
            assert!(
                warning.contains(name) && warning.contains(reason),
                "{warning}"
            );
            assert!(sampled(Some(name), None, None, &trace(0)).0, "{name}");
        }
    }

    #[test]
    fn a_bad_ratio_warns_and_counts_as_unset() {
        for arg in ["x", "1.01", "-0.5", "50%", "NaN", "inf", "0,5"] {
            let (decision, warning) = sampled(Some("traceidratio"), Some(arg), None, &trace(0));
            assert!(decision && warning.unwrap().contains(arg), "{arg}");
        }
        assert_eq!(
            sampled(Some("traceidratio"), Some(""), None, &trace(0)),
            (true, None)
        );
        assert_eq!(
            sampled(Some("always_off"), Some("x"), None, &trace(0)),
            (false, None)
        );
    }

    #[test]
    fn ratio_compares_the_low_56_bits_with_the_threshold() {
        assert!(!decide("traceidratio", "0.5", (1 << 55) - 1));
        assert!(decide("traceidratio", "0.5", 1 << 55));
        assert!(decide("traceidratio", "0.25", 0xc0_0000_0000_0000));
        assert!(!decide("traceidratio", "0.25", 0xbf_ffff_ffff_ffff));
        // The eighth byte from the right is no part of the randomness.
        assert!(!decide("traceidratio", "0.5", 0xff << RANDOM_BITS));
        assert!(decide("traceidratio", "1", 0));
        assert!(!decide("traceidratio", "0", u64::MAX));
    }

    #[test]
    fn thresholds_round_to_the_published_ones() {
        // The 1-in-N table of trace/tracestate-probability-sampling.md, precision 5.
        let table = [
            (3.0, 5, 0xaaaab),
            (5.0, 5, 0xccccd),
            (10.0, 5, 0xe6666),
            (100.0, 6, 0xfd70a4),
            (1000.0, 7, 0xffbe76d),
            (1_000_000.0, 9, 0xffff_ef391),
        ];
        for (one_in, digits, published) in table {
            let shift = RANDOM_BITS - 4 * digits;
            let rounded = (rejection_threshold(1.0 / one_in) + (1 << (shift - 1))) >> shift;
            assert_eq!(rounded, published, "1 in {one_in}");
        }
        assert_eq!(rejection_threshold(2_f64.powi(-56)), (1 << 56) - 1);
    }

    #[test]
    fn a_higher_ratio_keeps_what_a_lower_one_kept() {
        let step = u64::MAX >> 8 >> 6;
        for low in (0..64).map(|n| n * step) {
            let kept = ["0.001", "0.1", "0.5", "0.9", "1"].map(|p| decide("traceidratio", p, low));
            assert!(kept.is_sorted(), "{low:x} {kept:?}");
        }
    }

    #[test]
    fn every_known_name_is_accepted() {
        for name in ALL {
            assert_eq!(sampled(Some(name), None, None, &trace(1)).1, None, "{name}");
        }
    }
}
