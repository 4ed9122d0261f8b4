//! What the keys of `target.service` mean together, and which others have no meaning beside it.

use regex::bytes::Regex;

use super::error::printable;
use super::lower::Lower;
use super::model::{Language, Program, Tools};
use super::report::key_mark;
use super::service::{HttpRequest, PORT, Ready, Request, ServiceTarget, Stop};
use super::written::{
    WrittenMeasure, WrittenReady, WrittenRequest, WrittenService, WrittenStop, WrittenTarget,
};
use crate::trace::Driver;

const READY: &str = "target.service.ready";
const REQUEST: &str = "target.service.request";
const STOP: &str = "target.service.stop.command";

impl Lower<'_, '_> {
    /// Refuses what has no meaning where a service is measured.
    pub(super) fn refuse_drivers(&mut self, written: &WrittenMeasure, driver: Driver) {
        if driver != Driver::Step {
            let key = if written.progress.is_some() {
                "progress"
            } else {
                "driver"
            };
            self.wrong_key(
                &format!("measure.{key}"),
                "has no meaning for a service",
                "remove the key: a service is measured request by request",
            );
        }
        for (key, present, help) in [
            (
                "collect",
                written.collect.is_some(),
                "memcase does nothing inside of the program; remove the key",
            ),
            (
                "trim",
                written.trim.is_some(),
                "memcase does nothing inside of the program; remove the key",
            ),
            (
                "batch",
                written.batch.is_some(),
                "for several requests in an iteration write `repeat` below `target.service.request`",
            ),
        ] {
            if present {
                self.wrong_key(
                    &format!("measure.{key}"),
                    "has no meaning for a service",
                    help,
                );
            }
        }
    }

    pub(super) fn service(&mut self, mut written: WrittenTarget) -> Option<Program> {
        self.refuse_beside(
            "service",
            &[
                ("command", written.command.is_some()),
                ("shell", written.shell.is_some()),
                ("prelude", written.prelude.is_some()),
                ("setup", written.setup.is_some()),
                ("run", written.run.is_some()),
                ("teardown", written.teardown.is_some()),
                ("file", written.file.is_some()),
                ("flags", written.flags.is_some()),
            ],
            "a service is a whole program; its command, and what is asked of it, stand below `service`",
        );
        let packages = self.packages(&written);
        let WrittenService {
            command,
            shell,
            ready,
            request,
            stop,
        } = written.service.take()?;
        if command.is_none() {
            self.missing_below(
                "command",
                "add `command:` with the program and its arguments",
            );
        }
        if request.is_none() {
            self.missing_below(
                "request",
                "add `request:` with a `url`, or with a `command` that is run in each iteration",
            );
        }
        let command = self.argv("target.service", command, shell);
        let request = request.and_then(|request| self.request(request));
        let takes_port = command
            .as_ref()
            .is_some_and(|command| command.argv.iter().any(|word| word.contains(PORT)));
        let ready = match ready {
            Some(ready) => self.ready(ready),
            None => self.implied(request.as_ref(), takes_port),
        };
        let stop = self.stop(stop);
        Some(Program::Service(Box::new(ServiceTarget {
            command: command?,
            packages,
            ready: ready?,
            request: request?,
            stop: stop?,
        })))
    }

    fn missing_below(&mut self, key: &str, help: &str) {
        let mark = key_mark(self.root, "target.service");
        self.missing(&format!("target.service.{key}"), mark, "is missing", help);
    }

    /// The packages that the program requires, with the language whose they are.
    fn packages(&mut self, written: &WrittenTarget) -> Option<(Language, Tools)> {
        let Some(language) = written.language else {
            for (key, present) in [
                ("requires", written.requires.is_some()),
                ("interpreter", written.interpreter.is_some()),
            ] {
                if present {
                    self.wrong_key(
                        &format!("target.{key}"),
                        "needs the language of the packages",
                        "add `language: python` or `language: node`",
                    );
                }
            }
            return None;
        };
        if written.requires.is_none() {
            self.wrong_key(
                "target.language",
                "names the language of `requires`, and there is none",
                "remove the key: the service's `command` names its interpreter",
            );
            return None;
        }
        if !matches!(language, Language::Python | Language::Node) {
            self.wrong_key(
                "target.requires",
                format!(
                    "memcase makes no environment for a service in {}",
                    language.name()
                ),
                "build the program before, and name it with `command`",
            );
            return None;
        }
        Some((language, self.tools(language, written)))
    }

    fn ready(&mut self, written: WrittenReady) -> Option<Ready> {
        let WrittenReady { port, url, output } = written;
        match (port, url, output) {
            (Some(port), None, None) => {
                let number = port.parse::<u16>().is_ok_and(|port| port > 0);
                if port != PORT && !number {
                    self.wrong(
                        &format!("{READY}.port"),
                        format!("`{}` is not a port", printable(&port, 40)),
                        "write a number from 1 to 65535, or `\"{port}\"`",
                    );
                }
                Some(Ready::Port(port))
            }
            (None, Some(url), None) => {
                self.url(&format!("{READY}.url"), &url);
                Some(Ready::Url(url))
            }
            (None, None, Some(output)) => {
                if let Err(error) = Regex::new(&output) {
                    let said = error.to_string();
                    let reason = said.lines().last().unwrap_or_default();
                    let reason = reason.trim_start_matches("error: ").to_owned();
                    self.wrong(
                        &format!("{READY}.output"),
                        format!("is not a regular expression: {reason}"),
                        "write for example `^listening on `, in the syntax of the crate `regex`",
                    );
                }
                Some(Ready::Output(output))
            }
            _ => {
                self.wrong_key(
                    READY,
                    "needs one of `port`, `url` and `output`",
                    "write for example `ready: {port: 8000}`",
                );
                None
            }
        }
    }

