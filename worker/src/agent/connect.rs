//! The worker's clients of a coordinator: one for what must never wait, and others for what takes long.

use std::sync::Arc;

use sweep_proto::ArtifactRef;
use sweep_proto::protocol::MESSAGE_BYTES_MAX;
use sweep_transport::{Dial, carrier};
use tonic::transport::Channel;

use super::{Client, Transport};

/// From this size on, in bytes, an artifact gets a connection of its own: on a slow line it would keep heartbeats
/// waiting behind it. Less passes 64 kbit/s within seconds.
const OWN_CONNECTION_BYTES_MIN: u64 = 32 * 1024;

/// How a worker reaches its coordinator.
#[derive(Clone)]
pub struct Clients {
    control: Client,
    dial: Option<Arc<Dial>>,
}

impl std::fmt::Debug for Clients {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Clients").field("has_dial", &self.dial.is_some()).finish_non_exhaustive()
    }
}

impl From<Client> for Clients {
    /// Everything over one connection.
    fn from(control: Client) -> Self {
        Self { control, dial: None }
    }
}

impl Clients {
    /// Sessions over this channel, and large artifacts over connections that are dialled as they are needed.
    pub fn new(channel: Channel, dial: &Dial) -> Self {
        Self { control: client_over(channel), dial: Some(Arc::new(dial.beside())) }
    }

    /// For sessions and short calls.
    pub(super) fn control(&self) -> Client {
        self.control.clone()
    }

    /// For one try to send or fetch an artifact.
    pub(super) fn carrier_of(&self, artifact: ArtifactRef) -> Client {
        match &self.dial {
            Some(dial) if artifact.bytes >= OWN_CONNECTION_BYTES_MIN => {
                client_over(carrier(dial.as_ref().clone()))
            }
            _ => self.control(),
        }
    }
}

/// A client over any channel, with the protocol's bounds.
pub fn client_over(channel: Channel) -> Client {
    client_through(Transport::new(channel))
}

/// As [`client_over`], through whatever else its calls are to pass.
pub fn client_through(transport: Transport) -> Client {
    Client::new(transport)
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
        .max_encoding_message_size(MESSAGE_BYTES_MAX)
}
