//! Versions page by page.

use prost::Message;

use super::{Models, message, request};
use crate::{
    model::store::{About, Entry, Store, Version},
    proto::v1,
    service::{analysis::MAX_FIELD_HEAD, status::Failure},
};

impl Models {
    pub(super) async fn list(&self, request: v1::ListModelsRequest) -> Result<v1::ListModelsResponse, Failure> {
        let size = request::page_size(request.page_size);
        let after = request::page_token(&request.page_token, |token| Version::new(token).ok())?;
        let this = self.clone();
        self.at_work(move || {
            let store = this.engine.store();
            let entries = store.map_or(Ok(Vec::new()), |store| store.list(after.as_ref(), size.saturating_add(1)))?;
            let mut models: Vec<v1::Model> =
                entries.iter().filter_map(|entry| store.map(|store| this.listed(store, entry))).collect();
            this.add_serving(&mut models, after.as_ref());
            let active_version = store.map(Store::current).transpose()?.flatten();
            let (models, next_page_token) = page(models, size, this.max_response_bytes, |model| model.version.clone())?;
            Ok(v1::ListModelsResponse { models, next_page_token, active_version: digits(active_version.as_ref()) })
        })
        .await
    }

    /// What is told of a version of the store. The model is loaded only if its sidecar does not say enough.
    fn listed(&self, store: &Store, entry: &Entry) -> v1::Model {
        let version = entry.version.as_str();
        let about = entry.info.as_ref().and_then(|info| info.about.clone());
        let about = about.map_or_else(|| store.load(&entry.version).map(|model| About::of(&model)), Ok);
        let mut model = match about {
            Ok(about) => message::short(version, &about),
            Err(error) => {
                // The log has more; paths are not for callers.
                let trouble = Failure::from(error).to_string();
                v1::Model { version: version.to_owned(), trouble, ..v1::Model::default() }
            }
        };
        model.active = self.is_serving(version);
        model.size_bytes = entry.bytes;
        model.provenance = entry.info.as_ref().map(message::provenance);
        model
    }

    /// The version that answers belongs to the list too if it is in no store: the model that is built in, for one.
    fn add_serving(&self, models: &mut Vec<v1::Model>, after: Option<&Version>) {
        let Ok(serving) = self.engine.snapshot() else { return };
        let is_before = after.is_some_and(|after| serving.version() <= after.as_str());
        if is_before || models.iter().any(|model| model.version == serving.version()) {
            return;
        }
        let at = models.partition_point(|model| model.version.as_str() < serving.version());
        // Behind a page that is not the last one, it may stand in the store.
        let is_in_store = self.engine.store().zip(Version::new(serving.version()).ok());
        if is_in_store.is_some_and(|(store, version)| store.path(&version).exists()) {
            return;
        }
        let model = message::short(serving.version(), &About::of(&serving));
        models.insert(at, v1::Model { active: true, ..model });
    }
}

/// What the sidecar and the file system tell of a version.
pub(super) fn add_sidecar(model: &mut v1::Model, store: &Store) {
    let Ok(version) = Version::new(&model.version) else { return };
    model.provenance = store.info(&version).ok().map(|info| message::provenance(&info));
    model.size_bytes = std::fs::metadata(store.path(&version)).map_or(0, |file| file.len());
}

/// The digits of a version; none is empty.
pub(super) fn digits(version: Option<&Version>) -> String {
    version.map(ToString::to_string).unwrap_or_default()
}

/// A page of at most so many items and bytes, and the token of the next one: what `token` says of the last item, if there
/// are more.
pub(super) fn page<T: Message>(
    mut items: Vec<T>,
    size: usize,
    max_response_bytes: usize,
    token: impl FnOnce(&T) -> String,
) -> Result<(Vec<T>, String), Failure> {
    let mut bytes = PAGE_HEAD;
    let fits = items.iter().take(size).take_while(|item| {
        bytes = item.encoded_len().saturating_add(MAX_FIELD_HEAD).saturating_add(bytes);
        bytes <= max_response_bytes
    });
    let kept = fits.count();
    if kept == 0 && !items.is_empty() {
        return Err(Failure::ResponseTooLarge { maximum: max_response_bytes });
    }
    let is_last = kept == items.len();
    items.truncate(kept);
    let next = items.last().filter(|_| !is_last).map(token);
    Ok((items, next.unwrap_or_default()))
}

/// More bytes than a page has besides its items.
const PAGE_HEAD: usize = 256;
