//! Decides the text of `INFO`: which sections, in which order, with which lines.
//!
//! Mirrors spec 11.5 and A.10. What a sentinel does not have, such as keys, reads 0.

use std::fmt::Write as _;

use super::{Answer, Call, general::VERSION};
use crate::{
    machine::Machine,
    resp::Value,
    types::{Millis, Now},
};

/// What writes a section.
type Section = fn(&Machine, Now) -> String;

/// The sections in their order.
const SECTIONS: &[(&str, Section)] = &[
    ("server", Machine::server_section),
    ("clients", Machine::clients_section),
    ("stats", Machine::stats_section),
    ("cpu", Machine::cpu_section),
    ("sentinel", Machine::sentinel_section),
];

/// The lines of `# Stats` about what a sentinel does not have, from `expired_keys` to `keyspace_misses`.
const NO_KEYS: &str = "sync_full:0\r\nsync_partial_ok:0\r\nsync_partial_err:0\r\nexpired_keys:0\r\n\
    expired_stale_perc:0.00\r\nexpired_time_cap_reached_count:0\r\nexpire_cycle_cpu_milliseconds:0\r\n\
    evicted_keys:0\r\nevicted_clients:0\r\ntotal_eviction_exceeded_time:0\r\ncurrent_eviction_exceeded_time:0\r\n\
    keyspace_hits:0\r\nkeyspace_misses:0\r\n";

/// The same, from `pubsubshard_channels` to `unexpected_error_replies`.
const NO_DATA: &str = "pubsubshard_channels:0\r\nlatest_fork_usec:0\r\ntotal_forks:0\r\nmigrate_cached_sockets:0\r\n\
    slave_expires_tracked_keys:0\r\nactive_defrag_hits:0\r\nactive_defrag_misses:0\r\nactive_defrag_key_hits:0\r\n\
    active_defrag_key_misses:0\r\ntotal_active_defrag_time:0\r\ncurrent_active_defrag_time:0\r\n\
    tracking_total_keys:0\r\ntracking_total_items:0\r\ntracking_total_prefixes:0\r\nunexpected_error_replies:0\r\n";

/// The same, behind `total_error_replies`.
const NO_BUFFERS: &str = "dump_payload_sanitizations:0\r\ntotal_reads_processed:0\r\ntotal_writes_processed:0\r\n\
    io_threaded_reads_processed:0\r\nio_threaded_writes_processed:0\r\nreply_buffer_shrinks:0\r\n\
    reply_buffer_expands:0\r\n";

/// `INFO [<section> ...]`: unknown sections add nothing.
pub(super) fn info(machine: &mut Machine, call: &Call<'_>) -> Answer {
    let request = call.request;
    let asks = |name: &str| (1..request.len()).any(|index| request.is(index, name));
    let wants_all = request.len() == 1 || ["default", "all", "everything"].into_iter().any(asks);
    let wanted = SECTIONS.iter().filter(|(name, _)| wants_all || asks(name));
    let texts: Vec<String> = wanted.map(|(_, section)| section(machine, call.now)).collect();
    Value::bulk(texts.join("\r\n")).into()
}

impl Machine {
    fn server_section(&self, now: Now) -> String {
        let uptime = now.tick.since(self.started.tick).as_ms() / 1000;
        let lines = [
            ("redis_version", VERSION.into()),
            ("redis_git_sha1", "00000000".into()),
            ("redis_git_dirty", "0".into()),
            ("redis_build_id", "0".into()),
            ("redis_mode", "sentinel".into()),
            ("os", self.gauges.os.clone()),
            ("arch_bits", usize::BITS.to_string()),
            ("monotonic_clock", "POSIX clock_gettime".into()),
            ("multiplexing_api", "epoll".into()),
            ("atomicvar_api", "c11-builtin".into()),
            ("gcc_version", "0.0.0".into()),
            ("process_id", self.gauges.pid.to_string()),
            ("process_supervised", "no".into()),
            ("run_id", self.process_id.to_string()),
            ("tcp_port", self.settings.server.port.to_string()),
            ("server_time_usec", (now.unix.as_ms().saturating_mul(1000)).to_string()),
            ("uptime_in_seconds", uptime.to_string()),
            ("uptime_in_days", (uptime / 86_400).to_string()),
            ("hz", "10".into()),
            ("configured_hz", "10".into()),
            // The reference's clock of 24 bits, in seconds.
            ("lru_clock", ((now.unix.as_ms() / 1000) & 0xff_ffff).to_string()),
            ("executable", self.gauges.executable.clone()),
            ("config_file", self.settings.server.config_file.clone()),
            ("io_threads_active", "0".into()),
        ];
        section("Server", &lines)
    }

