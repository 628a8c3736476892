//! Shows a token with every request.

use sweep_proto::Token;
use tonic::metadata::MetadataValue;
use tonic::service::Interceptor;
use tonic::{Request, Status};

/// What a person's command line shows, and a worker that joins; nothing over plain connections.
#[derive(Clone, Debug)]
pub struct Bearer(Option<Token>);

impl Bearer {
    /// Shows this token. Only ever used over a connection whose pin was checked.
    pub fn new(token: Option<Token>) -> Self {
        Self(token)
    }
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.0 {
            let value = MetadataValue::try_from(format!("Bearer {}", *token.reveal()));
            let mut value = value.map_err(|_| Status::internal("a token is no header"))?;
            value.set_sensitive(true);
            request.metadata_mut().insert("authorization", value);
        }
        Ok(request)
    }
}
