//! Decides how Python starts, disturbs and watches a test group; members are named by text, such as `server-0`.

use pyo3::prelude::*;
use sentinelle::facade::{self, Address, Event, Member, parse_member};

use crate::{
    event,
    failure::raise,
    reply::{self, Shape},
    sentinel::{Pairs, checked},
    waiting::wait,
};

/// A running test group.
#[pyclass(frozen, module = "sentinelle._sentinelle")]
pub(crate) struct HaGroup(facade::HaGroup);

#[pymethods]
impl HaGroup {
    /// Starts a group.
    #[staticmethod]
    fn start(py: Python<'_>, options: Pairs) -> PyResult<Self> {
        wait(py, facade::HaGroup::start(&checked(py, &options)?)).map(Self)
    }

    /// The name under which clients ask for the master.
    fn name(&self) -> &str {
        self.0.name()
    }

    /// Where clients find the master.
    fn url(&self) -> String {
        self.0.url()
    }

    /// The addresses of the sentinels.
    fn sentinel_addresses(&self) -> Vec<(String, u16)> {
        self.0.sentinel_addresses().into_iter().map(pair).collect()
    }

    /// All data servers.
    fn servers(&self) -> Vec<String> {
        names(&self.0.servers())
    }

    /// All sentinels.
    fn sentinels(&self) -> Vec<String> {
        names(&self.0.sentinels())
    }

    /// The address a member announces.
    fn address(&self, py: Python<'_>, member: &str) -> PyResult<(String, u16)> {
        self.0.address(find(py, member)?).map(pair).map_err(|failure| raise(py, &failure))
    }

    /// The server that most of the running sentinels call the master.
    fn master(&self, py: Python<'_>) -> PyResult<String> {
        Ok(wait(py, self.0.master())?.to_string())
    }

    /// All servers but the master.
    fn replicas(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        Ok(names(&wait(py, self.0.replicas())?))
    }

    /// Runs a command on a member.
    fn command<'py>(&self, py: Python<'py>, member: &str, words: Vec<Vec<u8>>) -> PyResult<Bound<'py, PyAny>> {
        let answer = wait(py, self.0.command(find(py, member)?, words))?;
        reply::to_python(py, &answer, Shape::RAW)
    }

    /// Inflicts a fault by its name.
    fn fault(&self, py: Python<'_>, name: &str, arguments: Pairs) -> PyResult<()> {
        let arguments: Vec<_> = arguments.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        wait(py, self.0.fault(name, &arguments))
    }

    /// Waits until all running sentinels name the same master.
    fn wait_agreement(&self, py: Python<'_>) -> PyResult<String> {
        Ok(wait(py, self.0.wait_agreement())?.to_string())
    }

    /// Waits until most sentinels name another master.
    fn wait_master_other_than(&self, py: Python<'_>, old: &str) -> PyResult<String> {
        Ok(wait(py, self.0.wait_master_other_than(find(py, old)?))?.to_string())
    }

    /// Waits for a condition by its name.
    fn wait(&self, py: Python<'_>, condition: &str) -> PyResult<()> {
        wait(py, self.0.wait(condition))
    }

    /// Waits until a server reports that role.
    fn wait_role(&self, py: Python<'_>, member: &str, role: &str) -> PyResult<()> {
        wait(py, self.0.wait_role(find(py, member)?, role))
    }

    /// Waits for an event of any sentinel.
    fn wait_event<'py>(&self, py: Python<'py>, channel: &str) -> PyResult<Bound<'py, PyAny>> {
        let found = wait(py, self.0.wait_event(channel))?;
        event::to_python(py, found)
    }

    /// What all sentinels told since the start.
    fn events<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        self.0.events().into_iter().map(|found: Event| event::to_python(py, found)).collect()
    }

    /// All that a member has logged.
    fn logs(&self, py: Python<'_>, member: &str) -> PyResult<String> {
        wait(py, self.0.logs(find(py, member)?))
    }

    /// The group at this moment, as JSON.
    fn view(&self, py: Python<'_>) -> PyResult<String> {
        Ok(wait(py, self.0.view())?.json())
    }

    /// Makes the group fit for the next test.
    fn reset(&self, py: Python<'_>) -> PyResult<()> {
        wait(py, self.0.reset())
    }
}

fn find(py: Python<'_>, member: &str) -> PyResult<Member> {
    parse_member(member).map_err(|failure| raise(py, &failure.into()))
}

fn names(members: &[Member]) -> Vec<String> {
    members.iter().map(ToString::to_string).collect()
}

fn pair(address: Address) -> (String, u16) {
    (address.host, address.port)
}
