//! Sends articles to a running server and prints what it answers: one call for one file, a stream for several.
//!
//! ```text
//! chuanda serve &
//! cargo run --example analyze_client -- http://127.0.0.1:50051 article.txt other.txt
//! ```

#![allow(clippy::print_stdout)]

use std::{env, error::Error, fs, time::Duration};

use chuanda::proto::v1::{
    Analysis, AnalyzeRequest, Article, Classification, StreamAnalyzeRequest, SummaryOptions,
    analysis_service_client::AnalysisServiceClient, stream_analyze_response::Outcome, summary_options::Length,
};
use tokio_stream::StreamExt as _;
use tonic::{Request, Status};
use tonic_types::StatusExt as _;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let server = arguments.next().ok_or("usage: analyze_client SERVER FILE...")?;
    let mut articles = Vec::new();
    for path in arguments {
        articles.push(Article { text: fs::read_to_string(&path)?, id: path, ..Article::default() });
    }
    let mut client = AnalysisServiceClient::connect(server).await?;
    let options = SummaryOptions { length: Some(Length::MaxWords(60)), ..SummaryOptions::default() };

    if let [article] = articles.as_slice() {
        let mut request = Request::new(AnalyzeRequest {
            article: Some(article.clone()),
            summary_options: Some(options),
            ..AnalyzeRequest::default()
        });
        request.set_timeout(Duration::from_secs(5));
        match client.analyze(request).await {
            Ok(response) => print(&response.into_inner().analysis.unwrap_or_default()),
            Err(status) => explain(&status),
        }
        return Ok(());
    }
    let requests = articles.into_iter().map(move |article| StreamAnalyzeRequest {
        article: Some(article),
        summary_options: Some(options.clone()),
        ..StreamAnalyzeRequest::default()
    });
    let mut answers = client.stream_analyze(tokio_stream::iter(requests)).await?.into_inner();
    while let Some(answer) = answers.next().await {
        let answer = answer?;
        match answer.outcome {
            Some(Outcome::Analysis(analysis)) => print(&analysis),
            Some(Outcome::Error(error)) => println!("{}: {}", answer.article_id, error.message),
            None => println!("{}: no answer", answer.article_id),
        }
    }
    Ok(())
}

fn print(analysis: &Analysis) {
    println!("{} (model {})", analysis.article_id, analysis.model_version);
    let axes = [("meeting type", &analysis.meeting_type), ("department", &analysis.relaying_department)];
    for (axis, classification) in axes {
        match classification {
            Some(answer) => {
                let Classification { display_name, label, probability, label_set, .. } = answer;
                let decision = answer.decision().as_str_name();
                println!("  {axis}: {display_name} ({label}, {probability:.2}, {decision})");
                println!("    label set: {}", label_set.join(", "));
            }
            None => println!("  {axis}: not answered by this model"),
        }
    }
    if let Some(summary) = &analysis.summary {
        println!("  {}", summary.text);
    }
    for warning in &analysis.warnings {
        println!("  note: {}", warning.message);
    }
}

/// What a program can branch on when a call fails.
fn explain(status: &Status) {
    println!("{:?}: {}", status.code(), status.message());
    let details = status.get_error_details();
    if let Some(info) = details.error_info() {
        println!("  reason {} {:?}", info.reason, info.metadata);
    }
    for violation in details.bad_request().map(|bad| &bad.field_violations).into_iter().flatten() {
        println!("  field {}: {}", violation.field, violation.description);
    }
}
