//! The gateway as its clients see it: started in this process, with scripted providers below and a byte-exact client
//! above. One binary, because linking it is what costs.

#[cfg(test)]
mod support;

#[cfg(test)]
mod chat_clients;
#[cfg(test)]
mod compression;
#[cfg(test)]
mod counting;
#[cfg(test)]
mod ends;
#[cfg(test)]
mod failover;
#[cfg(test)]
mod fidelity;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod planning;
#[cfg(test)]
mod verdicts;
#[cfg(test)]
mod workers;

#[cfg(test)]
mod admin;
#[cfg(test)]
mod affinity;
#[cfg(test)]
mod cancel;
#[cfg(test)]
mod database;
#[cfg(test)]
mod dialects;
#[cfg(test)]
mod happened;
mod hold;
#[cfg(test)]
mod in_band;
#[cfg(test)]
mod ingress;
#[cfg(test)]
mod keep;
#[cfg(test)]
mod leading;
#[cfg(test)]
mod log;
#[cfg(test)]
mod mixed;
#[cfg(test)]
mod openai;
#[cfg(test)]
mod pin;
#[cfg(test)]
mod probes;
#[cfg(test)]
mod reload;
#[cfg(test)]
mod responses_clients;
#[cfg(test)]
mod session;
#[cfg(test)]
mod timeouts;
#[cfg(test)]
mod transport;
