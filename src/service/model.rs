//! `chuanda.v1.ModelService`: which models can answer, and what is known of them.

use std::sync::Arc;

use tonic::{Request, Response, Status, Streaming};

use super::status::Failure;
use crate::{
    classify::{Axis, Catalog, Label},
    engine::{AnalyzeError, Engine, FieldError, Problem},
    model::{
        AcceptedMetrics, AxisReport, Confusion, LabelMetrics, LabelSetMetrics, Metrics, Model, ReliabilityBin,
        RiskPoint,
    },
    proto::v1::{self, model_service_server::ModelService},
};

/// Most versions on one page.
const MAX_PAGE_SIZE: u32 = 1000;

/// Answers from the engine's model.
#[derive(Debug)]
pub(super) struct Models {
    pub(super) engine: Arc<Engine>,
}

/// Answers that come one after the other.
type Pending<T> = tokio_stream::Empty<Result<T, Status>>;

#[tonic::async_trait]
impl ModelService for Models {
    async fn list_models(
        &self,
        request: Request<v1::ListModelsRequest>,
    ) -> Result<Response<v1::ListModelsResponse>, Status> {
        check_page(request.get_ref()).map_err(|error| Failure::from(error).status())?;
        // There is one version at most, so that every page is the first and the last.
        let models = self.engine.snapshot().iter().map(|model| message(model, Detail::Short)).collect();
        Ok(Response::new(v1::ListModelsResponse { models, ..v1::ListModelsResponse::default() }))
    }

    async fn get_model(&self, request: Request<v1::GetModelRequest>) -> Result<Response<v1::GetModelResponse>, Status> {
        let model = self.engine.model(&request.get_ref().version).map_err(|error| {
            // Elsewhere the field has another name.
            let error = match error {
                AnalyzeError::Field(FieldError { problem, .. }) => {
                    FieldError { field: "version".to_owned(), problem }.into()
                }
                AnalyzeError::ModelVersionNotFound(_) | AnalyzeError::NoModel | AnalyzeError::Internal => error,
            };
            Failure::from(error).status()
        })?;
        let model = Some(message(&model, Detail::Whole));
        Ok(Response::new(v1::GetModelResponse { model, active_version: String::new() }))
    }

    type TrainModelStream = Pending<v1::TrainModelResponse>;

    async fn train_model(
        &self,
        _: Request<Streaming<v1::TrainModelRequest>>,
    ) -> Result<Response<Self::TrainModelStream>, Status> {
        Err(Failure::Unimplemented.status())
    }

    type UpdateModelStream = Pending<v1::UpdateModelResponse>;

    async fn update_model(
        &self,
        _: Request<Streaming<v1::UpdateModelRequest>>,
    ) -> Result<Response<Self::UpdateModelStream>, Status> {
        Err(Failure::Unimplemented.status())
    }

    async fn activate_model(
        &self,
        _: Request<v1::ActivateModelRequest>,
    ) -> Result<Response<v1::ActivateModelResponse>, Status> {
        Err(Failure::Unimplemented.status())
    }

    async fn rollback_model(
        &self,
        _: Request<v1::RollbackModelRequest>,
    ) -> Result<Response<v1::RollbackModelResponse>, Status> {
        Err(Failure::Unimplemented.status())
    }

    async fn delete_model(
        &self,
        _: Request<v1::DeleteModelRequest>,
    ) -> Result<Response<v1::DeleteModelResponse>, Status> {
        Err(Failure::Unimplemented.status())
    }

    async fn list_activations(
        &self,
        _: Request<v1::ListActivationsRequest>,
    ) -> Result<Response<v1::ListActivationsResponse>, Status> {
        Err(Failure::Unimplemented.status())
    }

    type ExportModelStream = Pending<v1::ExportModelResponse>;

    async fn export_model(
        &self,
        _: Request<v1::ExportModelRequest>,
    ) -> Result<Response<Self::ExportModelStream>, Status> {
        Err(Failure::Unimplemented.status())
    }

    async fn import_model(
        &self,
        _: Request<Streaming<v1::ImportModelRequest>>,
    ) -> Result<Response<v1::ImportModelResponse>, Status> {
        Err(Failure::Unimplemented.status())
    }
}

fn check_page(request: &v1::ListModelsRequest) -> Result<(), FieldError> {
    let error =
        |field: &str, problem: String| Err(FieldError { field: field.to_owned(), problem: Problem::Invalid(problem) });
    if request.page_size > MAX_PAGE_SIZE {
        return error("page_size", format!("{} is not between 0 and {MAX_PAGE_SIZE}", request.page_size));
    }
    if !request.page_token.is_empty() {
        return error("page_token", "not a token that this server gave".to_owned());
    }
    Ok(())
}

