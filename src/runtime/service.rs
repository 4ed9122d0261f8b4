//! Long-lived programs that are exercised from outside, with the packages that they require.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::prepare::Context;
use super::{Launch, PrepareError, find, node, python};
use crate::case::{Language, PORT, Ready, Request, ServiceTarget, Stop, fill};

/// Where a service that is not told its port by an argument finds it.
const VARIABLE: &str = "MEMCASE_PORT";

/// How a long-lived program is exercised.
#[derive(Debug, Clone)]
pub struct Service {
    /// When that can begin.
    pub ready: Ready,
    /// What is asked in an iteration.
    pub request: Request,
    /// How it is told to end.
    pub stop: Stop,
    /// Whether each process has a port of its own.
    pub own_port: bool,
}

/// The packages of a service.
pub(super) struct Packages {
    /// Folders that are put in front of those that a variable holds, one after another.
    pub(super) folders: Vec<(&'static str, PathBuf)>,
    /// Name and version of what runs them.
    pub(super) runtime: String,
}

/// The program of a service, as far as it can be told without its packages.
pub(super) fn find(service: &ServiceTarget, folder: &Path) -> Result<(), PrepareError> {
    if let Some((language, tools)) = &service.packages {
        match language {
            Language::Node => node::find(tools.interpreter.as_deref(), folder)?,
            _ => python::find(tools.interpreter.as_deref(), folder)?,
        };
    }
    let name = program_name(service);
    let within = service.packages.is_some() && !name.contains('/');
    match find::program(name, folder) {
        // A package may bring the program.
        None if !within => Err(missing(name)),
        _ => Ok(()),
    }
}

pub(super) fn prepare(context: &Context, service: &ServiceTarget) -> Result<Launch, PrepareError> {
    let mut launch = context.launch();
    let mut own = Vec::new();
    if let Some((language, tools)) = &service.packages {
        let packages = match language {
            Language::Node => node::packages_of(context, tools)?,
            _ => python::packages_of(context, tools)?,
        };
        for (variable, folder) in packages.folders {
            put_in_front(&mut launch, variable, folder.clone());
            if variable == "PATH" {
                own.insert(0, folder);
            }
        }
        launch.runtime = packages.runtime;
    }
    if context.explained {
        python::follow(context, &mut launch)?;
    }
    let resolve = |name: &str| {
        let mut within = own.iter().map(|folder| folder.join(name));
        within
            .find(|path| !name.contains('/') && find::is_program(path))
            .or_else(|| find::program(name, &context.folder))
            .ok_or_else(|| missing(name))
    };
    let name = program_name(service);
    let program = resolve(name)?;
    if launch.runtime.is_empty() {
        name.clone_into(&mut launch.runtime);
    }
    launch.argv.push(program.into());
    let argv = &service.command.argv;
    if service.command.shell {
        launch.argv.push("-c".into());
        launch.argv.extend(argv.iter().map(Into::into));
    } else {
        launch.argv.extend(argv.iter().skip(1).map(Into::into));
    }
    let found = |argv: &[String]| -> Result<Vec<String>, PrepareError> {
        let mut argv = argv.to_vec();
        if let Some(name) = argv.first_mut() {
            // A path that is no text is looked up again by its name.
            if let Ok(path) = resolve(name)?.into_os_string().into_string() {
                *name = path;
            }
        }
        Ok(argv)
    };
    let request = match &service.request {
        Request::Command(argv) => Request::Command(found(argv)?),
        Request::Http(http) => Request::Http(http.clone()),
    };
    let stop = match &service.stop {
        Stop::Command(argv) => Stop::Command(found(argv)?),
        Stop::Signal(signal) => Stop::Signal(*signal),
    };
    let mut service = Service {
        ready: service.ready.clone(),
        request,
        stop,
        own_port: false,
    };
    let mut own_port = false;
    launch.each_text(&mut |text| own_port |= text.contains(PORT));
    service.each_text(&mut |text| own_port |= text.contains(PORT));
    service.own_port = own_port;
    launch.service = Some(service);
    Ok(launch)
}

fn program_name(service: &ServiceTarget) -> &str {
    let argv = &service.command.argv;
    match argv.first() {
        Some(name) if !service.command.shell => name,
        _ => "sh",
    }
}

fn missing(name: &str) -> PrepareError {
    PrepareError::Missing {
        language: "service",
        program: name.to_owned(),
        remedy: "give a path from the case file's folder, or put the program on PATH".to_owned(),
    }
}

/// Puts a folder in front of those that the variable holds already.
pub(super) fn put_in_front(launch: &mut Launch, variable: &'static str, folder: PathBuf) {
    let mut folders: OsString = folder.into();
    let given = launch.env.get(OsStr::new(variable)).cloned();
    let inherited = || std::env::var_os(variable).filter(|_| !launch.clean_env);
    let given = given.unwrap_or_else(inherited);
    if let Some(given) = given.filter(|given| !given.is_empty()) {
        folders.push(":");
        folders.push(given);
    }
    launch.env.insert(variable.into(), Some(folders));
}

impl Launch {
    /// Every argument and variable that is text and may hold a place to be filled.
    fn each_text(&mut self, each: &mut dyn FnMut(&mut String)) {
        let words = self.argv.iter_mut().skip(1);
        for word in words.chain(self.env.values_mut().flatten()) {
            if let Ok(mut text) = std::mem::take(word)
                .into_string()
                .map_err(|odd| *word = odd)
            {
                each(&mut text);
                *word = text.into();
            }
        }
        if let Some(service) = &mut self.service {
            service.each_text(each);
        }
    }

    /// The same with the port of a process where it is asked for.
    #[must_use]
    pub fn with_port(&self, port: u16) -> Self {
        let mut launch = self.clone();
        let port = port.to_string();
        launch.each_text(&mut |text| *text = fill(text, PORT, &port));
        launch.env.insert(VARIABLE.into(), Some(port.into()));
        launch
    }
}

impl Service {
    fn each_text(&mut self, each: &mut dyn FnMut(&mut String)) {
        match &mut self.ready {
            Ready::Port(text) | Ready::Url(text) => each(text),
            Ready::Output(_) => {}
        }
        match &mut self.request {
            Request::Command(argv) => argv.iter_mut().for_each(&mut *each),
            Request::Http(http) => {
                each(&mut http.url);
                http.headers.iter_mut().for_each(|(_, value)| each(value));
                http.body.iter_mut().for_each(&mut *each);
            }
        }
        if let Stop::Command(argv) = &mut self.stop {
            argv.iter_mut().for_each(each);
        }
    }
}
