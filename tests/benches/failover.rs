//! How long a failover takes until everybody knows, ours beside the stock sentinels', and where the time goes.
//!
//! Each round is a fresh group of real processes: a master, two replicas, three sentinels. The two kinds of sentinels
//! take turns, so that a busy moment of the machine meets both. `cargo bench -p sentinelle-tests --bench failover --
//! --rounds 20` for more rounds.

use sentinelle::{
    error::{Error, ErrorKind, Result},
    resp::Value,
    testing::{Flavour, Stopwatch, find_sentinel, wait_until},
    types::Millis,
};
use sentinelle_tests::{Group, GroupPlan, asked_for, is_bench};

use self::{
    figures::Figures,
    observe::{Sight, observe},
};

mod figures;
mod observe;

/// What happens to the master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Its process is killed; its connections end.
    Killed,
    /// Its process stops; its connections stay and nothing answers.
    Stopped,
    /// An operator orders a failover.
    Ordered,
}

/// One kind of failover that is measured.
struct Case {
    name: &'static str,
    fault: Fault,
    down_after: Millis,
    /// Whether the killed master is started again, to see when it becomes a replica.
    is_started_again: bool,
}

const CASES: [Case; 4] = [
    Case { name: "kill -9", fault: Fault::Killed, down_after: Millis::new(1_000), is_started_again: true },
    Case { name: "SIGSTOP", fault: Fault::Stopped, down_after: Millis::new(1_000), is_started_again: false },
    Case { name: "kill -9", fault: Fault::Killed, down_after: Millis::new(200), is_started_again: false },
    Case { name: "SENTINEL FAILOVER", fault: Fault::Ordered, down_after: Millis::new(1_000), is_started_again: false },
];

/// The case that groups of other kinds are measured in.
const OTHERS: Case = Case { is_started_again: false, ..CASES[0] };

/// Groups of both kinds of sentinel, and of a third.
const OTHER_GROUPS: [(&str, [Flavour; 3]); 3] = [
    ("2 sentinelle, 1 redis-sentinel", [OURS, OURS, REFERENCE]),
    ("1 sentinelle, 2 redis-sentinel", [OURS, REFERENCE, REFERENCE]),
    ("3 valkey-sentinel", [Flavour::Valkey; 3]),
];

/// The longest period of a sentinel's timers. Faults are spread evenly over it, because a sentinel that looks only
/// now and then is sometimes lucky.
const PERIOD: Millis = Millis::new(2_000);
const LIMIT: Millis = Millis::new(30_000);

const OURS: Flavour = Flavour::Sentinelle;
const REFERENCE: Flavour = Flavour::Redis;

/// All that one round came to.
struct Round {
    sight: Sight,
    /// From the returning master's first answer until it is a replica.
    returned: Option<i64>,
}

#[expect(clippy::print_stdout, reason = "a bench shows its figures")]
fn main() -> Result<()> {
    if !is_bench() {
        return Ok(());
    }
    let rounds = asked_for("rounds", 10) as u64;
    println!("1 master, 2 replicas, 3 sentinels, quorum 2; {rounds} rounds of each kind, in turns");
    println!("milliseconds: median (10th..90th percentile)");
    for case in &CASES {
        let (mut ours, mut reference) = (Vec::new(), Vec::new());
        for round in 0..rounds {
            let delay = Millis::new(round * PERIOD.as_ms() / rounds);
            ours.push(measure(case, &[OURS; 3], delay)?);
            reference.push(measure(case, &[REFERENCE; 3], delay)?);
        }
        println!("{}", report(case, &ours, &reference));
    }
    println!("\nother groups; {}, down-after {}; since death + down-after:", CASES[0].name, CASES[0].down_after);
    println!("  {:<42} {:>18} {:>22} {:>18}", "", "writable", "first tells", "last tells");
    for (name, flavours) in OTHER_GROUPS {
        if flavours.iter().any(|&flavour| flavour != OURS && find_sentinel(flavour).is_err()) {
            println!("  {name:<42} not measured: not installed");
            continue;
        }
        let delays = (0..rounds).map(|round| Millis::new(round * PERIOD.as_ms() / rounds));
        let sights = delays.map(|delay| measure(&OTHERS, &flavours, delay)).collect::<Result<Vec<_>>>()?;
        let column = |row: &Row| Figures::of(sights.iter().map(row.1));
        println!("  {name:<42} {:>18} {:>22} {:>18}", column(&ROWS[0]), column(&ROWS[1]), column(&ROWS[2]));
    }
    Ok(())
}

/// One round; `delay` is how long the group is left in peace before the fault.
fn measure(case: &Case, flavours: &[Flavour], delay: Millis) -> Result<Round> {
    let plan = GroupPlan { down_after: case.down_after, ..GroupPlan::with(flavours) };
    let mut group = Group::start(&plan)?;
    let known = Stopwatch::start();
    wait_until(LIMIT, "the moment of the fault", || known.elapsed_ms() >= delay)?;
    let begun = group.events.elapsed();
    match case.fault {
        Fault::Killed => group.servers[0].kill(),
        Fault::Stopped => group.servers[0].pause(),
        Fault::Ordered => order_failover(&group)?,
    }
    let due = if case.fault == Fault::Ordered { begun } else { begun.plus(case.down_after) };
    let sight = observe(&group, due, case.fault == Fault::Ordered)?;
    let mut returned = None;
    if case.is_started_again {
        group.servers[0].restart()?;
        returned = Some(group.wait_role(0, "slave", LIMIT)?.as_ms() as i64);
    }
    Ok(Round { sight, returned })
}

