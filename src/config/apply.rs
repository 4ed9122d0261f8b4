//! Settings of a case: which have a meaning for it, what it says itself, and putting another value in place.

use super::key::Key;
use super::value::Value;
use crate::case::Case;
use crate::trace::Driver;

/// Whether the setting has a meaning for the case, as it is driven.
pub fn applies(key: Key, value: &Value, case: &Case) -> bool {
    let driver = case.measure.driver;
    match key {
        Key::Iterations => driver != Driver::Clock,
        Key::Spike | Key::Fds | Key::Threads | Key::Children => driver != Driver::Ramp,
        // A growth by iteration says nothing of one by second.
        Key::Slope => {
            matches!(value, Value::Rate(rate) if rate.per == case.measure.axis().per())
        }
        // One process at each count of a ramp can not be told from chance.
        Key::Processes => driver != Driver::Ramp || *value != Value::Count(1),
        _ => true,
    }
}

/// What the case file says.
pub fn of_case(key: Key, case: &Case) -> Option<Value> {
    let (limits, measure) = (&case.limits, &case.measure);
    match key {
        Key::Processes => measure.processes.map(|count| Value::Count(count.into())),
        Key::Iterations => measure.iterations.map(Value::Count),
        Key::Time => measure.time.map(Value::Span),
        Key::Slope => limits.slope.map(Value::Rate),
        Key::Peak => limits.peak.map(Value::Bytes),
        Key::Spike => limits.spike.map(Value::Bytes),
        Key::Memory => limits.memory.map(Value::Bytes),
        Key::Garbage => limits.garbage.map(Value::Bytes),
        Key::Fds => limits.fds.map(Value::Count),
        Key::Threads => limits.threads.map(Value::Count),
        Key::Children => limits.children.map(Value::Count),
        Key::Timeout => limits.timeout.map(Value::Span),
        _ => None,
    }
}

/// Puts a value in place of what the case says. What is not part of a case is left out.
pub fn set(key: Key, value: &Value, case: &mut Case) {
    let (limits, measure) = (&mut case.limits, &mut case.measure);
    match (key, value) {
        (Key::Processes, Value::Count(count)) => measure.processes = u32::try_from(*count).ok(),
        (Key::Iterations, Value::Count(count)) => measure.iterations = Some(*count),
        (Key::Time, Value::Span(span)) => measure.time = Some(*span),
        (Key::Slope, Value::Rate(rate)) => limits.slope = Some(*rate),
        (Key::Peak, Value::Bytes(bytes)) => limits.peak = Some(*bytes),
        (Key::Spike, Value::Bytes(bytes)) => limits.spike = Some(*bytes),
        (Key::Memory, Value::Bytes(bytes)) => limits.memory = Some(*bytes),
        (Key::Garbage, Value::Bytes(bytes)) => limits.garbage = Some(*bytes),
        (Key::Fds, Value::Count(count)) => limits.fds = Some(*count),
        (Key::Threads, Value::Count(count)) => limits.threads = Some(*count),
        (Key::Children, Value::Count(count)) => limits.children = Some(*count),
        (Key::Timeout, Value::Span(span)) => limits.timeout = Some(*span),
        _ => {}
    }
}
