//! Decides how bytes are carried in one direction: in order, as late and as slowly as the passage says.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::tcp::{ReadHalf, WriteHalf},
    sync::mpsc,
    time::{Instant, sleep, sleep_until},
};

use super::{Passage, Passages, part_of, passage::Way, span_of};
use crate::types::Millis;

/// The most bytes carried in one piece.
const PIECE: usize = 16 * 1024;
/// The most pieces under way at once.
const PIECES: usize = 64;
/// How many times in a second bytes pass where their number is limited.
const SLICES: u64 = 50;

/// Bytes and when they are due.
type Piece = (Instant, Vec<u8>);

/// Why bytes are carried no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The reader has no more, and the writer was told.
    Reached,
    /// As many as may pass have passed.
    CutOff,
}

/// Why one half of the carrying stops before all is carried.
enum Halt {
    CutOff,
    Failed(io::Error),
}

/// Carries bytes until the reader has no more, or no more may pass, and ends the writer then.
pub(super) async fn pump(
    reader: ReadHalf<'_>,
    writer: WriteHalf<'_>,
    way: Way,
    passages: &Passages,
) -> io::Result<End> {
    let (sender, receiver) = mpsc::channel(PIECES);
    match tokio::try_join!(take(reader, sender, way, passages), give(receiver, writer, way, passages)) {
        Ok(_) => Ok(End::Reached),
        Err(Halt::CutOff) => Ok(End::CutOff),
        Err(Halt::Failed(error)) => Err(error),
    }
}

async fn take(
    mut reader: ReadHalf<'_>,
    pieces: mpsc::Sender<Piece>,
    way: Way,
    passages: &Passages,
) -> Result<(), Halt> {
    let mut changes = passages.changes();
    let mut chance = fastrand::Rng::with_seed(1);
    let mut latest = Instant::now();
    loop {
        passages.pass(way, &mut changes).await;
        let mut bytes = Vec::with_capacity(PIECE);
        let count = tokio::select! {
            count = reader.read_buf(&mut bytes) => count?,
            // Not even the end of a connection gets through where bytes are held back.
            _ = changes.changed() => continue,
        };
        if count == 0 {
            return Ok(());
        }
        let passage = passages.at(way);
        let due = Instant::now() + Duration::from(passage.latency) + part_of(passage.jitter, &mut chance);
        latest = latest.max(due);
        pieces.send((latest, bytes)).await.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
    }
}

async fn give(
    mut pieces: mpsc::Receiver<Piece>,
    mut writer: WriteHalf<'_>,
    way: Way,
    passages: &Passages,
) -> Result<(), Halt> {
    let mut changes = passages.changes();
    let mut passed = 0;
    while let Some((due, bytes)) = pieces.recv().await {
        // A timer rounds up to whole milliseconds, also one that is due.
        if due > Instant::now() {
            sleep_until(due).await;
        }
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            passages.pass(way, &mut changes).await;
            let passage = passages.at(way);
            let left = passage.allowance.map_or(u64::MAX, |most| most.saturating_sub(passed));
            let most = rest.len().min(piece_of(&passage)).min(usize::try_from(left).unwrap_or(usize::MAX));
            let (slice, later) = rest.split_at(most);
            writer.write_all(slice).await?;
            passed = if passage.allowance.is_some() { passed + slice.len() as u64 } else { 0 };
            if passage.allowance.is_some_and(|most| passed >= most) {
                writer.shutdown().await?;
                return Err(Halt::CutOff);
            }
            pause_after(slice.len(), &passage).await;
            rest = later;
        }
    }
    let delay = passages.at(way).end_delay;
    if delay > Millis::ZERO {
        sleep(delay.into()).await;
    }
    writer.shutdown().await?;
    Ok(())
}

/// The most bytes that are written at once.
fn piece_of(passage: &Passage) -> usize {
    let in_time = passage.bytes_per_second.map_or(usize::MAX, |limit| (limit / SLICES).max(1) as usize);
    let cut = passage.slices.map_or(usize::MAX, |slices| slices.bytes.max(1));
    in_time.min(cut)
}

async fn pause_after(bytes: usize, passage: &Passage) {
    let in_time = passage.bytes_per_second.map_or(Duration::ZERO, |limit| span_of(bytes, limit));
    let cut = passage.slices.map_or(Duration::ZERO, |slices| slices.pause.into());
    let pause = in_time + cut;
    if pause > Duration::ZERO {
        sleep(pause).await;
    }
}

impl From<io::Error> for Halt {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}
