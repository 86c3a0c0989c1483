//! Decides how an address is kept by us and yet refuses who connects, as that of a dead process does.
//!
//! Where a socket may be bound beside one that listens (Linux), the door is a bound socket for good, and a second one
//! that listens while the door is open. Elsewhere it is never shut; who is behind it resets.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener as StdListener},
    sync::mpsc as std_mpsc,
    time::Duration,
};

use socket2::{Domain, Socket, Type};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

/// Whether a door can be shut.
const CAN_BE_SHUT: bool = cfg!(target_os = "linux");
/// How many connections the system lets wait.
const QUEUE: i32 = 1024;
/// How long the one who attends to the door may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// An address that is ours, and its listener while it is open.
#[derive(Debug)]
pub(super) struct Door {
    address: SocketAddr,
    /// Bound and never listening.
    _sign: Option<Socket>,
    orders: mpsc::UnboundedSender<Order>,
}

/// The side of the door that accepts connections.
#[derive(Debug)]
pub(super) struct Porter {
    listener: Option<TcpListener>,
}

/// To open the door, with this listener, or to shut it.
#[derive(Debug)]
pub(super) struct Order {
    listener: Option<StdListener>,
    done: std_mpsc::Sender<()>,
}

impl Door {
    /// Takes a free port of 127.0.0.1; the door is shut.
    pub(super) fn make() -> io::Result<(Self, Porter, mpsc::UnboundedReceiver<Order>)> {
        let first = bound((Ipv4Addr::LOCALHOST, 0).into())?;
        let address = first.local_addr()?.as_socket().ok_or(io::ErrorKind::AddrNotAvailable)?;
        let (orders, inbox) = mpsc::unbounded_channel();
        let mut porter = Porter { listener: None };
        let sign = if CAN_BE_SHUT {
            Some(first)
        } else {
            porter.listener = Some(TcpListener::from_std(listening(first)?)?);
            None
        };
        Ok((Self { address, _sign: sign, orders }, porter, inbox))
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Opens the door; who connects is accepted from now on.
    pub(super) fn open(&self) -> io::Result<()> {
        if CAN_BE_SHUT { self.order(Some(listening(bound(self.address)?)?)) } else { Ok(()) }
    }

    /// Shuts the door; who connects is refused from now on.
    pub(super) fn shut(&self) {
        if CAN_BE_SHUT {
            // It fails when there is no porter any more, who shut the door when going.
            let _ = self.order(None);
        }
    }

    fn order(&self, listener: Option<StdListener>) -> io::Result<()> {
        let (done, is_done) = std_mpsc::channel();
        self.orders.send(Order { listener, done }).map_err(io::Error::other)?;
        is_done.recv_timeout(PATIENCE).map_err(io::Error::other)
    }
}

impl Porter {
    /// The next connection; none while the door is shut.
    pub(super) async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        match &self.listener {
            Some(listener) => listener.accept().await,
            None => std::future::pending().await,
        }
    }

    /// Opens or shuts the door.
    pub(super) fn obey(&mut self, Order { listener, done }: Order) {
        // It fails when descriptors are used up; whoever connects is refused then.
        self.listener = listener.and_then(|listener| TcpListener::from_std(listener).ok());
        // Who gave the order may have lost patience.
        let _ = done.send(());
    }
}

fn bound(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

fn listening(socket: Socket) -> io::Result<StdListener> {
    socket.listen(QUEUE)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}
