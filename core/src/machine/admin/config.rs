//! Decides how what concerns the whole sentinel is shown and changed while it runs.
//!
//! Mirrors spec 9.11 and 9.16. Several parameters at once, and `loglevel`, are taken as later versions take them;
//! all values are checked before the first is set.

use super::{Answer, Call, pattern_matches};
use crate::{
    config::{LogLevel, Periods, Settings},
    machine::{Machine, Why},
    resp::Value,
    types::{Endpoint, HostStyle, Millis, Now, Secret},
};

const WRONG_FORM: &str = "ERR Only SENTINEL CONFIG GET <option> / SET <option> <value> are supported.";

/// The parameters, in the order in which they are shown.
const PARAMETERS: &[&str] = &[
    "resolve-hostnames",
    "announce-hostnames",
    "announce-ip",
    "announce-port",
    "sentinel-user",
    "sentinel-pass",
    "loglevel",
];

/// The log levels by their words.
const LEVELS: &[(&str, LogLevel)] = &[
    ("debug", LogLevel::Debug),
    ("verbose", LogLevel::Verbose),
    ("notice", LogLevel::Notice),
    ("warning", LogLevel::Warning),
    ("nothing", LogLevel::Nothing),
];

/// `SENTINEL CONFIG GET <pattern> ...` and `SENTINEL CONFIG SET <parameter> <value> ...`
pub(super) fn config(machine: &mut Machine, call: &Call<'_>) -> Answer {
    if call.request.is(2, "get") && call.request.len() >= 4 {
        show(machine, call)
    } else if call.request.is(2, "set") && call.request.len() >= 5 {
        change(machine, call)
    } else {
        Value::error(WRONG_FORM).into()
    }
}

/// `SENTINEL DEBUG [<period> <value> ...]`: earlier ones stay in force when a later one is wrong.
pub(super) fn debug(machine: &mut Machine, call: &Call<'_>) -> Answer {
    let words = call.request;
    if words.len() == 2 {
        let periods = PERIODS.iter().map(|(name, field)| {
            let span = *field(&mut machine.settings.periods);
            (Value::bulk(name), Value::bulk(span.as_ms().to_string()))
        });
        return Value::Map(periods.collect()).into();
    }
    let mut answer = Value::ok();
    for index in (2..words.len()).step_by(2) {
        let known = PERIODS.iter().find(|(name, _)| words.is(index, name));
        let Some((_, field)) = known.filter(|_| index + 1 < words.len()) else {
            let name = call.shown(index);
            answer = Value::error(format!("ERR Unknown option or number of arguments for SENTINEL DEBUG '{name}'"));
            break;
        };
        let Some(ms) = words.integer(index + 1).filter(|&ms| ms > 0) else {
            let (name, value) = (call.shown(index), call.shown(index + 1));
            answer = Value::error(format!("ERR Invalid argument '{value}' for SENTINEL DEBUG '{name}'"));
            break;
        };
        *field(&mut machine.settings.periods) = Millis::new(ms as u64);
    }
    machine.hasten(call.now);
    answer.into()
}

impl Machine {
    /// Lets changed periods count for what is already planned: nothing recurring is due later than a period from now.
    fn hasten(&mut self, now: Now) {
        let periods = &self.settings.periods;
        let nodes = self.nodes.keys().flat_map(|&node| {
            [(Why::Info(node), periods.info), (Why::Hello(node), periods.publish), (Why::Ask(node), periods.ask)]
        });
        let links = self.links.keys().map(|&link| (Why::Ping(link), periods.ping));
        for (why, period) in nodes.chain(links) {
            if self.deadlines.get(why).is_some() {
                self.deadlines.bring_forward(why, now.tick.after(period));
            }
        }
        if let Some(since) = self.tilt {
            self.deadlines.set(Why::Tilt, since.after(periods.tilt));
        }
    }
}

/// Shows each parameter that matches one of the patterns, once, letters compared without case.
fn show(machine: &Machine, call: &Call<'_>) -> Answer {
    let mut shown: Vec<&str> = Vec::new();
    for pattern in &call.request.words()[3..] {
        let pattern = pattern.to_ascii_lowercase();
        let matching = PARAMETERS.iter().filter(|name| pattern_matches(&pattern, name.as_bytes()));
        let fresh: Vec<&str> = matching.copied().filter(|name| !shown.contains(name)).collect();
        shown.extend(fresh);
    }
    let pair = |name| (Value::bulk(name), Value::bulk(parameter(&machine.settings, name)));
    Value::Map(shown.into_iter().map(pair).collect()).into()
}