fn order_failover(group: &Group) -> Result<()> {
    let reply = group.sentinels[0].client()?.command(&["SENTINEL", "FAILOVER", &group.plan.name])?;
    if reply == Value::Simple("OK".into()) {
        Ok(())
    } else {
        Err(Error::new(ErrorKind::Protocol, "order a failover", format!("{reply:?}")))
    }
}

/// One line of a table: what is measured.
type Row = (&'static str, fn(&Round) -> Option<i64>);

const ROWS: [Row; 7] = [
    ("a former replica takes writes", |round| Some(round.sight.writable)),
    ("first sentinel tells the new master", |round| Some(round.sight.first_answer)),
    ("last sentinel tells the new master", |round| Some(round.sight.last_answer)),
    ("last sentinel sees the silence (+sdown)", |round| round.sight.down.iter().copied().max()),
    ("former master's last accepted write", |round| round.sight.former_write),
    ("  after the new master's first one", |round| round.sight.overlap()),
    ("returned master becomes a replica after", |round| round.returned),
];

const PHASES: [Row; 5] = [
    ("detect (+sdown)", |round| round.sight.phases[0]),
    ("agree (+odown)", |round| round.sight.phases[1]),
    ("elect (+elected-leader)", |round| round.sight.phases[2]),
    ("promote (+promoted-slave)", |round| round.sight.phases[3]),
    ("publish (last +switch-master)", |round| round.sight.phases[4]),
];

/// Everything that is said of one case.
fn report(case: &Case, ours: &[Round], reference: &[Round]) -> String {
    let origin = if case.fault == Fault::Ordered { "the command" } else { "death + down-after" };
    let title = match case.fault {
        Fault::Ordered => case.name.to_owned(),
        Fault::Killed | Fault::Stopped => format!("{}, down-after {}", case.name, case.down_after),
    };
    let mut lines = vec![format!("\n{title}; since {origin}:"), heading()];
    lines.extend(ROWS.iter().filter_map(|row| line(row, ours, reference)));
    lines.push("  where it goes, each phase since the one before:".into());
    lines.extend(PHASES.iter().filter_map(|row| line(row, ours, reference)));
    lines.extend(targets(case, ours, reference));
    lines.join("\n")
}

fn heading() -> String {
    format!("  {:<42} {:>18} {:>22} {:>8}", "", "sentinelle", "redis-sentinel", "ratio")
}

/// One line of the table; `None` when neither kind has the figure.
fn line((name, of): &Row, ours: &[Round], reference: &[Round]) -> Option<String> {
    let (ours, reference) = (Figures::of(ours.iter().map(of)), Figures::of(reference.iter().map(of)));
    ours.median().or_else(|| reference.median())?;
    let ratio = match (ours.median(), reference.median()) {
        (Some(ours), Some(reference)) if ours > 0 && reference > 0 => {
            format!("1/{:.1}", reference as f64 / ours as f64)
        }
        (_, _) => String::new(),
    };
    Some(format!("  {name:<42} {ours:>18} {reference:>22} {ratio:>8}"))
}

/// What this case promises, and whether it was kept.
fn targets(case: &Case, ours: &[Round], reference: &[Round]) -> Vec<String> {
    let of = |rounds: &[Round], figure: fn(&Round) -> Option<i64>| Figures::of(rounds.iter().map(figure));
    let last = |rounds: &[Round]| of(rounds, |round| Some(round.sight.last_answer)).median().unwrap_or(i64::MAX);
    let mut targets = Vec::new();
    if case.fault != Fault::Ordered {
        // An ordered failover is announced for so long before it is made.
        targets.push(target("the last sentinel tells within 100 ms", last(ours), 100));
        targets.push(target("and within a tenth of redis-sentinel's time", last(ours), last(reference) / 10));
    }
    if case.fault == Fault::Stopped {
        let seen = Figures::of(ours.iter().flat_map(|round| round.sight.down.iter().copied().map(Some)));
        let tenth = case.down_after.as_ms() as i64 / 10;
        targets.push(target("detection varies by a tenth of down-after", seen.spread().unwrap_or(i64::MAX), tenth));
    }
    if case.fault == Fault::Ordered {
        let longest = of(ours, |round| round.sight.overlap()).largest().unwrap_or(0);
        targets.push(target("no write on the former master 200 ms after", longest, 200));
    }
    if case.is_started_again {
        let longest = of(ours, |round| round.returned).largest().unwrap_or(i64::MAX);
        targets.push(target("a returned master is a replica in 500 ms", longest, 500));
    }
    targets
}

fn target(text: &str, measured: i64, bound: i64) -> String {
    let verdict = if measured <= bound { "met" } else { "MISSED" };
    format!("  target: {text:<46} {measured:>6} of {bound:>4}  {verdict}")
}
