//! Minimising a smooth convex function of many variables, some of which may not be below 0.

/// Pairs of differences that stand for the curvature.
const MEMORY: usize = 8;

/// A value and the gradient there.
pub(super) type Evaluation = (f64, Vec<f64>);

/// Limited-memory BFGS (Liu and Nocedal 1989; the two-loop recursion), projected: a variable that is 0, may not be
/// below, and would go there, is held for the step (Schmidt, Kim and Sra 2011). Steps are halved until the value falls
/// enough (Armijo). Ends when `go_on`, asked before each step with the number of steps done, says no, or when a step gains
/// less than `tolerance` of the value.
pub(super) fn minimize(
    start: Vec<f64>,
    is_signed: impl Fn(usize) -> bool,
    go_on: impl FnMut(&usize) -> bool,
    tolerance: f64,
    mut evaluate: impl FnMut(&[f64]) -> Evaluation,
) -> (Vec<f64>, f64) {
    let mut x = start;
    let (mut value, mut gradient) = evaluate(&x);
    let mut pairs: Vec<Pair> = Vec::new();
    for _ in (0_usize..).take_while(go_on) {
        let held = |i: usize, x: &[f64], gradient: &[f64]| !is_signed(i) && x[i] <= 0.0 && gradient[i] > 0.0;
        let free = |(i, &g): (usize, &f64)| if held(i, &x, &gradient) { 0.0 } else { g };
        let mut step = direction(&pairs, gradient.iter().enumerate().map(free).collect());
        for (i, value) in step.iter_mut().enumerate() {
            if held(i, &x, &gradient) {
                *value = 0.0;
            }
        }
        let mut slope = dot(&step, &gradient);
        if slope >= 0.0 {
            // The memory has nothing to say of where the variables now are.
            pairs.clear();
            step = gradient.iter().enumerate().map(free).map(|g| -g).collect();
            slope = dot(&step, &gradient);
        }
        // Without memory the scale of a step is unknown: the first moves no variable by more than 1.
        let largest = step.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
        let mut length = if pairs.is_empty() && largest > 0.0 { (1.0 / largest).min(1.0) } else { 1.0 };
        let next = loop {
            let moved = |(i, (x, step)): (usize, (&f64, &f64))| {
                let moved = x + length * step;
                if is_signed(i) { moved } else { moved.max(0.0) }
            };
            let candidate: Vec<f64> = x.iter().zip(&step).enumerate().map(moved).collect();
            let (reached, new_gradient) = evaluate(&candidate);
            if reached <= value + 1e-4 * length * slope {
                break Some((candidate, reached, new_gradient));
            }
            length /= 2.0;
            if length < 1e-6 {
                break None;
            }
        };
        let Some((candidate, reached, new_gradient)) = next else { break };
        drop(step);
        // What was before becomes the difference to it: there may be a million variables.
        let gained = value - reached;
        let difference = |mut old: Vec<f64>, new: &[f64]| {
            old.iter_mut().zip(new).for_each(|(old, new)| *old = new - *old);
            old
        };
        let (moved, turned) = (difference(x, &candidate), difference(gradient, &new_gradient));
        (x, value, gradient) = (candidate, reached, new_gradient);
        let curvature = dot(&moved, &turned);
        if curvature > 1e-12 * dot(&turned, &turned) {
            if pairs.len() == MEMORY {
                pairs.remove(0);
            }
            pairs.push(Pair { moved, turned, curvature });
        }
        if gained <= tolerance * value.abs() {
            break;
        }
    }
    (x, value)
}

/// How the variables moved in a step and the gradient turned.
struct Pair {
    moved: Vec<f64>,
    turned: Vec<f64>,
    curvature: f64,
}

/// Eight sums, so that none waits for the one before.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let ((a, last_a), (b, last_b)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let mut sums = [0.0; 8];
    for (a, b) in a.iter().zip(b) {
        sums.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += a * b);
    }
    let last: f64 = last_a.iter().zip(last_b).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f64>() + last
}

/// The direction of descent: minus the approximate inverse curvature times the gradient.
fn direction(pairs: &[Pair], gradient: Vec<f64>) -> Vec<f64> {
    let mut q = gradient;
    let mut shares = Vec::with_capacity(pairs.len());
    for pair in pairs.iter().rev() {
        let share = dot(&pair.moved, &q) / pair.curvature;
        q.iter_mut().zip(&pair.turned).for_each(|(q, turned)| *q -= share * turned);
        shares.push(share);
    }
    if let Some(last) = pairs.last() {
        let scale = last.curvature / dot(&last.turned, &last.turned);
        q.iter_mut().for_each(|q| *q *= scale);
    }
    for (pair, share) in pairs.iter().zip(shares.iter().rev()) {
        let back = share - dot(&pair.turned, &q) / pair.curvature;
        q.iter_mut().zip(&pair.moved).for_each(|(q, moved)| *q += back * moved);
    }
    q.iter_mut().for_each(|q| *q = -*q);
    q
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A quadratic with its minimum at `target`, curvatures from 1 to 100 and neighbours that depend on each other.
    fn quadratic(target: &[f64], x: &[f64]) -> Evaluation {
        let d: Vec<f64> = x.iter().zip(target).map(|(x, t)| x - t).collect();
        let curvature = |i: usize| 1.0 + 99.0 * i as f64 / target.len() as f64;
        let mut gradient: Vec<f64> = d.iter().enumerate().map(|(i, d)| curvature(i) * d).collect();
        let mut value: f64 = d.iter().enumerate().map(|(i, d)| curvature(i) * d * d / 2.0).sum();
        for i in 1..d.len() {
            value += 0.3 * d[i] * d[i - 1];
            gradient[i] += 0.3 * d[i - 1];
            gradient[i - 1] += 0.3 * d[i];
        }
        (value, gradient)
    }

    #[test]
    fn finds_the_minimum() {
        let target: Vec<f64> = (0..50).map(|i| f64::from(i % 7) - 3.0).collect();
        let (x, value) = minimize(vec![0.0; 50], |_| true, |&step| step < 200, 0.0, |x| quadratic(&target, x));
        assert!(value < 1e-9, "{value}");
        x.iter().zip(&target).for_each(|(x, t)| assert!((x - t).abs() < 1e-4));
    }

    /// At the minimum under bounds no free variable has a slope and no held one wants to rise.
    #[test]
    fn keeps_to_its_bounds() {
        let target: Vec<f64> = (0..50).map(|i| f64::from(i % 7) - 3.0).collect();
        let (x, _) = minimize(vec![1.0; 50], |i| i == 0, |&step| step < 500, 0.0, |x| quadratic(&target, x));
        let (_, gradient) = quadratic(&target, &x);
        for i in 0..50 {
            assert!(i == 0 || x[i] >= 0.0);
            if i > 0 && x[i] == 0.0 {
                assert!(gradient[i] >= -1e-3, "{i}");
            } else {
                assert!(gradient[i].abs() < 1e-3, "{i}: {}", gradient[i]);
            }
        }
        assert!(x[0] < 0.0);
    }
}