/// A parameter's value as text.
fn parameter(settings: &Settings, name: &str) -> String {
    let yes_or_no = |yes: bool| String::from(if yes { "yes" } else { "no" });
    match name {
        "resolve-hostnames" => yes_or_no(settings.resolve_hostnames),
        "announce-hostnames" => yes_or_no(settings.host_style == HostStyle::Name),
        "announce-ip" => settings.announce_ip.clone().unwrap_or_default(),
        "announce-port" => settings.announce_port.unwrap_or(0).to_string(),
        "sentinel-user" => settings.sentinel_user.clone().unwrap_or_default(),
        "sentinel-pass" => settings.sentinel_pass.as_ref().map_or("", Secret::reveal).into(),
        _ => {
            let level = LEVELS.iter().find(|(_, level)| *level == settings.server.loglevel);
            level.map_or("notice", |(word, _)| word).into()
        }
    }
}

/// Sets parameters, all or none.
fn change(machine: &mut Machine, call: &Call<'_>) -> Answer {
    let mut settings = machine.settings.clone();
    let mut seen: Vec<String> = Vec::new();
    for index in (3..call.request.len()).step_by(2) {
        let name = call.shown(index).to_ascii_lowercase();
        if let Err(refusal) = check_and_set(&mut settings, call, index, &name, &seen) {
            return refusal.into();
        }
        seen.push(name);
    }
    let peers_change = settings.sentinel_user != machine.settings.sentinel_user
        || settings.sentinel_pass != machine.settings.sentinel_pass;
    machine.settings = settings;
    if peers_change {
        machine.reconnect_peers(call.now);
    }
    machine.save_and_reply(call.client, Value::ok());
    Answer::Elsewhere
}

/// Sets the parameter at `index` in a draft of the settings.
fn check_and_set(
    settings: &mut Settings,
    call: &Call<'_>,
    index: usize,
    name: &str,
    seen: &[String],
) -> Result<(), Value> {
    let typed = call.shown(index);
    if !PARAMETERS.contains(&name) {
        return Err(Value::error(format!("ERR Invalid argument '{typed}' to SENTINEL CONFIG SET")));
    }
    if seen.iter().any(|seen| seen == name) {
        return Err(Value::error(format!("ERR Duplicate argument '{typed}' to SENTINEL CONFIG SET")));
    }
    if index + 1 >= call.request.len() {
        return Err(Value::error(format!("ERR Missing argument '{typed}' value")));
    }
    call.refuse_control_characters(3)?;
    let value = call.request.text(index + 1).and_then(|value| set_parameter(settings, name, value));
    value.ok_or_else(|| {
        let value = call.shown(index + 1);
        Value::error(format!("ERR Invalid value '{value}' to SENTINEL CONFIG SET '{typed}'"))
    })
}

/// Sets one parameter; `None` when the value is not allowed.
fn set_parameter(settings: &mut Settings, name: &str, value: &str) -> Option<()> {
    let text = (!value.is_empty()).then(|| value.to_owned());
    match name {
        "resolve-hostnames" => settings.resolve_hostnames = parse_yes_or_no(value)?,
        "announce-hostnames" => {
            settings.host_style = if parse_yes_or_no(value)? { HostStyle::Name } else { HostStyle::Ip };
        }
        // Empty unsets: an empty address in a hello would keep peers from knowing this sentinel.
        "announce-ip" => {
            settings.announce_ip =
                text.map(|host| Endpoint::parse(&host, 0).map(|_| host).ok_or(())).transpose().ok()?;
        }
        "announce-port" => {
            let port: u16 = value.parse().ok()?;
            settings.announce_port = (port != 0).then_some(port);
        }
        "sentinel-user" => settings.sentinel_user = text,
        "sentinel-pass" => settings.sentinel_pass = text.as_deref().map(Secret::new),
        _ => settings.server.loglevel = LEVELS.iter().find(|(word, _)| word.eq_ignore_ascii_case(value))?.1,
    }
    Some(())
}

fn parse_yes_or_no(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

/// Where a period is kept.
type Field = fn(&mut Periods) -> &mut Millis;

/// The periods, in the order in which they are shown.
const PERIODS: &[(&str, Field)] = &[
    ("INFO-PERIOD", |periods| &mut periods.info),
    ("PING-PERIOD", |periods| &mut periods.ping),
    ("ASK-PERIOD", |periods| &mut periods.ask),
    ("PUBLISH-PERIOD", |periods| &mut periods.publish),
    ("DEFAULT-DOWN-AFTER", |periods| &mut periods.default_down_after),
    ("DEFAULT-FAILOVER-TIMEOUT", |periods| &mut periods.default_failover_timeout),
    ("TILT-TRIGGER", |periods| &mut periods.tilt_trigger),
    ("TILT-PERIOD", |periods| &mut periods.tilt),
    ("SLAVE-RECONF-TIMEOUT", |periods| &mut periods.replica_reconf),
    ("MIN-LINK-RECONNECT-PERIOD", |periods| &mut periods.min_link_reconnect),
    ("ELECTION-TIMEOUT", |periods| &mut periods.election),
    ("SCRIPT-MAX-RUNTIME", |periods| &mut periods.script_runtime),
    ("SCRIPT-RETRY-DELAY", |periods| &mut periods.script_retry),
];
