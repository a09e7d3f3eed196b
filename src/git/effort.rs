//! How much work the comparison of two texts would be. The comparison itself cannot be stopped, and two large files of
//! few different lines keep it busy for seconds; so this takes the same steps first, and counts them.

use gix::diff::blob::{InternedInput, Token};
use std::hash::Hash;

/// Takes the steps of a comparison from `steps`, and gives what is left; none where they are too few.
///
/// Myers' greedy search (doi:10.1007/BF01840446): each round makes one edit more, on every diagonal that it can reach.
pub(super) fn take<T: Eq + Hash>(input: &InternedInput<T>, mut steps: u64) -> Option<u64> {
    let (before, after) = shared(input);
    let (width, height) = (before.len() as isize, after.len() as isize);
    let token = |side: &[Token], at: isize| {
        let at = usize::try_from(at).ok()?;
        side.get(at).map(|token| token.0)
    };
    let meets = |x: isize, y: isize| match (token(&before, x), token(&after, y)) {
        (Some(one), Some(other)) => one == other,
        _ => false,
    };
    // how far each diagonal x - y has come; one more at either end, where nothing comes
    let mut furthest = vec![-1_isize; before.len() + after.len() + 3];
    let place = |diagonal: isize| (diagonal + height + 1).unsigned_abs();
    for edits in 0..=width + height {
        // diagonals outside of the two texts lead nowhere; of the others every second one is reached
        let skip = |bound: isize| (edits - bound).max(0) / 2 * 2 + (edits - bound).max(0) % 2 * 2;
        let (low, high) = (skip(height) - edits, edits - skip(width));
        for diagonal in (low..=high).step_by(2) {
            let reached = |diagonal| furthest.get(place(diagonal)).copied().unwrap_or(-1);
            let start = reached(diagonal + 1).max(reached(diagonal - 1) + 1);
            let mut x = start;
            while meets(x, x - diagonal) {
                x += 1;
            }
            steps = steps.checked_sub(1 + (x - start).unsigned_abs() as u64)?;
            if diagonal == width - height && x >= width {
                return Some(steps);
            }
            if let Some(slot) = furthest.get_mut(place(diagonal)) {
                *slot = x;
            }
        }
    }
    Some(steps)
}

/// The lines of each side that the other has too: all others are edits whatever the search finds.
fn shared<T: Eq + Hash>(input: &InternedInput<T>) -> (Vec<Token>, Vec<Token>) {
    let seen = |side: &[Token]| {
        let mut seen = vec![false; input.interner.num_tokens() as usize];
        for token in side {
            if let Some(slot) = seen.get_mut(token.0 as usize) {
                *slot = true;
            }
        }
        seen
    };
    let kept = |side: &[Token], seen: &[bool]| -> Vec<Token> {
        let known = |token: &&Token| seen.get(token.0 as usize).copied().unwrap_or(false);
        side.iter().filter(known).copied().collect()
    };
    let (in_before, in_after) = (seen(&input.before), seen(&input.after));
    (
        kept(&input.before, &in_after),
        kept(&input.after, &in_before),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use gix::diff::blob::sources::byte_lines;

    fn used(before: &str, after: &str) -> Option<u64> {
        let input = InternedInput::new(byte_lines(before.as_bytes()), byte_lines(after.as_bytes()));
        take(&input, 100_000).map(|left| 100_000 - left)
    }

    #[test]
    fn effort_grows_with_the_edits() {
        let lines =
            |range: std::ops::Range<u32>| range.map(|n| format!("{n}\n")).collect::<String>();
        assert_eq!(used("", ""), Some(1));
        assert_eq!(used(&lines(0..50), &lines(0..50)), Some(51));
        // nothing in common: nothing to search
        assert_eq!(used(&lines(0..9_000), &lines(9_000..18_000)), Some(1));
        let moved = lines(10..500) + &lines(0..10);
        assert!(used(&lines(0..500), &moved).is_some_and(|used| used < 2_000));
        let backwards: String = (0..2_000).rev().map(|n| format!("{n}\n")).collect();
        assert_eq!(used(&lines(0..2_000), &backwards), None);
    }

    #[test]
    fn every_pair_of_short_texts_comes_to_an_end() {
        let text = |mut bits: u32, length: u32| {
            let mut text = String::new();
            for _ in 0..length {
                text.push_str(if bits & 1 == 0 { "a\n" } else { "b\n" });
                bits >>= 1;
            }
            text
        };
        for (one, other) in (0..32).flat_map(|one| (0..32).map(move |other| (one, other))) {
            for (long, short) in [(5, 5), (5, 2), (1, 5), (0, 3)] {
                assert!(used(&text(one, long), &text(other, short)).is_some());
            }
        }
    }
}
