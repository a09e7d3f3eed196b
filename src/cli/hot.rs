//! The hot commands as help, man pages and completions show them: made from their own table of words.

use super::page::reflow;
use crate::capture::words::{COMMANDS, GROUPS, Words};
use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, Command};

/// Every hot command, groups with their members inside.
pub(super) fn commands() -> Vec<Command> {
    let single = COMMANDS.iter().filter(|words| !words.name.contains(' '));
    let groups = GROUPS.iter().map(|(group, about)| {
        let prefix = format!("{group} ");
        let members = COMMANDS.iter().filter_map(|words| {
            let name = words.name.strip_prefix(&prefix)?;
            Some(command(words, name))
        });
        Command::new(*group)
            .about(*about)
            .subcommand_required(true)
            .disable_help_subcommand(true)
            .subcommands(members)
    });
    single
        .map(|words| command(words, words.name))
        .chain(groups)
        .collect()
}

fn command(words: &'static Words, name: &'static str) -> Command {
    let mut command = Command::new(name)
        .about(words.about)
        .after_help(reflow(words.more));
    for (at, positional) in words.positionals.iter().enumerate() {
        let arg = Arg::new(positional.name)
            .help(positional.help)
            .index(at + 1)
            .required(positional.required)
            .value_name(positional.name);
        command = command.arg(match positional.many {
            true if positional.required => arg.num_args(1..).last(true),
            true => arg.num_args(0..),
            false => arg,
        });
    }
    for option in words.options {
        let arg = Arg::new(option.long)
            .long(option.long)
            .short(option.short)
            .help(option.help);
        command = command.arg(match option.value {
            None => arg.action(ArgAction::SetTrue),
            Some(value) if option.choices.is_empty() => arg.value_name(value),
            Some(value) => arg
                .value_name(value)
                .hide_possible_values(true)
                .value_parser(PossibleValuesParser::new(option.choices)),
        });
    }
    command
}

#[cfg(test)]
mod tests {
    #[test]
    fn tree_is_sound() {
        crate::cli::tree().debug_assert();
    }

    #[test]
    fn first_help_line_is_short_and_imperative() {
        fn walk(command: &clap::Command) {
            let about = command
                .get_about()
                .map(ToString::to_string)
                .unwrap_or_default();
            assert!(
                about.len() < 92 && !about.ends_with('.') && !about.is_empty(),
                "{about}"
            );
            command.get_subcommands().for_each(walk);
        }
        walk(&crate::cli::tree());
    }
}
