//! HTTP/2 by hand: frames that are well made, and frames that no client would send.

/// What a client says first (RFC 9113, section 3.4).
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Frame types.
pub const DATA: u8 = 0;
/// See [`DATA`].
pub const HEADERS: u8 = 1;
/// See [`DATA`].
pub const RST_STREAM: u8 = 3;
/// See [`DATA`].
pub const SETTINGS: u8 = 4;
/// See [`DATA`].
pub const PING: u8 = 6;
/// See [`DATA`].
pub const GOAWAY: u8 = 7;
/// See [`DATA`].
pub const CONTINUATION: u8 = 9;

/// The flag of a stream's last frame; of SETTINGS and PING: an acknowledgement.
pub const END_STREAM: u8 = 1;
/// The flag of a header block's last frame.
pub const END_HEADERS: u8 = 4;

/// The setting that says how much of a stream's answer may come at once.
pub const INITIAL_WINDOW_SIZE: u16 = 4;

/// One frame.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = head(payload.len() as u32, kind, flags, stream);
    bytes.extend_from_slice(payload);
    bytes
}

/// A frame's head, whatever follows it.
pub fn head(length: u32, kind: u8, flags: u8, stream: u32) -> Vec<u8> {
    let mut bytes = length.to_be_bytes()[1..].to_vec();
    bytes.extend_from_slice(&[kind, flags]);
    bytes.extend_from_slice(&stream.to_be_bytes());
    bytes
}

/// Settings.
pub fn settings(settings: &[(u16, u32)]) -> Vec<u8> {
    let pair = |(name, value): &(u16, u32)| [&name.to_be_bytes()[..], &value.to_be_bytes()].concat();
    frame(SETTINGS, 0, 0, &settings.iter().flat_map(pair).collect::<Vec<_>>())
}

/// A block of headers: each a literal that goes into no table (RFC 7541, section 6.2.2).
pub fn block(headers: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, value) in headers {
        bytes.push(0);
        for text in [name, value] {
            length(text.len(), &mut bytes);
            bytes.extend_from_slice(text.as_bytes());
        }
    }
    bytes
}

/// An integer with a prefix of seven bits (RFC 7541, section 5.1).
fn length(mut length: usize, bytes: &mut Vec<u8>) {
    if length < 127 {
        return bytes.push(length as u8);
    }
    bytes.push(127);
    length -= 127;
    while length >= 128 {
        bytes.push((length % 128) as u8 | 128);
        length /= 128;
    }
    bytes.push(length as u8);
}

/// The headers of a gRPC call.
pub fn call(path: &str, token: Option<&str>) -> Vec<u8> {
    let bearer = token.map(|token| format!("Bearer {token}"));
    let mut headers = vec![
        (":method", "POST"),
        (":scheme", "https"),
        (":authority", "coordinator"),
        (":path", path),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ];
    headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
    block(&headers)
}

/// The headers of a plain GET.
pub fn get(path: &str) -> Vec<u8> {
    block(&[(":method", "GET"), (":scheme", "https"), (":authority", "coordinator"), (":path", path)])
}

/// A gRPC message with its prefix.
pub fn message(bytes: &[u8]) -> Vec<u8> {
    [&prefix(bytes.len() as u32)[..], bytes].concat()
}

/// The prefix of a gRPC message, whatever follows it.
pub fn prefix(length: u32) -> Vec<u8> {
    [&[0][..], &length.to_be_bytes()].concat()
}

/// The frames that are whole at the start of these bytes: type, stream and payload.
pub fn read(mut bytes: &[u8]) -> Vec<(u8, u32, Vec<u8>)> {
    let mut frames = Vec::new();
    while let [a, b, c, kind, _, s, t, u, v, rest @ ..] = bytes {
        let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
        let Some(payload) = rest.get(..length) else { break };
        frames.push((*kind, u32::from_be_bytes([*s, *t, *u, *v]), payload.to_vec()));
        bytes = &rest[length..];
    }
    frames
}

/// The error that a GOAWAY among these bytes gives.
pub fn goaway(bytes: &[u8]) -> Option<u32> {
    let frames = read(bytes);
    let payload = frames.into_iter().find_map(|(kind, _, payload)| (kind == GOAWAY).then_some(payload))?;
    Some(u32::from_be_bytes(payload.get(4..8)?.try_into().ok()?))
}
