//! The systemd user unit of `obs relay`.

use crate::world::World;

/// The unit, for the binary that prints it and the home it was printed under.
pub(super) fn unit(world: &World) -> String {
    let program = world.program().unwrap_or_else(|| "obs".into());
    let program = quoted(&program.to_string_lossy());
    let (home, folder) = match world.var("OBS_HOME") {
        None => (String::new(), "%h/.specify".to_owned()),
        Some(home) => {
            let line = format!("Environment={}\n", quoted(&format!("OBS_HOME={home}")));
            (line, home.replace('%', "%%"))
        }
    };
    format!(
        "# ~/.config/systemd/user/obs-relay.service; then: systemctl --user enable --now obs-relay
[Unit]
Description=Send what obs has journalled
Documentation=man:obs-relay(1)

[Service]
ExecStart={program} relay
{home}# the endpoint and secrets of the sinks, NAME=value, one a line; mode 0600
EnvironmentFile=-{folder}/relay.env
Restart=on-failure
RestartSec=10
# wrong settings do not become right by starting again
RestartPreventExitStatus=2
Nice=10
NoNewPrivileges=yes
PrivateTmp=no

[Install]
WantedBy=default.target
"
    )
}

/// A word in double quotes; % begins a specifier, as in systemd.unit(5); quoting by systemd.syntax(7).
fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", text.replace('%', "%%"))
}
