//! Takes secrets out of the words of a command, where the shell has removed the quotes and each program
//! has flags of its own. Everything that shows in a free text is left to `text`.

use super::fields::is_secret_flag;
use super::urls::colon_after_user;
use super::{BY_NAME, is_marker, is_secret_name, marker, text};

/// The rule shown where only the program's habits gave the secret away.
const BY_PLACE: &str = "argument";

/// What a flag of one letter does with its value.
#[derive(Clone, Copy)]
enum Shape {
    /// The value is glued on; alone the flag only asks: mysql's `-p`.
    Glued,
    /// `name:password`.
    Login,
    /// The value is the secret.
    Secret,
}

/// A program's flag for a secret; `under` is a word that must have stood before it, or nothing.
struct Habit {
    program: &'static str,
    under: &'static str,
    flag: char,
    shape: Shape,
}

const fn habit(program: &'static str, under: &'static str, flag: char, shape: Shape) -> Habit {
    Habit {
        program,
        under,
        flag,
        shape,
    }
}

#[rustfmt::skip]
const HABITS: [Habit; 41] = [
    habit("mysql", "", 'p', Shape::Glued),
    habit("mysqldump", "", 'p', Shape::Glued),
    habit("mysqladmin", "", 'p', Shape::Glued),
    habit("mysqlimport", "", 'p', Shape::Glued),
    habit("mysqlshow", "", 'p', Shape::Glued),
    habit("mariadb", "", 'p', Shape::Glued),
    habit("mariadb-dump", "", 'p', Shape::Glued),
    habit("mariadb-admin", "", 'p', Shape::Glued),
    habit("7z", "", 'p', Shape::Glued),
    habit("7za", "", 'p', Shape::Glued),
    habit("rar", "", 'p', Shape::Glued),
    habit("unrar", "", 'p', Shape::Glued),
    habit("curl", "", 'u', Shape::Login),
    habit("curl", "", 'U', Shape::Login),
    habit("curl", "", 'b', Shape::Secret),
    habit("http", "", 'a', Shape::Login),
    habit("https", "", 'a', Shape::Login),
    habit("xh", "", 'a', Shape::Login),
    habit("sshpass", "", 'p', Shape::Secret),
    // What sshpass runs: no letter is a dash, so these only end the habits of the program before.
    habit("ssh", "", '-', Shape::Glued),
    habit("scp", "", '-', Shape::Glued),
    habit("rsync", "", '-', Shape::Glued),
    habit("redis-cli", "", 'a', Shape::Secret),
    habit("mongo", "", 'p', Shape::Secret),
    habit("mongosh", "", 'p', Shape::Secret),
    habit("mongodump", "", 'p', Shape::Secret),
    habit("mongorestore", "", 'p', Shape::Secret),
    habit("ldapsearch", "", 'w', Shape::Secret),
    habit("ldapmodify", "", 'w', Shape::Secret),
    habit("ldapadd", "", 'w', Shape::Secret),
    habit("sqlcmd", "", 'P', Shape::Secret),
    habit("cqlsh", "", 'p', Shape::Secret),
    habit("twine", "", 'p', Shape::Secret),
    habit("zip", "", 'P', Shape::Secret),
    habit("unzip", "", 'P', Shape::Secret),
    habit("docker", "login", 'p', Shape::Secret),
    habit("podman", "login", 'p', Shape::Secret),
    habit("buildah", "login", 'p', Shape::Secret),
    habit("skopeo", "login", 'p', Shape::Secret),
    habit("helm", "login", 'p', Shape::Secret),
    habit("az", "login", 'p', Shape::Secret),
];

/// What the next word is.
#[derive(Clone, Copy)]
enum Next {
    Login,
    Script,
    Secret(&'static str),
    Word,
}

/// Redacts the words of a command: values of secret flags, assignments, and all that `text` finds.
pub fn command_line(words: &[String]) -> Vec<String> {
    read(words, assignment)
}

fn read(words: &[String], scan: fn(&str) -> String) -> Vec<String> {
    let mut reader = Reader {
        words,
        program: "",
        next: Next::Word,
        scan,
    };
    words
        .iter()
        .enumerate()
        .map(|(index, word)| reader.read(index, word))
        .collect()
}

struct Reader<'w> {
    words: &'w [String],
    program: &'static str,
    next: Next,
    /// What is done to a word that no habit touches.
    scan: fn(&str) -> String,
}

