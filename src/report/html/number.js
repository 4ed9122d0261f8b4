// Numbers as memcase prints them (src/units.rs, src/report/text.rs): what is shown here and there shall be equal.
"use strict";
const number = (() => {
  // A tie goes to the even digit, as in Rust; `toFixed` takes the larger one.
  const fixed = (value, digits) => {
    const scaled = value * 10 ** digits;
    const isTie = Number.isInteger(value * 2 ** (digits + 1)) && Math.abs(scaled % 1) === 0.5;
    if (!isTie) return value.toFixed(digits);
    const below = Math.floor(scaled);
    return ((below % 2 === 0 ? below : below + 1) / 10 ** digits).toFixed(digits);
  };
  const threeDigits = (value) => {
    const magnitude = Math.abs(value);
    if (magnitude >= 99.95 || value === 0) return fixed(value, 0);
    if (magnitude >= 9.995) return fixed(value, 1);
    return fixed(value, magnitude >= 0.01 ? 2 : 4);
  };
  const units = [[2 ** 40, "TiB"], [2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"]];
  const scaleOf = (magnitude) => units.find(([size]) => magnitude >= size) ?? [1, "B"];
  const bytes = (value) => {
    const [size, unit] = scaleOf(value);
    return unit === "B" ? `${value} B` : `${threeDigits(value / size)} ${unit}`;
  };
  const count = (value) => String(value).replace(/\B(?=(\d{3})+$)/g, ",");
  const duration = (milliseconds) => {
    const seconds = milliseconds / 1000;
    if (seconds < 9.95) return `${fixed(seconds, 1)} s`;
    if (seconds < 119.5) return `${fixed(seconds, 0)} s`;
    const two = (whole, large, small) => `${Math.floor(whole / 60)} ${large} ${whole % 60} ${small}`;
    if (seconds < 7170) return two(Math.round(seconds), "min", "s");
    if (seconds < 48 * 3600) return two(Math.round(seconds / 60), "h", "min");
    return `${count(Math.round(seconds / 86400))} days`;
  };
  const place = (at, axis) =>
    axis === "seconds" ? duration(at) : `${axis === "lines" ? "line" : "iteration"} ${count(at)}`;
  const reading = (value, unit) => (unit === "bytes" ? bytes(value) : count(value));
  return { bytes, count, duration, place, reading, scaleOf };
})();
