//! The program's client with something around each call, for runs in this process that a test has to
//! hold at an exact request.

use std::future::Future;
use std::time::Duration;

use defrost::model::{Offer, Page, Position, Rates, RequestCounts, Tier};
use defrost::store::client::Client;
use defrost::store::{
    Answered, Call, Head, Listing, ReleaseAnswer, RestoreAnswer, RestoreAsk, Store, StoreError,
};

/// What happens around the calls of a [`Wrapped`] client; by itself nothing.
pub(crate) trait Around: Send + Sync {
    /// Before a call; the request leaves when this is done.
    fn before(&self, _call: Call) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// After the answer of a call.
    fn after(&self, _call: Call) {}

    /// When the run has the client send nothing more.
    fn halted(&self) {}
}

/// A client, and what happens around its calls.
pub(crate) struct Wrapped<A> {
    pub(crate) client: Client,
    pub(crate) around: A,
}

impl<A: Around> Wrapped<A> {
    async fn call<T>(&self, call: Call, answer: impl Future<Output = T>) -> T {
        self.around.before(call).await;
        let answer = answer.await;
        self.around.after(call);
        answer
    }
}

impl<A: Around> Store for Wrapped<A> {
    async fn list(&self, listing: &Listing, at: &Position) -> Result<Answered<Page>, StoreError> {
        self.call(Call::List, self.client.list(listing, at)).await
    }

    async fn head(&self, key: &[u8], version_id: &[u8]) -> Result<Answered<Head>, StoreError> {
        self.call(Call::Head, self.client.head(key, version_id)).await
    }

    async fn restore(&self, ask: RestoreAsk<'_>) -> Result<Answered<RestoreAnswer>, StoreError> {
        self.call(Call::Restore, self.client.restore(ask)).await
    }

    async fn release(&self, key: &[u8], version_id: &[u8]) -> Result<Answered<ReleaseAnswer>, StoreError> {
        self.call(Call::Release, self.client.release(key, version_id)).await
    }

    fn can_release(&self) -> bool {
        self.client.can_release()
    }

    fn usual_time(&self, class: &[u8], access_tier: &[u8], tier: Option<Tier>) -> Option<Duration> {
        self.client.usual_time(class, access_tier, tier)
    }

    fn addressable(&self, key: &[u8]) -> bool {
        self.client.addressable(key)
    }

    fn offer(&self, class: &[u8], access_tier: &[u8]) -> Option<Offer> {
        self.client.offer(class, access_tier)
    }

    fn halt(&self) {
        self.client.halt();
        self.around.halted();
    }

    fn requests(&self) -> RequestCounts {
        self.client.requests()
    }

    fn restores_in_flight(&self) -> u32 {
        self.client.restores_in_flight()
    }

    fn rates(&self) -> Rates {
        self.client.rates()
    }

    fn restores_held(&self) -> Duration {
        self.client.restores_held()
    }
}
