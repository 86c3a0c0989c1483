//! Decides how `sentinelle demo` tells its story: a group is started, its master is killed, a client lives through it.
//!
//! Everything shown is real: servers are processes on loopback, the sentinels run inside this one, and each line is an
//! event they published or something the client met, with the time since the kill.

mod cast;
mod timeline;
mod writer;

use std::io::Write;

use cast::{Cast, FIRST};
use timeline::{Moment, Timeline, show_headline, show_line};

use crate::{
    error::{Error, ErrorKind, Result},
    testing::{Stopwatch, find_server},
    types::Millis,
};

/// Silence that makes an instance down; short, because nobody likes to wait in front of a screen.
const DOWN_AFTER: Millis = Millis::new(500);
/// How long any act may take before the demo counts as failed.
const PATIENCE: Millis = Millis::new(30_000);
/// How many writes the client makes before the master is killed.
const WRITES_BEFORE: u64 = 500;

/// Plays the demo and writes its story to `out`.
///
/// # Errors
/// [`ErrorKind::NoServer`] when there is no Redis or Valkey to play with, [`ErrorKind::Stopped`] on ctrl-C,
/// [`ErrorKind::Timeout`] when an act does not end. All processes and files are gone in each case.
pub fn demo(out: &mut dyn Write) -> Result<()> {
    let watch = Stopwatch::start();
    let mut cast = Cast::start()?;
    introduce(out, &cast, watch)?;

    let killed = kill_the_master(out, &mut cast)?;
    let returned = bring_it_back(out, &mut cast)?;
    sum_up(out, &mut cast, &killed, returned)
}

/// What the failover took, counted from the kill.
struct Failover {
    noticed: Millis,
    promoted: Millis,
    agreed: Millis,
    written: Millis,
    acknowledged: u64,
}

fn introduce(out: &mut dyn Write, cast: &Cast, watch: Stopwatch) -> Result<()> {
    let ready = watch.elapsed_ms();
    let program = find_server()?;
    let program = program.file_name().unwrap_or_default().to_string_lossy();
    show_headline(out, "The cast")?;
    for server in cast.group.servers() {
        let role = if server == FIRST { "master" } else { "replica" };
        show_line(out, role, &format!("{}  a {program} process", cast.group.address(server)?))?;
    }
    for (letter, address) in cast.sentinels() {
        show_line(out, "sentinel", &format!("{address}  {letter}, inside this process"))?;
    }
    show_line(out, "client", "writes one number after the other, and asks the sentinels where to")?;
    show_line(out, "rules", &format!("down after {DOWN_AFTER} of silence, two of three must agree"))?;
    show_line(out, "ready", &format!("after {ready}"))
}

/// The first act; ends when the client writes again and every sentinel names the new master.
fn kill_the_master(out: &mut dyn Write, cast: &mut Cast) -> Result<Failover> {
    cast.wait(PATIENCE, "the client writes", |cast| cast.writer.acknowledged() >= WRITES_BEFORE)?;
    let old = cast.group.address(FIRST)?;
    let letters = cast.letters()?;
    show_headline(out, &format!("The master {old} is killed with signal 9"))?;

    let mut timeline = Timeline::from(cast.group.events().elapsed(), cast, letters);
    cast.group.kill(FIRST)?;
    let acknowledged = cast.writer.acknowledged();
    let mut moments: Vec<Moment> = Vec::new();
    cast.wait(PATIENCE, "the client writes again and all sentinels agree", |cast| {
        moments.extend(timeline.show_news(out, cast));
        let switched = moments.iter().filter(|moment| moment.event == "+switch-master").count();
        switched >= cast.sentinels().count() && moments.iter().any(|moment| moment.event == writer::RESUMED)
    })?;
    let first = |event: &str| moments.iter().filter(|moment| moment.event == event).map(|moment| moment.at).min();
    let last = |event: &str| moments.iter().filter(|moment| moment.event == event).map(|moment| moment.at).max();
    let at = |moment: Option<Millis>| moment.ok_or_else(|| Error::new(ErrorKind::Timeout, "play", "no failover"));
    Ok(Failover {
        noticed: at(first("+sdown"))?,
        promoted: at(first("+promoted-slave"))?,
        agreed: at(last("+switch-master"))?,
        written: at(first(writer::RESUMED))?,
        acknowledged,
    })
}

/// The second act; ends when the old master replicates from the new one. Gives the time it took.
fn bring_it_back(out: &mut dyn Write, cast: &mut Cast) -> Result<Millis> {
    let old = cast.group.address(FIRST)?;
    let letters = cast.letters()?;
    show_headline(out, &format!("The old master {old} is started again, and thinks it still is one"))?;

    let mut timeline = Timeline::from(cast.group.events().elapsed(), cast, letters);
    cast.group.restart(FIRST)?;
    cast.wait(PATIENCE, "the old master follows the new one", |cast| {
        timeline.show_news(out, cast);
        cast.group
            .connect(FIRST)
            .and_then(|mut client| client.text(&["INFO", "replication"]))
            .is_ok_and(|info| info.contains("role:slave") && info.contains("master_link_status:up"))
    })?;
    timeline.show_news(out, cast);
    let took = timeline.elapsed(cast);
    timeline::show(out, took, &old.to_string(), "is a replica, its data are those of the new master")?;
    Ok(took)
}

fn sum_up(out: &mut dyn Write, cast: &mut Cast, failover: &Failover, returned: Millis) -> Result<()> {
    let (acknowledged, lost) = cast.count_writes()?;
    show_headline(out, "In figures, since the kill")?;
    show_line(out, &failover.noticed.to_string(), "the first sentinel noticed")?;
    show_line(out, &failover.promoted.to_string(), "a replica was promoted")?;
    show_line(out, &failover.written.to_string(), "the client could write again")?;
    show_line(out, &failover.agreed.to_string(), "every sentinel named the new master")?;
    show_line(out, &returned.to_string(), "from the return of the old master to its being a replica in sync")?;
    let before = failover.acknowledged;
    show_line(out, "writes", &format!("{acknowledged} acknowledged ({before} before the kill), {lost} lost"))?;
    writeln!(out).map_err(|error| Error::new(ErrorKind::File, "write", "the story").because(error))
}
