//! Decides who may do what: users, their passwords, and the commands and channels they are allowed.
//!
//! Reads `requirepass` and the rules of `user` lines. A line that cannot be understood disables its user and
//! is complained about: a mistyped prohibition must not leave anything open.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use super::table::{self, CATEGORIES, COMMANDS};
use crate::config::{ServerSettings, UserSettings};

/// All users.
#[derive(Clone, Debug)]
pub(super) struct Access {
    users: BTreeMap<String, User>,
    complaints: Vec<String>,
}

/// One user.
#[derive(Clone, Debug)]
pub(super) struct User {
    standing: Standing,
    entry: Entry,
    commands: BTreeSet<&'static str>,
    channels: Channels,
    /// The rules about keys, which have no effect here, as shown to administrators.
    keys: Vec<String>,
    /// The rules about commands, as shown to administrators.
    shown: Vec<String>,
}

/// How a channel is named by a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// By its name.
    Literal,
    /// By a pattern.
    Pattern,
}

/// Whether a user may authenticate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    On,
    Off,
}

/// What a user needs to authenticate.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    /// Nothing: any password will do.
    Free,
    /// A password with one of these SHA-256 digests.
    Password(BTreeSet<[u8; 32]>),
}

/// What channels a user may use.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Channels {
    All,
    Matching(Vec<String>),
}

impl Access {
    /// The users of a port with these settings; a `user default` line overrules `requirepass`.
    pub(super) fn new(server: &ServerSettings) -> Self {
        let mut access = Self { users: BTreeMap::new(), complaints: Vec::new() };
        let mut default = User::unrestricted();
        if let Some(password) = &server.requirepass {
            default.entry = Entry::Password(BTreeSet::from([digest(password.reveal().as_bytes())]));
        }
        access.users.insert(DEFAULT.into(), default);
        for line in &server.users {
            let user = User::from_rules(line).unwrap_or_else(|complaint| {
                access.complaints.push(format!("user {}: {complaint}; the user is disabled", line.name));
                User::nobody()
            });
            access.users.insert(line.name.clone(), user);
        }
        access
    }

    /// What was wrong with the users' rules.
    pub(super) fn complaints(&self) -> &[String] {
        &self.complaints
    }

    /// The user a client acts as when it connects; `None` when it has to authenticate first.
    pub(super) fn first_user(&self) -> Option<String> {
        let default = self.users.get(DEFAULT)?;
        (default.standing == Standing::On && default.entry == Entry::Free).then(|| DEFAULT.into())
    }

    /// Whether the default user has no password, so that `AUTH <password>` is a mistake.
    pub(super) fn default_is_free(&self) -> bool {
        self.users.get(DEFAULT).is_some_and(|user| user.entry == Entry::Free)
    }

    /// Whether that user may enter with that password.
    pub(super) fn authenticate(&self, user: &str, password: &[u8]) -> bool {
        let offered = digest(password);
        let Some(user) = self.users.get(user) else { return false };
        let known = match &user.entry {
            Entry::Free => true,
            // Every digest is compared, each in constant time: time tells nothing of how near a guess was.
            Entry::Password(digests) => digests.iter().fold(false, |found, known| found | same(known, &offered)),
        };
        known && user.standing == Standing::On
    }

    /// Whether the user may run the command or sub-command of that full name.
    pub(super) fn may_run(&self, user: &str, command: &str) -> bool {
        self.users.get(user).is_some_and(|user| user.commands.contains(command))
    }

    /// Whether the user may use the channel, or subscribe to the pattern.
    pub(super) fn may_hear(&self, user: &str, channel: &[u8], form: Form) -> bool {
        let Some(user) = self.users.get(user) else { return false };
        match (&user.channels, form) {
            (Channels::All, _) => true,
            (Channels::Matching(patterns), Form::Literal) => {
                patterns.iter().any(|pattern| super::pattern_matches(pattern.as_bytes(), channel))
            }
            (Channels::Matching(patterns), Form::Pattern) => {
                patterns.iter().any(|pattern| pattern.as_bytes() == channel)
            }
        }
    }

    /// The user of that name.
    pub(super) fn user(&self, name: &str) -> Option<&User> {
        self.users.get(name)
    }

    /// All users with their names, in order.
    pub(super) fn users(&self) -> impl Iterator<Item = (&str, &User)> {
        self.users.iter().map(|(name, user)| (name.as_str(), user))
    }
}

