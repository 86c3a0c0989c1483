//! Decides how a client's connection carries bytes: one chunk up at a time, whatever waits down, and when silence ends it.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::{Notify, mpsc},
    time::timeout,
};

use super::outbox::{Flushed, Outbox, Traffic};
use crate::types::ClientId;

/// What a client's task or a listener has to tell.
#[derive(Debug)]
pub(super) enum ClientNews {
    /// Somebody connected.
    Arrived {
        /// The connection.
        stream: TcpStream,
        /// Where it comes from.
        address: SocketAddr,
    },
    /// A listener could not accept.
    NotAccepted {
        /// Why, in the system's words.
        reason: String,
    },
    /// Bytes came; the task reads on when it is given leave.
    Came {
        /// From whom.
        client: ClientId,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// Everything that waited has been written.
    Drained {
        /// To whom.
        client: ClientId,
    },
    /// The client ended its side of the connection; the other stays open until it has its answers.
    Ended {
        /// Which client.
        client: ClientId,
    },
    /// The connection ended.
    Gone {
        /// Whose.
        client: ClientId,
    },
}

/// What a client's task and the loop share.
#[derive(Debug, Default)]
pub(super) struct Wire {
    /// What waits for the client.
    pub(super) outbox: Outbox,
    may_read: Notify,
    is_patient: AtomicBool,
}

impl Wire {
    /// Lets the task read the next chunk.
    pub(super) fn give_leave(&self) {
        self.may_read.notify_one();
    }

    /// Has the task close a silent client, or leave it open because it only listens.
    pub(super) fn set_patience(&self, patience: Patience) {
        self.is_patient.store(patience == Patience::Endless, Ordering::Relaxed);
    }
}

/// Whether a silent client is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// After the time that the settings give it.
    AsSet,
    /// Never: a subscriber has nothing to say.
    Endless,
}

/// One client's task.
pub(super) struct Conversation {
    /// Whose.
    pub(super) client: ClientId,
    /// What it shares with the loop.
    pub(super) wire: Arc<Wire>,
    /// Where its bytes are counted.
    pub(super) traffic: Arc<Traffic>,
    /// Where its news goes.
    pub(super) news: mpsc::Sender<ClientNews>,
    /// How long the client may be silent.
    pub(super) idle: Option<Duration>,
}

impl Conversation {
    /// Carries bytes until either side ends it.
    pub(super) async fn live(self, mut stream: TcpStream) {
        self.converse(&mut stream).await;
        drop(stream);
        self.tell(ClientNews::Gone { client: self.client }).await;
    }

    async fn converse(&self, stream: &mut TcpStream) {
        let (mut reader, mut writer) = stream.split();
        let outcome = {
            let writing = self.write(&mut writer);
            tokio::pin!(writing);
            tokio::select! {
                written = &mut writing => written,
                read = self.read(&mut reader) => match read {
                    // The client has said all it wants to say, and may still wait for answers.
                    Ok(()) => {
                        self.tell(ClientNews::Ended { client: self.client }).await;
                        timeout(FAREWELL, writing).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
                    }
                    Err(error) => Err(error),
                },
            }
        };
        if outcome.is_ok() {
            linger(&mut reader, &mut writer).await;
        }
    }

    async fn write(&self, writer: &mut WriteHalf<'_>) -> io::Result<()> {
        loop {
            match self.wire.outbox.flush(writer, &self.traffic).await? {
                Flushed::Empty => {}
                Flushed::AwaitedEmpty => self.tell(ClientNews::Drained { client: self.client }).await,
                Flushed::Finished => return Ok(()),
            }
        }
    }

    /// Reads until the client ends its side, or says nothing for too long.
    async fn read(&self, reader: &mut ReadHalf<'_>) -> io::Result<()> {
        loop {
            self.await_bytes(reader).await?;
            // Room is made only when there is something to put there: thousands of silent clients hold none.
            let mut bytes = Vec::with_capacity(CHUNK);
            match reader.try_read_buf(&mut bytes) {
                Ok(0) => return Ok(()),
                Ok(count) => self.traffic.count_received(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Err(error) => return Err(error),
            }
            self.tell(ClientNews::Came { client: self.client, bytes }).await;
            self.wire.may_read.notified().await;
        }
    }

    async fn await_bytes(&self, reader: &ReadHalf<'_>) -> io::Result<()> {
        let Some(idle) = self.idle else { return reader.readable().await };
        loop {
            match timeout(idle, reader.readable()).await {
                Ok(ready) => return ready,
                Err(_) if self.wire.is_patient.load(Ordering::Relaxed) => {}
                Err(_) => return Err(io::ErrorKind::TimedOut.into()),
            }
        }
    }

    async fn tell(&self, news: ClientNews) {
        // The loop that would hear it is gone only when this task is about to be dropped too.
        let _ = self.news.send(news).await;
    }
}

/// Ends the connection so that what was written last arrives: a socket that is closed with unread bytes is reset,
/// and the reset overtakes the farewell.
async fn linger(reader: &mut ReadHalf<'_>, writer: &mut WriteHalf<'_>) {
    if writer.shutdown().await.is_err() {
        return;
    }
    let discard = async {
        let mut junk = [0; 1024];
        for _ in 0..LINGER_READS {
            if matches!(reader.read(&mut junk).await, Ok(0) | Err(_)) {
                return;
            }
        }
    };
    // Whether the other side heard it or not, the connection ends here.
    let _ = timeout(LINGER, discard).await;
}

/// How many bytes are read at once.
const CHUNK: usize = 16 << 10;

/// How long a client that ended its side may take to read its answers.
const FAREWELL: Duration = Duration::from_secs(5);

/// How long the other side may take to notice the end.
const LINGER: Duration = Duration::from_millis(200);

const LINGER_READS: usize = 256;
