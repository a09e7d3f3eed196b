//! One trace put together: its spans as a tree, everything else in its place among them.

use crate::error::Error;
use crate::model::context::parse_traceparent;
use crate::model::{Record, Span};
use std::collections::{HashMap, HashSet};

/// Which trace is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TraceId {
    /// The one with the newest record.
    Latest,
    /// The one whose id begins so.
    Prefix(String),
}

impl TraceId {
    /// Reads `latest`, an id, the beginning of one, or a traceparent.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text == "latest" {
            return Ok(Self::Latest);
        }
        if let Some(context) = parse_traceparent(text.as_bytes()) {
            return Ok(Self::Prefix(context.trace_id.to_string()));
        }
        let lower = text.to_ascii_lowercase();
        let hex = lower.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !hex || !(4..=32).contains(&lower.len()) {
            return Err(Error::usage(format!("`{text}` is no trace id"))
                .hint("32 hex digits, at least the first 4 of them, a traceparent, or `latest`"));
        }
        Ok(Self::Prefix(lower))
    }
}

/// A record of the trace with its line as journalled.
#[derive(Debug, Clone)]
pub struct Piece {
    /// The record.
    pub record: Record,
    /// Its line, without the newline.
    pub line: Vec<u8>,
    /// Started and not ended: the line is that of a live file's span.
    pub running: bool,
}

/// One trace, every list by time.
#[derive(Debug, Default)]
pub struct Trace {
    /// The whole id.
    pub id: String,
    /// Spans.
    pub spans: Vec<Piece>,
    /// Log records.
    pub logs: Vec<Piece>,
    /// Events.
    pub events: Vec<Piece>,
    /// Metric points.
    pub metrics: Vec<Piece>,
}

/// A span or a record in the tree, with what is inside it by time.
#[derive(Debug)]
pub struct Node<'a> {
    /// What stands here.
    pub piece: &'a Piece,
    /// What is inside it.
    pub inside: Vec<Self>,
}

impl Trace {
    /// Puts the pieces of one trace together: repeated records once, a real end before an abandoned one, all by time.
    pub fn of(id: String, pieces: Vec<Piece>) -> Self {
        let mut trace = Self {
            id,
            ..Self::default()
        };
        let mut seen = HashSet::new();
        for piece in pieces {
            match &piece.record {
                Record::Span(_) => trace.spans.push(piece),
                other => {
                    if seen.insert(other.identity()) {
                        trace.list(&piece.record).push(piece);
                    }
                }
            }
        }
        trace.spans = once(std::mem::take(&mut trace.spans));
        for list in [
            &mut trace.spans,
            &mut trace.logs,
            &mut trace.events,
            &mut trace.metrics,
        ] {
            list.sort_by_key(|piece| piece.record.time());
        }
        trace
    }

    fn list(&mut self, record: &Record) -> &mut Vec<Piece> {
        match record {
            Record::Event(_) => &mut self.events,
            Record::Log(_) => &mut self.logs,
            Record::Metric(_) => &mut self.metrics,
            Record::Span(_) => &mut self.spans,
        }
    }

    /// True where nothing was found.
    pub fn is_empty(&self) -> bool {
        self.all().next().is_none()
    }

    /// Every piece.
    pub fn all(&self) -> impl Iterator<Item = &Piece> {
        self.spans
            .iter()
            .chain(&self.logs)
            .chain(&self.events)
            .chain(&self.metrics)
    }

    /// From the earliest to the latest moment known.
    pub fn extent(&self) -> (i64, i64) {
        let start = self
            .all()
            .map(|piece| piece.record.time())
            .min()
            .unwrap_or_default();
        let end = self
            .all()
            .map(|piece| end(&piece.record))
            .max()
            .unwrap_or_default();
        (start, end.max(start))
    }

    /// The tree: roots are spans without a known parent and records without a known span, by time.
    pub fn tree(&self) -> Vec<Node<'_>> {
        let known: HashSet<&str> = self
            .spans
            .iter()
            .map(|piece| piece.record.span_id())
            .collect();
        let mut below: HashMap<&str, Vec<&Piece>> = HashMap::new();
        let mut roots = Vec::new();
        for piece in self.all() {
            let parent = match &piece.record {
                Record::Span(span) if span.parent_span_id == span.span_id => "",
                Record::Span(span) => span.parent_span_id.as_str(),
                other => other.span_id(),
            };
            match known.contains(parent) {
                true => below.entry(parent).or_default().push(piece),
                false => roots.push(piece),
            }
        }
        let mut tree = nodes(roots, &mut below, 0);
        // a ring of parents hangs from no root: it is shown all the same
        let ring: Vec<&Piece> = below.drain().flat_map(|(_, pieces)| pieces).collect();
        tree.extend(nodes(ring, &mut HashMap::new(), 0));
        tree
    }
}

/// Spans deeper than this stand side by side: a loop that never ends its spans nests them without end, and neither the
/// page nor the stack has room for that.
const DEEPEST: usize = 100;

