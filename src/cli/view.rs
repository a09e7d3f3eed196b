//! The picture of a trace: a tree on the left, durations and bars on the right, errors marked.

use super::page::{Page, Style, duration, fit};
use super::rows::{Row, pairs, row};
use crate::model::{Level, Record, Span, SpanEvent, StatusCode, time};
use crate::query::{Node, Piece, Trace};
use unicode_width::UnicodeWidthStr;

/// Draws a trace for a page.
pub(super) fn draw(trace: &Trace, page: Page) -> String {
    let (start, end) = trace.extent();
    let bar = (page.columns / 4).clamp(10, 40);
    let canvas = Canvas {
        page,
        start,
        length: (end - start).max(1),
        bar,
        left: page.columns.saturating_sub(bar + 11),
    };
    let mut text = canvas.heading(trace);
    let tree = trace.tree();
    for node in &tree {
        canvas.node(node, "", "", &mut text);
    }
    text
}

struct Canvas {
    page: Page,
    start: i64,
    length: i64,
    bar: usize,
    left: usize,
}

/// What stands below a span in the tree.
enum Child<'a> {
    Moment(&'a SpanEvent),
    Node(&'a Node<'a>),
}

impl Child<'_> {
    fn time(&self) -> i64 {
        match self {
            Self::Moment(event) => event.timestamp,
            Self::Node(node) => node.piece.record.time(),
        }
    }
}

impl Canvas {
    fn heading(&self, trace: &Trace) -> String {
        let failed = |piece: &&Piece| match &piece.record {
            Record::Span(span) => span.status.code == StatusCode::Error,
            Record::Log(log) => log.level >= Level::Error,
            Record::Event(_) | Record::Metric(_) => false,
        };
        let stamp = time::micros_text(self.start);
        let counts = [
            (trace.spans.len(), "span"),
            (trace.logs.len(), "log"),
            (trace.events.len(), "event"),
            (trace.metrics.len(), "point"),
        ];
        let stamp = stamp.get(..19).unwrap_or(&stamp).replace('T', " ") + "Z";
        let mut parts = vec![stamp, duration(self.length)];
        let errors = trace.all().filter(failed).count();
        let counts = counts.into_iter().chain([(errors, "error")]);
        let counted = counts.filter(|(count, _)| *count > 0);
        parts.extend(
            counted.map(|(count, name)| {
                format!("{count} {name}{}", if count == 1 { "" } else { "s" })
            }),
        );
        let mut text = format!(
            "{} {}\n",
            self.page.paint(Style::Dim, "trace"),
            self.page.paint(Style::Bold, &trace.id),
        );
        let mut used = 0;
        for (at, part) in parts.iter().enumerate() {
            let comma = if at + 1 < parts.len() { "," } else { "" };
            let width = part.width() + comma.len();
            if used > 0 && used + 1 + width > self.page.columns {
                text.push('\n');
                used = 0;
            } else if used > 0 {
                text.push(' ');
                used += 1;
            }
            used += width;
            let style = if part.contains("error") {
                Style::Bad
            } else {
                Style::Plain
            };
            text.push_str(&format!("{}{comma}", self.page.paint(style, part)));
        }
        text.push_str("\n\n");
        text
    }

    /// Draws a node: `first` leads its own row, `rest` those of its children.
    fn node(&self, node: &Node<'_>, first: &str, rest: &str, text: &mut String) {
        let record = &node.piece.record;
        let Record::Span(span) = record else {
            let what = row(record);
            text.push_str(&self.line(first, &what, record.time()));
            return;
        };
        text.push_str(&self.span(first, span, node.piece.running));
        let mut children: Vec<Child<'_>> = node.inside.iter().map(Child::Node).collect();
        children.extend(span.events.iter().map(Child::Moment));
        children.sort_by_key(Child::time);
        let last = children.len().saturating_sub(1);
        for (at, child) in children.iter().enumerate() {
            let (branch, stem) = if at == last {
                ("└ ", "  ")
            } else {
                ("├ ", "│ ")
            };
            // past the middle of the page nothing is moved further in: names need the room
            let stem = if rest.width() < self.left / 2 {
                stem
            } else {
                ""
            };
            let (branch, stem) = (format!("{rest}{branch}"), format!("{rest}{stem}"));
            match child {
                Child::Node(node) => self.node(node, &branch, &stem, text),
                Child::Moment(event) => {
                    text.push_str(&self.line(&branch, &moment(event), event.timestamp))
                }
            }
        }
    }

    /// A span's row: name, duration, bar.
    fn span(&self, lead: &str, span: &Span, running: bool) -> String {
        let mut what = row(&Record::Span(Box::new(span.clone())));
        if running {
            what.text = format!("{} …", what.text);
        }
        let room = self.left.saturating_sub(lead.width());
        let name = fit(&what.text, room);
        let rest = room.saturating_sub(name.width() + 1);
        let attributes = fit(&what.attributes, if rest > 6 { rest } else { 0 });
        let style = if what.style == Style::Bad {
            Style::Bad
        } else {
            Style::Bold
        };
        let space = if attributes.is_empty() { "" } else { " " };
        let used = lead.width() + name.width() + space.len() + attributes.width();
        format!(
            "{}{}{space}{}{} {:>9} {}\n",
            self.page.paint(Style::Dim, lead),
            self.page.paint(style, &name),
            self.page.paint(Style::Dim, &attributes),
            " ".repeat(self.left.saturating_sub(used)),
            duration(span.end - span.timestamp),
            self.bar(span, what.style),
        )
        .replace(" \n", "\n")
    }

    fn bar(&self, span: &Span, style: Style) -> String {
        let place = |at: i64| {
            let share = (at - self.start) as f64 / self.length as f64;
            (share.clamp(0.0, 1.0) * self.bar as f64 * 8.0).round() as usize
        };
        let (from, to) = (place(span.timestamp), place(span.end));
        let cells = (to / 8).max(from / 8 + 1) - from / 8;
        let bar = match to.saturating_sub(from) {
            0..=2 => "▏".to_owned(),
            3..=7 if cells == 1 => "▌".to_owned(),
            _ => "█".repeat(cells),
        };
        let colour = if style == Style::Bad {
            Style::Bad
        } else {
            Style::Good
        };
        format!(
            "{}{}",
            " ".repeat((from / 8).min(self.bar - 1)),
            self.page.paint(colour, &bar)
        )
    }

    /// The row of anything that has no duration: mark, text, attributes, and how long after the start it was.
    fn line(&self, lead: &str, what: &Row, at: i64) -> String {
        let room = self
            .left
            .saturating_sub(lead.width() + what.mark.width() + 1);
        let shown = fit(&what.text, room);
        let rest = room.saturating_sub(shown.width() + 1);
        let attributes = fit(&what.attributes, if rest > 6 { rest } else { 0 });
        let used = lead.width() + what.mark.width() + 1 + shown.width() + 1 + attributes.width();
        format!(
            "{}{} {shown} {}{} {}\n",
            self.page.paint(Style::Dim, lead),
            self.page.paint(what.style, &what.mark),
            self.page.paint(Style::Dim, &attributes),
            " ".repeat((self.left + 1).saturating_sub(used)),
            self.page.paint(
                Style::Dim,
                &format!("{:>8}", format!("+{}", duration(at - self.start)))
            ),
        )
    }
}

fn moment(event: &SpanEvent) -> Row {
    Row {
        mark: "•".to_owned(),
        style: Style::Plain,
        text: event.name.clone(),
        attributes: pairs(&event.attributes),
    }
}