/// How much is told of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Detail {
    /// Without lists: labels, figures by label, tables and curves.
    Short,
    /// Everything.
    Whole,
}

/// What is known of a model. The only place that turns one into a message.
fn message(model: &Model, detail: Detail) -> v1::Model {
    let report = model.report();
    let axes = Axis::ALL.into_iter().zip(&report.axes);
    v1::Model {
        version: model.version().to_owned(),
        articles: report.articles,
        language_codes: model.languages().into_iter().map(|language| language.code().to_owned()).collect(),
        axes: axes
            .filter_map(|(axis, report)| Some(axis_message(model.catalog(), axis, report.as_ref()?, detail)))
            .collect(),
        active: true,
        calibrated: model.is_calibrated(),
        folds: report.folds,
        ..v1::Model::default()
    }
}

fn axis_message(catalog: &Catalog, axis: Axis, report: &AxisReport, detail: Detail) -> v1::ModelAxis {
    let label = |(id, articles): &(String, u64)| {
        let named = catalog.get(axis, id);
        let text = |field: fn(&Label) -> &String| named.map(|label| field(label).clone()).unwrap_or_default();
        v1::Label {
            id: id.clone(),
            name_en: text(|label| &label.name_en),
            name_zh: text(|label| &label.name_zh),
            definition: text(|label| &label.definition),
            articles: *articles,
        }
    };
    v1::ModelAxis {
        axis: match axis {
            Axis::MeetingType => v1::Axis::MeetingType,
            Axis::RelayingDepartment => v1::Axis::RelayingDepartment,
        }
        .into(),
        labels: match detail {
            Detail::Short => Vec::new(),
            Detail::Whole => report.labels.iter().map(label).collect(),
        },
        articles: report.labels.iter().map(|(_, articles)| articles).sum(),
        settings: report.settings.to_string(),
        held_out: report.held_out.as_ref().map(|metrics| metrics_message(metrics, detail)),
        source_held_out: report.source_held_out.as_ref().map(|metrics| metrics_message(metrics, detail)),
    }
}

fn metrics_message(metrics: &Metrics, detail: Detail) -> v1::Metrics {
    let [low, high] = metrics.accuracy_interval;
    let figures =
        v1::Metrics {
            articles: metrics.articles,
            accuracy: metrics.accuracy,
            accuracy_interval: Some(v1::Interval { low, high }),
            top_two_accuracy: metrics.top_two_accuracy,
            macro_f1: metrics.macro_f1,
            log_loss: metrics.log_loss,
            expected_calibration_error: metrics.expected_calibration_error,
            brier_score: metrics.brier_score,
            risk_coverage_area: metrics.risk_coverage_area,
            label_sets: metrics.label_sets.map(|LabelSetMetrics { articles, mean_size, coverage }| {
                v1::LabelSetMetrics { articles, mean_size, coverage }
            }),
            accepted: metrics.accepted.map(|AcceptedMetrics { articles, share, precision }| v1::AcceptedMetrics {
                articles,
                share,
                precision,
            }),
            ..v1::Metrics::default()
        };
    match detail {
        Detail::Short => figures,
        Detail::Whole => v1::Metrics {
            reliability: reliability(&metrics.reliability),
            risk_coverage: metrics.risk_coverage.iter().map(risk_point).collect(),
            labels: metrics.labels.iter().map(label_metrics).collect(),
            confusions: metrics.confusions.iter().map(confusion).collect(),
            ..figures
        },
    }
}

fn reliability(bins: &[ReliabilityBin]) -> Vec<v1::ReliabilityBin> {
    let bound = |bin: usize| bin as f64 / bins.len() as f64;
    let row = |(number, bin): (usize, &ReliabilityBin)| {
        let ReliabilityBin { articles, mean_probability, accuracy } = *bin;
        v1::ReliabilityBin { low: bound(number), high: bound(number + 1), articles, mean_probability, accuracy }
    };
    bins.iter().enumerate().map(row).collect()
}

fn risk_point(point: &RiskPoint) -> v1::RiskPoint {
    let RiskPoint { coverage, error_rate, threshold } = *point;
    v1::RiskPoint { coverage, error_rate, threshold }
}

fn label_metrics(metrics: &LabelMetrics) -> v1::LabelMetrics {
    let LabelMetrics { label, articles, predicted, correct: _, precision, recall, f1 } = metrics;
    v1::LabelMetrics {
        label: label.clone(),
        articles: *articles,
        predicted: *predicted,
        precision: *precision,
        recall: *recall,
        f1: *f1,
    }
}

fn confusion(confusion: &Confusion) -> v1::Confusion {
    let Confusion { label, predicted, articles } = confusion;
    v1::Confusion { label: label.clone(), predicted: predicted.clone(), articles: *articles }
}