impl User {
    /// The flags shown to administrators.
    pub(super) fn flags(&self) -> Vec<&'static str> {
        let standing = if self.standing == Standing::On { "on" } else { "off" };
        let free = (self.entry == Entry::Free).then_some("nopass");
        [Some(standing), free].into_iter().flatten().collect()
    }

    /// The passwords' digests, as hexadecimal text.
    pub(super) fn digests(&self) -> Vec<String> {
        match &self.entry {
            Entry::Free => Vec::new(),
            Entry::Password(digests) => digests.iter().map(|digest| hexadecimal(digest)).collect(),
        }
    }

    /// The rules about commands.
    pub(super) fn command_rules(&self) -> String {
        self.shown.join(" ")
    }

    /// The rules about keys.
    pub(super) fn key_rules(&self) -> String {
        self.keys.join(" ")
    }

    /// The rules about channels.
    pub(super) fn channel_rules(&self) -> String {
        match &self.channels {
            Channels::All => "&*".into(),
            Channels::Matching(patterns) => {
                patterns.iter().map(|pattern| format!("&{pattern}")).collect::<Vec<_>>().join(" ")
            }
        }
    }

    /// A user that may do everything without a password.
    fn unrestricted() -> Self {
        Self {
            standing: Standing::On,
            entry: Entry::Free,
            commands: all_commands(),
            channels: Channels::All,
            keys: vec!["~*".into()],
            shown: vec!["+@all".into()],
        }
    }

    /// A user that may do nothing: how every user line begins.
    fn nobody() -> Self {
        Self {
            standing: Standing::Off,
            entry: Entry::Password(BTreeSet::new()),
            commands: BTreeSet::new(),
            channels: Channels::Matching(Vec::new()),
            keys: Vec::new(),
            shown: vec!["-@all".into()],
        }
    }

    /// The user that a line's rules describe, applied from left to right.
    fn from_rules(line: &UserSettings) -> Result<Self, String> {
        let mut user = Self::nobody();
        for rule in &line.rules {
            user.apply(rule)?;
        }
        Ok(user)
    }

    /// Applies one rule.
    fn apply(&mut self, rule: &str) -> Result<(), String> {
        match rule.to_ascii_lowercase().as_str() {
            "on" => self.standing = Standing::On,
            "off" => self.standing = Standing::Off,
            "nopass" => self.entry = Entry::Free,
            "resetpass" => self.entry = Entry::Password(BTreeSet::new()),
            "allchannels" => self.channels = Channels::All,
            "resetchannels" => self.channels = Channels::Matching(Vec::new()),
            "allcommands" => self.apply_to_commands("+@all")?,
            "nocommands" => self.apply_to_commands("-@all")?,
            "reset" => *self = Self::nobody(),
            "allkeys" => self.keys = vec!["~*".into()],
            "resetkeys" => self.keys.clear(),
            // A sentinel has no keys that these could concern.
            "clearselectors" | "sanitize-payload" | "skip-sanitize-payload" => {}
            _ => return self.apply_marked(rule),
        }
        Ok(())
    }

    /// Applies a rule whose first character tells what it is about.
    fn apply_marked(&mut self, rule: &str) -> Result<(), String> {
        let mistake = || format!("rule not understood: \"{}\"", redacted(rule));
        let mark = rule.chars().next().ok_or_else(mistake)?;
        let rest = &rule[mark.len_utf8()..];
        match mark {
            '>' => self.allow_digest(digest(rest.as_bytes())),
            '<' => self.forget_digest(&digest(rest.as_bytes())),
            '#' => self.allow_digest(parse_digest(rest).ok_or_else(mistake)?),
            '!' => self.forget_digest(&parse_digest(rest).ok_or_else(mistake)?),
            '&' if rest == "*" => self.channels = Channels::All,
            '&' => self.allow_channels(rest),
            '~' | '%' => self.keys.push(rule.into()),
            '+' | '-' => self.apply_to_commands(rule)?,
            _ => return Err(mistake()),
        }
        Ok(())
    }

    /// Allows a password by its digest.
    fn allow_digest(&mut self, digest: [u8; 32]) {
        match &mut self.entry {
            Entry::Password(digests) => _ = digests.insert(digest),
            Entry::Free => self.entry = Entry::Password(BTreeSet::from([digest])),
        }
    }

    /// Forgets a password by its digest.
    fn forget_digest(&mut self, digest: &[u8; 32]) {
        if let Entry::Password(digests) = &mut self.entry {
            digests.remove(digest);
        }
    }

    /// Allows the channels that match the pattern.
    fn allow_channels(&mut self, pattern: &str) {
        if let Channels::Matching(patterns) = &mut self.channels
            && !patterns.iter().any(|known| known == pattern)
        {
            patterns.push(pattern.into());
        }
    }

    /// Applies a rule such as `+@all`, `-shutdown` or `+sentinel|masters`.
    fn apply_to_commands(&mut self, rule: &str) -> Result<(), String> {
        let rule = rule.to_ascii_lowercase();
        let named: Vec<&'static str> = match &rule[1..] {
            "@all" => all_commands().into_iter().collect(),
            name => match name.strip_prefix('@') {
                Some(category) => {
                    in_category(category).ok_or_else(|| format!("unknown category: \"{category}\""))?.collect()
                }
                None if NOT_OURS.contains(&name) => Vec::new(),
                None => with_subcommands(name).ok_or_else(|| format!("unknown command: \"{name}\""))?,
            },
        };
        if rule.starts_with('+') {
            self.commands.extend(named);
        } else {
            self.commands.retain(|command| !named.contains(command));
        }
        if &rule[1..] == "@all" {
            self.shown.clear();
        }
        self.shown.retain(|shown| shown[1..] != rule[1..]);
        self.shown.push(rule);
        Ok(())
    }
}

