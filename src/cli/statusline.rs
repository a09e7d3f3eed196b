//! `obs statusline`: one short line for a prompt or a status bar. Run at every prompt, so it stands beside the hot commands:
//! no tree of commands, no file read whole, nothing looked for that the template does not name.

mod facts;
mod session;
mod target;
mod template;

use super::page::{fit, reflow};
use super::print_records;
use crate::capture;
use crate::error::{Error, Exit};
use crate::model::{shown::escape, time};
use crate::settings::Settings;
use crate::world::{Stream, World};
use clap::{Args as _, Command, FromArgMatches};
use facts::{Facts, Scene};
use session::Session;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use target::Target;
use template::{Field, Piece, Template};
use unicode_width::UnicodeWidthStr;

/// The command's word.
pub const NAME: &str = "statusline";

const TEMPLATE: &str =
    "[{trace}][ {span}][ {error} {age} ago][ {waiting} waiting][ {blocked} blocked]";

/// Words of the command.
#[derive(Debug, clap::Args)]
struct Args {
    /// What to show and how
    #[arg(long, value_name = "TEMPLATE", default_value = TEMPLATE)]
    template: String,
    /// Who shows it: bash, zsh, fish, tmux or plain; decides on colours and special characters
    #[arg(long, value_enum, default_value_t = Target::Plain, hide_possible_values = true)]
    shell: Target,
    /// Most columns, 0 for any number; default the terminal's
    #[arg(long, value_name = "COLUMNS")]
    width: Option<usize>,
    /// Colours: auto, always or never; auto is on a terminal, and where --shell says who shows them, unless NO_COLOR
    #[arg(long, value_name = "WHEN", default_value = "auto", value_parser = ["auto", "always", "never"], hide_possible_values = true)]
    color: String,
    /// Errors that are older than this are not shown
    #[arg(long, value_name = "AGE", default_value = "1h")]
    since: String,
    /// The folder whose branch and board are meant; default the working directory
    #[arg(long, value_name = "DIR")]
    cwd: Option<PathBuf>,
    /// Read the JSON object that coding agents give a status command: session, folder, model
    #[arg(long)]
    json_stdin: bool,
}

const MORE: &str = "\
Prints nothing, and exits 0, when there is nothing to say. Fields stand in braces; a section in brackets vanishes when a
field in it is empty, sections inside it aside; a backslash takes the next character as it is. {error:20} shows at most
20 columns of a field.

  {trace}    trace (8 digits) of TRACEPARENT, else of the --json-stdin session
  {span}     name of the current span, if it was started by `obs span start`
  {error}    message of the last ERROR or CRITICAL in the log's last 64 KiB
  {age}      how long ago that was
  {waiting}  records in spill, which wait to be gathered
  {blocked}  unfinished tasks of a status or label `blocked` (up to 200 tasks)
  {branch}   branch of the repository
  {folder}   last part of the folder
  {model}    with --json-stdin: name of the agent's model

bash, in ~/.bashrc (single quotes matter: the text must not be expanded again):
  PS1='$(obs statusline --shell bash) '\"$PS1\"

zsh, in ~/.zshrc:
  setopt prompt_subst
  RPROMPT='$(obs statusline --shell zsh)'

fish, in ~/.config/fish/config.fish:
  function fish_right_prompt
      obs statusline --shell fish
  end

starship, in ~/.config/starship.toml:
  [custom.obs]
  command = \"obs statusline --color never\"
  when = true
  format = \"[$output]($style) \"

tmux, in ~/.tmux.conf:
  set -g status-right \\
    '#(obs statusline --shell tmux --cwd #{q:pane_current_path})'

