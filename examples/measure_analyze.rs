//! How long `Analyze` takes on a running server, second after second, while something else goes on there: a training for one.
//!
//! `cargo run --release --example measure_analyze -- http://127.0.0.1:50051 200 60`: 200 calls a second for 60 seconds, each
//! sent when its time has come, whether those before are answered or not, and timed from then on. Articles are those of the
//! corpus of the embedded model, one after the other.
#![allow(clippy::print_stdout)]

use std::{env, fs, path::Path, time::Duration};

use anyhow::Context as _;
use chuanda::proto::v1::{AnalyzeRequest, Article, analysis_service_client::AnalysisServiceClient};
use tokio::{task::JoinSet, time::Instant};

/// Milliseconds under which so many in a thousand of sorted times stay.
fn quantile(times: &[Duration], per_mille: usize) -> f64 {
    let at = (times.len() * per_mille / 1000).min(times.len().saturating_sub(1));
    times.get(at).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
}

fn describe(times: &mut [Duration]) -> String {
    times.sort_unstable();
    let [half, most, nearly] = [500, 990, 999].map(|per_mille| quantile(times, per_mille));
    format!("{} calls, p50 {half:.2} ms, p99 {most:.2} ms, p99.9 {nearly:.2} ms", times.len())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [url, rate, seconds] = arguments.as_slice() else { anyhow::bail!("URL, calls a second, seconds") };
    let (rate, seconds): (u32, u32) = (rate.parse()?, seconds.parse()?);
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/default/corpus/court.jsonl");
    let mut texts = Vec::new();
    for line in fs::read_to_string(corpus)?.lines() {
        let record: serde_json::Value = serde_json::from_str(line)?;
        texts.push(record["text"].as_str().context("text")?.to_owned());
    }
    let client = AnalysisServiceClient::connect(url.clone()).await?;
    let (begin, mut all) = (Instant::now(), Vec::new());
    let mut calls = JoinSet::new();
    for second in 0..seconds {
        for number in 0..rate {
            let due = begin + Duration::from_secs(second.into()) + Duration::from_secs(1) * number / rate;
            tokio::time::sleep_until(due).await;
            let (mut client, text) = (client.clone(), texts[(second * rate + number) as usize % texts.len()].clone());
            calls.spawn(async move {
                let article = Some(Article { text, ..Article::default() });
                client.analyze(AnalyzeRequest { article, ..AnalyzeRequest::default() }).await?;
                Ok::<_, tonic::Status>(due.elapsed())
            });
        }
        let mut times = Vec::new();
        while let Some(time) = calls.try_join_next() {
            times.push(time??);
        }
        all.extend_from_slice(&times);
        println!("{second} s: {}", describe(&mut times));
    }
    while let Some(time) = calls.join_next().await {
        all.push(time??);
    }
    println!("all: {}", describe(&mut all));
    Ok(())
}