    fn clients_section(&self, _now: Now) -> String {
        let lines = [
            ("connected_clients", self.clients.len().to_string()),
            ("cluster_connections", "0".into()),
            ("maxclients", self.settings.server.maxclients.to_string()),
            ("client_recent_max_input_buffer", "0".into()),
            ("client_recent_max_output_buffer", "0".into()),
            ("blocked_clients", "0".into()),
            ("tracking_clients", "0".into()),
            ("clients_in_timeout_table", "0".into()),
        ];
        section("Clients", &lines)
    }

    fn stats_section(&self, _now: Now) -> String {
        let channels: std::collections::BTreeSet<_> =
            self.clients.values().flat_map(|session| &session.channels).collect();
        let patterns: std::collections::BTreeSet<_> =
            self.clients.values().flat_map(|session| &session.patterns).collect();
        let traffic = [
            ("total_connections_received", self.gauges.connections.to_string()),
            ("total_commands_processed", self.desk.commands.to_string()),
            ("instantaneous_ops_per_sec", "0".into()),
            ("total_net_input_bytes", self.gauges.bytes_in.to_string()),
            ("total_net_output_bytes", self.gauges.bytes_out.to_string()),
            ("total_net_repl_input_bytes", "0".into()),
            ("total_net_repl_output_bytes", "0".into()),
            ("instantaneous_input_kbps", "0.00".into()),
            ("instantaneous_output_kbps", "0.00".into()),
            ("instantaneous_input_repl_kbps", "0.00".into()),
            ("instantaneous_output_repl_kbps", "0.00".into()),
            ("rejected_connections", self.gauges.rejected.to_string()),
        ];
        let mut text = section("Stats", &traffic) + NO_KEYS;
        let _ = write!(text, "pubsub_channels:{}\r\npubsub_patterns:{}\r\n", channels.len(), patterns.len());
        text.push_str(NO_DATA);
        let _ = write!(text, "total_error_replies:{}\r\n", self.desk.errors);
        text + NO_BUFFERS
    }

    fn cpu_section(&self, _now: Now) -> String {
        let seconds = |us: u64| format!("{}.{:06}", us / 1_000_000, us % 1_000_000);
        let gauges = &self.gauges;
        let lines = [
            ("used_cpu_sys", seconds(gauges.cpu_sys_us)),
            ("used_cpu_user", seconds(gauges.cpu_user_us)),
            ("used_cpu_sys_children", seconds(gauges.cpu_sys_children_us)),
            ("used_cpu_user_children", seconds(gauges.cpu_user_children_us)),
            ("used_cpu_sys_main_thread", seconds(gauges.cpu_sys_us)),
            ("used_cpu_user_main_thread", seconds(gauges.cpu_user_us)),
        ];
        section("CPU", &lines)
    }

    fn sentinel_section(&self, now: Now) -> String {
        let tilt_since = self.tilt.map_or(-1, |since| seconds(now.tick.since(since)));
        let flags = self.crash_points.iter().fold(0, |flags, point| flags | point.flag());
        let lines = [
            ("sentinel_masters", self.groups.len().to_string()),
            ("sentinel_tilt", u8::from(self.tilt.is_some()).to_string()),
            ("sentinel_tilt_since_seconds", tilt_since.to_string()),
            ("sentinel_running_scripts", self.running_scripts().to_string()),
            ("sentinel_scripts_queue_length", self.scripts.jobs.len().to_string()),
            ("sentinel_simulate_failure_flags", flags.to_string()),
        ];
        let mut text = section("Sentinel", &lines);
        let groups = self.names.values().filter_map(|id| self.groups.get(id));
        let masters = groups.filter_map(|group| Some((group, self.nodes.get(&group.master)?)));
        for (index, (group, master)) in masters.enumerate() {
            let status = match (group.objectively_down.holds(), master.is_down()) {
                (true, _) => "odown",
                (false, true) => "sdown",
                (false, false) => "ok",
            };
            let host = master.address.announced(self.settings.host_style);
            let (name, port) = (&group.name, master.address.port());
            let (replicas, sentinels) = (group.replicas.len(), group.voters());
            let _ = write!(
                text,
                "master{index}:name={name},status={status},address={host}:{port},slaves={replicas},sentinels={sentinels}\r\n"
            );
        }
        text
    }
}

/// A section of these lines.
fn section(title: &str, lines: &[(&str, String)]) -> String {
    let mut text = format!("# {title}\r\n");
    for (name, value) in lines {
        let _ = write!(text, "{name}:{value}\r\n");
    }
    text
}

/// Whole seconds, as a signed number.
fn seconds(span: Millis) -> i64 {
    i64::try_from(span.as_ms() / 1000).unwrap_or(i64::MAX)
}
