//! The template of a status line: fields in braces, sections in brackets that vanish when a field in them is empty.

use crate::error::Error;

/// What a field shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Age,
    Blocked,
    Branch,
    Error,
    Folder,
    Model,
    Span,
    Trace,
    Waiting,
}

impl Field {
    /// Every field by its name.
    const ALL: &[(&'static str, Self)] = &[
        ("age", Self::Age),
        ("blocked", Self::Blocked),
        ("branch", Self::Branch),
        ("error", Self::Error),
        ("folder", Self::Folder),
        ("model", Self::Model),
        ("span", Self::Span),
        ("trace", Self::Trace),
        ("waiting", Self::Waiting),
    ];

    /// As many columns of it are shown where the template does not say how many.
    fn columns(self) -> usize {
        match self {
            Self::Error => 40,
            Self::Trace => 8,
            _ => 30,
        }
    }
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Field(Field, usize),
    Section(Vec<Self>),
    Text(String),
}

/// A template that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template(Vec<Part>);

/// A piece of what is shown: a value of a field, or text around.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) field: Option<Field>,
    pub(super) text: String,
    /// As many columns of it are shown.
    pub(super) columns: usize,
}

impl Template {
    /// Understands a template.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let mut rest = text.chars();
        let mut open: Vec<Vec<Part>> = vec![Vec::new()];
        while let Some(c) = rest.next() {
            match c {
                '[' => open.push(Vec::new()),
                ']' => {
                    let inside = open.pop().unwrap_or_default();
                    match open.last_mut() {
                        Some(around) => around.push(Part::Section(inside)),
                        None => return Err(wrong(text, "`]` closes no section")),
                    }
                }
                '{' => {
                    let name: String = rest.by_ref().take_while(|c| *c != '}').collect();
                    push(&mut open, field(text, &name)?);
                }
                '\\' => add(&mut open, rest.next().unwrap_or('\\')),
                c => add(&mut open, c),
            }
        }
        let parts = open.pop().unwrap_or_default();
        match open.is_empty() {
            true => Ok(Self(parts)),
            false => Err(wrong(text, "`[` is not closed")),
        }
    }

    /// Whether a field is in it: what nobody asks for need not be found out.
    pub(super) fn has(&self, field: Field) -> bool {
        fn any(parts: &[Part], field: Field) -> bool {
            parts.iter().any(|part| match part {
                Part::Field(own, _) => *own == field,
                Part::Section(inside) => any(inside, field),
                Part::Text(_) => false,
            })
        }
        any(&self.0, field)
    }

    /// What is shown of it with these values, an empty one being none.
    pub(super) fn fill(&self, value: &impl Fn(Field) -> String) -> Vec<Piece> {
        filled(&self.0, value).0
    }
}

/// The pieces, and whether every field among them, sections inside aside, has a value.
fn filled(parts: &[Part], value: &impl Fn(Field) -> String) -> (Vec<Piece>, bool) {
    let (mut pieces, mut whole) = (Vec::new(), true);
    for part in parts {
        match part {
            Part::Field(field, columns) => {
                let text = value(*field);
                whole &= !text.is_empty();
                pieces.push(Piece {
                    field: Some(*field),
                    text,
                    columns: *columns,
                });
            }
            Part::Section(inside) => {
                let (inside, kept) = filled(inside, value);
                pieces.extend(inside.into_iter().filter(|_| kept));
            }
            Part::Text(text) => pieces.push(Piece {
                field: None,
                text: text.clone(),
                columns: usize::MAX,
            }),
        }
    }
    (pieces, whole)
}

fn push(open: &mut [Vec<Part>], part: Part) {
    if let Some(parts) = open.last_mut() {
        parts.push(part);
    }
}

fn add(open: &mut [Vec<Part>], c: char) {
    match open.last_mut().and_then(|parts| parts.last_mut()) {
        Some(Part::Text(text)) => text.push(c),
        _ => push(open, Part::Text(c.to_string())),
    }
}

/// `name`, or `name:columns`.
fn field(template: &str, inside: &str) -> Result<Part, Error> {
    let (name, columns) = match inside.split_once(':') {
        Some((name, columns)) => (name, Some(columns)),
        None => (inside, None),
    };
    let found = Field::ALL.iter().find(|(own, _)| *own == name);
    let Some((_, field)) = found else {
        return Err(wrong(template, &format!("there is no field `{name}`")));
    };
    let columns = match columns.map(str::parse) {
        None => field.columns(),
        Some(Ok(columns)) => columns,
        Some(Err(_)) => {
            let why = format!("`{inside}` names no number of columns");
            return Err(wrong(template, &why));
        }
    };
    Ok(Part::Field(*field, columns))
}

fn wrong(template: &str, why: &str) -> Error {
    let names: Vec<&str> = Field::ALL.iter().map(|(name, _)| *name).collect();
    Error::usage(format!("`--template {template}`"))
        .because(why.to_owned())
        .hint(format!("fields: {}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(template: &str) -> String {
        let value = |field| match field {
            Field::Trace => "4bf92f35".to_owned(),
            Field::Blocked => "2".to_owned(),
            _ => String::new(),
        };
        let pieces = Template::parse(template).unwrap().fill(&value);
        pieces.into_iter().map(|piece| piece.text).collect()
    }

    fn refused(template: &str) -> String {
        Template::parse(template).unwrap_err().to_string()
    }

    #[test]
    fn sections_vanish_with_an_empty_field() {
        assert_eq!(shown("t {trace}"), "t 4bf92f35");
        assert_eq!(shown("[t {trace}][ e {error}]."), "t 4bf92f35.");
        assert_eq!(shown("[{trace} {error}]"), "");
        assert_eq!(shown("[{trace}[ {error}][ +{blocked}]]"), "4bf92f35 +2");
        assert_eq!(shown("[{error}[{trace}]]"), "");
        assert_eq!(shown("{error}[text]"), "text");
        assert_eq!(shown(""), "");
    }

    #[test]
    fn backslash_takes_the_next_character_as_it_is() {
        assert_eq!(shown("\\[\\{trace\\}\\] \\\\ é\\"), "[{trace}] \\ é\\");
    }

    #[test]
    fn columns_of_a_field_can_be_said() {
        let pieces = Template::parse("{error:7}{error}")
            .unwrap()
            .fill(&|_| "x".to_owned());
        let columns: Vec<usize> = pieces.iter().map(|piece| piece.columns).collect();
        assert_eq!(columns, [7, 40]);
    }

    #[test]
    fn wrong_templates_are_named() {
        assert!(refused("{nope}").contains("there is no field `nope`"));
        assert!(refused("{}").contains("there is no field ``"));
        assert!(refused("[a").contains("`[` is not closed"));
        assert!(refused("a]").contains("`]` closes no section"));
        assert!(refused("{error:x}").contains("names no number of columns"));
    }

    #[test]
    fn fields_inside_sections_are_wanted() {
        let template = Template::parse("[a[{error}]]{trace}").unwrap();
        assert!(template.has(Field::Error) && template.has(Field::Trace));
        assert!(!template.has(Field::Blocked));
    }
}