impl Reader<'_> {
    fn read(&mut self, index: usize, word: &str) -> String {
        let next = std::mem::replace(&mut self.next, Next::Word);
        match next {
            // A flag that got no value is followed by another flag.
            _ if word.starts_with('-') => self.flag(index, word),
            Next::Login => login(word),
            Next::Script => script(word),
            Next::Secret(rule) => dropped(word, rule),
            Next::Word => self.plain(word),
        }
    }

    fn plain(&mut self, word: &str) -> String {
        let name = word.rsplit('/').next().unwrap_or(word);
        // Behind sudo, env or timeout the program is not the first word; the last known one counts.
        if let Some(habit) = HABITS.iter().find(|habit| habit.program == name) {
            self.program = habit.program;
        }
        (self.scan)(word)
    }

    fn flag(&mut self, index: usize, word: &str) -> String {
        if let Some(clean) = self.short(index, word) {
            return clean;
        }
        if let Some((flag, value)) = word.split_once('=') {
            return self.assigned(word, flag, value);
        }
        self.next = self.after(word);
        if matches!(self.next, Next::Secret(_)) {
            word.to_owned()
        } else {
            (self.scan)(word)
        }
    }

    fn assigned(&self, word: &str, flag: &str, value: &str) -> String {
        match flag {
            "--from-literal" => {
                let key = value.split('=').next().unwrap_or_default();
                format!("{flag}={key}={}", marker(BY_NAME))
            }
            "--user" | "--proxy-user" if self.program == "curl" => {
                format!("{flag}={}", login(value))
            }
            _ => (self.scan)(word),
        }
    }

    /// What the word after a flag without `=` is.
    fn after(&self, word: &str) -> Next {
        let name = word.trim_start_matches('-');
        let long = word.starts_with("--");
        if is_plain_name(name) && is_secret_flag(name.as_bytes()) {
            Next::Secret(BY_NAME)
        } else if self.program == "curl" && long && matches!(name, "user" | "proxy-user") {
            Next::Login
        } else if !long && name.len() <= 4 && name.ends_with('c') {
            Next::Script
        } else {
            Next::Word
        }
    }

    /// A flag of one letter that this program takes a secret by.
    fn short(&mut self, index: usize, word: &str) -> Option<String> {
        let (habit, head, value) = self.habit(index, word)?;
        let clean = match (habit.shape, value.is_empty()) {
            (Shape::Glued, true) => word.to_owned(),
            (Shape::Login, true) => self.expect(Next::Login, word),
            (Shape::Secret, true) => self.expect(Next::Secret(BY_PLACE), word),
            (Shape::Login, false) => format!("{head}{}", login(value)),
            (Shape::Glued | Shape::Secret, false) => format!("{head}{}", dropped(value, BY_PLACE)),
        };
        Some(clean)
    }

    fn expect(&mut self, next: Next, word: &str) -> String {
        self.next = next;
        word.to_owned()
    }

    /// The habit a flag falls under, the flag itself and the value glued to it.
    fn habit<'f>(&self, index: usize, word: &'f str) -> Option<(&'static Habit, &'f str, &'f str)> {
        let letters = word
            .strip_prefix('-')
            .filter(|rest| !rest.starts_with('-'))?;
        // curl's silent flags take no value and are written in front of the one that does.
        let bundle = if self.program == "curl" {
            letters.trim_start_matches(['s', 'S', 'f', 'L', 'k', 'i', 'v', 'g'])
        } else {
            letters
        };
        let flag = bundle.chars().next()?;
        let value = bundle.get(flag.len_utf8()..)?;
        let head = word.get(..word.len() - value.len())?;
        let found = HABITS
            .iter()
            .find(|habit| habit.program == self.program && habit.flag == flag)?;
        let seen = self.words.get(..index).unwrap_or_default();
        let under = found.under.is_empty() || seen.iter().any(|word| word == found.under);
        under.then_some((found, head, value))
    }
}

fn dropped(word: &str, rule: &str) -> String {
    // In a script the marker may still have its quotation marks.
    let bare = word.trim_matches(['"', '\'']);
    if bare.is_empty() || is_marker(bare.as_bytes()) {
        word.to_owned()
    } else {
        marker(rule)
    }
}

fn login(word: &str) -> String {
    match colon_after_user(word.as_bytes()).and_then(|colon| word.split_at_checked(colon + 1)) {
        Some((user, password)) => format!("{}{}", text(user), dropped(password, BY_PLACE)),
        None => text(word).into_owned(),
    }
}

/// The text behind `-c`: words within a word, joined again with the same blanks.
fn script(word: &str) -> String {
    let clean = text(word);
    let words: Vec<String> = clean.split(' ').map(str::to_owned).collect();
    // Only the habits are left to look for: a word cut out of its quotes would be misread by the scan.
    read(&words, str::to_owned).join(" ")
}

/// `NAME=value`, `--name=value`, also one behind the other: the value is all the rest, blanks and all.
fn assignment(word: &str) -> String {
    let mut start = 0;
    while let Some((name, value)) = word.get(start..).and_then(|rest| rest.split_once('=')) {
        if !is_plain_name(name) {
            break;
        }
        let from = start + name.len() + 1;
        if is_secret_name(name) && !is_harmless(value) {
            return format!(
                "{}{}",
                word.get(..from).unwrap_or_default(),
                marker(BY_NAME)
            );
        }
        start = from;
    }
    text(word).into_owned()
}

fn is_plain_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
}

fn is_harmless(value: &str) -> bool {
    value.is_empty() || is_marker(value.as_bytes()) || matches!(value, "true" | "false")
}
