//! What clients say of a training.

use super::super::request;
use crate::{
    classify::{Axis, Catalog},
    engine::{
        FieldError, Problem,
        training::{Order, Task, WhenBusy},
    },
    learn::{CatalogChoice, Condition, LabelledArticle, Measure, Part},
    proto::v1::{self, train_model_request, train_model_settings::Labels, update_model_request},
    service::status::Failure,
};

/// Longest catalog of labels, in bytes.
const MAX_CATALOG_BYTES: usize = 1 << 20;

/// One message.
pub(super) enum Said {
    /// What is asked for, if it can be.
    Settings(Box<Result<Order, Failure>>),
    Article(Part, LabelledArticle),
}

pub(super) fn said_to_train(message: train_model_request::Message) -> Said {
    use train_model_request::Message;
    match message {
        Message::Settings(settings) => Said::Settings(Box::new(train(settings))),
        Message::Article(article) => Said::Article(Part::Add, labelled(article)),
    }
}

pub(super) fn said_to_update(message: update_model_request::Message) -> Said {
    use update_model_request::Message;
    match message {
        Message::Settings(settings) => Said::Settings(Box::new(update(settings))),
        Message::Add(article) => Said::Article(Part::Add, labelled(article)),
        Message::Remove(article) => Said::Article(Part::Remove, labelled(article)),
        Message::CalibrateOn(article) => Said::Article(Part::CalibrateOn, labelled(article)),
    }
}

fn train(settings: v1::TrainModelSettings) -> Result<Order, Failure> {
    let v1::TrainModelSettings { labels, allow_new_labels, note, actor, activate_if, if_busy } = settings;
    let labels = match labels {
        Some(Labels::LabelsFromData(true)) => CatalogChoice::FromData,
        Some(Labels::LabelsFromData(false)) => {
            return Err(request::invalid("settings.labels_from_data", "true, or not set").into());
        }
        Some(Labels::CatalogToml(toml)) => chosen(catalog(&toml)?, allow_new_labels),
        None => chosen(Catalog::builtin().map_err(|_| Failure::Internal)?, allow_new_labels),
    };
    Ok(Order {
        task: Task::Train { labels },
        by: request::by("settings.", &actor, ("note", &note))?,
        activate_if: activate_if.map(|wish| condition(&wish)).transpose()?,
        when_busy: when_busy(if_busy)?,
    })
}

fn update(settings: v1::UpdateModelSettings) -> Result<Order, Failure> {
    let v1::UpdateModelSettings { base_version, allow_new_labels, note, actor, activate_if, if_busy } = settings;
    let base = Some(base_version).filter(|base| !base.is_empty());
    let base = base.map(|base| request::version("settings.base_version", &base)).transpose()?;
    Ok(Order {
        task: Task::Update { base, allow_new_labels },
        by: request::by("settings.", &actor, ("note", &note))?,
        activate_if: activate_if.map(|wish| condition(&wish)).transpose()?,
        when_busy: when_busy(if_busy)?,
    })
}

fn catalog(toml: &str) -> Result<Catalog, FieldError> {
    let field = "settings.catalog_toml";
    let (maximum, actual) = (MAX_CATALOG_BYTES, toml.len());
    if actual > maximum {
        let problem = Problem::OverLimit { limit: "max_catalog_bytes", maximum, actual };
        return Err(FieldError { field: field.to_owned(), problem });
    }
    Catalog::from_toml(toml).map_err(|error| request::invalid(field, &error.to_string()))
}

fn chosen(catalog: Catalog, allow_new_labels: bool) -> CatalogChoice {
    if allow_new_labels { CatalogChoice::GivenOrNew(catalog) } else { CatalogChoice::Given(catalog) }
}

fn when_busy(policy: i32) -> Result<WhenBusy, FieldError> {
    match v1::BusyPolicy::try_from(policy) {
        Ok(v1::BusyPolicy::Unspecified | v1::BusyPolicy::Wait) => Ok(WhenBusy::Wait),
        Ok(v1::BusyPolicy::Refuse) => Ok(WhenBusy::Refuse),
        Err(_) => Err(request::invalid("settings.if_busy", "no such policy")),
    }
}

/// The loss of one article is at most 34.5.
const MAX_LOSS: f64 = 35.0;

fn condition(wish: &v1::ActivateIf) -> Result<Condition, FieldError> {
    let v1::ActivateIf { axis, metric, margin } = *wish;
    let axis = match v1::Axis::try_from(axis) {
        Ok(v1::Axis::Unspecified) => None,
        Ok(v1::Axis::MeetingType) => Some(Axis::MeetingType),
        Ok(v1::Axis::RelayingDepartment) => Some(Axis::RelayingDepartment),
        Err(_) => return Err(request::invalid("settings.activate_if.axis", "no such axis")),
    };
    let field = "settings.activate_if.metric";
    let (measure, most) = match v1::ComparisonMetric::try_from(metric) {
        Ok(v1::ComparisonMetric::Accuracy) => (Measure::Accuracy, 1.0),
        Ok(v1::ComparisonMetric::LogLoss) => (Measure::LogLoss, MAX_LOSS),
        Ok(v1::ComparisonMetric::Unspecified) => return Err(request::required(field, "what is compared")),
        Err(_) => return Err(request::invalid(field, "no such metric")),
    };
    if !(-most..=most).contains(&margin) {
        return Err(request::invalid("settings.activate_if.margin", &format!("not between -{most} and {most}")));
    }
    Ok(Condition { axis, measure, margin })
}

/// An article as learning reads it: what is empty is not there, as in files.
fn labelled(article: v1::LabelledArticle) -> LabelledArticle {
    let v1::LabelledArticle { id, title, text, meeting_type, relaying_department, group, source } = article;
    let [title, meeting_type, relaying_department, group, source] =
        [title, meeting_type, relaying_department, group, source]
            .map(|text| Some(text).filter(|text| !text.is_empty()));
    LabelledArticle { id, title, text, labels: [meeting_type, relaying_department], group, source }
}
