//! The worker's client of a coordinator.

use sweep_proto::protocol::MESSAGE_BYTES_MAX;
use tonic::transport::Channel;

use super::Client;

/// A client over any channel, with the protocol's bounds.
pub fn client_over(channel: Channel) -> Client {
    Client::new(channel)
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
        .max_encoding_message_size(MESSAGE_BYTES_MAX)
}