    /// When a service is ready that does not say so.
    fn implied(&mut self, request: Option<&Request>, takes_port: bool) -> Option<Ready> {
        match request? {
            Request::Http(http) => Some(Ready::Port(port_of(&http.url).to_owned())),
            Request::Command(_) if takes_port => Some(Ready::Port(PORT.to_owned())),
            Request::Command(_) => {
                self.missing_below(
                    "ready",
                    "add `ready:` with a `port`, a `url` or a line of `output`",
                );
                None
            }
        }
    }

    fn request(&mut self, written: WrittenRequest) -> Option<Request> {
        let at = |key: &str| format!("{REQUEST}.{key}");
        if let Some(argv) = written.command {
            for (key, present) in [
                ("url", written.url.is_some()),
                ("method", written.method.is_some()),
                ("headers", written.headers.is_some()),
                ("body", written.body.is_some()),
                ("status", written.status.is_some()),
                ("repeat", written.repeat.is_some()),
                ("parallel", written.parallel.is_some()),
            ] {
                if present {
                    self.wrong_key(
                        &at(key),
                        "cannot stand beside `command`",
                        "keep either the command or the HTTP request",
                    );
                }
            }
            self.program_of(&at("command"), &argv);
            return Some(Request::Command(argv));
        }
        let Some(url) = written.url else {
            self.wrong_key(
                REQUEST,
                "needs a `url` or a `command`",
                "write for example `request: {url: \"http://127.0.0.1:{port}/\"}`",
            );
            return None;
        };
        self.url(&at("url"), &url);
        let implied = if written.body.is_some() {
            "POST"
        } else {
            "GET"
        };
        let method = written.method.unwrap_or_else(|| implied.to_owned());
        if !is_token(&method) {
            self.wrong(
                &at("method"),
                format!("`{}` is not a method of HTTP", printable(&method, 40)),
                "write for example `method: PUT`",
            );
        }
        let headers = written.headers.unwrap_or_default();
        for (name, value) in &headers {
            if !is_token(name) || value.contains(|c: char| c.is_control()) {
                self.wrong_key(
                    &at("headers"),
                    format!("`{}` is not a header field of HTTP", printable(name, 60)),
                    "write for example `Content-Type: application/json`, on one line",
                );
            }
        }
        let repeat = written.repeat.unwrap_or(1);
        let parallel = written.parallel.unwrap_or(1);
        if parallel > repeat {
            self.wrong(
                &at("parallel"),
                format!("is {parallel}, and an iteration has {repeat} of them"),
                &format!("write `repeat: {parallel}` beside it, or more"),
            );
        }
        Some(Request::Http(HttpRequest {
            url,
            method,
            headers: headers.into_iter().collect(),
            body: written.body,
            status: written.status,
            repeat,
            parallel,
        }))
    }

    fn stop(&mut self, written: Option<WrittenStop>) -> Option<Stop> {
        match written {
            None => Some(Stop::Signal(super::service::StopSignal::default())),
            Some(WrittenStop::Signal(signal)) => Some(Stop::Signal(signal)),
            Some(WrittenStop::Table(table)) => {
                if table.command.is_none() && !self.report.doubts(STOP) {
                    self.wrong_key(
                        "target.service.stop",
                        "names neither a signal nor a command",
                        "write `stop: SIGTERM`, or `stop: {command: [PROGRAM]}`",
                    );
                }
                let argv = table.command?;
                self.program_of(STOP, &argv);
                Some(Stop::Command(argv))
            }
        }
    }

    fn program_of(&mut self, path: &str, argv: &[String]) {
        if argv.first().is_none_or(|program| program.trim().is_empty()) {
            self.wrong(path, "names no program", "put the program first");
        }
    }

    /// Refuses what is not the address of a plain HTTP server.
    fn url(&mut self, path: &str, url: &str) {
        const HELP: &str = "write for example `\"http://127.0.0.1:{port}/\"`";
        let shown = printable(url, 80);
        let good = |c: char| c.is_ascii_graphic();
        let host = url
            .strip_prefix("http://")
            .map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
        match host {
            None if url.starts_with("https://") => self.wrong(
                path,
                format!("`{shown}` is encrypted, and memcase speaks plain HTTP"),
                "let the server listen without TLS, or make the request with `command: [curl, ...]`",
            ),
            Some(host) if !host.is_empty() && url.chars().all(good) => {
                let port = port_of(url);
                if port != PORT && !port.parse::<u16>().is_ok_and(|port| port > 0) {
                    self.wrong(
                        path,
                        format!("`{}` is not a port", printable(port, 40)),
                        HELP,
                    );
                }
            }
            _ => self.wrong(path, format!("`{shown}` is not an HTTP address"), HELP),
        }
    }
}

/// The port of an address as it is written; 80 where none is.
fn port_of(url: &str) -> &str {
    let rest = url.strip_prefix("http://").unwrap_or(url);
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // The colons of an IPv6 address stand in brackets.
    let behind = &host[host.rfind(']').map_or(0, |end| end + 1)..];
    behind.rsplit_once(':').map_or("80", |(_, port)| port)
}

/// A token as RFC 9110 has it.
fn is_token(text: &str) -> bool {
    let mark = |c: char| "!#$%&'*+-.^_`|~".contains(c);
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || mark(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_of_an_address_is_found() {
        for (url, port) in [
            ("http://127.0.0.1:{port}/a:1?b:2", PORT),
            ("http://localhost:8000", "8000"),
            ("http://localhost/a:8", "80"),
            ("http://[::1]:9?x", "9"),
            ("http://[::1]/", "80"),
        ] {
            assert_eq!(port_of(url), port, "{url}");
        }
    }
}
