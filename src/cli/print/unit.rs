//! The systemd user unit of `obs relay`.

use crate::world::World;

/// The unit, for the binary that prints it.
pub(super) fn unit(world: &World) -> String {
    let program = world.program().unwrap_or_else(|| "obs".into());
    // systemd.service(5): a word in double quotes, with % and backslash doubled
    let program = program
        .display()
        .to_string()
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('%', "%%");
    format!(
        "# ~/.config/systemd/user/obs-relay.service; then: systemctl --user enable --now obs-relay
[Unit]
Description=Send what obs has journalled
Documentation=man:obs-relay(1)

[Service]
ExecStart=\"{program}\" relay
# the endpoint and secrets of the sinks, NAME=value, one a line; mode 0600
EnvironmentFile=-%h/.specify/relay.env
Restart=on-failure
RestartSec=10
Nice=10
NoNewPrivileges=yes
PrivateTmp=no

[Install]
WantedBy=default.target
"
    )
}
