//! The charts of a report, as SVG inside the page.

use super::writer::Html;
use crate::{
    learn::wilson,
    model::{Metrics, RiskPoint},
};

const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 320.0;
const LEFT: f64 = 48.0;
const BOTTOM: f64 = 44.0;
const MARGIN: f64 = 10.0;

/// A chart over shares from 0 to 1 to the right, and from 0 to `top` upwards.
struct Plot<'a> {
    html: &'a mut Html,
    top: f64,
}

impl<'a> Plot<'a> {
    /// Draws axes and their labels. `title` is read out to whoever does not see the chart.
    fn begin(html: &'a mut Html, top: f64, title: &'static str, [right, up]: [&'static str; 2]) -> Self {
        html.open("svg", &[("viewBox", &format_args!("0 0 {WIDTH} {HEIGHT}")), ("role", &"img")]);
        html.element("title", &[], title);
        let mut plot = Plot { html, top };
        for tick in 0..=5 {
            let share = f64::from(tick) / 5.0;
            plot.line("frame", (share, 0.0), (share, top));
            plot.line("frame", (0.0, share * top), (1.0, share * top));
            let (x, y) = plot.at(share, share * top);
            plot.label(x, HEIGHT - BOTTOM + 14.0, "middle", &format!("{share:.1}"));
            plot.label(LEFT - 5.0, y + 4.0, "end", &format!("{:.*}", if top < 0.5 { 2 } else { 1 }, share * top));
        }
        plot.label((LEFT + WIDTH) / 2.0, HEIGHT - 8.0, "middle", right);
        let turn = format!("translate(12 {}) rotate(-90)", (HEIGHT - BOTTOM + MARGIN) / 2.0);
        plot.html.element("text", &[("transform", &turn), ("text-anchor", &"middle")], up);
        plot
    }

    fn end(self) {
        self.html.close("svg");
    }

    /// Where a point of the plane is drawn.
    fn at(&self, x: f64, y: f64) -> (f64, f64) {
        let up = (y / self.top).clamp(0.0, 1.0);
        (LEFT + x.clamp(0.0, 1.0) * (WIDTH - LEFT - MARGIN), MARGIN + (1.0 - up) * (HEIGHT - BOTTOM - MARGIN))
    }

    fn label(&mut self, x: f64, y: f64, anchor: &'static str, text: &str) {
        self.html.element("text", &[("x", &round(x)), ("y", &round(y)), ("text-anchor", &anchor)], text);
    }

    fn line(&mut self, class: &'static str, from: (f64, f64), to: (f64, f64)) {
        let ((x1, y1), (x2, y2)) = (self.at(from.0, from.1), self.at(to.0, to.1));
        let ends = [("x1", x1), ("y1", y1), ("x2", x2), ("y2", y2)].map(|(name, value)| (name, round(value)));
        let [a, b, c, d] = &ends;
        self.html.open("line", &[("class", &class), (a.0, &a.1), (b.0, &b.1), (c.0, &c.1), (d.0, &d.1)]).close("line");
    }

    fn bar(&mut self, from: f64, to: f64, height: f64) {
        let ((x, y), (right, bottom)) = (self.at(from, height), self.at(to, 0.0));
        let (width, height) = (round(right - x), round(bottom - y));
        let (x, y) = (round(x), round(y));
        self.html.open("rect", &[("class", &"bar"), ("x", &x), ("y", &y), ("width", &width), ("height", &height)]);
        self.html.close("rect");
    }

    fn dot(&mut self, class: &'static str, x: f64, y: f64) {
        let (x, y) = self.at(x, y);
        self.html.open("circle", &[("class", &class), ("cx", &round(x)), ("cy", &round(y)), ("r", &3.5)]);
        self.html.close("circle");
    }

    fn curve(&mut self, class: &'static str, points: &[RiskPoint]) {
        // A curve of one point would not be seen.
        if let [point] = points {
            self.dot(class, point.coverage, point.error_rate);
        }
        let points: Vec<String> = points
            .iter()
            .map(|point| {
                let (x, y) = self.at(point.coverage, point.error_rate);
                format!("{},{}", round(x), round(y))
            })
            .collect();
        self.html.open("polyline", &[("class", &class), ("points", &points.join(" "))]).close("polyline");
    }
}

/// Tenths of a unit are finer than the eye.
fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// How often the chosen label is right, by its probability: a bar and a 95% interval for each bin, and a dot at the mean
/// probability. Of a second model, the dots.
pub(super) fn reliability(html: &mut Html, metrics: &Metrics, against: Option<&Metrics>) {
    let axes = ["probability of the chosen label", "share that is right"];
    let mut plot = Plot::begin(html, 1.0, "Reliability diagram", axes);
    plot.line("ideal", (0.0, 0.0), (1.0, 1.0));
    let bins = metrics.reliability.len() as f64;
    for (number, bin) in metrics.reliability.iter().enumerate().filter(|(_, bin)| bin.articles > 0) {
        let (from, to) = (number as f64 / bins, (number + 1) as f64 / bins);
        plot.bar(from, to, bin.accuracy);
        let [low, high] = wilson(bin.accuracy, bin.articles);
        plot.line("range", (bin.mean_probability, low), (bin.mean_probability, high));
        plot.dot("first", bin.mean_probability, bin.accuracy);
    }
    let others = against.into_iter().flat_map(|metrics| &metrics.reliability);
    for bin in others.filter(|bin| bin.articles > 0) {
        plot.dot("second", bin.mean_probability, bin.accuracy);
    }
    plot.end();
}

/// The error rate among the articles answered, by the share that is answered.
pub(super) fn risk_coverage(html: &mut Html, metrics: &Metrics, against: Option<&Metrics>) {
    let curves = [("first", Some(metrics)), ("second", against)];
    let points = curves.iter().filter_map(|(_, metrics)| *metrics).flat_map(|metrics| &metrics.risk_coverage);
    let highest = points.map(|point| point.error_rate).fold(0.0, f64::max);
    // The next twentieth above, so that small error rates fill the chart and the ticks stay round.
    let top = ((highest * 20.0).ceil() / 20.0).clamp(0.05, 1.0);
    let mut plot =
        Plot::begin(html, top, "Risk-coverage curve", ["share of articles answered", "error rate among them"]);
    for (class, metrics) in curves {
        if let Some(metrics) = metrics {
            plot.curve(class, &metrics.risk_coverage);
        }
    }
    plot.end();
}