/// The commands and sub-commands in a category; `None` when there is no such category.
pub(super) fn in_category(category: &str) -> Option<impl Iterator<Item = &'static str>> {
    let category = *CATEGORIES.iter().find(|known| known.eq_ignore_ascii_case(category))?;
    let members = COMMANDS.iter().filter(move |command| command.class.categories().contains(&category));
    Some(members.map(|command| command.name))
}

/// The command of that name with its sub-commands; `None` when there is none.
fn with_subcommands(name: &str) -> Option<Vec<&'static str>> {
    let command = table::find(name)?;
    Some(command.subcommands().map(|sub| sub.name).chain([command.name]).collect())
}

/// The names of all commands and sub-commands.
fn all_commands() -> BTreeSet<&'static str> {
    COMMANDS.iter().map(|command| command.name).collect()
}

/// Compares in a time that does not depend on where the two differ.
fn same(left: &[u8; 32], right: &[u8; 32]) -> bool {
    left.iter().zip(right).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

/// The SHA-256 digest by which a password is remembered.
fn digest(password: &[u8]) -> [u8; 32] {
    Sha256::digest(password).into()
}

/// Reads 64 hexadecimal digits.
fn parse_digest(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> =
        text.chars().map(|digit| digit.to_digit(16).map(|value| value as u8)).collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    (digits.len() == 64).then(|| bytes.try_into().ok()).flatten()
}

/// Writes bytes as hexadecimal digits.
fn hexadecimal(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

/// A rule as it may be shown: passwords and digests are not.
fn redacted(rule: &str) -> &str {
    if rule.starts_with(['>', '<', '#', '!']) { "******" } else { rule }
}

/// The user of clients that have not said who they are.
const DEFAULT: &str = "default";

/// What the reference's sentinel has and this one has not: rules may name it, without effect.
const NOT_OURS: &[&str] = &[
    "acl|deluser",
    "acl|dryrun",
    "acl|genpass",
    "acl|load",
    "acl|log",
    "acl|save",
    "acl|setuser",
    "client|caching",
    "client|getredir",
    "client|no-touch",
    "client|pause",
    "client|tracking",
    "client|trackinginfo",
    "client|unblock",
    "client|unpause",
];

#[cfg(test)]
mod tests {
    use super::{Access, Form};
    use crate::{
        config::{ServerSettings, UserSettings},
        types::Secret,
    };

    #[test]
    fn rules_are_applied_from_left_to_right_and_judged_per_subcommand() {
        let access = with_user("bob on >secret -@all +sentinel -sentinel|failover +@connection &+switch-* ");

        assert!(access.authenticate("bob", b"secret"));
        assert!(!access.authenticate("bob", b"Secret"));
        assert!(access.may_run("bob", "sentinel|masters"));
        assert!(!access.may_run("bob", "sentinel|failover"));
        assert!(access.may_run("bob", "client|setname"));
        assert!(!access.may_run("bob", "shutdown"));
        assert!(access.may_hear("bob", b"+switch-master", Form::Literal));
        assert!(!access.may_hear("bob", b"+sdown", Form::Literal));
        assert!(access.may_hear("bob", b"+switch-*", Form::Pattern));
        assert!(!access.may_hear("bob", b"+switch-m*", Form::Pattern));
    }

    #[test]
    fn a_line_that_is_not_understood_disables_its_user_and_hides_the_password() {
        let access = with_user("bob on >secret +@all #nothex");

        assert!(!access.authenticate("bob", b"secret"));
        assert_eq!(access.complaints(), ["user bob: rule not understood: \"******\"; the user is disabled"]);
    }

    #[test]
    fn a_rule_about_a_command_no_sentinel_has_is_a_mistake() {
        let expected = "user bob: unknown command: \"shutdwn\"; the user is disabled";
        assert_eq!(with_user("bob on nopass +@all -shutdwn").complaints(), [expected]);
        assert!(with_user("bob on nopass -@all +client|pause +ping").complaints().is_empty());
    }

    #[test]
    fn requirepass_makes_clients_of_the_default_user_authenticate() {
        let server = ServerSettings { requirepass: Some(Secret::new("pw")), ..ServerSettings::default() };

        let access = Access::new(&server);

        assert_eq!(access.first_user(), None);
        assert!(access.authenticate("default", b"pw"));
        assert!(!access.authenticate("default", b""));
        assert_eq!(Access::new(&ServerSettings::default()).first_user().as_deref(), Some("default"));
    }

    #[test]
    fn a_digest_stands_for_its_password() {
        let access =
            with_user("bob on #2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b +@all allchannels");

        assert!(access.authenticate("bob", b"secret"));
        let bob = access.user("bob").expect("the line is right");
        assert_eq!(bob.digests(), ["2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"]);
        assert_eq!(bob.command_rules(), "+@all");
    }

    fn with_user(line: &str) -> Access {
        let mut words = line.split_whitespace().map(String::from);
        let name = words.next().expect("a name");
        let users = vec![UserSettings { name, rules: words.collect() }];
        Access::new(&ServerSettings { users, ..ServerSettings::default() })
    }
}
