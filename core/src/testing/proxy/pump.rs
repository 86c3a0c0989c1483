//! Decides how bytes are carried in one direction: in order, as late and as slowly as the passage says.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::tcp::{ReadHalf, WriteHalf},
    sync::mpsc,
    time::{Instant, sleep, sleep_until},
};

use super::{Passages, part_of, passage::Lane, span_of};

/// The most bytes carried in one piece.
const PIECE: usize = 16 * 1024;
/// The most pieces under way at once.
const PIECES: usize = 64;
/// How many times in a second bytes pass where their number is limited.
const SLICES: u64 = 50;

/// Bytes and when they are due.
type Piece = (Instant, Vec<u8>);

/// Carries bytes until the reader has no more, and ends the writer then.
pub(super) async fn pump(
    reader: ReadHalf<'_>,
    writer: WriteHalf<'_>,
    lane: Lane,
    passages: &Passages,
) -> io::Result<()> {
    let (sender, receiver) = mpsc::channel(PIECES);
    tokio::try_join!(take(reader, sender, lane, passages), give(receiver, writer, lane, passages)).map(|_| ())
}

async fn take(
    mut reader: ReadHalf<'_>,
    pieces: mpsc::Sender<Piece>,
    lane: Lane,
    passages: &Passages,
) -> io::Result<()> {
    let mut changes = passages.changes();
    let mut chance = fastrand::Rng::with_seed(1);
    let mut latest = Instant::now();
    loop {
        passages.pass(lane, &mut changes).await;
        let mut bytes = Vec::with_capacity(PIECE);
        let count = tokio::select! {
            count = reader.read_buf(&mut bytes) => count?,
            // Not even the end of a connection gets through where bytes are held back.
            _ = changes.changed() => continue,
        };
        if count == 0 {
            return Ok(());
        }
        let passage = passages.at(lane);
        let due = Instant::now() + Duration::from(passage.latency) + part_of(passage.jitter, &mut chance);
        latest = latest.max(due);
        pieces.send((latest, bytes)).await.map_err(|_| io::ErrorKind::BrokenPipe)?;
    }
}

async fn give(
    mut pieces: mpsc::Receiver<Piece>,
    mut writer: WriteHalf<'_>,
    lane: Lane,
    passages: &Passages,
) -> io::Result<()> {
    let mut changes = passages.changes();
    while let Some((due, bytes)) = pieces.recv().await {
        // A timer rounds up to whole milliseconds, also one that is due.
        if due > Instant::now() {
            sleep_until(due).await;
        }
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            passages.pass(lane, &mut changes).await;
            let limit = passages.at(lane).bytes_per_second;
            let most = limit.map_or(rest.len(), |limit| (limit / SLICES).max(1) as usize);
            let (slice, later) = rest.split_at(most.min(rest.len()));
            writer.write_all(slice).await?;
            if let Some(limit) = limit {
                sleep(span_of(slice.len(), limit)).await;
            }
            rest = later;
        }
    }
    writer.shutdown().await
}