Claude Code, in ~/.claude/settings.json, and agents alike:
  {\"statusLine\": {
    \"type\": \"command\",
    \"command\": \"obs statusline --json-stdin --color always\"}}";

/// The command.
pub(super) fn command() -> Command {
    Args::augment_args(Command::new(NAME))
        .about("Print one short line for a prompt or a status bar")
        .after_help(reflow(MORE))
}

/// Runs it on the words behind its name, without the tree of all commands.
pub fn statusline(world: &World, words: &[OsString]) -> Result<Exit, Error> {
    let argv = [OsString::from("obs statusline")].into_iter();
    let argv = argv.chain(words.iter().cloned());
    let Ok(matches) = command().try_get_matches_from(argv) else {
        // the whole tree says what was wrong, or helps, as for every command
        let all = [OsString::from(NAME)].into_iter();
        let all: Vec<OsString> = all.chain(words.iter().cloned()).collect();
        return super::run(world, &all);
    };
    let args = Args::from_arg_matches(&matches).map_err(|error| Error::usage(error.to_string()))?;
    let template = Template::parse(&args.template)?;
    let settings = Settings::load(world);
    let scene = scene(&args, world, &settings)?;
    let facts = Facts::of(&scene, &template);
    let pieces = template.fill(&|field| facts.value(field));
    let width = match args.width {
        Some(0) => usize::MAX,
        Some(width) => width,
        None => world.columns(),
    };
    let line = line(pieces, width, args.shell, colours(&args, world));
    if !line.is_empty() {
        print_records(world, format!("{line}\n").as_bytes())?;
    }
    Ok(Exit::Done)
}

fn scene<'a>(args: &Args, world: &'a World, settings: &Settings) -> Result<Scene<'a>, Error> {
    let age = time::parse_span(&args.since).ok_or_else(|| {
        Error::usage(format!("`--since {}` is no length of time", args.since))
            .hint("such as 15m, 2h, 7d")
    })?;
    let session = match args.json_stdin {
        true => Session::read(world),
        false => Session::default(),
    };
    let given = args
        .cwd
        .as_deref()
        .map(|folder: &Path| world.absolute(folder));
    Ok(Scene {
        journal: capture::open(world, settings),
        folder: given
            .or_else(|| session.folder.clone())
            .or_else(|| world.cwd()),
        session,
        since: world.now().saturating_sub(age),
        world,
    })
}

fn colours(args: &Args, world: &World) -> bool {
    match args.color.as_str() {
        "always" => true,
        "never" => false,
        _ => world.forces_colours().unwrap_or_else(|| {
            let known = args.shell != Target::Plain && world.var("TERM") != Some("dumb");
            known || world.wants_colours(Stream::Out)
        }),
    }
}

/// The pieces as one line: safe, cut to the width, without spaces at its ends.
fn line(pieces: Vec<Piece>, width: usize, target: Target, colours: bool) -> String {
    let mut shown: Vec<(Option<Field>, String)> = Vec::new();
    for piece in pieces.into_iter().filter(|piece| !piece.text.is_empty()) {
        let text = match piece.field {
            // an id is not cut as a text is
            Some(Field::Trace) => piece.text.chars().take(piece.columns).collect(),
            Some(_) => fit(&piece.text, piece.columns),
            None => escape(&piece.text).into_owned(),
        };
        shown.push((piece.field, text));
    }
    trim(&mut shown);
    let cut = cut(shown, width);
    let painted = cut.iter().map(|(field, text)| match colours {
        true => target.painted(*field, text),
        false => target.text(text),
    });
    painted.collect()
}

/// Takes away the spaces that a vanished section left at an end.
fn trim(shown: &mut Vec<(Option<Field>, String)>) {
    while let Some((_, first)) = shown.first_mut() {
        *first = first.trim_start().to_owned();
        if !first.is_empty() {
            break;
        }
        shown.remove(0);
    }
    while let Some((_, last)) = shown.last_mut() {
        last.truncate(last.trim_end().len());
        if !last.is_empty() {
            break;
        }
        shown.pop();
    }
}

fn cut(shown: Vec<(Option<Field>, String)>, width: usize) -> Vec<(Option<Field>, String)> {
    let total: usize = shown.iter().map(|(_, text)| text.width()).sum();
    if total <= width {
        return shown;
    }
    let mut left = width;
    let mut cut = Vec::new();
    for (field, text) in shown {
        let own = text.width();
        if own < left {
            left -= own;
            cut.push((field, text));
            continue;
        }
        // longer than there is room, so that the mark of the cut is always there
        cut.push((field, fit(&format!("{text}  "), left)));
        break;
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(values: &[(Option<Field>, &str)], width: usize) -> String {
        let piece = |(field, text): &(Option<Field>, &str)| Piece {
            field: *field,
            text: (*text).to_owned(),
            columns: 8,
        };
        line(
            values.iter().map(piece).collect(),
            width,
            Target::Plain,
            false,
        )
    }

    #[test]
    fn line_is_trimmed_and_cut_by_columns() {
        let values = [
            (None, " a "),
            (Some(Field::Error), "日本語日本語"),
            (None, " z "),
        ];
        assert_eq!(shown(&values, 80), "a 日本語… z");
        assert_eq!(shown(&values, 11), "a 日本語… z");
        assert_eq!(shown(&values, 10), "a 日本語……");
        assert_eq!(shown(&values, 6), "a 日…");
        assert_eq!(shown(&values, 1), "…");
        assert_eq!(shown(&[(None, "  "), (Some(Field::Span), "")], 80), "");
    }

    #[test]
    fn values_cannot_act_on_a_terminal() {
        let values = [(Some(Field::Span), "\u{1b}[2J"), (None, "\u{202e}")];
        assert_eq!(shown(&values, 80), "\\u{1b}[…\\u{202e}");
    }

    #[test]
    fn default_template_is_understood() {
        assert!(Template::parse(TEMPLATE).is_ok());
    }
}
