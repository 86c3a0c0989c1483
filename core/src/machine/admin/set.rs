//! Decides how the options of a monitored master are changed while the sentinel runs.
//!
//! Mirrors spec 9.10: options are applied from left to right, and those before a mistake stay in force.

use super::{Answer, Call};
use crate::{
    machine::{EventKind, Machine},
    model::Group,
    resp::Value,
    types::{GroupId, Millis, Secret},
};

const SCRIPTS_DENIED: &str = "ERR Reconfiguration of scripts path is denied for security reasons. Check the \
    deny-scripts-reconfig configuration directive in your Sentinel configuration";

/// What an option changes besides itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    /// Nothing.
    None,
    /// What counts as down.
    Judgement,
    /// How the links to the servers authenticate.
    Credentials,
}

/// `SENTINEL SET <name> <option> <value> ...`
pub(super) fn set(machine: &mut Machine, call: &Call<'_>) -> Answer {
    if let Err(refusal) = call.refuse_control_characters(2) {
        return refusal.into();
    }
    let group = match machine.named_group(call) {
        Ok(group) => group.id,
        Err(refusal) => return refusal.into(),
    };
    let mut index = 3;
    while index < call.request.len() {
        match machine.set_option(call, group, index) {
            Ok(next) => index = next,
            Err(refusal) => {
                if index > 3 {
                    machine.save(None);
                }
                return refusal.into();
            }
        }
    }
    machine.save_and_reply(call.client, Value::ok());
    Answer::Elsewhere
}

impl Machine {
    /// Applies the option at `index`, tells of it, and gives the index of the next one.
    fn set_option(&mut self, call: &Call<'_>, group: GroupId, index: usize) -> Result<usize, Value> {
        let typed = call.shown(index);
        let option = typed.to_ascii_lowercase();
        let values = if option == "rename-command" { 2 } else { 1 };
        let denied = self.settings.deny_scripts_reconfig;
        let Some(record) = self.groups.get_mut(&group).filter(|_| index + values < call.request.len()) else {
            return Err(unknown_option(&typed));
        };
        let wrong =
            |at: usize| Value::error(format!("ERR Invalid argument '{}' for SENTINEL SET '{typed}'", call.shown(at)));
        let mut shown = call.shown(index + 1);
        let effect = match option.as_str() {
            "notification-script" | "client-reconfig-script" if denied => return Err(Value::error(SCRIPTS_DENIED)),
            "rename-command" => {
                let empty = [index + 2, index + 1].into_iter().find(|&at| call.request.word(at) == Some(b""));
                if let Some(empty) = empty {
                    return Err(wrong(empty));
                }
                let (known, sent) = (shown, call.shown(index + 2));
                rename_command(record, &known, &sent);
                shown = format!("{known} {sent}");
                Effect::None
            }
            "auth-pass" | "auth-user" | "notification-script" | "client-reconfig-script" => {
                let text = call.request.text(index + 1).ok_or_else(|| wrong(index + 1))?;
                let effect = set_text(record, &option, text);
                if option == "auth-pass" {
                    shown = "******".into();
                }
                effect
            }
            _ => match set_number(record, &option, call.request.integer(index + 1)) {
                Some(set) => set.map_err(|NotAllowed| wrong(index + 1))?,
                None => return Err(unknown_option(&typed)),
            },
        };
        self.follow_option(call, group, effect, &format!("{typed} {shown}"));
        Ok(index + values + 1)
    }

    /// Tells of a changed option and lets it take effect.
    fn follow_option(&mut self, call: &Call<'_>, group: GroupId, effect: Effect, change: &str) {
        let details = self.groups.get(&group).map(|group| self.describe(group.master)).unwrap_or_default();
        self.publish(call.now, EventKind::Set, Some(group), format!("{details} {change}"));
        match effect {
            Effect::None => {}
            Effect::Judgement => self.rejudge(call.now, group),
            Effect::Credentials => self.reconnect_servers(call.now, group),
        }
    }
}

/// The value is outside its option's bounds.
struct NotAllowed;

/// Sets an option whose value is a number; `None` when there is no such option.
fn set_number(group: &mut Group, option: &str, value: Option<i64>) -> Option<Result<Effect, NotAllowed>> {
    let positive = || value.filter(|&value| value > 0).ok_or(NotAllowed);
    let span = || positive().map(|ms| Millis::new(ms as u64));
    Some(match option {
        "down-after-milliseconds" => span().map(|span| {
            group.down_after = span;
            Effect::Judgement
        }),
        "failover-timeout" => span().map(|span| {
            group.failover_timeout = span;
            Effect::None
        }),
        "parallel-syncs" => positive().map(|count| {
            group.parallel_syncs = count;
            Effect::None
        }),
        "quorum" => positive().and_then(|count| u32::try_from(count).map_err(|_| NotAllowed)).map(|count| {
            group.quorum = count;
            Effect::Judgement
        }),
        "master-reboot-down-after-period" | "primary-reboot-down-after-period" => {
            value.filter(|&value| value >= 0).ok_or(NotAllowed).map(|ms| {
                group.reboot_down_after = Millis::new(ms as u64);
                Effect::None
            })
        }
        _ => return None,
    })
}

/// Sets an option whose value is a text; an empty one unsets it.
fn set_text(group: &mut Group, option: &str, text: &str) -> Effect {
    let value = (!text.is_empty()).then(|| text.to_owned());
    match option {
        "auth-pass" => group.auth_pass = value.as_deref().map(Secret::new),
        "auth-user" => group.auth_user = value,
        // Whether the program can be executed shows when it is run: the machine sees no files.
        "notification-script" => group.notification_script = value,
        _ => group.client_reconfig_script = value,
    }
    if option.starts_with("auth-") { Effect::Credentials } else { Effect::None }
}

/// Renames a command; a name that stays the same removes an earlier renaming.
fn rename_command(group: &mut Group, known: &str, sent: &str) {
    let key = known.to_uppercase();
    if known.eq_ignore_ascii_case(sent) {
        group.renamed_commands.remove(&key);
    } else {
        group.renamed_commands.insert(key, sent.to_owned());
    }
}

fn unknown_option(typed: &str) -> Value {
    Value::error(format!("ERR Unknown option or number of arguments for SENTINEL SET '{typed}'"))
}
