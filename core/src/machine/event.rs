//! Decides which events there are, how loud each is, and how its text reads.
//!
//! Mirrors spec 10.3; the names and texts are what clients parse.

use crate::{
    config::LogLevel,
    types::{MasterName, UnixMs},
};

/// Something that happened, as published on the channel of the event's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// The master it concerns, when it concerns one.
    pub master: Option<MasterName>,
    /// The message as published.
    pub text: String,
    /// When, by the wall clock.
    pub at: UnixMs,
}

macro_rules! events {
    ($($(#[$doc:meta])* $kind:ident $name:literal $level:ident,)*) => {
        /// The kinds of event.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum EventKind {
            $($(#[$doc])* $kind,)*
        }

        impl EventKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)*];

            /// The event's name, which is also its channel.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }

            /// How loud it is.
            pub const fn level(self) -> LogLevel {
                match self { $(Self::$kind => LogLevel::$level,)* }
            }
        }
    };
}

events! {
    /// A master is monitored.
    Monitor "+monitor" Warning,
    /// A master is no longer monitored.
    Unmonitor "-monitor" Warning,
    /// A master's replicas and peers were forgotten.
    ResetMaster "+reset-master" Warning,
    /// A replica was found.
    Replica "+slave" Notice,
    /// A peer was found.
    Sentinel "+sentinel" Notice,
    /// A peer moved.
    SentinelAddressSwitch "+sentinel-address-switch" Notice,
    /// A peer's new address was taken over for other masters.
    SentinelAddressUpdate "+sentinel-address-update" Notice,
    /// A peer's address belongs to another one.
    SentinelInvalidAddr "+sentinel-invalid-addr" Notice,
    /// A peer told of a newer configuration.
    ConfigUpdateFrom "+config-update-from" Warning,
    /// The master moved: `<name> <old ip> <old port> <new ip> <new port>`.
    SwitchMaster "+switch-master" Warning,
    /// The epoch rose.
    NewEpoch "+new-epoch" Warning,
    /// This sentinel voted.
    VoteForLeader "+vote-for-leader" Warning,
    /// An instance is down in this sentinel's opinion.
    SubjectivelyDown "+sdown" Warning,
    /// An instance is back.
    SubjectivelyUp "-sdown" Warning,
    /// A master is down in the quorum's opinion.
    ObjectivelyDown "+odown" Warning,
    /// The quorum's opinion ended.
    ObjectivelyUp "-odown" Warning,
    /// A failover attempt began.
    TryFailover "+try-failover" Warning,
    /// This sentinel leads the failover.
    ElectedLeader "+elected-leader" Warning,
    /// The attempt found no majority.
    AbortNotElected "-failover-abort-not-elected" Warning,
    /// The leader chooses a replica.
    StateSelectReplica "+failover-state-select-slave" Warning,
    /// No replica can be promoted.
    AbortNoGoodReplica "-failover-abort-no-good-slave" Warning,
    /// A replica was chosen.
    SelectedReplica "+selected-slave" Warning,
    /// The chosen replica is about to be promoted.
    StateSendPromotion "+failover-state-send-slaveof-noone" Notice,
    /// The chosen replica could not be promoted in time.
    AbortReplicaTimeout "-failover-abort-slave-timeout" Warning,
    /// The attempt ended because the master is back before any replica was promoted.
    AbortMasterBack "-failover-abort-master-is-back" Warning,
    /// The leader waits for the promotion.
    StateWaitPromotion "+failover-state-wait-promotion" Notice,
    /// The chosen replica is a master.
    PromotedReplica "+promoted-slave" Warning,
    /// The other replicas are moved.
    StateReconfigure "+failover-state-reconf-slaves" Warning,
    /// A replica was told to follow the new master.
    ReconfSent "+slave-reconf-sent" Notice,
    /// A replica did not follow in time.
    ReconfSentTimeout "-slave-reconf-sent-timeout" Notice,
    /// A replica begins to follow the new master.
    ReconfInProgress "+slave-reconf-inprog" Notice,
    /// A replica follows the new master.
    ReconfDone "+slave-reconf-done" Notice,
    /// A replica was told at the end, without waiting.
    ReconfSentAtEnd "+slave-reconf-sent-be" Notice,
    /// The failover ended because its time ran out.
    EndForTimeout "+failover-end-for-timeout" Warning,
    /// The failover ended.
    FailoverEnd "+failover-end" Warning,
    /// A server reports the role its record has.
    RoleChange "+role-change" Verbose,
    /// A server reports another role than its record has.
    RoleMismatch "-role-change" Verbose,
    /// A server that claims to be master was told to be a replica.
    ConvertToReplica "+convert-to-slave" Notice,
    /// A replica that follows another master was told to follow the right one.
    FixReplicaConfig "+fix-slave-config" Notice,
    /// A server restarted.
    Reboot "+reboot" Notice,
    /// An option was changed.
    Set "+set" Warning,
    /// A stall was noticed; judgement is suspended.
    Tilt "+tilt" Warning,
    /// Judgement is resumed.
    TiltEnd "-tilt" Warning,
    /// A script failed for good.
    ScriptError "-script-error" Warning,
    /// A script ran too long.
    ScriptTimeout "-script-timeout" Warning,
    /// A script was started (log only).
    ScriptChild "+script-child" Debug,
    /// A script ended (log only).
    ScriptChildEnded "-script-child" Debug,
    /// A command link could not be made (log only).
    CommandLinkReconnection "-cmd-link-reconnection" Debug,
    /// A subscribing link could not be made (log only).
    PubSubLinkReconnection "-pubsub-link-reconnection" Debug,
    /// A hello was refused; the text says why (log only).
    HelloRejected "-hello-rejected" Debug,
}