/// Takes what stands below each piece out of the map, so that a ring of parents cannot go round for ever.
fn nodes<'a>(
    pieces: Vec<&'a Piece>,
    below: &mut HashMap<&'a str, Vec<&'a Piece>>,
    depth: usize,
) -> Vec<Node<'a>> {
    let by_time = |mut pieces: Vec<&'a Piece>| {
        pieces.sort_by_key(|piece| piece.record.time());
        pieces.reverse(); // taken from the end: what has one time stays in the order of the journal
        pieces
    };
    let mut list = Vec::new();
    let mut left = by_time(pieces);
    while let Some(piece) = left.pop() {
        let inside = match &piece.record {
            Record::Span(span) => below.remove(span.span_id.as_str()).unwrap_or_default(),
            _ => Vec::new(),
        };
        let inside = match depth < DEEPEST {
            true => nodes(inside, below, depth + 1),
            false => {
                left.extend(by_time(inside));
                Vec::new()
            }
        };
        list.push(Node { piece, inside });
    }
    list
}

/// The last moment of a record.
fn end(record: &Record) -> i64 {
    match record {
        Record::Span(span) => {
            let last = span.events.iter().map(|event| event.timestamp).max();
            span.end.max(last.unwrap_or_default())
        }
        other => other.time(),
    }
}

/// Each span once: a real end beats an abandoned one, either beats a live file; else the first.
fn once(spans: Vec<Piece>) -> Vec<Piece> {
    let rank = |piece: &Piece| match &piece.record {
        _ if piece.running => 2,
        Record::Span(span) => u8::from(is_abandoned(span)),
        _ => 0,
    };
    let mut kept: Vec<Piece> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for piece in spans {
        match places.get(piece.record.span_id()) {
            None => {
                places.insert(piece.record.span_id().to_owned(), kept.len());
                kept.push(piece);
            }
            Some(at) => {
                if let Some(old) = kept.get_mut(*at)
                    && rank(&piece) < rank(old)
                {
                    *old = piece;
                }
            }
        }
    }
    kept
}

fn is_abandoned(span: &Span) -> bool {
    span.obs.abandoned
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Log, Notes};

    fn span(id: &str, parent: &str, at: i64, abandoned: bool) -> Piece {
        let span = Span {
            timestamp: at,
            end: at + 10,
            name: id.to_owned(),
            trace_id: "t".to_owned(),
            span_id: id.to_owned(),
            parent_span_id: parent.to_owned(),
            obs: Notes {
                abandoned,
                ..Notes::default()
            },
            ..Span::default()
        };
        Piece {
            line: Vec::new(),
            record: Record::Span(Box::new(span)),
            running: false,
        }
    }

    fn log(id: &str, span: &str, at: i64) -> Piece {
        let log = Log {
            timestamp: at,
            message: id.to_owned(),
            span_id: span.to_owned(),
            id: id.to_owned(),
            ..Log::default()
        };
        Piece {
            line: Vec::new(),
            record: Record::Log(Box::new(log)),
            running: false,
        }
    }

    fn drawn(nodes: &[Node<'_>]) -> String {
        let name = |node: &Node<'_>| match &node.piece.record {
            Record::Span(span) => span.name.clone(),
            other => other.identity(),
        };
        let parts: Vec<String> = nodes
            .iter()
            .map(|node| match node.inside.is_empty() {
                true => name(node),
                false => format!("{}({})", name(node), drawn(&node.inside)),
            })
            .collect();
        parts.join(" ")
    }

    #[test]
    fn records_stand_in_their_span_by_time() {
        let pieces = vec![
            span("b", "a", 5, false),
            span("a", "remote", 1, false),
            log("l2", "a", 7),
            log("l1", "b", 6),
            log("l0", "gone", 0),
            log("l2", "a", 7),
        ];
        let trace = Trace::of("t".to_owned(), pieces);
        assert_eq!(drawn(&trace.tree()), "l0 a(b(l1) l2)");
        assert_eq!(trace.extent(), (0, 15));
    }

    #[test]
    fn real_end_beats_abandoned() {
        let trace = Trace::of(
            "t".to_owned(),
            vec![
                span("a", "", 1, true),
                span("a", "", 1, false),
                span("a", "", 1, true),
            ],
        );
        assert_eq!(trace.spans.len(), 1);
        assert!(matches!(&trace.spans[0].record, Record::Span(span) if !span.obs.abandoned));
    }

    #[test]
    fn ring_of_parents_ends() {
        let trace = Trace::of(
            "t".to_owned(),
            vec![
                span("a", "b", 1, false),
                span("b", "a", 2, false),
                span("c", "c", 3, false),
            ],
        );
        assert_eq!(drawn(&trace.tree()), "c a b");
    }

    #[test]
    fn ids_are_checked() {
        assert_eq!(TraceId::parse("latest").unwrap(), TraceId::Latest);
        assert_eq!(
            TraceId::parse("4BF9").unwrap(),
            TraceId::Prefix("4bf9".to_owned())
        );
        assert!(TraceId::parse("xyz").is_err() && TraceId::parse("4bf").is_err());
    }
}
